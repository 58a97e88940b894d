"""Data sets: leaks between splits, conflicting labels, clean lists, other programs' shapes."""

from __future__ import annotations

import csv
import gc
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lookalike
from conftest import run, save, scene
from lookalike import FindConfig, find
from lookalike.clustering.stars import make_cluster
from lookalike.datasets import (
    EXPORTS,
    Pair,
    conflicts,
    export,
    leaks,
    read_labels,
    split_safe,
    write_unique,
)
from lookalike.datasets.ties import Ties
from lookalike.datasets.write import leaks_headline, leaks_to_dict, write_clean_splits
from lookalike.evaluation.edits import edit_picture
from lookalike.model.errors import ConfigError
from lookalike.model.match import Match
from lookalike.report import from_json, to_json
from lookalike.sources import ListSource, open_source
from lookalike.sources.tables import Table, read_table, write_table
from lookalike_bench.bench_datasets import make_conflict_set, make_leak_set


def picture(seed: int) -> object:
    """A small picture, unlike that of any other seed."""
    return scene(seed, 320, 240)


def edited(seed: int, edit: str) -> object:
    """An edited copy of ``picture``."""
    rgb = scene(seed, 320, 240)
    return edit_picture(rgb, edit, source=str(seed), other=scene(99, 320, 240))


@pytest.fixture
def splits(tmp_path: Path) -> dict[str, Path]:
    """Train, test and validation sets that share some pictures."""
    folders = {name: tmp_path / name for name in ("train", "test", "val")}
    for seed in range(5):
        save(folders["train"] / f"{seed}.jpg", picture(seed))
    save(folders["train"] / "0 twice.jpg", edited(0, "resize_50"))
    save(folders["test"] / "a.jpg", edited(0, "mirror"))
    save(folders["test"] / "b.jpg", picture(10))
    shutil.copy(folders["train"] / "1.jpg", folders["test"] / "c.jpg")
    save(folders["val"] / "d.jpg", edited(10, "grey"))
    save(folders["val"] / "e.jpg", picture(11))
    (folders["val"] / "bad.jpg").write_bytes(b"")
    return folders


def test_leaks_are_found_and_explained(splits: dict[str, Path], db: Path) -> None:
    """Every shared picture, between which splits and how; nothing else; failures listed."""
    found = leaks(splits, db=db)
    said = {(leak.pair.first, leak.pair.second): leak for leak in found.leaks}
    assert set(said) == {
        ("train/0.jpg", "test/a.jpg"),
        ("train/0 twice.jpg", "test/a.jpg"),
        ("train/1.jpg", "test/c.jpg"),
        ("test/b.jpg", "val/d.jpg"),
    }
    mirrored = said["train/0.jpg", "test/a.jpg"]
    assert mirrored.pair.tier == "copy" and "mirrored" in mirrored.pair.edit
    assert (mirrored.first_split, mirrored.second_split) == ("train", "test")
    assert said["train/1.jpg", "test/c.jpg"].pair.tier == "exact"
    assert said["train/1.jpg", "test/c.jpg"].pair.confidence == 1.0
    assert found.splits == {"train": 6, "test": 3, "val": 2}
    assert found.leaking("train") == ("train/0 twice.jpg", "train/0.jpg", "train/1.jpg")
    assert len(found.report.clusters) == 3 and len(found.report.failures) == 1
    assert leaks_headline(found).startswith(
        "3 pictures are in more than one split: 3 of 6 in train"
    )


def test_evaluation_sets_stay_as_they_are(splits: dict[str, Path], db: Path) -> None:
    """By default training pictures go, then those of the split named last."""
    fix = leaks(splits, db=db).fix
    assert fix.drop == ("train/0 twice.jpg", "train/0.jpg", "train/1.jpg", "val/d.jpg")
    assert fix.splits["test"] == ("test/a.jpg", "test/b.jpg", "test/c.jpg")
    assert leaks(splits, db=db, fix="test").fix.drop == ("test/a.jpg", "test/c.jpg", "val/d.jpg")
    moved = leaks(splits, db=db, fix="move").fix
    assert moved.drop == () and moved.move == {
        "test/a.jpg": "train",
        "test/c.jpg": "train",
        "val/d.jpg": "test",
    }


