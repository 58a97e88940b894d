"""Pictures inside larger ones, in the forms of every kind of report."""

from __future__ import annotations

from collections.abc import Sequence

from lookalike.model.image import ImageRef
from lookalike.model.match import Containment
from lookalike.model.report import Report

__all__ = [
    "COLUMNS",
    "containment_in_words",
    "containment_rows",
    "outline",
    "place_in_words",
    "were_asked_for",
]

COLUMNS = "small,large,left,top,width,height,corners,scale,angle,mirrored,agreement,inliers,edit"


def were_asked_for(report: Report) -> bool:
    """Whether the run looked for pictures inside larger ones."""
    return bool(report.config.get("inside", {}).get("wanted"))


def place_in_words(item: Containment) -> str:
    """Say size and place of the box, and the edit."""
    left, top, width, height = item.box
    return f"{width}×{height} at {left},{top} ({item.verification.edit})"


def containment_in_words(item: Containment) -> str:
    """Say both names, the place, the edit."""
    return f"{item.small} in {item.large}: {place_in_words(item)}"


def containment_rows(report: Report) -> list[Sequence[object]]:
    """Make rows of ``COLUMNS``; corners as ``x y`` with semicolons."""
    return [
        (
            report.images[item.small].shown,
            report.images[item.large].shown,
            *item.box,
            ";".join(f"{x:g} {y:g}" for x, y in item.corners),
            item.verification.scale,
            item.verification.angle,
            item.verification.mirrored,
            item.verification.agreement,
            item.verification.inliers,
            item.verification.edit,
        )
        for item in report.containments
    ]


def outline(item: Containment, large: ImageRef) -> str:
    """Write corners of the small picture as SVG points in percent of the large one."""
    points = ((100 * x / large.width, 100 * y / large.height) for x, y in item.corners)
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
