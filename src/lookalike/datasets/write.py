"""Write leaks and conflicts as plain values, tables and a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lookalike.datasets.clean import clean_table
from lookalike.datasets.disagreement import ConflictReport
from lookalike.datasets.leakage import LeakReport
from lookalike.datasets.ties import Pair
from lookalike.model.protocols import Source
from lookalike.model.report import Report
from lookalike.report.as_html import write_html
from lookalike.report.as_text import damaged_images
from lookalike.sources import ListSource
from lookalike.sources.tables import Table, write_table

__all__ = [
    "conflicts_headline",
    "conflicts_to_dict",
    "leaks_headline",
    "leaks_to_dict",
    "write_clean_splits",
    "write_pairs_csv",
    "write_pairs_html",
]

LEAKS, CONFLICTS = "lookalike-leaks/1", "lookalike-conflicts/1"


def leaks_to_dict(found: LeakReport) -> dict[str, Any]:
    """Convert leaks to plain values: splits, leaks, the fix, failures."""
    report = found.report
    return {
        "schema": LEAKS,
        "versions": dict(report.versions),
        "splits": [
            {"name": name, "images": count, "leaking": len(found.leaking(name))}
            for name, count in found.splits.items()
        ],
        "leaks": [
            {
                "first_split": leak.first_split,
                "second_split": leak.second_split,
                **_pair(leak.pair, report),
                "cluster": leak.cluster,
            }
            for leak in found.leaks
        ],
        "fix": {
            "policy": found.fix.policy,
            "drop": [report.images[image].shown for image in found.fix.drop],
            "move": [
                {"path": report.images[image].shown, "to": to}
                for image, to in sorted(found.fix.move.items())
            ],
        },
        **_troubles(report),
    }


def conflicts_to_dict(found: ConflictReport) -> dict[str, Any]:
    """Convert conflicts to plain values, with unlabelled images and labels of missing ones."""
    return {
        "schema": CONFLICTS,
        "versions": dict(found.report.versions),
        "images": len(found.report.images),
        "unlabelled": found.unlabelled,
        "unseen": list(found.unseen),
        "conflicts": [
            {
                "first_labels": sorted(conflict.first_labels),
                "second_labels": sorted(conflict.second_labels),
                "majority": sorted(conflict.majority),
                **_pair(conflict.pair, found.report),
                "cluster": conflict.cluster,
            }
            for conflict in found.conflicts
        ],
        **_troubles(found.report),
    }


def leaks_headline(found: LeakReport) -> str:
    """Say in a sentence how many pictures leak."""
    names = list(found.splits)
    counts = [f"{len(found.leaking(name)):,} of {found.splits[name]:,} in {name}" for name in names]
    if not found.leaks:
        images = ", ".join(f"{found.splits[name]:,} in {name}" for name in names)
        return f"no picture is in two splits ({images})"
    clusters = len(found.report.clusters)
    subject = "picture is" if clusters == 1 else "pictures are"
    return f"{clusters:,} {subject} in more than one split: {', '.join(counts)}"


def conflicts_headline(found: ConflictReport) -> str:
    """Say in a sentence how many pictures are labelled differently."""
    clusters = len(found.report.clusters)
    images = f"{len(found.report.images):,} images"
    if not clusters:
        return f"no picture carries different labels ({images})"
    subject = "picture carries" if clusters == 1 else "pictures carry"
    ends = {image for c in found.conflicts for image in (c.pair.first, c.pair.second)}
    return f"{clusters:,} {subject} different labels, on {len(ends):,} of {images}"


def write_pairs_csv(plain: Mapping[str, Any], folder: Path) -> tuple[Path, ...]:
    """Write ``leaks.csv`` or ``conflicts.csv``, with ``failures.csv`` and ``damaged.csv``."""
    name = "leaks" if plain["schema"] == LEAKS else "conflicts"
    columns: tuple[str, ...] = ("first_split", "second_split")
    if name == "conflicts":
        columns = ("first_labels", "second_labels", "majority")
    columns = ("first", "second", *columns, "tier", "edit", "confidence", "through", "cluster")
    tables = {
        name: _table(plain[name], columns),
        "failures": _table(plain["failures"], ("path", "stage", "message")),
        "damaged": _table(plain["damaged"], ("path", "damage")),
    }
    return tuple(write_table(folder / f"{name}.csv", table) for name, table in tables.items())


def write_pairs_html(found: LeakReport | ConflictReport, path: Path) -> Path:
    """Write a page of the clusters concerned, with their splits or labels."""
    title = leaks_headline(found) if isinstance(found, LeakReport) else conflicts_headline(found)
    return write_html(found.report, path, title=title)


def write_clean_splits(
    found: LeakReport, sources: Mapping[str, Source], folder: Path
) -> tuple[Path, ...]:
    """Write ``SPLIT.csv`` for every split as the fix leaves it.

    Rows of a table are copied whole, also those from another split.
    """
    written = []
    for name in found.splits:
        tables = []
        for origin, source in sources.items():
            ids = [i for i in found.fix.splits[name] if found.split_of[i] == origin]
            if ids or origin == name:
                images = [found.report.images[image] for image in ids]
                tables.append(_with_path_first(clean_table(images, folder, source), source))
        written.append(write_table(folder / f"{name}.csv", _stacked(tables)))
    return tuple(written)


def _pair(pair: Pair, report: Report) -> dict[str, Any]:
    between = [image for tie in pair.ties for image in (tie.query, tie.ref)]
    through = dict.fromkeys(i for i in between if i not in (pair.first, pair.second))
    return {
        "first": report.images[pair.first].shown,
        "second": report.images[pair.second].shown,
        "tier": pair.tier,
        "edit": pair.edit,
        "confidence": pair.confidence,
        "through": [report.images[image].shown for image in through],
    }


def _troubles(report: Report) -> dict[str, Any]:
    """List files that could not be read, and images whose files are damaged."""
    return {
        "damaged": [{"path": i.shown, "damage": i.damage} for i in damaged_images(report)],
        "failures": [asdict(failure) for failure in report.failures],
    }


def _table(items: list[dict[str, Any]], columns: tuple[str, ...]) -> Table:
    rows = tuple(
        tuple("" if item[name] is None else item[name] for name in columns) for item in items
    )
    return Table(columns, rows)


def _with_path_first(table: Table, source: Source) -> Table:
    """Put the column of paths first, named ``path``, so that tables can be stacked."""
    place = table.columns.index(source.path_column) if isinstance(source, ListSource) else 0
    order = [place, *(n for n in range(len(table.columns)) if n != place)]
    names = ("path", *(table.columns[n] for n in order[1:]))
    return Table(names, tuple(tuple(row[n] for n in order) for row in table.rows))


def _stacked(tables: list[Table]) -> Table:
    columns = tuple(dict.fromkeys(name for table in tables for name in table.columns))
    rows = [
        tuple(dict(zip(table.columns, row, strict=True)).get(name, "") for name in columns)
        for table in tables
        for row in table.rows
    ]
    return Table(columns, tuple(sorted(rows, key=lambda row: str(row[0]))))
