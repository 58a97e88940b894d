"""Hard sets are what their labels claim, the same for the same seed."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from conftest import save, scene
from lookalike.evaluation.datasets import Label, read_labels, read_photo
from lookalike.evaluation.drawing import resized
from lookalike.model.errors import ConfigError
from lookalike_bench.hard import faces, paper, plain, shots
from lookalike_bench.hard.pasted import read_boxes
from lookalike_bench.hard.relations import (
    RelationCount,
    another_shot,
    count_relations,
    relation_of,
)
from lookalike_bench.hard.sets import HARD_SETS, make_hard_set
from lookalike_bench.hard.strangers import SHARED
from lookalike_bench.hard.templates import TEMPLATES

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every hard set, small, of made-up pictures."""
    folder = tmp_path_factory.mktemp("hard")
    for number in range(12):
        save(folder / "photos" / f"p{number}.jpg", scene(number, 240, 200))
        save(folder / "canvases" / f"c{number}.jpg", scene(90 + number, 200, 240))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plain, "_EACH", 3)
        patch.setattr(plain, "_COPIED", 1)
        patch.setattr(shots, "_SOURCES", 2)
        patch.setattr(paper, "_SOURCES", 4)
        patch.setattr(paper, "_STRANGERS", 3)
        for name in HARD_SETS:
            if name == "faces" and shots.shipped_picture("astronaut.png") is None:
                continue
            _make(name, folder, folder / name)
    return folder


# faces are looked for in the half that has the astronaut
def _make(name: str, folder: Path, out: Path) -> tuple[Label, ...]:
    photos, canvases = folder / "photos", folder / "canvases"
    split = "development" if name == "faces" else "all"
    return make_hard_set(name, photos, canvases, out, split=split, seed=3)


@pytest.mark.parametrize("name", HARD_SETS)
def test_every_file_has_a_label(sets: Path, name: str) -> None:
    """The labels name the pictures of the folder, all of them, each once."""
    if not (sets / name).is_dir():
        pytest.skip("scikit-image is not installed")
    labels = read_labels(sets / name)
    files = {path.name for path in (sets / name).iterdir()} - {"labels.csv", "boxes.csv"}
    assert len(labels) == len(files) and {label.path for label in labels} == files
    assert all(cv2.imread(str(sets / name / label.path)) is not None for label in labels)


@pytest.mark.parametrize("name", ["templates", "inside", "strangers"])
def test_the_same_seed_gives_the_same_bytes(sets: Path, name: str, tmp_path: Path) -> None:
    """Made again, every file is the same."""
    _make(name, sets, tmp_path / "again")
    again = list((tmp_path / "again").iterdir())
    assert len(again) == len(list((sets / name).iterdir())) > 10
    for path in again:
        assert path.read_bytes() == (sets / name / path.name).read_bytes(), path.name


def test_pages_hold_their_photo(sets: Path) -> None:
    """Every photo has two pages, and every template is used with several photos."""
    labels = read_labels(sets / "templates")
    by_group: dict[str, list[str]] = {}
    for label in labels:
        by_group.setdefault(label.group, []).append(label.edit)
    assert len(by_group) == 12
    assert all(len(edits) == 3 and "source" in edits for edits in by_group.values())
    assert len(TEMPLATES) > 2
    for template in TEMPLATES:
        assert len({label.group for label in labels if label.edit == template}) > 1


def test_boxes_show_the_small_picture(sets: Path) -> None:
    """What a box cuts out of the large photo is the small picture; boxes lie apart."""
    boxes = read_boxes(sets / "inside")
    labels = {label.path: label.edit for label in read_labels(sets / "inside")}
    assert len(boxes) == 2 * sum(edit == "pasted_into" for edit in labels.values()) > 0
    assert sum(edit == "empty" for edit in labels.values()) == len(boxes) // 2
    for box in boxes:
        assert labels[box.large] == "pasted_into" and labels[box.small] == "source"
        large, small = (read_photo(sets / "inside" / name) for name in (box.large, box.small))
        cut = large[box.y0 : box.y1, box.x0 : box.x1]
        sized = resized(small, box.x1 - box.x0, box.y1 - box.y0)
        assert np.abs(cut.astype(int) - sized).mean() < 12
    for one, other in zip(boxes[::2], boxes[1::2], strict=True):
        assert one.large == other.large and one.small != other.small
        apart = one.x1 <= other.x0 or other.x1 <= one.x0 or one.y1 <= other.y0 or other.y1 <= one.y0
        assert apart


def test_photographed_sources_and_strangers(sets: Path) -> None:
    """Sources have one or two photographs; some strangers are photographs without a source."""
    labels = read_labels(sets / "rephotographed")
    groups = {label.group for label in labels}
    edits = {group: [one.edit for one in labels if one.group == group] for group in groups}
    copies = [len(some) - 1 for some in edits.values() if "source" in some and len(some) > 1]
    assert sorted(copies) == [1, 1, 2, 2]
    alone = [some for some in edits.values() if "source" not in some]
    assert len(alone) == 3 and all(some[0] in paper.MATERIALS for some in alone)


