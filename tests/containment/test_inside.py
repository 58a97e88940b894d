"""Pictures inside larger ones: where they lie, and that nothing else is said to."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from importlib import resources
from pathlib import Path

import cv2
import jsonschema
import numpy as np
import pytest

from conftest import save, scene
from lookalike import FindConfig, InsideConfig, Question, find, search
from lookalike.cli import main
from lookalike.containment.find import one_per_frame
from lookalike.containment.regions import load_regions
from lookalike.model.errors import ConfigError, ModelError
from lookalike.model.match import Containment
from lookalike.model.report import Report
from lookalike.report import from_json, to_json
from lookalike.report.as_csv import write_csv
from lookalike.report.as_html import write_html
from lookalike_bench.hard import inside as bench
from lookalike_bench.hard.inside import proposals_table, score_boxes

pytestmark = pytest.mark.slow

INSIDE = FindConfig(effort="fast", threads=1, inside=InsideConfig(wanted=True))
BOX = (310, 40, 168, 126)


def pasted(onto: np.ndarray, small: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """A picture with another one in a box of it."""
    left, top, width, height = box
    page = onto.copy()
    page[top : top + height, left : left + width] = cv2.resize(
        small, (width, height), interpolation=cv2.INTER_AREA
    )
    return page


def iou(box: tuple[int, int, int, int], truth: tuple[int, int, int, int]) -> float:
    """Shared area by joint area."""
    low = np.maximum(box[:2], truth[:2])
    high = np.minimum(np.add(box[:2], box[2:]), np.add(truth[:2], truth[2:]))
    shared = float(np.prod(np.maximum(high - low, 0)))
    return shared / (box[2] * box[3] + truth[2] * truth[3] - shared)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three small pictures, a page with two of them, one of them mirrored, and an empty page."""
    place = tmp_path_factory.mktemp("inside") / "in"
    smalls = [scene(number, 400, 300) for number in range(3)]
    for number, rgb in enumerate(smalls):
        save(place / f"small{number}.jpg", rgb)
    page = pasted(scene(10, 800, 600), smalls[0], BOX)
    page = pasted(page, np.ascontiguousarray(smalls[1][:, ::-1]), (60, 380, 200, 150))
    save(place / "page.jpg", page)
    save(place / "empty.jpg", scene(11, 800, 600))
    return place


