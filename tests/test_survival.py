"""No run dies of one file, of a full disk, or of a terminal: it ends in words."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from conftest import save, scene

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
