"""The command: what it prints, writes and returns."""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import replace
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from conftest import calls, run, save, scene
from lookalike import find
from lookalike.evaluation.edits import edit_picture
from lookalike.model.match import Match
from lookalike.model.report import Cluster, Decision, Report
from lookalike.report import from_json, to_dict, to_json
from lookalike.report.as_html import write_html

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A picture with an awkward name, its copies, and a broken file."""
    rgb = scene(1)
    place = tmp_path / "in"
    save(place / "a <b>&'\".jpg", rgb)
    for edit in ("mirror", "crop_87", "letterbox"):
        save(place / f"{edit}.jpg", edit_picture(rgb, edit, source="a", other=rgb))
    save(place / "other.jpg", scene(2))
    (place / "bad.jpg").write_bytes(b"")
    return place


def test_find_prints_writes_and_returns_11(folder: Path, db: Path, tmp_path: Path) -> None:
    """Summary on the terminal, page and tables on disk, 11 for found."""
    page, tables = tmp_path / "r" / "page.html", tmp_path / "tables"
    done = run("find", folder, "--db", db, "--html", page, "--csv", tables)
    assert done.returncode == 11, done.stderr
    said = done.stdout.replace("\n", "").replace(" ", "")
    for words in ("1 picture appears more than once", "mirrored", "bad.jpg: the file is empty"):
        assert words.replace(" ", "") in said
    with (tables / "clusters.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4 and sum(row["action"] == "keep" for row in rows) == 1
    with (tables / "matches.csv").open(newline="") as file:
        told = [float(row["confidence"]) for row in csv.DictReader(file)]
    assert len(told) >= 3 and all(0.5 < value < 1 for value in told)
    assert "expectedfalsepairs:" in said and f"of{len(told)}" in said
    shown = page.read_text(encoding="utf-8")
    assert "expected false pairs" in shown and shown.count("<small>confidence") == 3
    assert page.stat().st_size > 5000


def test_json_is_the_schema_and_nothing_else(folder: Path, db: Path) -> None:
    """Standard output is one JSON document of the published schema, twice the same."""
    done = run("find", folder, "--db", db, "--json")
    assert done.returncode == 11
    plain = json.loads(done.stdout)
    schema = json.loads(
        resources.files("lookalike.report").joinpath("report.schema.json").read_text()
    )
    jsonschema.validate(plain, schema)
    assert plain["clusters"][0]["keeper"] == str(folder / "a <b>&'\".jpg")
    assert {Path(m["path"]).name for m in plain["clusters"][0]["members"]} == {
        "a <b>&'\".jpg",
        "mirror.jpg",
        "crop_87.jpg",
        "letterbox.jpg",
    }
    again = json.loads(run("find", folder, "--db", db, "--json").stdout)
    assert again["funnel"]["decoded"] == 0
    assert again["clusters"] == plain["clusters"] and again["matches"] == plain["matches"]


def test_exit_codes(folder: Path, db: Path, tmp_path: Path) -> None:
    """0 none found, 1 error, 2 usage; errors are one line without a traceback."""
    save(tmp_path / "one" / "a.jpg", scene(7))
    assert run("find", tmp_path / "one", "--db", db).returncode == 0
    gone = run("find", tmp_path / "gone", "--db", db)
    assert gone.returncode == 1 and gone.stderr.count("\n") == 1 and "does not exist" in gone.stderr
    assert run("find").returncode == 2
    assert run("find", folder, "--effort", "heroic").returncode == 2
    assert run("find", folder, "--precision", 0.3).returncode == 2
    assert run("find", folder, "--precision", 0.9, "--recipe", "report-hash").returncode == 2
    both = run("find", folder, "--db", db, "--precision", 0.9, "--similar")
    assert both.returncode == 1 and "precision and similar" in both.stderr
    assert run("find", folder, "--db", db, "--descriptor", "nothing").returncode == 1


def test_compare_explains_and_returns(folder: Path) -> None:
    """A pair's tier, edit and keeper; 11, 0 or 1."""
    mine = folder / "a <b>&'\".jpg"
    done = run("compare", mine, folder / "mirror.jpg")
    assert done.returncode == 11 and done.stdout.startswith("copy: mirrored")
    assert ", confidence 0.9" in done.stdout
    assert run("compare", mine, folder / "other.jpg").returncode == 0
    bad = run("compare", mine, folder / "bad.jpg")
    assert bad.returncode == 1 and "empty" in bad.stderr
    assert (
        json.loads(run("compare", mine, folder / "crop_87.jpg", "--json").stdout)["tier"] == "copy"
    )


