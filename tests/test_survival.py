"""No run dies of one file, of a full disk, or of a terminal: it ends in words."""

from __future__ import annotations

import csv
import json
import os
import pkgutil
import resource
import shutil
import socket
import subprocess
import sys
import tarfile
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from conftest import save, scene
from lookalike import FindConfig, collapse, find
from lookalike.actions.metadata import read_metadata
from lookalike.cli import main
from lookalike.config import ReadConfig
from lookalike.model.errors import CollectionError
from lookalike.model.image import Picture
from lookalike.model.legible import inert_json, legible
from lookalike.sources.downloads.cache import Cache
from lookalike.sources.reading import read_bytes, read_start
from lookalike.store.decisions import Change, Choices
from lookalike.store.embedded_decisions import EmbeddedDecisions

pytestmark = pytest.mark.slow

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


@pytest.mark.parametrize(
    "place",
    ["lookalike.images.decode._opened", "lookalike.ingest.contents.describe_hashes"],
)
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


def test_lists_are_bounded_too(photos: Path, db: Path) -> None:
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


def test_objects_far_away_are_bounded_where_nothing_listed_them() -> None:
    """A query that lies in a bucket is asked for its size before it is fetched."""
    fsspec = pytest.importorskip("fsspec", reason="addresses need the extra remote")
    fsspec.filesystem("memory").pipe("/survival/a.jpg", b"x" * 2_000_000)
    with pytest.raises(OSError, match="2,000,000 bytes; the most that is read at once is 1,048"):
        read_bytes("memory://survival/a.jpg", ReadConfig(max_mb=1), listed=False)


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