@pytest.mark.parametrize("policy", ["train", "test", "move"])
def test_clean_splits_do_not_leak(
    splits: dict[str, Path], db: Path, tmp_path: Path, policy: str
) -> None:
    """The lists that a fix writes are splits without leaks."""
    found = leaks(splits, db=db, fix=policy)  # type: ignore[arg-type]
    sources = {name: open_source(path) for name, path in splits.items()}
    lists = write_clean_splits(found, sources, tmp_path / "clean")
    again = leaks({path.stem: path for path in lists}, db=db)
    assert again.leaks == () and leaks_headline(again).startswith("no picture is in two splits")
    assert sum(again.splits.values()) == 11 - len(found.fix.drop)


def test_the_rows_of_tables_are_kept(splits: dict[str, Path], db: Path, tmp_path: Path) -> None:
    """Splits given as tables come back as their rows, with all columns, moved ones too."""
    rows = [(f"train/{n}.jpg", f"label{n}") for n in range(3)]
    write_table(tmp_path / "train.csv", Table(("file", "label"), tuple(rows)))
    write_table(tmp_path / "test.txt", Table(("path",), (("test/a.jpg",), ("test/b.jpg",))))
    sources = {
        "train": ListSource(tmp_path / "train.csv"),
        "test": ListSource(tmp_path / "test.txt"),
    }
    found = leaks(sources, db=db, fix="move")
    train, test = write_clean_splits(found, sources, tmp_path / "clean")
    assert read_table(train).columns == ("path", "label")
    assert [Path(row[0]).name for row in read_table(train).rows] == [
        "a.jpg",
        "0.jpg",
        "1.jpg",
        "2.jpg",
    ]
    assert [Path(row[0]).name for row in read_table(test).rows] == ["b.jpg"]


def test_one_file_in_two_splits_leaks(tmp_path: Path, db: Path) -> None:
    """Listed twice, hard-linked or symlinked: the same file is a leak, not one image."""
    file = save(tmp_path / "all" / "1.jpg", picture(1))
    save(tmp_path / "all" / "2.jpg", picture(2))
    (tmp_path / "train.txt").write_text("all/1.jpg\nall/2.jpg\n")
    (tmp_path / "test.txt").write_text("all/1.jpg\n")
    found = leaks({name: tmp_path / f"{name}.txt" for name in ("train", "test")}, db=db)
    assert [leak.pair.tier for leak in found.leaks] == ["exact"]
    (tmp_path / "held").mkdir()
    os.link(file, tmp_path / "held" / "x.jpg")
    assert len(leaks({"a": tmp_path / "all", "b": tmp_path / "held"}, db=db).leaks) == 1


def test_splits_want_names(tmp_path: Path) -> None:
    """Two or more; a slash would be taken for a folder."""
    for names in (["one"], ["a/b", "c"]):
        with pytest.raises(ConfigError, match="leaks lie between splits"):
            leaks(dict.fromkeys(names, tmp_path))


@given(st.lists(st.sampled_from(["a", "b", "c"]), min_size=2, max_size=8), st.randoms())
def test_fixes_are_safe_and_know_no_order(where: list[str], random: object) -> None:
    """Whatever the policy, no cluster is left in two splits, and the order changes nothing."""
    split_of = {f"{name}/{number}": name for number, name in enumerate(where)}
    cluster = make_cluster(list(split_of), next(iter(split_of)), [], "star")
    pairs = [
        Pair(a, b, (), "")
        for a in split_of
        for b in split_of
        if "abc".index(split_of[a]) < "abc".index(split_of[b])
    ]
    if not pairs:
        return
    shuffled = list(pairs)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    for policy in ("train", "test", "move"):
        fix = split_safe([(cluster, pairs)], split_of, ["a", "b", "c"], policy)  # type: ignore[arg-type]
        assert fix == split_safe([(cluster, shuffled)], split_of, ["a", "b", "c"], policy)  # type: ignore[arg-type]
        assert sum(bool(images) for images in fix.splits.values()) == 1