@pytest.fixture(scope="module")
def report(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Report:
    """What is found in the folder."""
    return find(folder, db=tmp_path_factory.mktemp("db"), config=INSIDE)


def by_names(report: Report) -> dict[tuple[str, str], Containment]:
    """Containments by file names."""
    return {(Path(c.small).name, Path(c.large).name): c for c in report.containments}


def test_boxes_say_where_and_empty_pages_hold_nothing(report: Report) -> None:
    """Two pictures lie in the page, in their places; nothing else lies in anything."""
    found = by_names(report)
    assert set(found) == {("small0.jpg", "page.jpg"), ("small1.jpg", "page.jpg")}
    upright, mirrored = found["small0.jpg", "page.jpg"], found["small1.jpg", "page.jpg"]
    assert iou(upright.box, BOX) > 0.95 and iou(mirrored.box, (60, 380, 200, 150)) > 0.95
    assert not upright.verification.mirrored and mirrored.verification.mirrored
    assert upright.verification.scale == pytest.approx(400 / 168, rel=0.02)
    # the mirrored picture's own top left corner lies right
    assert mirrored.corners[0][0] == pytest.approx(260, abs=3)
    assert report.funnel["containments"] == 2


def test_containments_join_no_cluster(report: Report, folder: Path, tmp_path: Path) -> None:
    """What is contained is not the same picture: clusters are those of a run without."""
    plain = find(folder, db=tmp_path / "db", config=replace(INSIDE, inside=InsideConfig()))
    assert plain.clusters == report.clusters == () and plain.matches == report.matches
    assert plain.containments == () and "containments" not in plain.funnel


def test_a_turned_picture_has_turned_corners(tmp_path: Path) -> None:
    """The box encloses it, the corners say how it lies."""
    small, page = scene(1, 400, 300), scene(20, 800, 600)
    turn = cv2.getRotationMatrix2D((200, 150), 30, 0.45)
    turn[:, 2] += (200, 150)
    mask = cv2.warpAffine(np.full((300, 400), 255, np.uint8), turn, (800, 600)) > 127
    page[mask] = cv2.warpAffine(small, turn, (800, 600), flags=cv2.INTER_AREA)[mask]
    save(tmp_path / "in" / "small.jpg", small)
    save(tmp_path / "in" / "page.jpg", page)
    (found,) = find(tmp_path / "in", db=tmp_path / "db", config=INSIDE).containments
    corners = np.array([[0, 0, 1], [400, 0, 1], [400, 300, 1], [0, 300, 1]]) @ turn.T
    assert np.abs(np.array(found.corners) - corners).max() < 3
    assert found.verification.angle == pytest.approx(30, abs=1)


def test_orientation_counts(tmp_path: Path) -> None:
    """The box is told in the upright picture, whatever its EXIF orientation."""
    from PIL import Image

    small, page = scene(1, 400, 300), pasted(scene(21, 800, 600), scene(1, 400, 300), BOX)
    save(tmp_path / "in" / "small.jpg", small)
    lying = Image.fromarray(np.ascontiguousarray(np.rot90(page)))
    exif = lying.getexif()
    exif[0x0112] = 6
    lying.save(tmp_path / "in" / "page.jpg", exif=exif, quality=92)
    (found,) = find(tmp_path / "in", db=tmp_path / "db", config=INSIDE).containments
    assert iou(found.box, BOX) > 0.95


def test_strangers_and_textures_lie_in_nothing(tmp_path: Path) -> None:
    """A shared sticker, or a texture that repeats, puts no picture into another."""
    sticker = scene(50, 120, 120)
    for number, (width, height) in enumerate(((400, 300), (800, 600), (640, 480))):
        rgb = scene(60 + number, width, height)
        rgb[20:140, 30 * number : 30 * number + 120] = sticker
        save(tmp_path / "in" / f"sticker{number}.jpg", rgb)
    for step in (16, 24, 40):
        y, x = np.mgrid[: 24 * step, : 32 * step]
        board = (((y // step + x // step) % 2) * 200 + 20).astype(np.uint8)
        save(tmp_path / "in" / f"board{step}.jpg", np.repeat(board[..., None], 3, axis=2))
    assert find(tmp_path / "in", db=tmp_path / "db", config=INSIDE).containments == ()


def test_a_second_run_opens_nothing(folder: Path, tmp_path: Path) -> None:
    """Keypoints, verdicts and the report are remembered, and are the same for other threads."""
    first = find(folder, db=tmp_path / "db", config=INSIDE)
    told: list[str] = []
    again = find(
        folder,
        db=tmp_path / "db",
        config=replace(INSIDE, inside=InsideConfig(wanted=True, max_neighbours=19), threads=2),
        progress=lambda stage, done, total: told.append(stage),
    )
    assert again.containments == first.containments and "look closely" not in told


def test_one_of_coinciding_pictures_stands_for_them(folder: Path, tmp_path: Path) -> None:
    """A copy of a whole frame is looked for once, and its cluster says the rest."""
    for path in folder.iterdir():
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / path.name).write_bytes(path.read_bytes())
    save(tmp_path / "in" / "again.jpg", scene(0, 400, 300), quality=70)
    report = find(tmp_path / "in", db=tmp_path / "db", config=INSIDE)
    assert len(report.clusters) == 1 and len(report.containments) == 2
    shas = {image.sha256: image for image in report.images.values()}
    assert len(one_per_frame(shas, ())) == 6


def test_search_looks_both_ways(folder: Path, tmp_path: Path) -> None:
    """A query is found in larger pictures, and what lies in it is found too."""
    find(folder, db=tmp_path / "db", config=INSIDE)
    asked = tmp_path / "asked.jpg"
    save(asked, scene(0, 400, 300), quality=80)
    answer = search(Question(asked, inside=True), db=tmp_path / "db")
    (found,) = answer.containments
    assert found.small == str(asked) and Path(found.large).name == "page.jpg"
    assert iou(found.box, BOX) > 0.95
    save(asked, pasted(scene(30, 800, 600), scene(2, 400, 300), BOX))
    (found,) = search(Question(asked, inside=True), db=tmp_path / "db").containments
    assert found.large == str(asked) and Path(found.small).name == "small2.jpg"
    assert iou(found.box, BOX) > 0.95
    assert search(Question(asked), db=tmp_path / "db").containments == ()


def test_every_form_of_the_report_tells_the_boxes(report: Report, tmp_path: Path) -> None:
    """JSON keeps them without loss and fits the schema; the table and the page show them."""
    text = to_json(report)
    schema = resources.files("lookalike.report").joinpath("report.schema.json").read_text()
    jsonschema.validate(json.loads(text), json.loads(schema))
    assert from_json(text).containments == report.containments
    write_csv(report, tmp_path)
    with (tmp_path / "containments.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [Path(row["small"]).name for row in rows] == ["small0.jpg", "small1.jpg"]
    assert int(rows[0]["left"]) == report.containments[0].box[0]
    page = write_html(report, tmp_path / "page.html").read_text()
    assert page.count("where the smaller picture lies") == 2


def test_the_command_prints_boxes(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """``find --inside`` and ``search --inside`` say what lies where, and leave with 11."""
    db = str(tmp_path / "db")
    options = ["--inside", "--effort", "fast", "--db", db, "--csv", str(tmp_path / "t")]
    assert leaves(monkeypatch, "find", str(folder), *options) == 11
    said = capsys.readouterr().out.replace("\n", "")
    assert "2 pictures lie inside larger ones" in said and "small1.jpg" in said
    query = str(folder / "small0.jpg")
    page = tmp_path / "answer.html"
    options = ["--inside", "--db", db, "--html", str(page)]
    assert leaves(monkeypatch, "search", query, *options) == 11
    assert "page.jpg: 168×126 at 310,40 (" in capsys.readouterr().out
    assert "168×126 at 310,40" in page.read_text()
    assert leaves(monkeypatch, "find", str(folder), "--regions", "grid", "--db", db) == 2


def leaves(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Exit code of the command."""
    monkeypatch.setattr("sys.argv", ["lookalike", *arguments])
    with pytest.raises(SystemExit) as left:
        main()
    assert isinstance(left.value.code, int)
    return left.value.code


@pytest.mark.parametrize("regions", ["grid", "rectangles", "detector"])
def test_proposed_regions_find_the_same(
    regions: str, report: Report, folder: Path, tmp_path: Path
) -> None:
    """Where to look closely may be proposed; what lies where is the same."""
    name = str(detector(tmp_path / "d.onnx", rows=3)) if regions == "detector" else regions
    config = replace(INSIDE, inside=InsideConfig(wanted=True, regions=name))
    found = by_names(find(folder, db=tmp_path / "db", config=config))
    assert set(found) == set(by_names(report))
    assert iou(found["small0.jpg", "page.jpg"].box, BOX) > 0.95


def detector(path: Path, *, rows: int) -> Path:
    """An ONNX file that sees a box of .6 of the picture in each of rows × rows cells.

    Objectness is the mean of the picture's red there, so that it depends on the input.
    """
    onnx = pytest.importorskip("onnx", reason="onnx is not installed (extra lab)")
    from onnx import TensorProto, helper

    side, parts = 48, rows
    other = np.zeros((1, 6, parts, parts), np.float32)
    other[:, 2:4] = np.log(0.6 / 0.4)
    other[:, 4:] = 1.0
    red = np.zeros((1, 3, 1, 1), np.float32)
    red[0, 0] = 1.0
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["in", "red"], ["plane"]),
            helper.make_node(
                "AveragePool",
                ["plane"],
                ["seen"],
                kernel_shape=[side // parts] * 2,
                strides=[side // parts] * 2,
            ),
            helper.make_node("Concat", ["seen", "other"], ["out"], axis=1),
        ],
        "detector",
        [helper.make_tensor_value_info("in", TensorProto.FLOAT, [1, 3, side, side])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 7, parts, parts])],
        [
            helper.make_tensor("red", TensorProto.FLOAT, red.shape, red.ravel()),
            helper.make_tensor("other", TensorProto.FLOAT, other.shape, other.ravel()),
        ],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), path)
    return path


def test_a_detector_places_boxes(tmp_path: Path) -> None:
    """Middle by tanh, size by sigmoid, the likeliest first, shares of the picture."""
    rgb = np.zeros((90, 120, 3), np.uint8)
    rgb[60:, 80:, 0] = 250
    rgb[:30, :40, 0] = 100
    boxes = load_regions(str(detector(tmp_path / "d.onnx", rows=3))).propose(rgb)
    # cells are 1/3 wide, the boxes .6, both from the cell's corner
    assert boxes[0] == pytest.approx([2 / 3 - 0.3, 2 / 3 - 0.3, 2 / 3 + 0.3, 2 / 3 + 0.3], abs=1e-3)
    assert boxes[1] == pytest.approx([0, 0, 0.3, 0.3], abs=1e-3)
    assert len(boxes) == 2


def test_rectangles_are_seen() -> None:
    """A pasted picture's border is among the rectangles."""
    page = np.full((480, 640, 3), 200, np.uint8)
    page[100:300, 150:450] = scene(1, 300, 200)
    boxes = load_regions("rectangles").propose(page)
    truth = np.array([150 / 640, 100 / 480, 450 / 640, 300 / 480])
    assert np.abs(boxes - truth).max(axis=1).min() < 0.02


def test_wrong_regions_stop_before_any_work(folder: Path, tmp_path: Path) -> None:
    """Neither a name nor a detector, or a graph of another shape, is an error that says so."""
    from lookalike.runtime.inference import shipped

    with pytest.raises(ConfigError, match="unknown regions"):
        load_regions("circles")
    with pytest.raises(ModelError, match="does not exist"):
        load_regions(str(tmp_path / "none.onnx"))
    with pytest.raises(ModelError, match="another"):
        regions = load_regions(str(shipped("copy-lite0.onnx")))
        regions.propose(scene(1))
    wrong = replace(INSIDE, inside=InsideConfig(wanted=True, regions="circles"))
    with pytest.raises(ConfigError):
        find(folder, db=tmp_path / "db", config=wrong)
    assert not (tmp_path / "db").exists()


def test_boxes_are_scored(
    report: Report, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Right boxes count as found; a picture told elsewhere counts as wrong."""
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    truth = "large,small,x0,y0,x1,y1\npage.jpg,small0.jpg,310,40,478,166\n"
    (tmp_path / "boxes.csv").write_text(truth)
    edits = {"page.jpg": "pasted_into", "empty.jpg": "empty"}
    names = sorted(path.name for path in folder.iterdir())
    rows = "".join(f"{name},{name},{edits.get(name, 'source')}\n" for name in names)
    (tmp_path / "labels.csv").write_text("path,group,edit\n" + rows)
    moved = {
        name: replace(image, path=str(tmp_path / image.path.rpartition("/")[2]))
        for name, image in report.images.items()
    }
    score = score_boxes(replace(report, images=moved), tmp_path)
    assert (score.pasted, score.found, score.on_empty, score.elsewhere) == (1, 1, 0, 1)
    assert score.mean_iou > 0.95 and score.empty == 1
    monkeypatch.setattr(bench, "PROPOSERS", ("whole",))
    lines = proposals_table(tmp_path, detector(tmp_path / "seer.onnx", rows=3))
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| whole", "| seer"]
    assert all("| 1 of 1 |" in line for line in lines[2:])


def test_fastestdet_proposes(shared: Path) -> None:
    """A published detector runs through the same adapter."""
    path = shared.parent / "models" / "FastestDet.onnx"
    if not path.is_file():
        pytest.skip(f"no detector at {path}")
    boxes = load_regions(str(path)).propose(scene(1))
    assert boxes.shape[1] == 4 and boxes.min(initial=0) >= 0 and boxes.max(initial=0) <= 1