# what cannot be written


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MB."""
    if not hasattr(os, "geteuid") or os.geteuid() or not shutil.which("mount"):
        pytest.skip("mounting a small disk needs root on Linux")
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", place], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this machine lets nobody mount a small disk")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def fill(disk: Path, left: int) -> Path:
    """Leave so many bytes free."""
    ballast = disk / "ballast"
    info = os.statvfs(disk)
    ballast.write_bytes(b"\0" * max(0, info.f_bavail * info.f_frsize - left))
    return ballast


def told_to_make_room(done: subprocess.CompletedProcess[str]) -> None:
    """The only advice that helps, and none that loses what was decided."""
    one_line(done, "expected room on the disk", "free disk space")
    assert not any(word in done.stderr for word in ("delete", "move", "--db ")), done.stderr


@pytest.mark.parametrize("left", [0, 65_536, 196_608, 393_216])
def test_a_full_disk_while_a_collection_is_written(
    left: int, tmp_path: Path, small_disk: Path
) -> None:
    """Wherever it fills up, in rows, catalogue or report; with room the run goes on to the end."""
    photos = tmp_path / "in"
    for number in range(16):
        save(photos / f"{number}.jpg", scene(number // 2), 90 - number % 2)
    told = ("find", photos, "--db", small_disk / "db", "--json", "--threads", 1)
    ballast = fill(small_disk, left)
    told_to_make_room(run(*told))
    ballast.unlink()
    again, fresh = run(*told), run(*told[:3], tmp_path / "db", *told[4:])
    assert again.returncode == fresh.returncode == 11, again.stderr
    assert json.loads(again.stdout)["clusters"] == json.loads(fresh.stdout)["clusters"]


@pytest.mark.parametrize(
    "words",
    [
        "find {photos} --db {db} --html {disk}/r/page.html",
        "find {photos} --db {db} --csv {disk}/tables",
        "find {photos} --db {db} --export imagededup {disk}/e",
        "find {photos} --db {db} --export fastdup {disk}/e",
        "find {photos} --db {db} --export huggingface {disk}/e",
        "find {photos} --db {db} --export fiftyone {disk}/e",
        "compare {photos}/a.jpg {photos}/b.jpg --html {disk}/pair.html",
        "compare {photos}/a.jpg {photos}/b.jpg --mask {disk}/pair.png",
        "search {photos}/a.jpg --db {db} --html {disk}/hits.html",
        "search {photos}/a.jpg --db {db} --png {disk}/hits.png",
        "plan {photos} --db {db} -o {disk}/plan.json",
        "leaks {photos} {more} --db {db} --plan {disk}/plan.json",
        "leaks {photos} {more} --db {db} --clean {disk}/clean",
        "unique {photos} {disk}/list.csv --db {db}",
        "unique {photos} {disk}/list.parquet --db {db}",
        "unique {photos} {disk}/folder --db {db}",
        "apply {plan} --yes --move-to {disk}/gone --journal {disk}/journal.jsonl",
    ],
)
def test_a_full_disk_while_results_are_written(
    words: str, ready: dict[str, Path], tmp_path: Path, small_disk: Path
) -> None:
    """The error names the file, and no half file is left."""
    more, plan = tmp_path / "more", tmp_path / "plan.json"
    for name, folder in (("b.jpg", ready["photos"]), ("c.jpg", more)):
        folder.mkdir(exist_ok=True)
        shutil.copy(ready["photos"] / "a.jpg", folder / name)
        os.utime(folder / name, (0, 0))
    if "{plan}" in words:
        run("plan", ready["photos"], "--db", ready["db"], "-o", plan)
    fill(small_disk, 0)
    named = {**ready, "disk": small_disk, "more": more, "plan": plan}
    told_to_make_room(run(*(word.format(**named) for word in words.split())))
    assert {path.name for path in small_disk.rglob("*") if path.is_file()} <= {
        "ballast", "journal.jsonl", ".lookalike-result", "LOCK"
    }  # fmt: skip
    assert (ready["photos"] / "b.jpg").is_file()


def test_a_full_disk_while_decisions_are_written(small_disk: Path) -> None:
    """Nothing is decided, nothing is lost, and with room it can be decided."""
    change = Change("dropped", marks={("0" * 64, "/a.jpg"): "drop"})
    with EmbeddedDecisions(small_disk) as decisions:
        decisions.change(change)
        ballast = fill(small_disk, 0)
        other = Change("dropped", apart={(f"{n:064}", f"{n + 1:064}"): True for n in range(2000)})
        with pytest.raises(CollectionError, match="free disk space") as refused:
            decisions.change(other)
        assert "--db" not in str(refused.value)
        ballast.unlink()
        assert decisions.choices == Choices({("0" * 64, "/a.jpg"): "drop"}, set())
        decisions.change(other)
        assert len(decisions.choices.apart) == 2000


def test_a_full_disk_while_downloads_are_written(small_disk: Path) -> None:
    """What fits only in part is an error, not a shorter file."""
    cache = Cache(small_disk / "downloads")
    cache.open()
    part = cache.part("http://shop.example/1.jpg")
    part.begin("")
    ballast = fill(small_disk, 8192)
    with pytest.raises(OSError, match="No space left"):
        part.write(b"x" * 100_000)
    part.close()
    ballast.unlink()
    cache.close()


def test_a_full_disk_for_the_cache_is_a_failure(photos: Path, db: Path, small_disk: Path) -> None:
    """Of the archive that wants to be unpacked there; others are read."""
    with tarfile.open(photos.parent / "x.tar.gz", "w:gz") as tar:
        tar.add(photos / "a.jpg", "c.jpg")
    fill(small_disk, 0)
    told = ("find", photos, photos.parent / "x.tar.gz", "--db", db, "--json")
    done = run(*told, env={**os.environ, "LOOKALIKE_CACHE": str(small_disk)})
    assert failures_of(done) == {"x.tar.gz": "cannot be listed: No space left on device"}
    assert len(json.loads(done.stdout)["clusters"]) == 1


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A described folder in which a picture is new, and its collection with decisions."""
    top = tmp_path_factory.mktemp("decided")
    photos, db = top / "in", top / "db"
    for number in range(12):
        save(photos / f"{number}.jpg", scene(10 + number))
    find(photos, db=db, config=FindConfig(effort="fast"))
    with EmbeddedDecisions(db) as decisions:
        pairs = {(f"{n:064}", f"{n + 1:064}"): True for n in range(200)}
        decisions.change(Change("told apart", apart=pairs))
    save(photos / "new.jpg", scene(30))
    return photos, db


