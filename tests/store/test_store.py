"""Collections: whole batches or none, nothing done twice, nothing mixed."""

from __future__ import annotations

import os
import pickle
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evidence import WHOLE
from lookalike.model.errors import CollectionError, SpecMismatchError
from lookalike.model.image import DescriptorSpec, FileEntry
from lookalike.store import (
    Batch,
    Collection,
    Content,
    EmbeddedCollection,
    KnownFile,
    open_collection,
)

SPEC = DescriptorSpec("toy", "1", "cosine", 4, "float16", "none")
RAGGED = DescriptorSpec("points", "1", "keypoints", 2, "uint8", "none")


def sha(number: int) -> str:
    """A name for a content."""
    return f"{number:064x}"


def content(number: int) -> Content:
    """A content that its number implies."""
    return Content(sha(number), number, 10, 20, "PNG", True, 0, 1.5, False)


def entry(number: int, **changes: object) -> FileEntry:
    """A file that its number implies."""
    plain = FileEntry(
        f"{number}.png", f"/x/{number}.png", f"/x/{number}.png", number, 7, (1, number)
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def batch(*numbers: int) -> Batch:
    """Contents with one row each of which every value is the number."""
    rows = np.array([[number % 2000] * 4 for number in numbers], np.float16).reshape(-1, 4)
    names = tuple(map(sha, numbers))
    points = [np.full((number % 5, 2), number % 256, np.uint8) for number in numbers]
    return Batch(
        contents=tuple(map(content, numbers)),
        files=tuple((entry(number), sha(number)) for number in numbers),
        rows={SPEC: (names, rows)},
        ragged={RAGGED: (names, points)},
    )


@pytest.fixture(params=["folder", "memory", "server"])
def collection(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Collection]:
    """An open collection of every kind there is: what it promises is tested on each."""
    place: Path | str = tmp_path / "collection"
    if request.param == "server":
        place = request.getfixturevalue("new_server_db")()
    made = EmbeddedCollection(None) if request.param == "memory" else open_collection(place)
    with made as opened:
        yield opened


def test_round_trip(any_db: Path | str) -> None:
    """What was committed is there after reopening, in any order asked."""
    with open_collection(any_db) as collection:
        collection.commit(batch(3, 1, 2))
        collection.commit(batch(4, 2))
    with open_collection(any_db) as collection:
        assert collection.rows(SPEC, [sha(2), sha(4), sha(1)])[:, 0].tolist() == [2, 4, 1]
        assert [len(part) for part in collection.ragged(RAGGED, [sha(4), sha(3)])] == [4, 3]
        assert collection.contents([sha(1), sha(9)]) == {sha(1): content(1)}
        assert collection.missing(SPEC, [sha(1), sha(9)]) == [sha(9)]
        assert collection.described([SPEC]) == {sha(n) for n in (1, 2, 3, 4)}


def test_changed_files_are_noticed(collection: Collection) -> None:
    """Another size, time or inode is another file; a failure is remembered too."""
    gone = KnownFile("failure", None, "decode", "broken")
    collection.commit(replace(batch(1), failures=((entry(5), gone),)))
    assert collection.unchanged([entry(1), entry(5), entry(6)]) == {
        "/x/1.png": KnownFile("image", sha(1)),
        "/x/5.png": gone,
    }
    for change in ({"n_bytes": 9}, {"modified_ns": 9}, {"inode": (1, 9)}):
        assert collection.unchanged([entry(1, **change)]) == {}
    collection.forget(["/x/1.png"])
    assert collection.unchanged([entry(1)]) == {}
    assert collection.missing(SPEC, [sha(1)]) == []


def test_another_version_is_refused_by_name(collection: Collection) -> None:
    """Rows of two versions never mix; the message names both and the way out."""
    other = replace(SPEC, version="2")
    collection.commit(batch(1))
    for call in (collection.check_spec, lambda s: collection.missing(s, [sha(1)])):
        with pytest.raises(SpecMismatchError, match=r"toy\|1\|.*toy\|2\|.*--db"):
            call(other)


def test_rows_of_varying_number_are_read_elsewhere(collection: Collection) -> None:
    """What another process gets is what the collection says."""
    assert not collection.spans(RAGGED, []).places
    numbers = (1, 2, 3, 5)
    names = tuple(map(sha, numbers))
    collection.commit(batch(*numbers))
    spans = collection.spans(RAGGED, names)
    own = collection.ragged(RAGGED, names)
    for elsewhere in (spans, pickle.loads(pickle.dumps(spans.only(names)))):
        for name, rows, number in zip(names, own, numbers, strict=True):
            assert np.array_equal(elsewhere[name], rows)
            assert len(rows) == number % 5
    with pytest.raises(CollectionError, match="no 'points' descriptor"):
        collection.spans(RAGGED, [sha(4)])


def test_verdicts_and_reports_are_kept(collection: Collection) -> None:
    """Acceptances, refusals and the latest reports survive."""
    pairs = [(sha(1), sha(2)), (sha(1), sha(3)), (sha(2), sha(3))]
    collection.add_verdicts({pairs[0]: WHOLE, pairs[1]: None}, "v1")
    assert collection.verdicts(pairs, "v1") == {pairs[0]: WHOLE, pairs[1]: None}
    assert collection.verdicts(pairs, "v2") == {}
    for number in range(4):
        collection.save_report(str(number), f"report \udcff{number}")
    assert collection.load_report("3") == "report \udcff3"
    assert collection.load_report("0") is None


def test_what_is_there_already_is_left_alone(collection: Collection) -> None:
    """A batch that comes again changes nothing; of new rows of a known content the first stay."""
    collection.commit(batch(1, 2))
    other = batch(1, 3)
    names, rows = other.rows[SPEC]
    collection.commit(replace(other, rows={SPEC: (names, rows + 7)}))
    assert collection.rows(SPEC, [sha(1), sha(3), sha(2)])[:, 0].tolist() == [1, 10, 2]
    assert collection.keys() == {"/x/1.png", "/x/2.png", "/x/3.png"}
    assert collection.images() == {f"/x/{n}.png": sha(n) for n in (1, 2, 3)}


def test_a_failed_batch_leaves_nothing(collection: Collection) -> None:
    """Neither its contents nor its files nor its descriptors; the next one goes in."""
    broken = replace(batch(1), rows={SPEC: ((sha(1),), np.array([["x"] * 4]))})
    with pytest.raises(ValueError, match="could not convert"):
        collection.commit(broken)
    assert not collection.contents([sha(1)]) and not collection.keys()
    assert collection.missing(SPEC, [sha(1)]) == [sha(1)]
    collection.commit(batch(1))
    assert collection.rows(SPEC, [sha(1)]).tolist() == [[1] * 4]


def test_stored_rows_are_read_in_blocks(collection: Collection) -> None:
    """By slices and by numbers, in the order asked, the same as all at once."""
    collection.commit(batch(*range(40)))
    names = [sha(n) for n in random.Random(1).sample(range(40), 30)]
    rows = collection.rows(SPEC, names)
    stored = collection.stored(SPEC, names)
    assert stored.shape == (30, 4) and rows.dtype == np.float16
    assert (stored[5:17] == rows[5:17]).all() and (stored[slice(None)] == rows).all()
    some = np.array([3, 29, 4, 5])
    assert (stored[some] == rows[some]).all()
    with pytest.raises(CollectionError, match="holds no 'toy' descriptor"):
        collection.rows(SPEC, [sha(1), sha(99)])


def test_pixel_digests_and_odd_names(collection: Collection) -> None:
    """Digests are added later; names of files are bytes, and messages any text."""
    odd = entry(1, key="/x/\udcff\n'%s.png")
    failed = KnownFile("failure", None, "decode", "no \udcff")
    collection.commit(replace(batch(1), files=((odd, sha(1)),)))
    collection.set_pixel_digests({sha(1): "d" * 64})
    assert collection.contents([sha(1)])[sha(1)].pixel_digest == "d" * 64
    assert collection.unchanged([odd]) == {odd.key: KnownFile("image", sha(1))}
    collection.commit(Batch(failures=((odd, replace(failed, message="no")),)))
    assert collection.unchanged([odd])[odd.key].message == "no"
    assert collection.images() == {}


def test_what_was_fitted_is_kept(collection: Collection) -> None:
    """By shelf and name; what is new takes the place of all else on its shelf."""
    assert collection.fitted("a") == []
    collection.keep_fitted("a", "one", b"1")
    collection.keep_fitted("b", "other", b"3")
    collection.keep_fitted("a", "two", b"2\0")
    assert collection.fitted("a") == ["two"] and collection.load_fitted("a", "two") == b"2\0"
    assert collection.load_fitted("b", "other") == b"3"


def test_the_last_report_is_told(collection: Collection) -> None:
    """None before the first, then always the latest, also where it was made before."""
    assert collection.last_report() is None
    for name in ("a", "b", "a"):
        collection.save_report(name, f"report {name}")
        assert collection.last_report() == f"report {name}"


def test_second_writer_is_refused(db: Path) -> None:
    """Two processes never write one folder."""
    with open_collection(db), pytest.raises(CollectionError, match=r"in use.*process"):
        open_collection(db)
    open_collection(db).close()


def test_foreign_folders_are_refused(db: Path, tmp_path: Path) -> None:
    """Another program's database, a newer schema or a file is not touched."""
    db.mkdir()
    other = sqlite3.connect(db / "catalogue.sqlite")
    other.execute("CREATE TABLE t(x)")
    other.commit()
    other.close()
    with pytest.raises(CollectionError, match="not a lookalike collection"):
        open_collection(db)
    with open_collection(tmp_path / "new"):
        pass
    newer = sqlite3.connect(tmp_path / "new" / "catalogue.sqlite")
    newer.execute("PRAGMA user_version=99")
    newer.close()
    with pytest.raises(CollectionError, match="newer lookalike"):
        open_collection(tmp_path / "new")
    (tmp_path / "file").write_text("x")
    with pytest.raises(CollectionError):
        open_collection(tmp_path / "file")


_WRITER = """
import sys
from test_store import batch
from lookalike.store import open_collection
start = int(sys.argv[2])
with open_collection(sys.argv[1]) as collection:
    print("open", flush=True)
    for number in range(start, start + 100_000, 20):
        collection.commit(batch(*range(number, number + 20)))
"""


def _landed(collection: Collection) -> list[str]:
    """What is described, once a commit that the server still had in hand is there."""
    names = None
    while names != (names := sorted(collection.described([SPEC]))):
        time.sleep(0.1)
    return names


@pytest.mark.parametrize("harm", ["missing", "short", "odd", "long"])
def test_a_damaged_row_file_is_named_and_its_rows_are_lacking(
    tmp_path: Path, harm: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A file of a length that was never written is an error, never rows of zeros."""
    with open_collection(tmp_path) as collection:
        collection.commit(batch(1, 2, 3))
        collection.commit(batch(4))
    victim = tmp_path / "rows" / "1.bin"
    whole = victim.read_bytes()
    if harm == "missing":
        victim.unlink()
    else:
        victim.write_bytes({"short": whole[:16], "odd": whole[:-1], "long": whole + b"x"}[harm])
    with open_collection(tmp_path) as collection:
        assert str(victim) in caplog.text and "described again" in caplog.text
        assert collection.missing(SPEC, [sha(1), sha(4)]) == [sha(1), sha(4)]
        assert len(collection.ragged(RAGGED, [sha(4)])[0]) == 4
        collection.commit(batch(4, 1))
        assert collection.rows(SPEC, [sha(1), sha(4)])[:, 0].tolist() == [1, 4]
    caplog.clear()
    with open_collection(tmp_path) as collection:
        assert collection.rows(SPEC, [sha(1), sha(4)])[:, 0].tolist() == [1, 4]
    assert not caplog.text


def test_the_rest_of_an_interrupted_batch_is_no_damage(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that were written and never committed are cut off, however many batches they fill."""
    with open_collection(tmp_path) as collection:
        collection.commit(batch(1))
        with monkeypatch.context() as patch:
            patch.setattr(EmbeddedCollection, "_write_files", _power_cut)
            with pytest.raises(KeyboardInterrupt):
                collection.commit(batch(2, 3))
    assert (tmp_path / "rows" / "1.bin").stat().st_size == 3 * 8
    with open_collection(tmp_path) as collection:
        collection.commit(batch(4))
        assert collection.rows(SPEC, [sha(1), sha(4)])[:, 0].tolist() == [1, 4]
    assert (tmp_path / "rows" / "1.bin").stat().st_size == 2 * 8 and not caplog.text


def _power_cut(*args: object) -> None:
    raise KeyboardInterrupt


def test_rows_that_vanish_meanwhile_are_an_error(tmp_path: Path) -> None:
    """A file that shrinks while the collection is open is named, whoever reads or writes it."""
    with open_collection(tmp_path) as collection:
        collection.commit(batch(7, 8))
        stored = collection.stored(SPEC, [sha(7), sha(8)])
        spans = collection.spans(RAGGED, [sha(8)])
        for name in ("1.bin", "2.bin"):
            (tmp_path / "rows" / name).write_bytes(b"")
        attempts = (
            lambda: collection.rows(SPEC, [sha(8)]),
            lambda: stored[:],
            lambda: spans[sha(8)],
            lambda: collection.commit(batch(9)),
        )
        for attempt in attempts:
            with pytest.raises(CollectionError, match=r"rows.[12]\.bin"):
                attempt()


@pytest.mark.slow
def test_kill_loses_at_most_the_batch_in_hand(any_db: Path | str) -> None:
    """After SIGKILL at any moment, every batch is there wholly or not at all."""
    found = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    chance = random.Random(0)
    for life in range(8):
        arguments = [sys.executable, "-c", _WRITER, str(any_db), str(life * 100_000)]
        child = subprocess.Popen(arguments, stdout=subprocess.PIPE, env=found)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(chance.uniform(0.01, 0.25))
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        with open_collection(any_db) as collection:
            names = _landed(collection)
            numbers = [int(name, 16) for name in names]
            assert len(names) % 20 == 0
            assert set(names) == collection.described([RAGGED])
            assert collection.rows(SPEC, names)[:, 3].tolist() == [n % 2000 for n in numbers]
            for number, points in zip(numbers, collection.ragged(RAGGED, names), strict=True):
                assert points.shape == (number % 5, 2) and (points == number % 256).all()
    assert numbers
    if isinstance(any_db, Path):
        check = sqlite3.connect(any_db / "catalogue.sqlite")
        assert check.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        check.close()