def test_json_and_files_together(folder: Path, db: Path, tmp_path: Path) -> None:
    """What is asked for besides JSON is written too; standard output stays JSON."""
    page = tmp_path / "page.html"
    done = run("find", folder, "--db", db, "--json", "--html", page)
    assert done.returncode == 11 and json.loads(done.stdout)["clusters"]
    assert page.read_text(encoding="utf-8").count("<img") > 1


def test_reports_survive_json(folder: Path, db: Path) -> None:
    """Report to JSON and back is the same report."""
    report = find(folder, db=db)
    assert from_json(to_json(report)) == report
    with pytest.raises(ValueError, match="not a report"):
        from_json("[]")


class _Page(HTMLParser):
    """Collects what a page would load, and its outlines."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.outlines: list[str] = []
        self.pictures = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("src", "href") and value and not value.startswith("data:"):
                self.loads.append(value)
            if name == "points" and value:
                self.outlines.append(value)
        self.pictures += tag == "img"


def test_the_page_stands_alone(folder: Path, db: Path, tmp_path: Path) -> None:
    """No outside resource, names escaped, the crop's frame drawn where it was."""
    report = find(folder, db=db)
    text = write_html(report, tmp_path / "page.html").read_text()
    page = _Page()
    page.feed(text)
    # four files, and the mask of the letterbox
    assert page.loads == [] and page.pictures == 5 and "added: border 2" in text
    bare = write_html(report, tmp_path / "bare.html", max_explained=0).read_text()
    assert bare.count("<img") == 4 and "added: border" not in bare
    assert "a <b>&'" not in text and "a &lt;b&gt;&amp;" in text
    boxes = [np.array([p.split(",") for p in points.split()], float) for points in page.outlines]
    # the letterbox adds bars of 18 % above and below: the picture lies at 13 % to 87 %
    inside = [box for box in boxes if abs(box[:, 1].min() - 13.2) < 2]
    assert inside and abs(inside[0][:, 1].max() - 86.8) < 2
    few = write_html(report, tmp_path / "few.html", max_clusters=0).read_text()
    assert "1 more are in the JSON and CSV" in few


def test_large_answers_cost_as_much_as_they_hold(db: Path, tmp_path: Path) -> None:
    """Twice the images, pairs and clusters cost twice the work, to JSON and back."""
    save(tmp_path / "in" / "a.jpg", scene(1))
    report = find(tmp_path / "in", db=db)
    image = report.images["a.jpg"]

    def answer(pairs: int) -> Report:
        names = [(f"{n}.jpg", f"{n}-copy.jpg") for n in range(pairs)]
        matches = [Match(query, ref, "pixel", 0.0, "pixels") for query, ref in names]
        return replace(
            report,
            images={name: replace(image, id=name) for pair in names for name in pair},
            matches=tuple(matches),
            clusters=tuple(
                Cluster(f"{one.query}s", (one.query, one.ref), one.query, (one,), "star", 0.0)
                for one in matches
            ),
            decisions=tuple(
                Decision(name, "keep" if name == pair[0] else "drop", pair[0], "size")
                for pair in names
                for name in pair
            ),
        )

    large, half = answer(2000), answer(1000)
    assert from_json(to_json(large)) == large and len(to_dict(large)["images"]) == 4000
    cost, less = (calls(lambda one=one: from_json(to_json(one))) for one in (large, half))
    assert less > 2000 and cost < 2.1 * less


def test_every_command_is_documented() -> None:
    """The reference is what the parser says; README or a guide shows each command in use."""
    from lookalike.cli.main import commands

    root = Path(__file__).resolve().parents[2]
    sys.path.insert(0, str(root / "tools"))
    try:
        from cli_reference import PAGE, page
    finally:
        sys.path.pop(0)
    assert page() == PAGE.read_text(encoding="utf-8"), "run 'make reference'"
    guides = [root / "README.md", *(root / "docs").glob("*.md")]
    shown = "".join(guide.read_text(encoding="utf-8") for guide in guides)
    assert len(commands.commands) > 10
    for name in commands.commands:
        assert f"lookalike {name}" in shown, name