def test_plain_pictures_differ_but_for_their_copies(sets: Path) -> None:
    """Same bytes are same bytes, lossless are the same pixels, all others differ."""
    folder = sets / "plain"
    sources = [label for label in read_labels(folder) if label.edit == "source"]
    assert len({label.group for label in sources}) == len(sources) == 3 * len(plain.PLAIN)
    for kind in plain.PLAIN:
        first = folder / f"{kind}_00.jpg"
        assert (folder / f"{kind}_00__same_bytes.jpg").read_bytes() == first.read_bytes()
        assert np.array_equal(read_photo(folder / f"{kind}_00__lossless.png"), read_photo(first))
        assert (folder / f"{kind}_01.jpg").read_bytes() != first.read_bytes()


def test_strangers_are_all_alone(sets: Path) -> None:
    """No two pictures of the set are of one group, and every kind of sharing is there."""
    labels = read_labels(sets / "strangers")
    assert len({label.group for label in labels}) == len(labels) == 2 * len(SHARED)
    assert {label.edit for label in labels} == set(SHARED)


def test_shots_are_similar_and_copies_copies(sets: Path) -> None:
    """A photo and its edits are copies; burst frames and viewpoints are similar to all of them."""
    labels = [label for label in read_labels(sets / "bursts") if "motorcycle" not in label.path]
    for first in labels:
        for second in labels:
            same = first.path.split("__")[0].removesuffix(".jpg") == second.path.split("__")[
                0
            ].removesuffix(".jpg")
            shot = {"burst", "viewpoint"} & {first.edit, second.edit}
            if first.path != second.path:
                expected = "none" if not same else "similar" if shot else "copy"
                assert relation_of(first, second) == expected
    assert sum(label.edit in ("burst", "viewpoint") for label in labels) == 8


def test_relations_by_hand() -> None:
    """A source, its copy, another shot, a stranger: six pairs, each in its cell."""
    labels = [
        Label("a", "one", "source"),
        Label("b", "one", "blur"),
        Label("c", another_shot("one", "burst_0"), "burst"),
        Label("d", "two", "source"),
    ]
    table = count_relations(labels, {("b", "a"): "copy", ("a", "c"): "copy", ("c", "d"): "similar"})
    assert [count.pairs for count in table] == [1, 0, 0, 1, 0, 1, 0, 1, 2]
    assert table[3] == RelationCount("similar", "copy", 1)


def test_faces_are_found_and_changed() -> None:
    """The astronaut's face is found once, and another photo of it is not the same picture."""
    path = shots.shipped_picture("astronaut.png")
    if path is None:
        pytest.skip("scikit-image is not installed")
    rgb = read_photo(path)
    (area,) = faces.find_faces(rgb[:300, 100:400])
    assert 60 < area.width < 160
    random = np.random.default_rng(0)
    face = rgb[area.top : area.bottom, 100 + area.left : 100 + area.right]
    other = faces.other_photo(face, scene(1), random)
    assert other.shape == face.shape
    assert np.abs(other.astype(int) - face).mean() > 15


def test_real_photos_of_a_person_are_similar(tmp_path: Path) -> None:
    """Photos in a person's folder become crops that are similar to each other, never copies."""
    path = shots.shipped_picture("astronaut.png")
    if path is None:
        pytest.skip("scikit-image is not installed")
    rgb = read_photo(path)[:360, 60:420]
    for name, picture in (("one", rgb), ("two", rgb[:, ::-1])):
        save(tmp_path / "canvases" / "people" / "eileen" / f"{name}.jpg", picture)
    save(tmp_path / "canvases" / "c.jpg", scene(1, 240, 200))
    save(tmp_path / "photos" / "p.jpg", scene(2, 240, 200))
    labels = make_hard_set(
        "faces", tmp_path / "photos", tmp_path / "canvases", tmp_path / "out", split="all"
    )
    one, two = (label for label in labels if label.edit == "real_photo")
    assert one.path == "person_eileen__one.jpg" and relation_of(one, two) == "similar"


def test_empty_halves_are_refused(tmp_path: Path) -> None:
    """A set without photos or canvases is an error, not an empty set."""
    for folder in ("photos", "canvases"):
        (tmp_path / folder).mkdir()
    with pytest.raises(ConfigError, match="too few"):
        make_hard_set(
            "plain", tmp_path / "photos", tmp_path / "canvases", tmp_path / "out", split="all"
        )


def test_unknown_sets_are_refused(tmp_path: Path) -> None:
    """The error names the sets that there are."""
    with pytest.raises(ConfigError, match="templates"):
        make_hard_set("nonsense", tmp_path, tmp_path, tmp_path / "out", split="all")