def test_indirect_ties_say_the_way(tmp_path: Path, db: Path) -> None:
    """Two that were not matched themselves are related through what stands between them."""
    for name, seed in (("a", 1), ("b", 2), ("c", 3), ("d", 4)):
        save(tmp_path / f"{name}.jpg", picture(seed))
    report = find(tmp_path, db=db)
    chain = [Match("a.jpg", "b.jpg", "copy", 0.1, "pdq", confidence=0.9)]
    chain += [Match("b.jpg", "c.jpg", "copy", 0.2, "pdq", confidence=0.5)]
    chain += [Match("c.jpg", "d.jpg", "pixel", 0.0, "pixels", confidence=1.0)]
    cluster = make_cluster([f"{name}.jpg" for name in "abcd"], "b.jpg", chain, "star")
    ties = Ties(replace(report, matches=tuple(chain), clusters=(cluster,)))
    (pair,) = ties.nearest(["d.jpg"], ["a.jpg"], cluster)
    assert (pair.first, pair.second, pair.tier, pair.confidence) == ("a.jpg", "d.jpg", "copy", 0.45)
    assert pair.edit == "same scene (of b.jpg), itself same scene (of a.jpg)"
    back = ties.turned(pair)
    assert (back.first, back.second, len(back.ties)) == ("d.jpg", "a.jpg", 2)
    assert ties.turned(back) == pair
    assert ties.score("a.jpg", "d.jpg", cluster) == 0.45
    (same,) = ties.nearest(["d.jpg"], ["c.jpg"], cluster)
    assert (same.tier, same.confidence) == ("pixel", 1.0)
    alone = make_cluster(["a.jpg", "d.jpg"], "a.jpg", (), "star")
    assert ties.nearest(["d.jpg"], ["a.jpg"], alone) == ()


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Cats and dogs; one dog among the cats, one cat twice, one picture at the top."""
    place = tmp_path / "pets"
    save(place / "cat" / "1.jpg", picture(1))
    save(place / "cat" / "1 again.jpg", edited(1, "jpeg_20"))
    save(place / "dog" / "2.jpg", picture(2))
    save(place / "dog" / "2 small.jpg", edited(2, "resize_50"))
    save(place / "cat" / "not a cat.jpg", edited(2, "mirror"))
    save(place / "top.jpg", edited(1, "grey"))
    return place


def test_conflicts_of_folders(labelled: Path, db: Path) -> None:
    """A copy in another class's folder; most copies tell what it is; none at the top."""
    found = conflicts(labelled, db=db)
    ends = {frozenset((c.pair.first, c.pair.second)) for c in found.conflicts}
    assert ends == {
        frozenset(("cat/not a cat.jpg", "dog/2.jpg")),
        frozenset(("cat/not a cat.jpg", "dog/2 small.jpg")),
    }
    assert {c.majority for c in found.conflicts} == {frozenset({"dog"})}
    assert found.unlabelled == 1 and len(found.report.clusters) == 1
    reasons = {decision.image: decision.reason for decision in found.report.decisions}
    assert reasons["cat/not a cat.jpg"] == "labelled cat; most say dog"
    assert {decision.action for decision in found.report.decisions} == {"keep"}


def test_a_link_in_two_classes_conflicts(tmp_path: Path, db: Path) -> None:
    """One file under two labels; no majority, for each has one voice."""
    file = save(tmp_path / "cat" / "1.jpg", picture(1))
    (tmp_path / "dog").mkdir()
    (tmp_path / "dog" / "1.jpg").symlink_to(file)
    (conflict,) = conflicts(tmp_path, db=db).conflicts
    assert conflict.pair.tier == "exact" and conflict.majority == frozenset()


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_conflicts_of_tables(labelled: Path, db: Path, tmp_path: Path, suffix: str) -> None:
    """Several labels an image, columns by name, rows of files that are not there."""
    many = "a|b" if suffix == ".csv" else ["a", "b"]
    one = "b" if suffix == ".csv" else ["b"]
    rows = [
        ("cat/1.jpg", many),
        ("cat/1 again.jpg", many),
        ("dog/2.jpg", many),
        ("dog/2 small.jpg", one),
        ("gone.jpg", one),
    ]
    table = write_table(tmp_path / f"l{suffix}", Table(("image", "what"), tuple(rows)))
    labels = read_labels(table, label_column="what", beside=labelled)
    found = conflicts(labelled, labels=labels, db=db)
    (conflict,) = found.conflicts
    assert {conflict.first_labels, conflict.second_labels} == {frozenset("ab"), frozenset("b")}
    assert found.unlabelled == 2 and [Path(path).name for path in found.unseen] == ["gone.jpg"]


