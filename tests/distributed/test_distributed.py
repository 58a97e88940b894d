"""A cluster: the same answer as one machine's, whatever is killed; finished shards last."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inline import Inline
from PIL import Image

from conftest import save, scene
from lookalike import distributed
from lookalike.config import (
    FindConfig,
    InsideConfig,
    SystemConfig,
    ViewConfig,
)
from lookalike.descriptors.keypoints import ROW
from lookalike.distributed import Layout
from lookalike.distributed.embeddings import find_near_embeddings
from lookalike.distributed.near_hashes import Pieces, find_near_hashes, plan_pieces
from lookalike.distributed.rows import Span
from lookalike.distributed.run import Run
from lookalike.distributed.shards import cut, same_bytes
from lookalike.distributed.votes import find_votes
from lookalike.distributed.work import Work
from lookalike.index.flat import CosineIndex
from lookalike.index.local import VoteSettings, features_of, vote_pairs
from lookalike.matching.candidates import hash_pairs
from lookalike.methods import method_of
from lookalike.model.errors import ConfigError
from lookalike.model.image import FileEntry
from lookalike.model.report import Report
from lookalike.run.find import Clock, find
from lookalike.sources import open_source

pytestmark = pytest.mark.slow

PARTS = ("images", "matches", "clusters", "decisions", "failures", "config", "versions")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copies and strangers, twins, pages, a blank, and files that are no pictures."""
    folder = tmp_path_factory.mktemp("pictures")
    for seed in range(14):
        rgb = scene(seed, 320, 240)
        save(folder / f"{seed:02}.jpg", rgb)
        save(folder / f"copies/{seed:02}_small.jpg", cv2.resize(rgb, (200, 150)))
        if seed % 2:
            save(folder / f"copies/{seed:02}_crop.jpg", rgb[30:190, 40:270])
            save(folder / f"mirrored/{seed:02}.jpg", np.ascontiguousarray(rgb[:, ::-1]))
        if seed % 3 == 0:
            page = np.full((400, 400, 3), 240, np.uint8)
            page[60:240, 70:310] = cv2.resize(rgb, (240, 180))
            save(folder / f"pages/{seed:02}.jpg", page)
    for number in range(3):
        twin = folder / f"twins/{number}.jpg"
        twin.parent.mkdir(exist_ok=True)
        twin.write_bytes((folder / "05.jpg").read_bytes())
    clear = np.dstack([scene(20, 320, 240), np.zeros((240, 320), np.uint8)])
    cv2.ellipse(clear, (160, 120), (140, 100), 0, 0, 360, (90, 160, 30, 255), 60)
    for name in ("cut out", "pages/cut out again"):
        Image.fromarray(clear).save(folder / f"{name}.png")
    clear[clear[..., 3] == 0] = 0
    save(folder / "on black.jpg", clear[..., :3])
    save(folder / "blank.jpg", np.full((90, 90, 3), 200, np.uint8))
    save(folder / "pages/blank.jpg", np.full((60, 80, 3), 200, np.uint8))
    (folder / "half.jpg").write_bytes((folder / "01.jpg").read_bytes()[:900])
    (folder / "again half.jpg").write_bytes((folder / "01.jpg").read_bytes()[:900])
    (folder / "empty.png").write_bytes(b"")
    (folder / "notes.md").write_text("no picture")
    return folder


def inline(
    pictures: Path, work: Path, config: FindConfig, layout: Layout, tasks: Inline | None = None
) -> Report:
    """The answer of tasks that run here."""
    run = Run(tasks or Inline(), Work(str(work)), config, layout, lambda *told: None)
    return run.answer(list(open_source(pictures).scan()), method_of(config).descriptors(), Clock())


def same(first: Report, second: Report) -> None:
    """Two reports say the same."""
    for part in PARTS:
        assert getattr(first, part) == getattr(second, part), part


