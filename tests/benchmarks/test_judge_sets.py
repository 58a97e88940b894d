"""The judge's pictures are what their labels claim, the same for the same seed."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import save, scene
from lookalike.model.errors import ConfigError
from lookalike_bench.judge_sets import Truth, pairs
from lookalike_bench.judge_sets.edits import (
    ALL_EDITS,
    GROUPS,
    OWN_EDITS,
    Desk,
    edited,
    fitting_edits,
)
from lookalike_bench.judge_sets.fonts import Fonts, find_fonts
from lookalike_bench.judge_sets.make import Folders, Options, make_judge_sets
from lookalike_bench.judge_sets.real import domain, shots
from lookalike_bench.judge_sets.studio import Place, Studio, seeded
from lookalike_bench.judge_sets.table import COLLECTIONS, KINDS, LEFT_OUT, every_kind

MADE = ("letters_one_digit", "sprites", "captions_only", "contact_sheets", "exposure", "photos")
IN_A_BROWSER = {
    *("invoices", "forms_filled", "tables", "calendars", "slides", "chat", "app_screens"),
    *("pages_language", "pages_theme", "screens_one_line"),
}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made-up photos, none like another."""
    folder = tmp_path_factory.mktemp("ingredients")
    for number in range(40):
        save(folder / "photos" / f"p{number}.jpg", scene(number, 240, 200))
    for number in range(120):
        save(folder / "train" / f"t{number}.jpg", scene(100 + number, 160, 120))
    return folder


@pytest.fixture(scope="module")
def made(photos: Path) -> Path:
    """A few kinds, small."""
    out = photos / "out"
    folders = Folders(photos / "photos", photos / "train")
    make_judge_sets(out, folders, Options(scale=0.03, workers=1, kinds=MADE))
    return out


@pytest.fixture(scope="module")
def truth(made: Path) -> Truth:
    """Of these kinds."""
    return pairs(made)


@pytest.fixture(scope="module")
def fonts() -> Fonts:
    """Of this machine."""
    return find_fonts()


def draw(kind: str, photos: Path, fonts: Fonts, layout: int, number: int) -> np.ndarray:
    """One picture of a kind."""
    own = sorted((photos / "photos").iterdir())
    with Studio(fonts, own, own) as studio:
        return KINDS[kind].draw(
            Place(
                studio=studio,
                layout=layout,
                number=number,
                index=2 * number + layout,
                style=seeded(kind, layout),
                content=seeded(kind, layout, number),
            )
        )


def test_every_file_has_a_label(made: Path, truth: Truth) -> None:
    """The labels name the pictures of the folder, all of them, each once; all can be read."""
    files = {path.relative_to(made).as_posix() for path in made.rglob("*") if path.is_file()}
    assert files - {"labels.csv"} == {label.path for label in truth.labels}
    assert len(truth.labels) == len(truth.by_path)
    assert {label.kind for label in truth.labels} == set(MADE)
    for label in truth.labels:
        with Image.open(made / label.path) as picture:
            picture.load()


def test_every_source_has_one_edited_copy(truth: Truth) -> None:
    """It is the same picture as its source, which no other source is."""
    copies = Counter(label.path.split("__")[0] for label in truth.labels if "__" in label.path)
    sources = [label for label in truth.labels if "__" not in label.path]
    assert copies == Counter(source.path.rpartition(".")[0] for source in sources)
    edited = [label for label in truth.labels if "__" in label.path]
    assert len(edited) == len(sources) > 0
    for label in edited:
        stem, _, ending = label.path.partition("__")
        source = next(one for one in sources if one.path.rpartition(".")[0] == stem)
        assert truth.same(source.path, label.path)
        assert ending.rpartition(".")[0] == label.edit in ALL_EDITS
    alone = [source.picture for source in sources if source.kind != "captions_only"]
    assert len(alone) == len(set(alone))


def test_layouts_are_in_one_half(truth: Truth) -> None:
    """Every kind has both halves; other pictures of a layout are the hard negatives."""
    halves = defaultdict(set)
    for label in truth.labels:
        halves[label.layout].add(label.split)
    assert halves
    assert all(len(half) == 1 for half in halves.values())
    for kind in MADE:
        assert {label.split for label in truth.labels if label.kind == kind} == {"fit", "check"}
    first, second = (f"letters_one_digit/000_00{number}" for number in range(2))
    one, other = (
        next(path for path in truth.by_path if path.startswith(stem) and "__" not in path)
        for stem in (first, second)
    )
    assert truth.hard(one, other)
    assert not truth.same(one, other)


def test_captions_are_edits_and_parts_are_not(truth: Truth) -> None:
    """One photo with other captions is one picture; a page of photos is none of them."""
    captioned = [label for label in truth.labels if label.kind == "captions_only"]
    assert len({label.picture for label in captioned}) == len({label.layout for label in captioned})
    assert {label.edit for label in captioned} >= {"", "caption_in_it"}
    pages = [label for label in truth.labels if label.edit == "part"]
    shown = [
        (page.path, label.path)
        for page in pages
        for label in truth.labels
        if label.layout == page.layout and label.picture != page.picture
    ]
    assert {path for path, _ in shown} == {page.path for page in pages} != set()
    assert all(truth.hard(page, photo) for page, photo in shown)