def test_search_answers_prints_and_writes(folder: Path, db: Path, tmp_path: Path) -> None:
    """Text, JSON, page and sheet; 11 where a copy was found; the query may be a part."""
    run("find", folder, "--db", db)
    query = folder / "mirror.jpg"
    sheet, page = tmp_path / "s.png", tmp_path / "s.html"
    done = run("search", query, "--db", db, "-k", 3, "--png", sheet, "--html", page)
    assert done.returncode == 11, done.stderr
    assert "the query is in the set" in done.stdout and "copy: mirrored" in done.stdout
    assert sheet.stat().st_size > 5000 and "data:image/jpeg" in page.read_text()
    done = run("search", query, "--db", db, "--json", "--metrics", "cosine,dice", "--vote")
    answer = json.loads(done.stdout)
    assert answer["hits"][0]["tier"] == "exact" and len(answer["hits"][0]["votes"]) == 2
    told = {hit["tier"]: hit["confidence"] for hit in answer["hits"]}
    assert told["exact"] == 1 and 0.5 < told["copy"] < 1 and told.get("similar") is None
    done = run("search", query, "--db", db, "--box", "40,30,500,400", "--ignore-overlays")
    assert done.returncode == 11
    assert run("search", query, "--db", db, "--box", "1,2").returncode == 2
    done = run("buckets", "--db", db, "--descriptor", "dhash16", "--all")
    assert done.returncode in (0, 11) and done.stdout.count(".jpg") == 5
    done = run("buckets", "--db", db, "--descriptor", "colour")
    assert done.returncode == 1 and "buckets need bits" in done.stderr
    done = run("search", query, "--db", db, "--metrics", "canberra")
    assert done.returncode == 1 and "unknown metric" in done.stderr


def test_recipes_and_models_are_listed(tmp_path: Path) -> None:
    """Every recipe with what it implements, every model with licence and source."""
    said = run("recipes").stdout
    assert "dupimage-research" in said and "VisiPics" in said
    said = run("models", "list").stdout
    assert "CC-BY-4.0" in said and "683" not in said and "resnet18" in said
    done = run("models", "path", "nope")
    assert done.returncode == 1 and "unknown model" in done.stderr
    done = run("models", "get", "vgg19", "--from", tmp_path / "no.pth")
    assert done.returncode == 1 and "does not exist" in done.stderr


def test_edits_evaluate_and_calibrate_from_the_command_line(tmp_path: Path) -> None:
    """Make a labelled set, compare two recipes on it, and ask for a threshold."""
    pytest.importorskip("matplotlib", reason="matplotlib is not installed (extra lab)")
    for seed in range(5):
        save(tmp_path / "photos" / f"{seed}.jpg", scene(seed, 320, 240))
    out = tmp_path / "set"
    done = run("edits", tmp_path / "photos", out, "--edit", "resize_50", "--edit", "pasted")
    assert done.returncode == 0, done.stderr
    assert "15 images of 2 edits" in done.stdout and (out / "labels.csv").is_file()
    assert "posterize" in run("edits", "--list").stdout
    recipes = ("--recipe", "fast", "--recipe", "report-hash")
    done = run("evaluate", *recipes, "--dataset", out, "--out", tmp_path / "run", "--sample", 5)
    assert done.returncode == 0, done.stderr
    assert "| report-hash |" in done.stdout and "results.html" in done.stdout
    done = run("calibrate", "--recipe", "report-hash", "--dataset", out, "--precision", 0.99)
    assert done.returncode == 0 and "max_distance = " in done.stdout
    assert run("calibrate", "--recipe", "report-hash").returncode == 2
    done = run("find", out, "--recipe", "report-hash", "--effort", "fast")
    assert done.returncode == 2 and "cannot be combined" in done.stderr
    done = run("evaluate", "--recipe", "nope", "--dataset", out, "--out", tmp_path / "no")
    assert done.returncode == 1 and "unknown recipe" in done.stderr