@pytest.mark.parametrize("effort", ["fast", "standard", "thorough"])
def test_tasks_give_the_answer_of_one_machine(
    effort: Any, pictures: Path, db: Path, tmp_path: Path
) -> None:
    """Matches, clusters, decisions, failures and the funnel, however the work is cut."""
    config = FindConfig(effort=effort)
    oracle = find(pictures, db=db, config=config)
    assert len(oracle.clusters) >= 14
    first = inline(pictures, tmp_path / "work", config, Layout())
    same(oracle, first)
    assert first.funnel == oracle.funnel
    # everything in many small tasks, hashes by buckets, components by stars of shards
    small = Layout(shard=4, block=5, pairs=3, crossover=0, edges=3)
    same(oracle, inline(pictures, tmp_path / "other", config, small))


def test_strangers_share_nothing(db: Path, tmp_path: Path) -> None:
    """Where no hash is near another, no thumbs are asked for."""
    for seed in range(6):
        save(tmp_path / "in" / f"{seed}.jpg", scene(300 + seed))
    config = FindConfig(effort="fast")
    found = inline(tmp_path / "in", tmp_path / "work", config, Layout(shard=2))
    same(find(tmp_path / "in", db=db, config=config), found)
    assert not found.matches and found.funnel["hash_candidates"] == 0


def test_other_shots_by_a_network(pictures: Path, db: Path, tmp_path: Path) -> None:
    """Embeddings propose and tell other shots; where cells are few, all pairs are found."""
    config = FindConfig()
    config = replace(
        config,
        cluster=replace(config.cluster, similar=True),
        embedding=replace(config.embedding, proposes=True, max_distance=0.7),
    )
    tasks = Inline()
    oracle = find(pictures, db=db, config=config)
    report = inline(pictures, tmp_path / "work", config, Layout(embedded=7, cell=8), tasks)
    same(oracle, report)
    assert report.funnel == oracle.funnel
    assert report.funnel["embedding_within_range"] > 0
    # what was described once is not described again
    again = Inline()
    same(oracle, inline(pictures, tmp_path / "work", config, Layout(embedded=7, cell=8), again))
    assert "_decoded" not in again.calls


def test_a_later_run_goes_on_from_finished_shards(pictures: Path, db: Path, tmp_path: Path) -> None:
    """Of a driver that died, shards and verdicts that were finished are not made again."""

    class Dies(Inline):
        def each(self, work: Any, tasks: Iterable[Sequence[Any]]) -> Iterator[Any]:
            for done, result in enumerate(super().each(work, tasks)):
                if work.__name__ == "describe_shard" and done == 5:
                    raise KeyboardInterrupt
                yield result

    config, layout, work = FindConfig(), Layout(shard=4), tmp_path / "work"
    with pytest.raises(KeyboardInterrupt):
        inline(pictures, work, config, layout, Dies())
    made = {path: path.stat().st_mtime_ns for path in work.rglob("*.parquet")}
    assert made
    report = inline(pictures, work, config, layout)
    same(find(pictures, db=db, config=config), report)
    assert 0 < report.funnel["decoded"] < report.funnel["contents"]
    assert {path: path.stat().st_mtime_ns for path in made} == made
    again = inline(pictures, work, config, layout)
    assert again.funnel["decoded"] == 0
    assert again.funnel["remembered"] == again.funnel["images"]
    assert not list(work.rglob("*.part"))


def test_a_file_more_changes_one_shard() -> None:
    """Shards end where keys say so: all others keep their names, and so their results."""
    files = [FileEntry(f"{n:05}", f"{n:05}", f"/x/{n:05}", 9, 9, (0, n)) for n in range(2000)]
    config = FindConfig()
    before = cut(files, config, 16)
    more = FileEntry("00500b", "00500b", "/x/00500b", 9, 9, (0, 5000))
    after = cut([*files, more], config, 16)
    assert [len(shard.entries) for shard in before] != [16] * len(before)
    assert sum(len(shard.entries) for shard in after) == 2001
    assert len({shard.name for shard in after} - {shard.name for shard in before}) <= 2
    # another time of one file, or other settings, make another shard
    touched = [replace(files[0], modified_ns=10), *files[1:]]
    assert cut(touched, config, 16)[0].name != before[0].name
    finer = replace(config, decode=replace(config.decode, min_side=224))
    assert not {s.name for s in cut(files, finer, 16)} & {s.name for s in before}


