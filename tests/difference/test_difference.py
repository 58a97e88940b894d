"""Explanations: what was added is marked where it is, and the parent is told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from conftest import save, scene
from lookalike import explain_pair
from lookalike.difference.additions import ADDED_KINDS
from lookalike.difference.difference import Difference
from lookalike.difference.overlay import Detail
from lookalike.difference.parent import Signs, likely_parent
from lookalike.evaluation.datasets import Label, read_photo
from lookalike.evaluation.edits import edit_picture, encode_jpeg
from lookalike.model.errors import ConfigError
from lookalike_bench.explained import KINDS_OF_EDITS, judge_pair, truly_added


def explained(tmp_path: Path, edit: str, *, turned: bool = False) -> tuple[Difference, Path]:
    """A source against its copy, in either order; the copy's path."""
    rgb = scene(21)
    source = save(tmp_path / "source.jpg", rgb, 95)
    copy = save(tmp_path / "copy.jpg", edit_picture(rgb, edit, source="x", other=scene(22)))
    found = explain_pair(copy, source) if turned else explain_pair(source, copy)
    assert found is not None
    return found, copy


@pytest.mark.parametrize(
    ("edit", "kind", "least"),
    [
        ("caption_bar", "caption", 0.95),
        ("letterbox", "border", 0.95),
        ("border", "border", 0.9),
        ("rotate_25", "border", 0.9),
        ("perspective", "border", 0.85),
        ("screenshot", "page", 0.95),
        ("pasted", "background", 0.95),
        ("sticker", "overlay", 0.9),
        ("emoji", "overlay", 0.75),
        ("lines", "lines", 0.5),
        ("text_overlay", "text", 0.4),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_what_was_added_is_marked_and_named(
    tmp_path: Path, edit: str, kind: str, least: float, turned: bool
) -> None:
    """The mask lies on what does not depend on the source, in the copy; the source is parent."""
    found, copy = explained(tmp_path, edit, turned=turned)
    mask, other = (found.query_mask, found.ref_mask)[:: 1 if turned else -1]
    truth = truly_added(scene(21), edit, name="x", shape=read_photo(copy).shape)
    truth = cv2.resize(truth, mask.shape[::-1], interpolation=cv2.INTER_AREA) > 127
    both, either = ((mask > 0) & truth).sum(), ((mask > 0) | truth).sum()
    assert both >= least * either, both / either
    assert (other > 0).mean() < 0.005
    side, parent = ("query", "ref") if turned else ("ref", "query")
    assert found.regions[0].side == side and found.regions[0].kind == kind
    assert found.parent == parent, found.reason
    assert kind in found.reason


@pytest.mark.parametrize(
    "edit", ["contrast", "grey", "blur", "noise", "crop_50", "squash", "gamma"]
)
def test_where_nothing_was_added_nothing_is_marked(tmp_path: Path, edit: str) -> None:
    """Tone, sharpness, noise and crops are no additions."""
    found, _ = explained(tmp_path, edit)
    assert found.regions == () and not found.query_mask.any() and not found.ref_mask.any()
    assert found.parent in ("query", "unknown"), found.reason


@pytest.mark.slow
def test_a_crop_has_its_box(tmp_path: Path) -> None:
    """The box in the larger picture's pixels is where the crop was cut, whichever comes first."""
    rgb = scene(21)
    whole, part = save(tmp_path / "z.jpg", rgb), save(tmp_path / "a.jpg", rgb[60:420, 100:580])
    for first, second in ((whole, part), (part, whole)):
        found = explain_pair(first, second)
        assert found is not None
        large, small = (
            (found.query_box, found.ref_box) if first is whole else (found.ref_box, found.query_box)
        )
        assert np.abs(np.array(large) - [100, 60, 580, 420]).max() <= 4
        assert small == (0, 0, 480, 360)
        assert found.parent == ("query" if first is whole else "ref")
        assert "more of the scene" in found.reason


@pytest.mark.slow
def test_tone_is_told_in_colour(tmp_path: Path) -> None:
    """Grey copies and brighter ones, from query to ref and back."""
    grey, copy = explained(tmp_path, "grey")
    assert grey.tone.grey == 1 and grey.parent == "query"
    bright, copy = explained(tmp_path, "brightness")
    assert bright.tone.gain * 128 + bright.tone.offset > 150
    back = explain_pair(copy, tmp_path / "source.jpg")
    assert back is not None and back.tone.gain * 128 + back.tone.offset < 106


def test_even_evidence_leaves_the_parent_unknown(tmp_path: Path) -> None:
    """Two files of the same bytes, and signs that speak for both sides."""
    path = save(tmp_path / "a.jpg", scene(3))
    again = tmp_path / "b.jpg"
    again.write_bytes(path.read_bytes())
    found = explain_pair(path, again)
    assert found is not None and found.parent == "unknown" and found.regions == ()
    plain = Signs([], False, 1.0, False, Detail(1.0, 1.0), 0)
    more = Signs([], False, 1.5, False, Detail(1.0, 1.0), 0)
    sharper = Signs([], False, 1 / 1.5, False, Detail(1.3, 1.0), 0)
    assert likely_parent(plain, plain) == ("unknown", "nothing tells")
    assert likely_parent(more, plain)[0] == "query"
    assert likely_parent(more, sharper) == ("unknown", "the evidence is even")


def test_small_and_blank_pictures_are_explained_too(tmp_path: Path) -> None:
    """Copies by their bytes of a few pixels, or of nothing, differ in nothing."""
    for number, rgb in enumerate((scene(1, 5, 4), np.full((300, 40, 3), 255, np.uint8))):
        path = save(tmp_path / f"{number}.jpg", rgb)
        again = tmp_path / f"{number} again.jpg"
        again.write_bytes(path.read_bytes())
        found = explain_pair(path, again)
        assert found is not None and found.regions == () and found.parent == "unknown"
        assert found.query_box == (0, 0, rgb.shape[1], rgb.shape[0])


def test_strangers_and_broken_files(tmp_path: Path) -> None:
    """No explanation where there is no match; an unreadable file is an error that names it."""
    a, b = save(tmp_path / "a.jpg", scene(1)), save(tmp_path / "b.jpg", scene(2))
    assert explain_pair(a, b) is None
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"")
    with pytest.raises(ConfigError, match="bad"):
        explain_pair(a, bad)


@pytest.mark.slow
def test_compare_prints_and_writes(tmp_path: Path) -> None:
    """Words, JSON without masks, a page that stands alone, and a sheet."""
    rgb = scene(21)
    a = save(tmp_path / "a.jpg", edit_picture(rgb, "caption_bar", source="x", other=rgb))
    b = save(tmp_path / "b.jpg", rgb)
    page, sheet = tmp_path / "p.html", tmp_path / "m.png"
    command = [sys.executable, "-m", "lookalike", "compare", str(a), str(b)]
    said = subprocess.run(
        [*command, "--html", str(page), "--mask", str(sheet)], capture_output=True, text=True
    )
    assert said.returncode == 11, said.stderr
    assert f"added in {a}: caption" in said.stdout and f"parent {b}: " in said.stdout
    assert f"made of it: {a}: caption added" in said.stdout
    text = page.read_text(encoding="utf-8")
    assert text.count("<img") == 3 and "likely the parent" in text and 'src="data:' in text
    drawn = cv2.imread(str(sheet))
    assert drawn.shape[1] > 3 * 600 and (drawn[..., 2].astype(int) - drawn[..., 0] > 60).any()
    plain = json.loads(subprocess.run([*command, "--json"], capture_output=True).stdout)
    assert plain["difference"]["parent"] == "ref"
    assert plain["difference"]["regions"][0]["kind"] == "caption"
    assert set(plain["difference"]["regions"][0]) == {"side", "kind", "box", "share"}


def test_the_judge_counts_by_hand(tmp_path: Path) -> None:
    """A caption found in full, kind and parent right; a copy that is none is None."""
    rgb = scene(21)
    save(tmp_path / "s.jpg", rgb)
    made = edit_picture(rgb, "caption_bar", source="s", other=rgb)
    (tmp_path / "c.jpg").write_bytes(encode_jpeg(made))
    save(tmp_path / "x.jpg", scene(5))
    source, copy = Label("s.jpg", "s", "source"), Label("c.jpg", "s", "caption_bar")
    judged = judge_pair(tmp_path, source, copy, turned=True)
    assert judged is not None and judged.has_added and judged.iou > 0.95
    assert judged.is_kind and judged.parent == "right" and judged.marked_source == 0
    assert judge_pair(tmp_path, source, Label("x.jpg", "s", "grey"), turned=False) is None
    assert set().union(*KINDS_OF_EDITS.values()) == set(ADDED_KINDS)
