"""Write a report in the forms of other programs' results, for tools made for them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from lookalike.clustering.disjoint_set import Joined
from lookalike.datasets.records import write_fiftyone, write_huggingface
from lookalike.datasets.ties import Ties
from lookalike.model.report import Cluster, Report
from lookalike.report.as_csv import write_rows
from lookalike.runtime.output import writing
from lookalike.sources.reading.addresses import absolute

__all__ = ["EXPORTS", "export"]


def export(report: Report, kind: str, folder: Path) -> tuple[Path, ...]:
    """Write a report in another program's form.

    Args:
        report: what ``find`` returned.
        kind: key of ``EXPORTS``; ``docs/datasets.md`` says what each writes.
        folder: created when missing; files of the same names are replaced.

    Returns:
        The files written.
    """
    return EXPORTS[kind](report, folder)


def _imagededup(report: Report, folder: Path) -> tuple[Path, ...]:
    """Write what ``find_duplicates`` writes to ``outfile``, without and with scores."""
    ties = Ties(report)
    plain: dict[str, list[str]] = {image: [] for image in report.images}
    scored: dict[str, list[tuple[str, float]]] = {image: [] for image in report.images}
    for cluster in report.clusters:
        for member in cluster.members:
            others = [other for other in cluster.members if other != member]
            plain[member] = others
            scored[member] = [(other, ties.score(member, other, cluster)) for other in others]
    return (
        _json(folder / "duplicates.json", plain),
        _json(folder / "duplicates_with_scores.json", scored),
    )


def _fastdup(report: Report, folder: Path) -> tuple[Path, ...]:
    """Write the tables of a work folder: pairs, components and the list that numbers the images."""
    ties = Ties(report)
    place = {image: number for number, image in enumerate(report.images)}
    component: dict[str, int] = {}
    least: dict[str, float] = {}
    pairs = []
    for number, cluster in enumerate(report.clusters):
        component |= dict.fromkeys(cluster.members, number)
        for match in cluster.matches:
            score = ties.score(match.query, match.ref, cluster)
            pairs.append((-score, _whole(report, match.query), _whole(report, match.ref)))
            for end in (match.query, match.ref):
                least[end] = min(score, least.get(end, 1.0))
    alone = len(report.clusters)
    for image in place:
        if image not in component:
            component[image], alone = alone, alone + 1
    counts = Counter(component.values())
    return (
        write_rows(
            folder / "similarity.csv",
            "from,to,distance",
            ((first, second, -score) for score, first, second in sorted(pairs)),
        ),
        write_rows(
            folder / "connected_components.csv",
            "__id,component_id,min_distance",
            ((place[i], component[i], least.get(i, 0.0)) for i in place),
        ),
        write_rows(folder / "component_info.csv", "component_id,Count", sorted(counts.items())),
        write_rows(
            folder / "atrain_features.dat.csv",
            "index,filename",
            ((number, _whole(report, image)) for image, number in place.items()),
        ),
    )


def _immaculate(report: Report, folder: Path) -> tuple[Path, ...]:
    """Write what its ``--json`` prints: sets of equal pixels, sets of near ones, what was skipped.

    One image represents all with equal pixels in the near set.
    """
    exact, near = [], []
    for cluster in report.clusters:
        same = [sorted(part) for part in _same_pixels(cluster)]
        exact += [part for part in same if len(part) > 1]
        if len(same) > 1:
            near.append([part[0] for part in same])
    path = {image.id: image.path for image in report.images.values()}
    found = {
        "exact": sorted([path[i] for i in some] for some in exact),
        "near": sorted([path[i] for i in sorted(some)] for some in near),
        "skipped": [failure.path for failure in report.failures],
    }
    return (_json(folder / "immaculate.json", found),)


EXPORTS: Mapping[str, Callable[[Report, Path], tuple[Path, ...]]] = {
    "imagededup": _imagededup,
    "fastdup": _fastdup,
    "immaculate": _immaculate,
    "huggingface": write_huggingface,
    "fiftyone": write_fiftyone,
}


def _same_pixels(cluster: Cluster) -> list[list[str]]:
    """Group members of equal bytes or pixels."""
    joined = Joined(cluster.members)
    for match in cluster.matches:
        if match.tier in ("exact", "pixel"):
            joined.join(match.query, match.ref)
    return list(joined.parts().values())


def _whole(report: Report, image: str) -> str:
    return absolute(report.images[image].path)


def _json(path: Path, value: object) -> Path:
    with writing(path) as place:
        place.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="ascii")
    return path