def test_unique_in_every_form(labelled: Path, db: Path, tmp_path: Path) -> None:
    """One of each picture as list, table, or folder; what is written can be read as a source."""
    source = open_source(labelled)
    report = find(source, db=db)
    assert len(lookalike.unique(labelled, db=db)) == 2
    for suffix in (".txt", ".csv", ".tsv", ".jsonl", ".parquet"):
        out = tmp_path / f"u{suffix}"
        assert write_unique(report, out, source) == 2
        again = find(out, db=db)
        assert len(again.images) == 2 and not again.clusters and not again.failures
    assert write_unique(report, tmp_path / "copies", source) == 2
    assert len(list((tmp_path / "copies").rglob("*.jpg"))) == 2
    with pytest.raises(ConfigError, match="cannot tell what to write"):
        write_unique(report, tmp_path / "u.xlsx", source)


def test_unique_keeps_rows_and_relative_paths(labelled: Path, db: Path) -> None:
    """Rows of a table come back whole; a table in the data set's folder stays movable."""
    rows = [("dog/2.jpg", "dog", "7"), ("dog/2 small.jpg", "dog", "8"), ("cat/1.jpg", "cat", "9")]
    table = write_table(labelled / "all.csv", Table(("file_name", "label", "id"), tuple(rows)))
    source = open_source(table)
    write_unique(find(source, db=db), labelled / "clean.csv", source)
    clean = read_table(labelled / "clean.csv")
    assert clean.columns == ("file_name", "label", "id") and clean.rows == (rows[0], rows[2])


def test_exports_have_the_shapes_of_other_programs(
    labelled: Path, db: Path, tmp_path: Path
) -> None:
    """Imagededup's dictionaries, fastdup's tables, Immaculate's JSON."""
    shutil.copy(labelled / "dog" / "2.jpg", labelled / "dog" / "2 same.jpg")
    (labelled / "bad.jpg").write_bytes(b"")
    report = find(labelled, db=db)
    written = {
        path.name: path for kind in EXPORTS for path in export(report, kind, tmp_path / kind)
    }
    plain = json.loads(written["duplicates.json"].read_text())
    assert sorted(plain) == sorted(report.images)
    assert plain["cat/1.jpg"] == ["cat/1 again.jpg", "top.jpg"]
    scored = json.loads(written["duplicates_with_scores.json"].read_text())
    assert {k: [name for name, _ in v] for k, v in scored.items()} == plain
    assert all(0.9 < score <= 1 for some in scored.values() for _, score in some)
    with written["atrain_features.dat.csv"].open(newline="") as file:
        numbered = {int(row["index"]): row["filename"] for row in csv.DictReader(file)}
    with written["connected_components.csv"].open(newline="") as file:
        parts = {numbered[int(row["__id"])]: row["component_id"] for row in csv.DictReader(file)}
    assert len(set(parts.values())) == 2 and len(parts) == len(report.images)
    with written["similarity.csv"].open(newline="") as file:
        scores = [float(row["distance"]) for row in csv.DictReader(file)]
    assert scores == sorted(scores, reverse=True) and scores[0] == 1.0
    found = json.loads(written["immaculate.json"].read_text())
    assert [[Path(p).name for p in some] for some in found["exact"]] == [["2 same.jpg", "2.jpg"]]
    assert sorted(map(len, found["near"])) == [3, 3]
    assert [Path(path).name for path in found["skipped"]] == ["bad.jpg"]