def test_frames_say_when_they_were_taken(made: Path, truth: Truth) -> None:
    """Those of every second bracket, each at another moment and with another exposure."""
    notes = []
    for label in truth.labels:
        if label.layout == "exposure/001" and not label.edit:
            with Image.open(made / label.path) as picture:
                inner = picture.getexif().get_ifd(0x8769)
                notes.append((inner[36867], inner[37521], float(inner[33434])))
    assert len(notes) > 1
    assert len({note[:2] for note in notes}) == len({note[2] for note in notes}) == len(notes)


def test_the_same_seed_gives_the_same_set(made: Path, photos: Path, tmp_path: Path) -> None:
    """A kind by itself is what it is among others."""
    options = Options(scale=0.03, workers=1, kinds=("captions_only",))
    folders = Folders(photos / "photos", photos / "train")
    labels = make_judge_sets(tmp_path, folders, options)
    assert labels
    for label in labels:
        assert (tmp_path / label.path).read_bytes() == (made / label.path).read_bytes()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in IN_A_BROWSER])
def test_pictures_of_a_layout_differ(kind: str, photos: Path, fonts: Fonts) -> None:
    """Each is drawn again as it was; none is another."""
    first, second = (draw(kind, photos, fonts, 0, number) for number in range(2))
    assert first.dtype == np.uint8
    assert first.shape[2] in (3, 4)
    assert np.array_equal(first, draw(kind, photos, fonts, 0, 0))
    assert first.shape != second.shape or not np.array_equal(first, second)


def test_a_browser_shows_pages(photos: Path, fonts: Fonts) -> None:
    """A page in two languages has the same look and other text."""
    try:
        first, second = (draw("pages_language", photos, fonts, 0, number) for number in range(2))
    except OSError as error:
        pytest.skip(str(error))
    assert first.shape == second.shape
    unlike = (first != second).any(2).mean()
    assert 0.005 < unlike < 0.4


@pytest.mark.parametrize("name", OWN_EDITS)
def test_an_edit_changes_the_picture(name: str, fonts: Fonts) -> None:
    """As much as its name says, the same for the same random numbers."""
    rgb, other = scene(1, 320, 240), scene(2, 640, 512)
    first, again = (edited(rgb, name, Desk(seeded(name), fonts, other)) for _ in range(2))
    assert first.dtype == np.uint8
    assert first.ndim == 3
    assert np.array_equal(first, again)
    # of two the file's encoding is the edit
    assert np.array_equal(first, rgb) == (name in ("jpeg_15_60", "webp_15_70"))


def test_edits_that_leave_too_little_are_left_out() -> None:
    """Small pictures bear few edits; a kind bears none of what it cannot."""
    assert set(fitting_edits((800, 600))) == set(ALL_EDITS)
    tiny = fitting_edits((32, 32))
    assert "mirror" in tiny
    assert not {"blur", "watermark", "screenshot", "tiny_jpeg"} & set(tiny)
    assert not GROUPS["soft"] & set(fitting_edits((800, 600), ("soft",)))
    assert all(group <= set(ALL_EDITS) for group in GROUPS.values())


def test_every_kind_belongs_to_a_collection() -> None:
    """To one each; every collection has kinds to fit with and kinds left out."""
    kinds = Counter(kind for group in COLLECTIONS.values() for kind in group)
    assert kinds == Counter(every_kind())
    assert COLLECTIONS
    for group in COLLECTIONS.values():
        assert group & LEFT_OUT
        assert group - LEFT_OUT


def test_real_pictures_keep_their_truth(tmp_path: Path) -> None:
    """Scenes stay whole, all frames differ; equal pixels of a domain are one picture."""
    rows = [f"{scene_}/{n}.jpg,{scene_},video,frames" for scene_ in "ab" for n in range(3)]
    (tmp_path / "labels.csv").write_text("\n".join(["path,group,kind,relation", *rows]))
    taken = shots(tmp_path, "frames", 6)
    assert len({one.picture for one in taken}) == 6
    assert Counter(one.layout for one in taken) == {"a": 3, "b": 3}
    rows = [f"logos/{n}.png,{min(n, 2)},logos" for n in range(4)]
    (tmp_path / "labels.csv").write_text("\n".join(["path,group,domain", *rows]))
    assert [one.picture for one in domain(tmp_path, "logos", 4)] == ["0", "1", "2", "2"]


def test_frames_that_are_one_file_are_taken_once(photos: Path, tmp_path: Path) -> None:
    """Whatever the labels say: two scenes that share a file would make a false truth."""
    lines = ["path,group,kind,relation"]
    for scene_ in ("a", "b"):
        for number in range(2):
            # all of the second scene are those of the first
            save(tmp_path / scene_ / f"{number}.jpg", scene(number, 200, 160))
            lines.append(f"{scene_}/{number}.jpg,{scene_},pano,pan")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    folders = Folders(photos / "photos", photos / "train", shots=tmp_path)
    options = Options(scale=0.05, workers=1, kinds=("shots_pan",))
    labels = make_judge_sets(tmp_path / "out", folders, options)
    assert len([label for label in labels if not label.edit]) == 2


def test_what_cannot_be_made_is_said(photos: Path, tmp_path: Path) -> None:
    """An unknown kind, and too few photos."""
    folders = Folders(photos / "photos", photos / "train")
    with pytest.raises(ConfigError, match="no such kind"):
        make_judge_sets(tmp_path, folders, Options(kinds=("poems",)))
    with pytest.raises(ConfigError, match="too few photos"):
        make_judge_sets(tmp_path, folders, Options(scale=1.0, kinds=("photos",)))