def test_one_picture_a_million_times_is_one_sort() -> None:
    """Twins are tied to their first, so there are as many ties as twins."""
    kind = np.dtype([("sha256", "S64"), ("number", "i8")])
    images = np.zeros(1_000_002, kind)
    images["sha256"], images["number"] = b"a" * 64, np.arange(len(images))[::-1]
    images["sha256"][7] = b"b" * 64
    firsts, twins, same_as = same_bytes(images[:500], images[500:])
    assert sorted(firsts.tolist()) == [0, 999_994]
    assert len(twins) == 1_000_000
    assert set(same_as.tolist()) == {0}


def _hashes(count: int, seed: int) -> np.ndarray:
    """Hashes of 8 orientations, some of them near or equal to others."""
    random = np.random.default_rng(seed)
    bits = random.integers(0, 2, (count, 8, 256), dtype=np.uint8)
    for row in range(1, count, 2):
        flips = random.integers(0, 70)
        turn = random.integers(8)
        bits[row, 0] = bits[row - 1, turn]
        bits[row, 0, random.permutation(256)[:flips]] ^= 1
    bits[-5:] = bits[0]
    return np.packbits(bits, axis=2)


@pytest.mark.parametrize("distance", [0, 5, 16, 31, 48])
def test_buckets_hold_every_near_pair(
    distance: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By products and by buckets, split or whole, exactly the pairs of brute force are found."""
    hashes, work = _hashes(120, distance), Work(str(tmp_path))
    spans = []
    for number, rows in enumerate(np.array_split(np.arange(120), 4)):
        name = f"{number}.parquet"
        work.put(name, {"pdq": [hashes[row].tobytes() for row in rows]})
        spans.append(Span(name, np.arange(len(rows)), rows))
    truth = hash_pairs(hashes, hashes, distance)
    assert len(truth.query) >= 10
    for layout in (Layout(block=40), Layout(block=40, crossover=0)):
        for rows in (400_000, 50):
            monkeypatch.setattr("lookalike.distributed.near_hashes._ROWS", rows)
            found = find_near_hashes(Inline(), work, spans, distance, layout)
            for mine, theirs in zip(found, truth, strict=True):
                assert mine.tolist() == theirs.tolist()


def test_pieces_pay_where_there_are_many() -> None:
    """Small sets are compared whole; large ones by pieces, of which one must be near."""
    assert plan_pieces(10_000, 48, 25.0) is None
    for distance in (16, 31, 48):
        plan = plan_pieces(1_000_000_000, distance, 25.0)
        assert plan is not None
        assert plan.count * (plan.radius + 1) > distance
        assert plan.bounds(plan.count - 1)[1] == 256
    assert sorted(Pieces(48, 17).masks(0).tolist())[:4] == [0, 1, 2, 3]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), mirrored=st.booleans(), images=st.integers(1, 9))
def test_votes_are_those_of_one_machine(
    seed: int, mirrored: bool, images: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Keypoints meet in the same groups, and count in the same poses."""
    random = np.random.default_rng(seed)
    pool = random.integers(0, 256, (12, ROW), dtype=np.uint8)
    counts = random.integers(0, 30, images)
    rows = [pool[random.integers(0, 12, count)].copy() for count in counts]
    for some in rows:
        some[:, :5] ^= random.integers(0, 3, (len(some), 5), dtype=np.uint8)
    work = Work(str(tmp_path_factory.mktemp("votes")))
    spans = []
    for number, places in enumerate(np.array_split(np.arange(images), 2)):
        name = f"{number}.parquet"
        work.put(name, {"keypoints": [rows[place].tobytes() for place in places]})
        spans.append(Span(name, np.arange(len(places)), places))
    asked = VoteSettings(tables=4, substring=22, largest_group=9, min_votes=1)
    owner = np.repeat(np.arange(images), counts)
    upright, turned = features_of(np.concatenate(rows), owner)
    truth = vote_pairs(upright, asked, mirrored=turned if mirrored else None)
    starts = np.concatenate([[0], np.cumsum(counts)])
    found = find_votes(Inline(), work, spans, starts, asked, mirrored)
    for mine, theirs in zip(found, truth, strict=True):
        assert [column.tolist() for column in mine] == [column.tolist() for column in theirs]


def test_near_embeddings_within_cells(tmp_path: Path) -> None:
    """Looking into 8 of many cells finds nearly all near pairs; into all of them, all."""
    random = np.random.default_rng(3)
    rows = random.normal(size=(3000, 32))
    rows[1::2] = rows[::2] + 0.12 * random.normal(size=(1500, 32))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16)
    work = Work(str(tmp_path))
    spans = []
    for number, places in enumerate(np.array_split(np.arange(3000), 3)):
        name = f"{number}.parquet"
        work.put(name, {"values": [rows[place].tobytes() for place in places]})
        spans.append(Span(name, np.arange(len(places)), places))
    query, ref, distance = CosineIndex(rows).pairs_within(0.1)
    whole = find_near_embeddings(Inline(), work, spans, 0.1, Layout(cell=1000))
    assert [column.tolist() for column in whole] == [c.tolist() for c in (query, ref, distance)]
    some = find_near_embeddings(Inline(), work, spans, 0.1, Layout(cell=50))
    found = set(zip(some[0].tolist(), some[1].tolist(), strict=True))
    truth = set(zip(query.tolist(), ref.tolist(), strict=True))
    assert len(truth) >= 1400
    assert found <= truth
    assert len(found) >= 0.99 * len(truth)


