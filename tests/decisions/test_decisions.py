"""A person's decisions: kept, undone, merged into reports, and never forgotten."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

import lookalike
from conftest import save, scene
from lookalike.decisions.choices import place_of, with_choices
from lookalike.decisions.keeper import check_rules, choose
from lookalike.model.errors import CollectionError, ConfigError
from lookalike.model.image import ImageRef
from lookalike.model.report import Report
from lookalike.report import to_json
from lookalike.store import Change, Choices, open_decisions
from lookalike.store.decisions import pair_of


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two pictures with two copies each, and one that stands alone."""
    folder = tmp_path / "photos"
    for seed in (1, 2):
        picture = scene(seed)
        save(folder / f"{seed}.jpg", picture)
        save(folder / f"{seed}_small.jpg", picture[::2, ::2])
        save(folder / f"{seed}_mirror.jpg", picture[:, ::-1])
    save(folder / "3.jpg", scene(3))
    return folder


def sha(report: Report, name: str) -> str:
    """Digest of an image's bytes."""
    return report.images[name].sha256


def members(report: Report) -> list[tuple[str, ...]]:
    """Members of every cluster."""
    return [cluster.members for cluster in report.clusters]


def test_decisions_survive_a_restart_and_are_undone_in_order(any_db: Path | str) -> None:
    """Marks and pairs told apart are there after reopening; undo takes back the last step alone."""
    with open_decisions(any_db) as decisions:
        decisions.change(Change("one", {("a", "/x/a.jpg"): "keeper"}))
        decisions.change(Change("two", {("a", "/x/a.jpg"): "drop"}, {pair_of("b", "a"): True}))
    with open_decisions(any_db) as decisions:
        assert decisions.choices.marks == {("a", "/x/a.jpg"): "drop"}
        assert decisions.choices.apart == {("a", "b")}
        last = decisions.last
        assert last is not None and last.words == "two"
        assert decisions.undo(last.number - 1) is None
        undone = decisions.undo(last.number)
        assert undone == Change("two", {("a", "/x/a.jpg"): "keeper"}, {("a", "b"): False})
        assert decisions.choices.marks == {("a", "/x/a.jpg"): "keeper"}
        assert not decisions.choices.apart


def test_two_writers_see_each_other(any_db: Path | str) -> None:
    """What one connection decides, the other sees, and every change raises the edition."""
    with open_decisions(any_db) as one, open_decisions(any_db) as other:
        before = other.edition
        one.change(Change("one", {("a", "/a"): "drop"}))
        assert other.edition > before
        assert other.choices.marks == {("a", "/a"): "drop"}
        step = other.last
        assert step is not None
        other.undo(step.number)
        assert not one.choices.marks


def test_a_failed_change_leaves_nothing(any_db: Path | str) -> None:
    """An error within ``writing`` takes everything back."""
    with open_decisions(any_db) as decisions:
        with pytest.raises(RuntimeError), decisions.writing():
            decisions.change(Change("half", {("a", "/a"): "drop"}))
            raise RuntimeError
        assert not decisions.choices.marks
        assert decisions.last is None


def test_foreign_decisions_are_refused(db: Path) -> None:
    """A SQLite file of another program is left as it is."""
    db.mkdir()
    with sqlite3.connect(db / "decisions.sqlite") as other:
        other.execute("CREATE TABLE theirs(x)")
    other.close()
    with pytest.raises(CollectionError, match="made by lookalike"):
        open_decisions(db)


def test_names_that_are_no_text_are_kept(any_db: Path | str) -> None:
    """A path of odd bytes comes back as it was."""
    odd = os.fsdecode(b"/x/\xff.jpg")
    with open_decisions(any_db) as decisions:
        decisions.change(Change("odd", {("a", odd): "drop"}))
    with open_decisions(any_db) as decisions:
        assert ("a", odd) in decisions.choices.marks
        step = decisions.last
        assert step is not None
        decisions.undo(step.number)
        assert not decisions.choices.marks


def test_not_a_match_is_never_found_again(photos: Path, any_db: Path | str) -> None:
    """A pair told apart neither matches nor shares a cluster in any later run, and undo ends it."""
    first = lookalike.find(photos, db=any_db)
    assert members(first)[0] == ("1.jpg", "1_mirror.jpg", "1_small.jpg")
    told = {
        pair_of(sha(first, "1_small.jpg"), sha(first, f"1{kind}.jpg")): True
        for kind in ("", "_mirror")
    }
    with open_decisions(any_db) as decisions:
        decisions.change(Change("apart", apart=told))
    for config in (None, lookalike.load_recipe("report-hash").config):
        later = lookalike.find(photos, db=any_db, config=config)
        pairs = {pair_of(sha(later, m.query), sha(later, m.ref)) for m in later.matches}
        assert not pairs & told.keys()
        assert all("1_small.jpg" not in cluster for cluster in members(later))
    save(photos / "late.jpg", scene(9))
    assert all("1_small.jpg" not in c for c in members(lookalike.find(photos, db=any_db)))
    with open_decisions(any_db) as decisions:
        step = decisions.last
        assert step is not None
        decisions.undo(step.number)
    assert members(lookalike.find(photos, db=any_db)) == members(first)