@pytest.mark.parametrize("place", ["start", "middle", "end"])
@pytest.mark.parametrize("name", ["catalogue.sqlite", "decisions.sqlite"])
def test_a_damaged_collection_ends_in_one_line(
    name: str, place: str, decided: tuple[Path, Path], db: Path
) -> None:
    """Every command names the file, and nothing that it advises loses decisions."""
    photos = decided[0]
    shutil.copytree(decided[1], db)
    data = bytearray((db / name).read_bytes())
    start = {"start": 0, "middle": len(data) // 3 & ~4095, "end": len(data) * 2 // 3 & ~4095}[place]
    data[start : start + len(data) // 3] = b"\xaa" * (len(data) // 3)
    (db / name).write_bytes(data)
    ended = 0
    for words in (
        "find {photos} --db {db} --effort fast",
        "search {photos}/0.jpg --db {db}",
        "plan {photos} --db {db}",
        "buckets --db {db}",
        "index {photos} --db {db}",
    ):
        done = run(*(word.format(photos=photos, db=db) for word in words.split()))
        if done.returncode == 1:
            ended += 1
            one_line(done, name, "undamaged", "decisions.sqlite")
            assert "delete" not in done.stderr
    # a command may not touch what is damaged
    assert ended or place != "start"


def test_a_catalogue_that_was_moved_away_is_made_anew(photos: Path, db: Path) -> None:
    """What is advised for a damaged one: the answer is the same, decisions count."""
    told = ("find", photos, "--db", db, "--json")
    first = json.loads(run(*told).stdout)
    (db / "catalogue.sqlite").write_bytes(b"no SQLite file " * 1000)
    one_line(run(*told), "move catalogue.sqlite* and rows out of this folder")
    for path in (*db.glob("catalogue.sqlite*"), db / "rows"):
        path.rename(db.parent / f"old {path.name}")
    assert json.loads(run(*told).stdout)["clusters"] == first["clusters"]


def test_a_terminal_that_lacks_a_letter_gets_another(photos: Path, db: Path) -> None:
    """Text is replaced where the encoding has no such letter; JSON stays UTF-8."""
    (photos / "b.jpg").rename(photos / "Б→.jpg")
    for coding in ("cp1252", "ascii"):
        told = {**os.environ, "PYTHONIOENCODING": coding}
        for words in ((), ("--csv", photos.parent / "t"), ("--html", photos.parent / "p.html")):
            done = run("find", photos, "--db", db, *words, env=told)
            assert done.returncode == 11 and not done.stderr, done.stderr
            assert "2 files ? 2 images" in done.stdout
        told_bytes = run("find", photos, "--db", db, "--json", env=told, encoding="utf-8").stdout
        assert "Б→.jpg" in str(json.loads(told_bytes))
    assert "Б→.jpg" in (photos.parent / "t" / "clusters.csv").read_text(encoding="utf-8")
    assert "Б→.jpg" in (photos.parent / "p.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "words",
    [
        "find {photos} --db {db}",
        "find {photos} --db {db} --json",
        "recipes",
        "--help",
        "plan {photos} --db {db} --json",
        "search {photos}/a.jpg --db {db}",
    ],
)
def test_output_that_cannot_be_printed(words: str, ready: dict[str, Path]) -> None:
    """A full device is an error of one line, a reader that has gone is none."""
    told = tuple(word.format(**ready) for word in words.split())
    with Path("/dev/full").open("w") as full:
        one_line(run(*told, stdout=full), "output", "No space left on device")
        assert run(*told, stdout=full, stderr=full).returncode == 1
    gone, writes = os.pipe()
    os.close(gone)
    done = run(*told, stdout=writes)
    os.close(writes)
    assert done.returncode == (1 if words == "--help" else 141) and not done.stderr, done.stderr


def test_a_mistake_of_ours_is_told_in_one_line(
    photos: Path, db: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With its place, and a traceback only for those who ask."""

    def broken(*_: object, **__: object) -> None:
        raise KeyError("unforeseen")

    monkeypatch.setattr("lookalike.run.find.find_json", broken)
    monkeypatch.setattr(sys, "argv", ["lookalike", "find", str(photos), "--db", str(db)])
    monkeypatch.delenv("LOOKALIKE_TRACEBACK", raising=False)
    with pytest.raises(SystemExit) as left:
        main()
    said = capsys.readouterr().err
    assert left.value.code == 1 and said.count("\n") == 1
    assert "KeyError: 'unforeseen' at test_survival.py:" in said
    monkeypatch.setenv("LOOKALIKE_TRACEBACK", "1")
    with pytest.raises(KeyError):
        main()


# names that act on a terminal

_ODD = {
    "escape": "a\x1b[2J\x1b]0;owned\x07.jpg",
    "line": "b\ndrop  victim.jpg: exact\r.jpg",
    "turned": "c\u202egpj.exe\u2066\u200f.jpg",
    "eight bits": "d\x9b31m\x85\u2028\x7f.jpg",
    "tags": "e\U000e0041\ufeff\xad\t.jpg",
    "no text": os.fsdecode(b"f\xff\xfe.jpg"),
}
_INNOCENT = "日本 été 👩‍👧 می‌خواهم\\x1b.jpg"


def acting(text: str) -> set[str]:
    """Characters of a text that do more than to be seen."""
    kinds = ("Cc", "Cf", "Cs", "Zl", "Zp")
    return {
        one
        for one in text
        if unicodedata.category(one) in kinds and one not in "\n\u200c\u200d"
    }  # fmt: skip


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """Copies under odd names, an odd broken file, and an odd folder."""
    folder = tmp_path / "in\x1b[31m\u202e"
    save(folder / "plain.jpg", scene(1))
    for name in (*_ODD.values(), _INNOCENT):
        shutil.copy(folder / "plain.jpg", folder / name)
    (folder / "broken\x1b[1m\n\u202e.jpg").write_bytes(b"")
    return folder


@pytest.mark.parametrize("name", _ODD.values(), ids=_ODD)
def test_legible_names(name: str) -> None:
    """Whatever acts is written out; what belongs to words, and emoji, stays."""
    assert not acting(legible(name)) and "\n" not in legible(name)
    assert legible(_INNOCENT) == _INNOCENT and legible("\x1b\u202e\udcff\n") == r"\x1b\u202e\xff\n"
    dumped = json.dumps({name: [name, _INNOCENT]}, ensure_ascii=False)
    assert json.loads(inert_json(dumped)) == {name: [name, _INNOCENT]}
    assert not acting(inert_json(dumped))


def test_no_name_acts_on_the_terminal(odd: Path, db: Path, tmp_path: Path) -> None:
    """In reports, previews, hits, failures, lists and errors, on both streams; lines stay whole."""
    plan, out, other = tmp_path / "plan\x1b.json", tmp_path / "out\u202e", tmp_path / "more\x1b"
    save(other / "one\x1b.jpg", scene(1))
    (odd / "list.csv").write_text("path,label\nplain.jpg,a\x1b[5m\nnone\x9b.jpg,b\n")
    query = odd / _ODD["line"]
    for code, words in (
        (11, ("find", odd, "--db", db, "--csv", out)),
        (11, ("find", odd, "--db", db, "--json")),
        (11, ("search", query, "--db", db)),
        (11, ("search", query, "--db", db, "--json")),
        (11, ("compare", query, odd / "plain.jpg")),
        (11, ("buckets", "--db", db)),
        (0, ("index", odd, "--db", db)),
        (0, ("describe-list", odd / "list.csv")),
        (11, ("leaks", odd, other, "--db", db)),
        (0, ("conflicts", odd / "list.csv", "--db", db)),
        (11, ("unique", odd, out / "list.csv", "--db", db)),
        (11, ("plan", odd, "--db", db, "-o", plan)),
        (11, ("apply", plan)),
        (11, ("apply", plan, "--yes", "--move-to", out / "gone", "--journal", out / "j.jsonl")),
        (11, ("undo", out / "j.jsonl")),
        (1, ("find", odd / "no\x1b.jpg")),
        (1, ("find", odd, "--db", odd / "plain.jpg" / "x\u202e")),
        (2, ("find", odd, "--effort", "a\x1b")),
        (2, ("apply", odd / "no\x1b\n.json")),
    ):
        done = run(*words)
        assert done.returncode == code, (words, done.stderr)
        assert not acting(done.stdout + done.stderr), words
        assert "victim" not in [line[6:12] for line in done.stdout.splitlines()]


def test_no_name_acts_on_a_page(odd: Path, db: Path, tmp_path: Path) -> None:
    """Of find, search and compare."""
    page, query = tmp_path / "page.html", odd / _ODD["turned"]
    for words in (
        ("find", odd, "--db", db),
        ("search", query, "--db", db),
        ("compare", query, odd / "plain.jpg"),
    ):
        assert run(*words, "--html", page).returncode == 11
        text = page.read_text(encoding="utf-8")
        assert not acting(text) and r"c\u202egpj" in text


def test_machines_get_the_true_names(odd: Path, db: Path, tmp_path: Path) -> None:
    """JSON, tables and lists hold every name as it is, byte for byte."""
    there = {os.fsencode(path.name) for path in odd.iterdir()}
    done = run("find", odd, "--db", db, "--json", "--csv", tmp_path / "tables")
    report = json.loads(done.stdout)
    named = [item["path"] for part in ("images", "failures") for item in report[part]]
    assert {os.fsencode(Path(path).name) for path in named} == there
    table = tmp_path / "tables" / "clusters.csv"
    with table.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        listed = {os.fsencode(Path(row["path"]).name) for row in csv.DictReader(file)}
    assert len(listed) == 8 and listed < there
    assert run("unique", odd, tmp_path / "kept.jsonl", "--db", db).returncode == 11
    assert run("find", tmp_path / "kept.jsonl", "--db", db).returncode == 0
