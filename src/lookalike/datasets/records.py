"""Make one row for every image, in columns that Hugging Face datasets and FiftyOne load."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from lookalike.model.report import Cluster, Report
from lookalike.report.as_text import edit_towards, tie_to_keeper
from lookalike.runtime.output import writing
from lookalike.sources.reading.addresses import absolute
from lookalike.sources.tables import Table, write_table

__all__ = ["Row", "rows_of", "write_fiftyone", "write_huggingface"]

_COLUMNS = ("cluster", "keep", "keeper", "tier", "edit", "confidence", "damage")


@dataclass(frozen=True, slots=True)
class Row:
    """What a run says about one image.

    Attributes:
        path: absolute.
        cluster: id of its cluster; None where it has no copy.
        keep: whether it stays.
        keeper: path, absolute, of the image that stays in its cluster; None without one.
        tier: how it is tied to its cluster; None for the keeper and without a cluster.
        edit: in words, what makes it from the keeper, or from the image it names.
        confidence: probability that both show the same picture.
        damage: what is missing or corrupt in its file, in words; None where nothing is known to be.
    """

    path: str
    cluster: str | None = None
    keep: bool = True
    keeper: str | None = None
    tier: str | None = None
    edit: str | None = None
    confidence: float | None = None
    damage: str | None = None

    def values(self) -> tuple[object, ...]:
        """List all but the path, in the order of the columns."""
        return tuple(getattr(self, name) for name in _COLUMNS)


def rows_of(report: Report) -> tuple[Row, ...]:
    """Make a row for every image, by id."""
    cluster_of = {member: cluster for cluster in report.clusters for member in cluster.members}
    decisions = {decision.image: decision for decision in report.decisions}
    rows = []
    for image in report.images:
        cluster = cluster_of.get(image)
        if cluster is None:
            rows.append(Row(_whole(report, image), damage=report.images[image].damage or None))
        else:
            decision = decisions[image]
            rows.append(_tied(report, cluster, image, decision.keeper, decision.action == "keep"))
    return tuple(rows)


def write_huggingface(report: Report, folder: Path) -> tuple[Path, ...]:
    """Write ``images.parquet`` and ``images.jsonl``, and ``metadata.csv`` for images in the folder.

    The first two have the path in ``image``: ``load_dataset("parquet", data_files=…)``, then
    ``cast_column("image", Image())``. The third makes the folder one for
    ``load_dataset("imagefolder", data_dir=…)``.

    Raises:
        ConfigError: the extra ``tables`` is not installed.
    """
    rows = rows_of(report)
    columns = ("image", *_COLUMNS)
    table = Table(columns, tuple((row.path, *row.values()) for row in rows))
    written = [write_table(folder / name, table) for name in ("images.parquet", "images.jsonl")]
    root = os.path.abspath(folder) + os.sep  # noqa: PTH100
    if rows and all(row.path.startswith(root) for row in rows):
        inside = tuple((row.path.removeprefix(root), *row.values()) for row in rows)
        metadata = Table(("file_name", *_COLUMNS), inside)
        written.append(write_table(folder / "metadata.csv", metadata))
    return tuple(written)


def write_fiftyone(report: Report, folder: Path) -> tuple[Path, ...]:
    """Write ``labels.csv``, a ``CSVDataset``, and ``samples.json``, arguments of ``Sample``."""
    rows = rows_of(report)
    table = Table(("filepath", *_COLUMNS), tuple((row.path, *row.values()) for row in rows))
    samples = [
        {
            "filepath": row.path,
            "tags": ["keep" if row.keep else "drop"],
            **dict(zip(_COLUMNS, row.values(), strict=True)),
        }
        for row in rows
    ]
    path = folder / "samples.json"
    with writing(path) as place:
        place.write_text(json.dumps(samples, indent=1) + "\n", encoding="ascii")
    return write_table(folder / "labels.csv", table), path


def _tied(report: Report, cluster: Cluster, image: str, keeper: str, keep: bool) -> Row:
    tie = None if image == keeper else tie_to_keeper(cluster, image, keeper)
    return Row(
        path=_whole(report, image),
        cluster=cluster.id,
        keep=keep,
        keeper=_whole(report, keeper),
        tier=tie.tier if tie else None,
        edit=edit_towards(report, tie, image, keeper) if tie else None,
        confidence=tie.confidence if tie else None,
        damage=report.images[image].damage or None,
    )


def _whole(report: Report, image: str) -> str:
    return absolute(report.images[image].path)
