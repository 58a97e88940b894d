"""How well boxes of pictures inside larger ones are found, and by which regions.

    python -m lookalike_bench.hard.inside SET [--detector FILE.onnx]

prints a table of the ways to propose regions: whether the proposals themselves cover what was
pasted, what is found with them, and what they cost.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lookalike.config import DecodeConfig, FindConfig, InsideConfig
from lookalike.containment.inset import PAGE_MIN_SIDE, describe_page
from lookalike.containment.regions import PROPOSERS, Regions, load_regions
from lookalike.evaluation.datasets import read_labels, read_photo
from lookalike.images.decode import decode
from lookalike.model.files import Failure
from lookalike.model.report import Report
from lookalike.run.find import find
from lookalike_bench.hard.pasted import PastedBox, read_boxes

__all__ = ["LEAST_IOU", "BoxScore", "proposals_table", "score_boxes"]

LEAST_IOU = 0.5


@dataclass(frozen=True, slots=True)
class BoxScore:
    """How containments compare with the truth.

    Attributes:
        pasted: pictures that lie in larger ones.
        found: those told with an IoU of .5 or more.
        mean_iou: of those told, 0..1.
        on_empty: containments in canvases with nothing pasted.
        elsewhere: other containments that are not so.
        empty: canvases with nothing pasted.
    """

    pasted: int
    found: int
    mean_iou: float
    on_empty: int
    elsewhere: int
    empty: int


def score_boxes(report: Report, folder: Path) -> BoxScore:
    """Compare a report's containments with ``boxes.csv``.

    Args:
        report: of ``find --inside`` over the set.
        folder: a set as ``fill_inside`` makes it.
    """
    truth = {(box.small, box.large): box for box in read_boxes(folder)}
    empty = {label.path for label in read_labels(folder) if label.edit == "empty"}
    shares, on_empty, elsewhere = [], 0, 0
    for item in report.containments:
        small, large = (
            str(Path(report.images[name].path).relative_to(folder))
            for name in (item.small, item.large)
        )
        if (small, large) in truth:
            left, top, width, height = item.box
            box = (left, top, left + width, top + height)
            shares.append(_iou(box, truth[small, large]))
        elif large in empty:
            on_empty += 1
        else:
            elsewhere += 1
    return BoxScore(
        pasted=len(truth),
        found=sum(share >= LEAST_IOU for share in shares),
        mean_iou=float(np.mean(shares)) if shares else 0.0,
        on_empty=on_empty,
        elsewhere=elsewhere,
        empty=len(empty),
    )


def proposals_table(folder: Path, detector: Path | None = None) -> list[str]:
    """Lines of a Markdown table, a row for every way to propose regions.

    Args:
        folder: a set as ``fill_inside`` makes it.
        detector: an ONNX detector to compare too.
    """
    lines = [
        "| regions | proposals a picture | pasted in one of them | keypoints | ms a picture "
        "| found | mean IoU | on empty | elsewhere |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name in (*PROPOSERS, *([str(detector)] if detector else [])):
        shown = detector.stem if detector and name == str(detector) else name
        config = FindConfig(effort="fast", inside=InsideConfig(wanted=True, regions=name))
        with tempfile.TemporaryDirectory() as db:
            score = score_boxes(find(folder, db=db, config=config), folder)
        regions = load_regions(name)
        proposed, covered = _covered(folder, regions)
        keypoints, cost = _cost(folder, regions)
        lines.append(
            f"| {shown} | {proposed:.1f} | {'–' if regions.is_whole else covered} | "
            f"{keypoints:.0f} | {cost:.0f} | {score.found} of {score.pasted} | "
            f"{score.mean_iou:.3f} | {score.on_empty} | {score.elsewhere} |"
        )
    return lines


def _covered(folder: Path, regions: Regions) -> tuple[float, int]:
    """Proposals a larger picture, and pasted pictures that one of them fits with IoU of .5."""
    boxes = read_boxes(folder)
    count, covered = [], 0
    for large in sorted({box.large for box in boxes}):
        rgb = read_photo(folder / large)
        placed = regions.propose(rgb) * np.array(rgb.shape[1::-1] * 2)
        count.append(len(placed))
        for box in boxes:
            if box.large == large:
                best = max((_iou(place.tolist(), box) for place in placed), default=0.0)
                covered += best >= LEAST_IOU
    return float(np.mean(count)), covered


def _cost(folder: Path, regions: Regions) -> tuple[float, float]:
    """Keypoints of a larger picture, and milliseconds of one processor to find them."""
    total, milliseconds, larges = 0, 0.0, sorted({box.large for box in read_boxes(folder)})
    for large in larges:
        data = (folder / large).read_bytes()
        picture = decode(large, data, DecodeConfig(min_side=PAGE_MIN_SIDE))
        assert not isinstance(picture, Failure)
        start = time.thread_time()
        total += len(describe_page(picture, regions))
        milliseconds += 1000 * (time.thread_time() - start)
    return total / len(larges), milliseconds / len(larges)


def _iou(box: Sequence[float], truth: PastedBox) -> float:
    """Shared area by joint area of left, top, right, bottom with the truth."""
    width = max(0.0, min(box[2], truth.x1) - max(box[0], truth.x0))
    height = max(0.0, min(box[3], truth.y1) - max(box[1], truth.y0))
    areas = (box[2] - box[0]) * (box[3] - box[1])
    areas += (truth.x1 - truth.x0) * (truth.y1 - truth.y0)
    return width * height / (areas - width * height)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("set", type=Path)
    parser.add_argument("--detector", type=Path)
    asked = parser.parse_args()
    print("\n".join(proposals_table(asked.set, asked.detector)))


if __name__ == "__main__":
    main()
