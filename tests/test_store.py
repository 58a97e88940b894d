"""Collections: whole batches or none, nothing done twice, nothing mixed."""

from __future__ import annotations

import pickle
import random
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lookalike.errors import CollectionError, SpecMismatchError
from lookalike.store import Batch, Collection, Content, KnownFile
from lookalike.types import DescriptorSpec, FileEntry, Verification

SPEC = DescriptorSpec("toy", "1", "cosine", 4, "float16", "none")
RAGGED = DescriptorSpec("points", "1", "keypoints", 2, "uint8", "none")
SEEN = Verification(
    9,
    12,
    (1.0, 0, 0, 0, 1, 0, 0, 0, 1),
    False,
    1,
    1,
    agreement=0.9,
    likeness=0.9,
    covered=0.9,
    shared_query="f" * 16,
    shared_ref="f" * 16,
    scale=1,
    angle=0,
    gain=1,
    offset=0,
    frame="same",
    edit="x",
)


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


def test_round_trip(db: Path) -> None:
    """What was committed is there after reopening, in any order asked."""
    with Collection(db) as collection:
        collection.commit(batch(3, 1, 2))
        collection.commit(batch(4, 2))
    with Collection(db) as collection:
        assert collection.rows(SPEC, [sha(2), sha(4), sha(1)])[:, 0].tolist() == [2, 4, 1]
        assert [len(part) for part in collection.ragged(RAGGED, [sha(4), sha(3)])] == [4, 3]
        assert collection.contents([sha(1), sha(9)]) == {sha(1): content(1)}
        assert collection.missing(SPEC, [sha(1), sha(9)]) == [sha(9)]
        assert collection.described([SPEC]) == {sha(n) for n in (1, 2, 3, 4)}


def test_changed_files_are_noticed(db: Path) -> None:
    """Another size, time or inode is another file; a failure is remembered too."""
    gone = KnownFile("failure", None, "decode", "broken")
    with Collection(db) as collection:
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


def test_another_version_is_refused_by_name(db: Path) -> None:
    """Rows of two versions never mix; the message names both and the way out."""
    other = replace(SPEC, version="2")
    with Collection(db) as collection:
        collection.commit(batch(1))
        for call in (collection.check_spec, lambda s: collection.missing(s, [sha(1)])):
            with pytest.raises(SpecMismatchError, match=r"toy\|1\|.*toy\|2\|.*--db"):
                call(other)


@pytest.mark.parametrize("in_memory", [False, True])
def test_rows_of_varying_number_are_read_elsewhere(db: Path, in_memory: bool) -> None:
    """What another process gets is what the collection says."""
    numbers = (1, 2, 3, 5)
    names = tuple(map(sha, numbers))
    with Collection(None if in_memory else db) as collection:
        collection.commit(batch(*numbers))
        spans = collection.spans(RAGGED, names)
        own = collection.ragged(RAGGED, names)
        for elsewhere in (spans, pickle.loads(pickle.dumps(spans.only(names)))):
            for name, rows, number in zip(names, own, numbers, strict=True):
                assert np.array_equal(elsewhere[name], rows)
                assert len(rows) == number % 5
        with pytest.raises(CollectionError, match="no 'points' descriptor"):
            collection.spans(RAGGED, [sha(4)])


def test_verdicts_and_reports_are_kept(db: Path) -> None:
    """Acceptances, refusals and the latest reports survive."""
    pairs = [(sha(1), sha(2)), (sha(1), sha(3)), (sha(2), sha(3))]
    with Collection(db) as collection:
        collection.add_verdicts({pairs[0]: SEEN, pairs[1]: None}, "v1")
        assert collection.verdicts(pairs, "v1") == {pairs[0]: SEEN, pairs[1]: None}
        assert collection.verdicts(pairs, "v2") == {}
        for number in range(4):
            collection.save_report(str(number), f"report \udcff{number}")
        assert collection.load_report("3") == "report \udcff3"
        assert collection.load_report("0") is None


def test_second_writer_is_refused(db: Path) -> None:
    """Two processes never write one collection."""
    with Collection(db), pytest.raises(CollectionError, match=r"in use.*process"):
        Collection(db)
    Collection(db).close()


def test_foreign_folders_are_refused(db: Path, tmp_path: Path) -> None:
    """Another program's database, a newer schema or a file is not touched."""
    db.mkdir()
    other = sqlite3.connect(db / "catalogue.sqlite")
    other.execute("CREATE TABLE t(x)")
    other.commit()
    other.close()
    with pytest.raises(CollectionError, match="not a lookalike collection"):
        Collection(db)
    with Collection(tmp_path / "new"):
        pass
    newer = sqlite3.connect(tmp_path / "new" / "catalogue.sqlite")
    newer.execute("PRAGMA user_version=99")
    newer.close()
    with pytest.raises(CollectionError, match="newer lookalike"):
        Collection(tmp_path / "new")
    (tmp_path / "file").write_text("x")
    with pytest.raises(CollectionError):
        Collection(tmp_path / "file")


_WRITER = """
import sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from test_store import batch
from lookalike.store import Collection
start = int(sys.argv[3])
with Collection(Path(sys.argv[1])) as collection:
    print("open", flush=True)
    for number in range(start, start + 100_000, 20):
        collection.commit(batch(*range(number, number + 20)))
"""


def test_kill_loses_at_most_the_batch_in_hand(db: Path) -> None:
    """After SIGKILL at any moment, every batch is there wholly or not at all."""
    here = str(Path(__file__).parent)
    chance = random.Random(0)
    for life in range(8):
        arguments = [sys.executable, "-c", _WRITER, str(db), here, str(life * 100_000)]
        child = subprocess.Popen(arguments, stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(chance.uniform(0.01, 0.25))
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        with Collection(db) as collection:
            names = sorted(collection.described([SPEC]))
            numbers = [int(name, 16) for name in names]
            assert len(names) % 20 == 0
            assert set(names) == set(collection.described([RAGGED]))
            assert collection.rows(SPEC, names)[:, 3].tolist() == [n % 2000 for n in numbers]
            for number, points in zip(numbers, collection.ragged(RAGGED, names), strict=True):
                assert points.shape == (number % 5, 2) and (points == number % 256).all()
    check = sqlite3.connect(db / "catalogue.sqlite")
    assert check.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    check.close()
    assert numbers
