"""No run dies of one file, of a full disk, or of a terminal: it ends in words."""

from __future__ import annotations

import json
import os
import pkgutil
import resource
import shutil
import socket
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from conftest import save, scene
from lookalike import collapse, find
from lookalike.actions.metadata import read_metadata
from lookalike.reading import read_bytes, read_start
from lookalike.types import Picture

_BARE = "-dac_override,-dac_read_search"


def run(
    *arguments: object, before: Sequence[str] = (), **options: object
) -> subprocess.CompletedProcess[str]:
    """The command as users run it; ``before`` is a program that runs it."""
    command = [*before, sys.executable, "-m", "lookalike", *map(str, arguments)]
    told: dict[str, object] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.run(command, text=True, check=False, timeout=120, **told)  # type: ignore[call-overload]


def one_line(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """The run ended with an error of one line, in which these words stand."""
    lines = done.stderr.splitlines()
    assert done.returncode == 1 and len(lines) == 1, done.stderr
    assert lines[0].startswith("lookalike: ")
    for word in words:
        assert word in lines[0], done.stderr


@pytest.fixture
def plain_user() -> list[str]:
    """What runs a program for which rights count: root may otherwise open everything."""
    if os.name == "nt":
        pytest.skip("rights of files are another matter on Windows")
    if os.geteuid():
        return []
    if not shutil.which("setpriv"):
        pytest.skip("root opens locked folders, and there is no setpriv to give that up")
    return ["setpriv", f"--bounding-set={_BARE}", f"--inh-caps={_BARE}"]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of one picture and its copy."""
    save(tmp_path / "in" / "a.jpg", scene(1))
    shutil.copy(tmp_path / "in" / "a.jpg", tmp_path / "in" / "b.jpg")
    return tmp_path / "in"


@pytest.fixture
def locked(tmp_path: Path) -> Path:
    """A folder that its owner locked, with a picture in it."""
    folder = tmp_path / "locked"
    save(folder / "c.jpg", scene(2))
    (folder / "sub").mkdir()
    folder.chmod(0)
    return folder


# what cannot be looked at


def test_links_in_circles_and_into_locked_folders_are_failures(
    photos: Path, locked: Path, plain_user: list[str], db: Path
) -> None:
    """Every one is listed with its reason, and what can be read is compared."""
    (photos / "one").symlink_to("two")
    (photos / "two").symlink_to("one")
    (photos / "self.jpg").symlink_to("self.jpg")
    (photos / "into").symlink_to(locked / "sub")
    (photos / "picture.jpg").symlink_to(locked / "c.jpg")
    (photos / "gone.jpg").symlink_to("nowhere")
    (photos / "folder").symlink_to(locked)
    done = run("find", photos, "--db", db, "--json", before=plain_user)
    assert done.returncode == 11, done.stderr
    report = json.loads(done.stdout)
    assert len(report["clusters"]) == 1
    circle = "a symlink that leads in a circle"
    denied = "cannot be examined: Permission denied"
    assert {Path(f["path"]).name: f["message"] for f in report["failures"]} == {
        "one": circle,
        "two": circle,
        "self.jpg": circle,
        "into": denied,
        "picture.jpg": denied,
        "gone.jpg": "a symlink whose target does not exist",
        "folder": "cannot be listed: Permission denied",
    }


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A described folder, its collection and report, a link in a circle, and a locked folder."""
    top = tmp_path_factory.mktemp("ready")
    photos, db, report = top / "in", top / "db", top / "report.json"
    save(photos / "a.jpg", scene(1))
    report.write_text(run("find", photos, "--db", db, "--json", "--effort", "fast").stdout)
    (top / "circle").symlink_to("circle")
    (top / "locked" / "sub").mkdir(parents=True)
    (top / "locked").chmod(0)
    named = {name: top / name for name in ("circle", "locked")}
    return {"photos": photos, "db": db, "report": report, **named}


@pytest.mark.parametrize(
    "words",
    [
        "find {locked}/c.jpg",
        "find {locked}/list.csv",
        "find {locked}/x.zip",
        "find {circle}",
        "find {photos} --recipe {locked}/own.toml",
        "find {photos} --descriptor {locked}/own.onnx",
        "find {photos} --db {locked}/db",
        "compare {photos}/a.jpg {locked}/c.jpg",
        "search {photos}/a.jpg --db {db} --mask {locked}/mask.png",
        "plan {report} --db {db} --reference {locked}/sub",
        "plan {report} --db {locked}/db",
        "undo --db {locked}/db",
        "leaks {photos} {locked}/sub --db {db}",
        "conflicts {photos} --labels {locked}/labels.csv --db {db}",
        "unique {photos} {locked}/out --db {db}",
        "serve --db {db} --root {locked}/sub",
        "review --db {locked}/db --no-browser",
        "describe-list {locked}/list.csv",
        "train rotation {locked}/sub -o {locked}/n.onnx",
    ],
)
def test_whatever_is_named_in_a_locked_folder_ends_in_one_line(
    words: str, ready: dict[str, Path], plain_user: list[str]
) -> None:
    """No command shows a traceback for a path that it may not look at."""
    one_line(run(*(word.format(**ready) for word in words.split()), before=plain_user))


def test_rows_of_lists_say_why_their_files_cannot_be_read(
    photos: Path, locked: Path, plain_user: list[str], db: Path
) -> None:
    """A row that names a locked file, a circle or a pipe is a failure, and the others count."""
    (photos / "circle.jpg").symlink_to("circle.jpg")
    os.mkfifo(photos / "pipe.jpg")
    names = ["a.jpg", "b.jpg", "circle.jpg", "pipe.jpg", str(locked / "c.jpg"), "none.jpg"]
    (photos / "list.csv").write_text("\n".join(["path", *names, ""]))
    done = run("find", photos / "list.csv", "--db", db, "--json", before=plain_user)
    assert done.returncode == 11, done.stderr
    messages = [failure["message"] for failure in json.loads(done.stdout)["failures"]]
    assert len(messages) == 4 and sum("there is no such file" in why for why in messages) == 2
    assert sum("Permission denied" in why for why in messages) == 1
    assert sum("in a circle" in why for why in messages) == 1


# what does not fit into memory

_SPARSE = 30 << 30


def sparse(path: Path, start: bytes = b"\xff\xd8\xff\xe0") -> Path:
    """A file of 30 GB that takes no room."""
    path.write_bytes(start)
    os.truncate(path, _SPARSE)
    return path


def failures_of(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """By the last part of their paths, from a report as JSON."""
    assert done.returncode in (0, 11), done.stderr
    return {Path(one["path"]).name: one["message"] for one in json.loads(done.stdout)["failures"]}


def test_a_file_larger_than_what_is_read_is_a_failure(photos: Path, db: Path) -> None:
    """By its size, before it is read: with the name of a picture, without, or in an archive."""
    sparse(photos / "huge.jpg")
    sparse(photos / "unnamed")
    sparse(photos / "film.mp4", b"\0\0\0\x18ftypmp42")
    head = tarfile.TarInfo("packed.jpg")
    head.size = _SPARSE
    sparse(photos.parent / "huge.tar", head.tobuf(tarfile.GNU_FORMAT) + b"\xff\xd8\xff\xe0")
    done = run("find", photos, photos.parent / "huge.tar", "--db", db, "--json")
    failures = failures_of(done)
    assert done.returncode == 11 and len(json.loads(done.stdout)["clusters"]) == 1
    large = {name for name, why in failures.items() if "32,212,254,720 bytes; the most" in why}
    assert large == {"huge.jpg", "unnamed", "huge.tar"}


@pytest.mark.parametrize("words", ["search {huge} --db {db}", "compare {huge} {photos}/a.jpg"])
def test_a_huge_query_ends_in_one_line(words: str, ready: dict[str, Path], tmp_path: Path) -> None:
    """It is told with its size and the limit."""
    named = {**ready, "huge": sparse(tmp_path / "huge.jpg")}
    done = run(*(word.format(**named) for word in words.split()))
    one_line(done, "32,212,254,720 bytes", "LOOKALIKE_MAX_MB")


def test_the_limit_is_a_setting(photos: Path, db: Path) -> None:
    """What was too large is read once it may be, and a limit that is none ends at once."""
    noise = np.random.default_rng(0).integers(0, 256, (700, 700, 3), dtype=np.uint8)
    (photos / "large.bmp").write_bytes(cv2.imencode(".bmp", noise)[1].tobytes())
    told = ("find", photos, "--db", db, "--json", "--effort", "fast")
    small = run(*told, env={**os.environ, "LOOKALIKE_MAX_MB": "1"})
    assert "the most that is read at once is 1,048,576" in failures_of(small)["large.bmp"]
    assert failures_of(run(*told)) == {}
    one_line(run(*told, env={**os.environ, "LOOKALIKE_MAX_MB": "lots"}), "'lots'", "megabytes")


def test_too_little_memory_is_a_failure_of_the_file(photos: Path, db: Path) -> None:
    """While it is read: the run goes on, and the next run tries it again."""
    sparse(photos / "huge.jpg")
    limits = {"LOOKALIKE_MAX_MB": "40000"}

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (16 << 30, 16 << 30))

    told = ("find", photos, "--db", db, "--json", "--effort", "fast")
    done = run(*told, env={**os.environ, **limits}, preexec_fn=bounded)
    assert failures_of(done) == {"huge.jpg": "cannot be read: it does not fit into memory"}
    os.truncate(photos / "huge.jpg", 0)
    assert failures_of(run(*told)) == {"huge.jpg": "the file is empty"}


@pytest.mark.parametrize("place", ["lookalike.images._opened", "lookalike.ingest.describe_hashes"])
def test_memory_that_ends_while_decoding_is_a_failure_of_the_file(
    place: str, photos: Path, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of that file alone; it is tried again by the next run, as its bytes are not to blame."""
    (photos / "c.png").write_bytes(cv2.imencode(".png", scene(3))[1].tobytes())
    with monkeypatch.context() as patch:
        real = pkgutil.resolve_name(place)

        def full(seen: object, *rest: object) -> object:
            is_png = seen.format == "PNG" if isinstance(seen, Picture) else seen[:4] == b"\x89PNG"  # type: ignore[index]
            if is_png:
                raise MemoryError
            return real(seen, *rest)

        patch.setattr(place, full)
        report = find([photos], db=db)
    assert [(Path(f.path).name, f.stage) for f in report.failures] == [("c.png", "read")]
    assert "does not fit into memory" in report.failures[0].message and len(report.clusters) == 1
    assert not find([photos], db=db).failures


def test_lists_are_bounded_too(photos: Path, db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list without end on standard input, and a Parquet file that unpacks to more."""
    told = {**os.environ, "LOOKALIKE_MAX_MB": "2"}
    with Path("/dev/zero").open("rb") as endless:
        done = run("find", "-", "--db", db, env=told, stdin=endless)
    one_line(done, "standard input", "LOOKALIKE_MAX_MB")
    pyarrow = pytest.importorskip("pyarrow", reason="Parquet needs the extra tables")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = photos / "list.parquet"
    names = [f"{photos}/{number:0200}" for number in range(20_000)]
    parquet.write_table(pyarrow.table({"path": names}), path, use_dictionary=False)
    assert path.stat().st_size < 2 << 20
    one_line(run("find", path, "--db", db, env=told), "list.parquet", "LOOKALIKE_MAX_MB")


def test_objects_far_away_are_bounded_where_nothing_listed_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A query that lies in a bucket is asked for its size before it is fetched."""
    fsspec = pytest.importorskip("fsspec", reason="addresses need the extra remote")
    fsspec.filesystem("memory").pipe("/survival/a.jpg", b"x" * 100)
    monkeypatch.setattr("lookalike.read_config.largest", lambda: 50)
    with pytest.raises(OSError, match="100 bytes; the most that is read at once is 50"):
        read_bytes("memory://survival/a.jpg", listed=False)


def test_pipes_and_devices_are_never_waited_for(photos: Path, db: Path) -> None:
    """Neither in a folder, nor named, nor in a list, nor where a file was replaced by one."""
    pipe = photos / "pipe.jpg"
    os.mkfifo(pipe)
    (photos / "zero.jpg").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(photos / "socket.jpg"))
    assert failures_of(run("find", photos, "--db", db, "--json")) == {}
    for path in (pipe, photos / "zero.jpg", photos / "socket.jpg"):
        one_line(run("search", path, "--db", db))
        one_line(run("search", photos / "a.jpg", "--db", db, "--mask", path))
    assert [bad.failure.stage for bad in collapse([pipe, photos / "a.jpg"]).failures] == ["read"]
    with pytest.raises(OSError, match="a pipe, a socket or a device"):
        read_start(str(pipe), 10)
    assert read_metadata(str(photos / "a.jpg"), (str(pipe),)) == {}
