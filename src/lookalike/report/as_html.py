"""Write the report as one self-contained page: pictures, reasons, and edits drawn on them."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.config import DecodeConfig
from lookalike.difference.difference import difference_of
from lookalike.images.decode import decode
from lookalike.model.files import Failure
from lookalike.model.match import Containment, Match
from lookalike.model.report import Cluster, Decision, Report
from lookalike.report.as_pair import added_in_words, mask_png
from lookalike.report.as_text import (
    damaged_images,
    edit_towards,
    expectation,
    headline,
    reclaimable_bytes,
    size_in_words,
    tie_to_keeper,
)
from lookalike.report.containments import outline, place_in_words
from lookalike.report.pages import write_page
from lookalike.sources.reading import read_again

__all__ = ["thumbnail", "write_html"]

_THUMB_SIDE = 220
_COMPARED_SIDE, _MOST_EXPLAINED = 320, 6
_MOST_CONTAINMENTS = 500
_FUNNEL = (
    ("files", "files"),
    ("images", "images"),
    ("contents", "distinct files"),
    ("candidates", "pairs to verify"),
    ("matches", "matches"),
    ("clustered", "images in clusters"),
    ("clusters", "clusters"),
)


@dataclass(frozen=True, slots=True)
class _Card:
    """One member of a cluster as the page shows it."""

    name: str
    path: str
    picture: str
    kept: bool
    tier: str
    edit: str
    certain: str
    reason: str
    facts: str
    damage: str
    mirrored: bool
    polygon: str
    mask: str
    added: str
    ratio: str


@dataclass(frozen=True, slots=True)
class _Group:
    """One cluster as the page shows it."""

    cards: tuple[_Card, ...]
    tiers: str
    freed: int
    freed_words: str
    text: str


def write_html(
    report: Report,
    path: Path,
    *,
    max_clusters: int = 500,
    max_explained: int = 200,
    picture: Callable[[str], bytes | None] | None = None,
    title: str = "",
) -> Path:
    """Write the report as a page.

    Args:
        report: what to show.
        path: the page; its folder is created when missing.
        max_clusters: clusters shown, those that free most bytes first; the page says how many are
            left out.
        max_explained: copies of which the page shows what was added, six of a cluster at most.
        picture: JPEG bytes of a small picture for a path, or None; ``thumbnail`` by default.
        title: what was found, in a sentence; the report's headline by default.

    Returns:
        ``path``.
    """
    load = picture or thumbnail
    freed = _freed(report)
    clusters = sorted(report.clusters, key=lambda c: (-freed[c.id], c.id))
    shown = clusters[:max_clusters]
    inside = report.containments[:_MOST_CONTAINMENTS]
    names = {m for cluster in shown for m in cluster.members}
    names |= {name for item in inside for name in (item.small, item.large)}
    paths = sorted({report.images[name].path for name in names})
    with ThreadPoolExecutor() as pool:
        pictures = dict(zip(paths, pool.map(load, paths), strict=True))
        added = dict(pool.map(partial(_added, report), _to_explain(report, shown, max_explained)))
    return write_page(
        path,
        "report.html.j2",
        headline=title or headline(report),
        expectation=expectation(report) if report.matches else "",
        freed=size_in_words(reclaimable_bytes(report)),
        funnel=list(_funnel_bars(report)),
        tiers=Counter(match.tier for match in report.matches),
        groups=[_group(report, cluster, pictures, added) for cluster in shown],
        hidden=len(clusters) - len(shown),
        containments=[_inside(report, item, pictures) for item in inside],
        more_containments=len(report.containments) - len(inside),
        returned=[(report.images[one.image].shown, one.in_words) for one in report.returned],
        damaged=[(image.shown, image.damage) for image in damaged_images(report)],
        failures=[(f.path, f.stage, f.message) for f in report.failures],
        timings=report.timings,
        versions=report.versions,
    )


def thumbnail(path: str) -> bytes | None:
    """Make a JPEG of an image file, long side 220 px; None where it cannot be read."""
    try:
        data = read_again(path)
    except OSError:
        return None
    seen = decode(path, data, DecodeConfig(min_side=_THUMB_SIDE // 2))
    if isinstance(seen, Failure):
        return None
    factor = _THUMB_SIDE / max(seen.rgb.shape[:2])
    size = [max(1, round(side * factor)) for side in seen.rgb.shape[1::-1]]
    small = cv2.resize(seen.rgb, size, interpolation=cv2.INTER_AREA) if factor < 1 else seen.rgb
    done, encoded = cv2.imencode(
        ".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 80]
    )
    return encoded.tobytes() if done else None


def _freed(report: Report) -> dict[str, int]:
    """Sum the bytes of what is dropped of every cluster."""
    dropped = {decision.image for decision in report.decisions if decision.action == "drop"}
    return {
        cluster.id: sum(report.images[m].n_bytes for m in cluster.members if m in dropped)
        for cluster in report.clusters
    }


def _to_explain(report: Report, clusters: Sequence[Cluster], most: int) -> list[tuple[str, Match]]:
    """Choose members that the page explains, with the matches to their keepers."""
    chosen = []
    for cluster in clusters:
        keeper = report.keeper_of(cluster)
        ties = [(m, tie_to_keeper(cluster, m, keeper)) for m in cluster.members if m != keeper]
        copies = [(member, tie) for member, tie in ties if tie and tie.tier == "copy"]
        chosen += copies[:_MOST_EXPLAINED]
    return chosen[:most]


def _added(report: Report, asked: tuple[str, Match]) -> tuple[str, tuple[str, str]]:
    """Explain one member: its id, a PNG of what was added to it as data, and that in words."""
    member, match = asked
    found = difference_of(
        match, (report.images[match.query], report.images[match.ref]), side=_COMPARED_SIDE
    )
    if isinstance(found, Failure):
        return member, ("", "")
    is_query = member == match.query
    own = [region for region in found.regions if (region.side == "query") == is_query]
    if not own:
        return member, ("", "")
    drawn = base64.b64encode(mask_png(found.query_mask if is_query else found.ref_mask)).decode()
    return member, (f"data:image/png;base64,{drawn}", added_in_words(own))


def _group(
    report: Report,
    cluster: Cluster,
    pictures: dict[str, bytes | None],
    added: dict[str, tuple[str, str]],
) -> _Group:
    decisions = {d.image: d for d in report.decisions if d.image in cluster.members}
    keeper = decisions[cluster.members[0]].keeper
    ordered = [keeper, *(member for member in cluster.members if member != keeper)]
    ties = {m: None if m == keeper else tie_to_keeper(cluster, m, keeper) for m in ordered}
    cards = tuple(
        _card(report, ties[m], decisions[m], pictures, added.get(m, ("", ""))) for m in ordered
    )
    dropped = (m for m in ordered if decisions[m].action == "drop")
    freed = sum(report.images[member].n_bytes for member in dropped)
    tiers = sorted({match.tier for match in cluster.matches})
    words = " ".join(f"{card.name} {card.edit}" for card in cards).lower()
    return _Group(cards, " ".join(tiers), freed, size_in_words(freed), words)


def _card(
    report: Report,
    tie: Match | None,
    decision: Decision,
    pictures: dict[str, bytes | None],
    added: tuple[str, str],
) -> _Card:
    member = decision.image
    image = report.images[member]
    keeper = decision.keeper
    seen = tie.verification if tie else None
    picture = pictures[image.path]
    facts = f"{image.width}×{image.height} · {image.format} · {size_in_words(image.n_bytes)}"
    return _Card(
        name=member,
        path=image.shown,
        picture=_data(picture),
        kept=tie is None,
        tier=tie.tier if tie else "",
        edit=edit_towards(report, tie, member, keeper) if tie else "",
        certain="" if tie is None or tie.confidence is None else f"{tie.confidence:.2%}",
        reason=decision.reason,
        facts=facts,
        damage=image.damage,
        mirrored=bool(seen and seen.mirrored),
        polygon=_polygon(report, tie, member) if seen else "",
        mask=added[0],
        added=added[1],
        ratio=f"{image.width / image.height:.4f}",
    )


def _data(picture: bytes | None) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(picture).decode() if picture else ""


@dataclass(frozen=True, slots=True)
class _Inside:
    """A picture inside a larger one as the page shows it."""

    small: str
    large: str
    small_picture: str
    large_picture: str
    small_ratio: str
    large_ratio: str
    polygon: str
    mirrored: bool
    words: str


def _inside(report: Report, item: Containment, pictures: dict[str, bytes | None]) -> _Inside:
    small, large = report.images[item.small], report.images[item.large]
    return _Inside(
        small=item.small,
        large=item.large,
        small_picture=_data(pictures[small.path]),
        large_picture=_data(pictures[large.path]),
        small_ratio=f"{small.width / small.height:.4f}",
        large_ratio=f"{large.width / large.height:.4f}",
        polygon=outline(item, large),
        mirrored=item.verification.mirrored,
        words=place_in_words(item),
    )


def _polygon(report: Report, tie: Match | None, member: str) -> str:
    """Draw the other image's frame on this one, as SVG points in percent of the frame."""
    if tie is None or tie.verification is None:
        return ""
    transform = np.array(tie.verification.transform).reshape(3, 3)
    other = tie.query if tie.ref == member else tie.ref
    if tie.query == member:
        transform = np.linalg.inv(transform)
    there, here = report.images[other], report.images[member]
    corners = np.array(
        [[0, 0, 1], [there.width, 0, 1], [there.width, there.height, 1], [0, there.height, 1]]
    )
    placed = corners @ transform.T
    points = 100 * placed[:, :2] / placed[:, 2:] / [here.width, here.height]
    if _is_whole(points):
        return ""
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in np.clip(points, -400, 500))


def _is_whole(points: NDArray[np.floating]) -> bool:
    """Whether an outline in percent is the whole frame, in any orientation."""
    corners = np.array([[0, 0], [100, 0], [100, 100], [0, 100]])
    distance = np.abs(points[:, None] - corners[None]).max(axis=2)
    return bool((distance.min(axis=1) < 1.5).all())


def _funnel_bars(report: Report) -> Iterator[tuple[str, int, float]]:
    counts = [(label, report.funnel.get(name, 0)) for name, label in _FUNNEL]
    top = max((count for _, count in counts), default=0) or 1
    for label, count in counts:
        yield label, count, 100 * (count / top) ** 0.5
