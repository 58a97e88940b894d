"""Write the report as Parquet tables into the work folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from lookalike.distributed.work import Work
from lookalike.model.image import ImageRef
from lookalike.model.match import Verification
from lookalike.model.report import Report

__all__ = ["write_results"]

_IMAGE = [field.name for field in fields(ImageRef)]
_EVIDENCE = [field.name for field in fields(Verification)]
_GROUP = 65_536


def write_results(work: Work, report: Report) -> tuple[str, ...]:
    """Write images, matches, clusters (a row a member, with its decision) and failures.

    Returns:
        Their names in the work folder.
    """
    images = list(report.images.values())
    decisions = {decision.image: decision for decision in report.decisions}
    members = [(cluster, name) for cluster in report.clusters for name in cluster.members]
    tables: dict[str, dict[str, Sequence[Any]]] = {
        "images": {name: [getattr(image, name) for image in images] for name in _IMAGE},
        "matches": {
            **{
                name: [getattr(match, name) for match in report.matches]
                for name in ("query", "ref", "tier", "distance", "metric", "confidence", "edit")
            },
            **{
                name: [getattr(match.verification, name, None) for match in report.matches]
                for name in _EVIDENCE
                if name not in ("edit", "transform")
            },
            "transform": [
                list(match.verification.transform) if match.verification else None
                for match in report.matches
            ],
        },
        "clusters": {
            "cluster": [cluster.id for cluster, _ in members],
            "image": [name for _, name in members],
            "center": [cluster.center for cluster, _ in members],
            "action": [decisions[name].action for _, name in members],
            "keeper": [decisions[name].keeper for _, name in members],
            "reason": [decisions[name].reason for _, name in members],
            "by": [decisions[name].by for _, name in members],
        },
        "failures": {
            name: [getattr(failure, name) for failure in report.failures]
            for name in ("path", "stage", "message")
        },
    }
    for name, columns in tables.items():
        work.put(
            f"results/{name}.parquet", {k: _texts(v) for k, v in columns.items()}, group=_GROUP
        )
    return tuple(f"results/{name}.parquet" for name in tables)


def _texts(values: Sequence[Any]) -> Sequence[Any]:
    """Escape odd bytes in names that are not UTF-8: Parquet holds only UTF-8."""
    return [
        value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
        for value in values
    ]
