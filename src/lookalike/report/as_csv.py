"""Write the report as tables."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from lookalike.model.report import Report
from lookalike.report.as_text import damaged_images
from lookalike.report.containments import COLUMNS, containment_rows, were_asked_for
from lookalike.runtime.output import writing

__all__ = ["write_csv", "write_rows"]


def write_csv(report: Report, folder: Path) -> tuple[Path, ...]:
    """Write ``clusters.csv``, ``matches.csv`` and ``failures.csv``.

    ``containments.csv`` too, if pictures were looked for inside larger ones, and ``damaged.csv`` if
    files are damaged.

    File names that are not UTF-8 keep their bytes.

    Args:
        report: what to write.
        folder: created when missing; existing tables are replaced.

    Returns:
        The files written.
    """
    more: list[Path] = []
    if were_asked_for(report):
        more.append(write_rows(folder / "containments.csv", COLUMNS, containment_rows(report)))
    if damaged := damaged_images(report):
        rows = ((image.shown, image.damage) for image in damaged)
        more.append(write_rows(folder / "damaged.csv", "path,damage", rows))
    return (
        write_rows(
            folder / "clusters.csv",
            "cluster,path,action,keeper,reason,width,height,n_bytes,format,damage,sha256",
            _cluster_rows(report),
        ),
        write_rows(
            folder / "matches.csv",
            "query,ref,tier,distance,metric,confidence,edit",
            (
                (
                    report.images[match.query].shown,
                    report.images[match.ref].shown,
                    match.tier,
                    match.distance,
                    match.metric,
                    "" if match.confidence is None else match.confidence,
                    match.edit,
                )
                for match in report.matches
            ),
        ),
        write_rows(
            folder / "failures.csv",
            "path,stage,message",
            ((item.path, item.stage, item.message) for item in report.failures),
        ),
        *more,
    )


def _cluster_rows(report: Report) -> Iterable[Sequence[object]]:
    decisions = {decision.image: decision for decision in report.decisions}
    for cluster in report.clusters:
        for member in cluster.members:
            image, decision = report.images[member], decisions[member]
            yield (
                cluster.id,
                image.shown,
                decision.action,
                report.images[decision.keeper].shown,
                decision.reason,
                image.width,
                image.height,
                image.n_bytes,
                image.format,
                image.damage,
                image.sha256,
            )


def write_rows(path: Path, columns: str, rows: Iterable[Sequence[object]]) -> Path:
    """Write rows under the names of their columns, given with commas between them."""
    with (
        writing(path) as place,
        place.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(columns.split(","))
        writer.writerows(rows)
    return path