def test_fiftyone_rows(labelled: Path, db: Path, tmp_path: Path) -> None:
    """Absolute ``filepath``, no ``tags`` in the CSV, a list of tags in the JSON; readable again."""
    report = find(labelled, db=db)
    table, samples = export(report, "fiftyone", tmp_path)
    rows = read_table(table)
    assert rows.columns[0] == "filepath" and "tags" not in rows.columns
    assert all(Path(path).is_file() for path in rows.column("filepath"))
    plain = json.loads(samples.read_text())
    assert [row["tags"] for row in plain].count(["keep"]) == 2
    assert {row["filepath"] for row in plain} == set(rows.column("filepath"))
    assert find(table, db=db).clusters[0].members


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_hugging_face_loads_what_is_written(
    labelled: Path, db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parquet, JSON Lines and an image folder load with their columns, and are read back."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    hugging = pytest.importorskip("datasets", reason="Hugging Face datasets is not installed")
    report = find(labelled, db=db)
    names = {path.name: path for path in export(report, "huggingface", labelled)}
    assert set(names) == {"images.parquet", "images.jsonl", "metadata.csv"}
    cache = str(tmp_path / "cache")
    for kind, name in (("parquet", "images.parquet"), ("json", "images.jsonl")):
        loaded = hugging.load_dataset(
            kind, data_files=str(names[name]), split="train", cache_dir=cache
        )
        loaded = loaded.cast_column("image", hugging.Image(decode=False))
        keepers = loaded.filter(lambda row: row["keep"])
        assert len(loaded) == 6 and len(keepers) == 2
        keepers.to_parquet(str(tmp_path / "kept.parquet"))
        again = find(tmp_path / "kept.parquet", db=db)
        assert len(again.images) == 2 and not again.clusters and not again.failures
    folder = hugging.load_dataset(
        "imagefolder", data_dir=str(labelled), split="train", cache_dir=cache, drop_labels=True
    )
    assert {"image", "cluster", "keep", "tier", "edit", "confidence"} <= set(folder.column_names)
    assert len(folder) == 6 and folder[0]["image"].size[0] > 0
    gc.collect()  # the library leaves a file open


@pytest.mark.slow
def test_commands(splits: dict[str, Path], db: Path, tmp_path: Path) -> None:
    """Leaks on the terminal, as JSON, page, tables, clean lists and a plan; 11 where found."""
    folders = list(splits.values())
    page, plan = tmp_path / "l.html", tmp_path / "plan.json"
    more = ("--html", page, "--plan", plan, "--csv", tmp_path / "t", "--clean", tmp_path / "c")
    done = run("leaks", *folders, "--db", db, *more)
    assert done.returncode == 11, done.stderr
    assert "3 pictures are in more than one split" in done.stdout and "mirrored" in done.stdout
    assert "leaves train: test has the picture too" in page.read_text()
    assert (tmp_path / "t" / "leaks.csv").read_text().count("\n") == 5
    steps = json.loads(plan.read_text())["steps"]
    gone = ["train/0 twice.jpg", "train/0.jpg", "train/1.jpg", "val/d.jpg"]
    assert sorted(str(Path(s["path"]).relative_to(tmp_path)) for s in steps) == gone
    done = run("apply", plan, "--yes", "--move-to", tmp_path / "out")
    assert done.returncode == 11, done.stderr
    assert run("leaks", *folders, "--db", db).returncode == 0
    assert run("leaks", *(tmp_path / "c").iterdir(), "--db", db).returncode in (0, 11)
    plain = json.loads(run("leaks", *folders, "--db", db, "--json", "--fix", "test").stdout)
    assert plain["schema"] == "lookalike-leaks/1" and plain["leaks"] == []
    assert run("leaks", folders[0]).returncode == 2
    assert run("leaks", *folders[:2], "--names", "a").returncode == 2
    assert run("leaks", *folders[:2], "--fix", "move", "--plan", plan).returncode == 2


@pytest.mark.slow
def test_conflict_and_unique_commands(labelled: Path, db: Path, tmp_path: Path) -> None:
    """Labels of folders and of tables; JSON; clean lists; usage."""
    page = tmp_path / "c.html"
    done = run("conflicts", labelled, "--db", db, "--html", page, "--csv", tmp_path / "t")
    assert done.returncode == 11, done.stderr
    assert "1 picture carries different labels" in done.stdout
    assert "most copies say dog" in done.stdout and "labelled cat; most say dog" in page.read_text()
    assert "majority" in (tmp_path / "t" / "conflicts.csv").read_text()
    table = labelled / "l.csv"
    rows = tuple((f"cat/{name}.jpg", label) for name, label in (("1", "x"), ("1 again", "y")))
    write_table(table, Table(("path", "label"), rows))
    plain = json.loads(run("conflicts", table, "--db", db, "--json").stdout)
    assert [c["tier"] for c in plain["conflicts"]] == ["copy"] and plain["images"] == 2
    asked = ("--labels", table, "--label-column", "label")
    assert run("conflicts", labelled, "--db", db, *asked).returncode == 11
    assert run("conflicts", labelled, "--labels", tmp_path / "no.csv").returncode == 1
    done = run("unique", labelled, tmp_path / "u.csv", "--db", db, "--keep", "path")
    assert done.returncode == 11 and "2 of 6 images written" in done.stdout
    done = run(
        "find", "--files-from", tmp_path / "u.csv", "--db", db, "--export", "fastdup", tmp_path
    )
    assert done.returncode == 0 and (tmp_path / "similarity.csv").is_file()
    assert run("find").returncode == 2


def test_leaks_as_values(splits: dict[str, Path], db: Path) -> None:
    """The JSON form names paths, tiers and the fix; the report within survives JSON too."""
    found = leaks(splits, db=db, config=FindConfig())
    plain = leaks_to_dict(found)
    assert json.loads(json.dumps(plain)) == plain
    assert [split["leaking"] for split in plain["splits"]] == [3, 3, 1]
    assert len(plain["fix"]["drop"]) == 4 and plain["failures"][0]["path"].endswith("bad.jpg")
    assert from_json(to_json(found.report)).clusters == found.report.clusters


@pytest.mark.slow
def test_damage_is_told_with_leaks_and_conflicts(tmp_path: Path, db: Path) -> None:
    """A cut file that opens stands in the text, in JSON and in a table of its own."""
    for split in ("train", "test"):
        save(tmp_path / split / "a.jpg", picture(3))
    whole = save(tmp_path / "whole.jpg", picture(4)).read_bytes()
    (tmp_path / "test" / "cut.jpg").write_bytes(whole[: len(whole) // 2] + b"\xff\xd9")
    splits = tmp_path / "train", tmp_path / "test"
    done = run("leaks", *splits, "--db", db, "--csv", tmp_path / "t")
    assert "files that are damaged: 1" in done.stdout and "cut.jpg" in done.stdout
    assert "cut.jpg" in (tmp_path / "t" / "damaged.csv").read_text()
    plain = json.loads(run("conflicts", tmp_path / "test", "--labels", "folders", "--json").stdout)
    assert [Path(item["path"]).name for item in plain["damaged"]] == ["cut.jpg"]


@pytest.mark.slow
def test_the_bench_plants_what_it_says(tmp_path: Path) -> None:
    """Sets with planted leaks and conflicts: every copy where it should be, strangers beside."""
    for seed in range(12):
        save(tmp_path / "photos" / f"{seed}.jpg", picture(seed))
        save(tmp_path / "canvases" / f"{seed}.jpg", picture(50 + seed))
    folders = tmp_path / "photos", tmp_path / "canvases"
    leaking = make_leak_set(*folders, tmp_path / "leaks", split="development")
    wrong = [item for item in leaking if item.wrong]
    assert wrong and all(item.path.startswith("test/") for item in wrong)
    assert len(leaking) > len(wrong)
    assert all(item.wrong == (item.edit != "source") for item in leaking)
    mixed = make_conflict_set(*folders, tmp_path / "conflicts", split="development")
    label = {item.group: item.path.split("/")[0] for item in mixed if item.edit == "source"}
    assert all(item.wrong == (item.path.split("/")[0] != label[item.group]) for item in mixed)
    assert len(mixed) > len(label) == 12 and all(
        (tmp_path / "leaks" / item.path).is_file() for item in leaking
    )