def test_wrong_settings_end_before_any_work(pictures: Path, tmp_path: Path) -> None:
    """What a cluster cannot do, and folders that cannot be written, are told at once."""
    published = SystemConfig(views=(ViewConfig("pdq", 31.0),))
    inside = FindConfig(inside=InsideConfig(wanted=True))
    for config in (published, inside):
        with pytest.raises(ConfigError, match="cluster"):
            distributed.find(pictures, work=tmp_path / "work", config=config)
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(ConfigError, match="work folder cannot be written"):
        distributed.find(pictures, work=tmp_path / "file")
    with pytest.raises(ConfigError, match="out of range"):
        Layout(block=0)
    for address in ("127.0.0.1:1", "nowhere"):
        with pytest.raises(ConfigError, match="no cluster answers"):
            distributed.find(pictures, cluster=address, work=tmp_path / "work")


def test_the_command_says_what_does_not_fit(tmp_path: Path) -> None:
    """--work alone and --db beside --cluster are wrong usage; without Ray the extra is named."""
    command = [sys.executable, "-m", "lookalike", "find", str(tmp_path)]
    for more in (["--work", "w"], ["--cluster", "auto", "--db", "d"]):
        done = subprocess.run([*command, *more], capture_output=True, text=True)
        assert done.returncode == 2
        assert "--cluster" in done.stderr
    code = (
        "import sys; sys.modules['ray'] = None\n"
        "import lookalike.distributed as d\n"
        "from lookalike.model.errors import ConfigError\n"
        f"try: d.find({str(tmp_path)!r}, work={str(tmp_path / 'w')!r})\n"
        "except ConfigError as error: print(error)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "lookalike[ray]" in out.stdout


def test_a_cluster_of_two_nodes(pictures: Path) -> None:
    """Over S3: as one machine; again; the driver killed and started again; a node killed."""
    command = [sys.executable, "-m", "lookalike_bench.bench_cluster", "--json"]
    done = subprocess.run(
        [*command, "--shard", "8", "--pictures", str(pictures)],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    trials = json.loads(done.stdout.splitlines()[-1])
    assert [trial["name"] for trial in trials if not trial["same"]] == []
    plain, again, resumed, killed = trials[1:]
    assert plain["decoded"] == killed["decoded"] == trials[0]["decoded"]
    assert again["decoded"] == 0
    assert 0 < resumed["decoded"] < plain["decoded"]
