"""Write a search's answer as one picture, or as a self-contained page."""

from __future__ import annotations

import base64
from pathlib import Path

import cv2
import numpy as np

from lookalike.model.answer import Answer, Hit
from lookalike.model.arrays import UInt8Array
from lookalike.model.legible import legible
from lookalike.report.as_html import thumbnail
from lookalike.report.containments import containment_in_words
from lookalike.report.pages import write_page
from lookalike.runtime.output import writing

__all__ = ["hit_in_words", "write_answer_page", "write_sheet"]

_CELL, _BAR, _GAP = 220, 44, 12
_COLOURS = {
    "query": (40, 40, 40),
    "exact": (76, 138, 31),
    "pixel": (141, 139, 15),
    "copy": (222, 111, 47),
    "similar": (209, 91, 138),
}


def hit_in_words(hit: Hit) -> str:
    """Say tier, edit, distance, confidence, votes and damage in one line."""
    words = f"{hit.tier}: {hit.edit}" if hit.tier != "similar" else "similar"
    votes = f", {len(hit.votes)} votes" if len(hit.votes) > 1 else ""
    certain = "" if hit.confidence is None else f", confidence {hit.confidence:.4g}"
    damaged = f", damaged: {hit.image.damage}" if hit.image.damage else ""
    return f"{words} ({hit.metric} {hit.distance:g}{certain}{votes}){damaged}"


def write_sheet(answer: Answer, path: Path, *, columns: int = 4) -> Path:
    """Write one PNG: the query, then every hit with its tier and distance below.

    Args:
        answer: what to draw.
        path: the PNG; its folder is created when missing.
        columns: pictures in a row.
    """
    cells = [_cell(answer.query, answer.query, "query", f"of {answer.searched:,} images")]
    cells += [
        _cell(hit.image.path, hit.image.shown, hit.tier, f"{hit.distance:.4g} {_votes(hit)}")
        for hit in answer.hits
    ]
    rows = -(-len(cells) // columns)
    step_x, step_y = _CELL + _GAP, _CELL + _BAR + _GAP
    sheet = np.full((rows * step_y + _GAP, columns * step_x + _GAP, 3), 250, np.uint8)
    for number, cell in enumerate(cells):
        top, left = (
            _GAP + number // columns * step_y,
            _GAP + number % columns * step_x,
        )
        sheet[top : top + cell.shape[0], left : left + cell.shape[1]] = cell
    done, data = cv2.imencode(".png", sheet)
    assert done
    with writing(path) as place:
        place.write_bytes(data.tobytes())
    return path


def write_answer_page(answer: Answer, path: Path) -> Path:
    """Write one self-contained HTML page with the query and its hits."""
    return write_page(
        path,
        "answer.html.j2",
        query=answer.query,
        picture=_data(answer.query),
        searched=answer.searched,
        in_set=answer.in_set,
        hits=[
            {
                "path": hit.image.shown,
                "picture": _data(hit.image.path),
                "tier": hit.tier,
                "words": hit_in_words(hit),
                "size": f"{hit.image.width}×{hit.image.height} {hit.image.format}",
                "votes": ", ".join(f"{name} {place}." for name, place in hit.votes.items()),
            }
            for hit in answer.hits
        ],
        containments=[containment_in_words(item) for item in answer.containments],
    )


def _votes(hit: Hit) -> str:
    return f"{len(hit.votes)} votes" if len(hit.votes) > 1 else ""


def _cell(path: str, name: str, tier: str, words: str) -> UInt8Array:
    cell = np.full((_CELL + _BAR, _CELL, 3), 255, np.uint8)
    data = thumbnail(path)
    if data is not None:
        small = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        factor = _CELL / max(small.shape[:2])
        size = [max(1, round(side * factor)) for side in small.shape[1::-1]]
        small = cv2.resize(small, size, interpolation=cv2.INTER_AREA)
        top, left = (_CELL - small.shape[0]) // 2, (_CELL - small.shape[1]) // 2
        cell[top : top + small.shape[0], left : left + small.shape[1]] = small
    ink = _COLOURS[tier]
    cv2.rectangle(cell, (0, 0), (_CELL - 1, _CELL + _BAR - 1), ink, 3)
    for line, text in enumerate((f"{tier}  {words}", Path(name).name[:30])):
        at = (8, _CELL + 17 + 19 * line)
        plain = legible(text).encode("ascii", "replace").decode()
        cv2.putText(cell, plain, at, cv2.FONT_HERSHEY_SIMPLEX, 0.42, ink, 1, cv2.LINE_AA)
    return cell


def _data(path: str) -> str:
    data = thumbnail(path)
    return "data:image/jpeg;base64," + base64.b64encode(data).decode() if data else ""