def test_two_told_apart_share_no_cluster_though_a_third_matches_both(
    photos: Path, db: Path
) -> None:
    """Of two copies told apart, one stays with their common picture and one leaves."""
    first = lookalike.find(photos, db=db)
    pair = pair_of(sha(first, "1_small.jpg"), sha(first, "1_mirror.jpg"))
    told = with_choices(first, Choices(apart={pair}))
    assert members(told)[0] == ("1.jpg", "1_mirror.jpg")
    assert {decision.image for decision in told.decisions} == {
        member for cluster in told.clusters for member in cluster.members
    }


def test_a_person_outranks_the_rules(photos: Path, db: Path) -> None:
    """The keeper that a person chose stays in later runs, and the rules' one goes."""
    first = lookalike.find(photos, db=db)
    assert first.keeper_of(first.clusters[0]) == "1.jpg"
    with open_decisions(db) as decisions:
        decisions.change(Change("stays", {place_of(first.images["1_small.jpg"]): "keeper"}))
    later = lookalike.find(photos, db=db)
    assert later.keeper_of(later.clusters[0]) == "1_small.jpg"
    decided = {decision.image: decision for decision in later.decisions}
    assert decided["1_small.jpg"].by == "person"
    assert decided["1.jpg"].action == "drop"
    assert decided["1.jpg"].by == "rule"


@pytest.mark.slow
def test_a_plan_of_a_report_knows_what_was_decided_since(photos: Path, any_db: Path | str) -> None:
    """A report in JSON is older than the decisions beside it."""
    first = lookalike.find(photos, db=any_db)
    report = photos.parent / "report.json"
    report.write_text(to_json(first))
    with open_decisions(any_db) as decisions:
        decisions.change(Change("stays", {place_of(first.images["1_small.jpg"]): "keeper"}))
    command = [sys.executable, "-m", "lookalike", "plan", report, "--db", any_db, "--json"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 11, done.stderr
    goes = {Path(step["path"]).name for step in json.loads(done.stdout)["steps"]}
    assert "1.jpg" in goes and "1_small.jpg" not in goes


def test_a_moved_file_keeps_its_decision(photos: Path, db: Path) -> None:
    """The bytes tell which file was meant."""
    first = lookalike.find(photos, db=db)
    with open_decisions(db) as decisions:
        decisions.change(Change("stays", {place_of(first.images["1_small.jpg"]): "keeper"}))
    (photos / "1_small.jpg").rename(photos / "1_renamed.jpg")
    later = lookalike.find(photos, db=db)
    assert later.keeper_of(later.clusters[0]) == "1_renamed.jpg"


def test_dropping_the_keeper_passes_it_on_and_one_always_stays(photos: Path, db: Path) -> None:
    """Whoever is left stands in, also where all were dropped."""
    first = lookalike.find(photos, db=db)
    places = [place_of(first.images[f"1{kind}.jpg"]) for kind in ("", "_mirror", "_small")]
    drop_two = with_choices(first, Choices(marks=dict.fromkeys(places[:2], "drop")))
    assert drop_two.keeper_of(drop_two.clusters[0]) == "1_small.jpg"
    drop_all = with_choices(first, Choices(marks=dict.fromkeys(places, "drop")))
    kept = [d for d in drop_all.decisions if d.action == "keep" and d.image.startswith("1")]
    assert len(kept) == 1


def test_without_decisions_nothing_is_written(photos: Path, db: Path) -> None:
    """A run makes no file of decisions, so collections of before stay as they were."""
    lookalike.find(photos, db=db)
    assert not (db / "decisions.sqlite").exists()
    again = lookalike.find(photos, db=db)
    assert again.funnel["remembered"] == again.funnel["images"]


def test_keep_rules_that_name_formats_and_folders() -> None:
    """The dearest format or folder comes first, and what is named nowhere last."""

    def image(name: str, kind: str) -> ImageRef:
        return ImageRef(name, name, name, 1, 1, 1, kind)

    images = [image("b/x.jpg", "JPEG"), image("a/x.png", "PNG"), image("c/x.webp", "WEBP")]

    def keeper(*rules: str) -> str:
        return choose(images, rules)[0].keeper

    assert keeper("formats=jpg+png") == "b/x.jpg"
    assert keeper("formats=tiff+png") == "a/x.png"
    assert keeper("folders=c+a") == "c/x.webp"
    assert keeper("folders=none", "path") == "a/x.png"
    with pytest.raises(ConfigError, match="unknown keep rule"):
        check_rules(["formats="])
