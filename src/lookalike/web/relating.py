"""Say how two pictures of a cluster lie on each other, and why they match."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.difference.difference import difference_of
from lookalike.model.files import Failure
from lookalike.model.match import Match
from lookalike.model.report import Cluster, Report
from lookalike.report.as_pair import difference_in_words
from lookalike.report.as_text import edit_towards
from lookalike.web.desk import confidence_of, shown
from lookalike.web.pictures import outline, transform_of

__all__ = ["Relation", "in_words", "key_of", "relate", "why"]


@dataclass(frozen=True, slots=True)
class Relation:
    """Two images of one cluster, the one that shows more as the base.

    Attributes:
        base: image id.
        other: image id.
        onto: ``(3, 3)``, pixels of ``other`` to pixels of ``base``.
        matches: the match between them, or the two that tie them through a third picture.
    """

    base: str
    other: str
    onto: NDArray[np.float64]
    matches: tuple[Match, ...]


def relate(report: Report, cluster: Cluster, a: str, b: str) -> Relation | None:
    """Lay two images of a cluster on each other; None where no two matches tie them."""
    ties: dict[str, dict[str, Match]] = defaultdict(dict)
    for match in cluster.matches:
        ties[match.query][match.ref] = match
        ties[match.ref][match.query] = match
    used: tuple[Match, ...]
    if b in ties[a]:
        onto, used = _from_to(report, ties[a][b], a), (ties[a][b],)
    else:
        common = sorted(ties[a].keys() & ties[b].keys(), key=lambda m: (m != cluster.center, m))
        if not common:
            return None
        first, second = ties[a][common[0]], ties[b][common[0]]
        onto = _from_to(report, second, common[0]) @ _from_to(report, first, a)
        used = (first, second)
    # the picture whose frame holds more of the other is the base
    if _share_inside(report, a, b, onto) >= _share_inside(report, b, a, _back(onto)):
        return Relation(b, a, onto, used)
    return Relation(a, b, _back(onto), used)


def key_of(report: Report, relation: Relation) -> str:
    """Digest of both contents and of the transform between them."""
    digest = hashlib.sha256(relation.onto.tobytes())
    for image in (relation.base, relation.other):
        digest.update(report.images[image].sha256.encode())
    return digest.hexdigest()


def why(report: Report, relation: Relation) -> dict[str, Any]:
    """Explain a match: one sentence, then each measure with its meaning."""
    sentences, numbers = [], []
    for match in relation.matches:
        towards = edit_towards(report, match, match.ref, match.query)
        name = shown(match.ref)
        if len(relation.matches) == 1:
            source = relation.other if relation.base == match.ref else relation.base
            sentences.append(f"{match.tier}: from {shown(source)} to {name}: {shown(towards)}")
        else:
            sentences.append(f"{match.tier}: {shown(match.query)} → {name}: {shown(towards)}")
        numbers.append(_numbers(match))
    base, other = report.images[relation.base], report.images[relation.other]
    return {
        "sentences": sentences,
        "numbers": numbers,
        "outline": outline(relation.onto, other, base),
        "width": base.width,
        "height": base.height,
    }


def in_words(report: Report, match: Match) -> list[str]:
    """Say what was added to which picture, and which is likely the parent; reads both files."""
    query, ref = report.images[match.query], report.images[match.ref]
    found = difference_of(match, (query, ref))
    if isinstance(found, Failure):
        return [shown(f"{found.path}: {found.message}")]
    # short names: the page shows where they lie
    sides = replace(query, path=query.id), replace(ref, path=ref.id)
    return [shown(line) for line in difference_in_words(match, found, sides)]


def _back(onto: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.linalg.inv(onto), np.float64)


def _from_to(report: Report, match: Match, source: str) -> NDArray[np.float64]:
    onto = transform_of(match, report.images[match.query], report.images[match.ref])
    return onto if match.query == source else _back(onto)


def _share_inside(report: Report, a: str, b: str, onto: NDArray[np.float64]) -> float:
    """Share of the points of ``a`` that lie in the frame of ``b``, 0..1."""
    one, two = report.images[a], report.images[b]
    steps = (np.arange(12) + 0.5) / 12
    x, y = np.meshgrid(steps * one.width, steps * one.height)
    points = np.stack([x.ravel(), y.ravel(), np.ones(x.size)]).astype(np.float64)
    placed = onto @ points
    u, v = placed[0] / placed[2], placed[1] / placed[2]
    return float(np.mean((u >= 0) & (u <= two.width) & (v >= 0) & (v <= two.height)))


def _numbers(match: Match) -> Sequence[tuple[str, str, str]]:
    """List the measures of a match: name, value, meaning."""
    sure = confidence_of(match)
    told = "nothing tells" if sure is None else f"{sure:.4g}"
    rows = [
        ("confidence", told, "probability that both show one picture"),
        ("distance", f"{match.distance:g} ({match.metric})", "lower is closer"),
    ]
    seen = match.verification
    if seen is None:
        return rows
    return [
        *rows,
        ("agreement", f"{seen.agreement:.0%}", "textured blocks that correlate once aligned"),
        ("likeness", f"{seen.likeness:.2f}", "mean correlation of those blocks"),
        ("overlap", f"{seen.overlap_query:.0%} and {seen.overlap_ref:.0%}", "of each picture"),
        ("covered", f"{seen.covered:.0%}", "of the texture of one that the other shows"),
        ("keypoints", f"{seen.inliers}", f"in one pose; {seen.support:.0%} of those there"),
        ("scale", f"{seen.scale:.3g}", "pixels of the first per pixel of the second"),
        ("angle", f"{seen.angle:.1f}°", "counter-clockwise" + (", mirrored" * seen.mirrored)),
        ("light", f"×{seen.gain:.2f} {seen.offset:+.0f}", "contrast and grey levels"),
    ]
