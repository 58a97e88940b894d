"""Plan, apply, undo: nothing is lost, nothing is overwritten, whatever fails and whenever."""

from __future__ import annotations

import errno
import hashlib
import itertools
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lookalike.actions import How, Outcome, Plan, Step, apply_plan, undo
from lookalike.actions.disk import Disk
from lookalike.actions.records import SCHEMA
from lookalike.model.errors import LookalikeError

LOOKING = {"info", "real", "holds", "same", "digest", "names", "read"}
CHANGING = sorted(name for name in vars(Disk) if not name.startswith("_") and name not in LOOKING)


class Killed(BaseException):
    """The process ends here; nothing catches it."""


ERRORS: dict[str, Callable[[], BaseException]] = {
    "killed": Killed,
    "denied": lambda: OSError(13, "denied"),
    "full": lambda: OSError(28, "full"),
    "other device": lambda: OSError(18, "other device"),
}


# which arguments of a change name something in a folder that must be writable
FOLDERS_CHANGED = {
    "link": (1,),
    "unlink": (0,),
    "rename": (0, 1),
    "replace": (0, 1),
    "copy": (1,),
    "clone": (1,),
    "write": (0,),
    "trash": (0,),
}


class FaultyDisk(Disk):
    """A disk whose ``at``-th change fails: before, in the middle of, or after it is done."""

    def __init__(self, at: int, error: str, moment: str) -> None:
        self.left, self.error, self.moment = at, error, moment

    def __getattribute__(self, name: str) -> Any:
        method = super().__getattribute__(name)
        if name not in CHANGING:
            return method

        def change(*arguments: Any) -> Any:
            for place in FOLDERS_CHANGED.get(name, ()):
                if "locked" in Path(arguments[place]).parts:
                    raise OSError(errno.EACCES, "read-only folder", arguments[place])
            self.left -= 1
            if self.left != -1:
                return method(*arguments)
            if self.moment == "after":
                method(*arguments)
            elif self.moment == "middle":
                half_done(name, arguments)
            raise ERRORS[self.error]()

        return change


def working_disk() -> Disk:
    """Nothing fails but writing into a folder called ``locked``."""
    return FaultyDisk(1 << 40, "killed", "before")


def half_done(name: str, arguments: tuple[Any, ...]) -> None:
    """What a change that writes bytes leaves behind when it ends in the middle."""
    if name == "copy":
        data = Path(arguments[0]).read_bytes()
        Path(arguments[1]).write_bytes(data[: len(data) // 2])
    elif name == "append":
        with Path(arguments[0]).open("a") as file:
            file.write(arguments[1][: len(arguments[1]) // 2])
    elif name == "trash":
        # send2trash writes the note before it moves the file
        from send2trash import plat_other

        trash = Path(os.fsdecode(plat_other.HOMETRASH_B))
        for part in ("files", "info"):
            (trash / part).mkdir(parents=True, exist_ok=True)
        note = trash / "info" / f"{Path(arguments[0]).name}.trashinfo"
        note.write_bytes(plat_other.info_for(os.fsencode(arguments[0]), None).encode())
    elif name == "write":
        Path(arguments[0]).write_text(arguments[1][: len(arguments[1]) // 2])


def no_links(self: Disk, path: str, name: str) -> None:
    """A file system without hard links."""
    raise OSError(errno.EPERM, "hard links are not supported", path)


def other_device(self: Disk, path: str, name: str) -> None:
    """The tree, the trash and the folder to move to lie on three devices."""
    depth = len(Path(os.path.realpath(tempfile.gettempdir())).parts) + 1
    tops = [Path(one).parts[depth] for one in (path, name)]
    if tops[0] != tops[1]:
        raise OSError(errno.EXDEV, "another device", path)
    os.link(path, name)


LINKS = {"yes": Disk.link, "no": no_links, "other device": other_device}


def sha(data: bytes) -> str:
    """Hex SHA-256."""
    return hashlib.sha256(data).hexdigest()


def step(path: Path, keeper: Path, *companions: Path) -> Step:
    """A step for files as they are now; for missing ones, of no bytes."""
    mine, theirs = (p.read_bytes() if p.is_file() else b"" for p in (path, keeper))
    return Step(
        str(path),
        sha(mine),
        len(mine),
        str(keeper),
        sha(theirs),
        "c",
        "a copy",
        tuple(map(str, companions)),
        metadata={"rating": "5"},
    )


def make_plan_of(*steps: Step, protected: tuple[str, ...] = ()) -> Plan:
    """A plan by hand."""
    return Plan(SCHEMA, "2026-01-01T00:00:00+00:00", steps, (), protected)


@pytest.fixture(autouse=True)
def own_trash(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A trash of the test's own."""
    data = tmp_path_factory.mktemp("data")
    use_trash(data, monkeypatch)
    return data / "Trash"


def use_trash(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both for us and for send2trash, which looks once, when it is imported."""
    from send2trash import plat_other

    monkeypatch.setenv("XDG_DATA_HOME", str(data))
    monkeypatch.setattr(plat_other, "XDG_DATA_HOME", os.fsencode(data))
    monkeypatch.setattr(plat_other, "HOMETRASH_B", os.fsencode(data / "Trash"))


def contents(*roots: Path) -> Counter[bytes]:
    """How many files below some folders have which bytes; our own marks and notes do not count."""
    found: Counter[bytes] = Counter()
    for path in itertools.chain(*(root.rglob("*") for root in roots)):
        own = path.name in (".lookalike-result", "LOCK") or path.suffix in (".jsonl", ".trashinfo")
        if path.is_file() and not path.is_symlink() and not own:
            found[path.read_bytes()] += 1
    return found


def picture_of(root: Path) -> dict[str, Any]:
    """Every name below a folder with what it is: bytes, target of a symlink, times."""
    seen: dict[str, Any] = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            seen[name] = str(path.readlink())
        elif path.is_file():
            seen[name] = (path.read_bytes(), path.stat().st_mtime_ns)
    return seen


# A tree: every loser has a name, a state, companions. Bytes of every file are unlike all others,
# but a loser may have its keeper's bytes, for hard links.
NAMES = ("a.jpg", "b.jpg", "IMG 1.JPG", "ü.jpg", "\udcff.jpg")
STATES = (
    "plain",
    "plain",
    "plain",
    "equal",
    "changed",
    "missing",
    "no keeper",
    "changed keeper",
    "symlink",
    "hard link of the keeper",
    "hard link elsewhere",
    "folder is a symlink",
    "protected",
    "read-only folder",
    "target exists",
)


@st.composite
def trees(draw: Callable[..., Any]) -> list[tuple[str, str, str, tuple[str, ...]]]:
    """Losers as (folder, name, state, suffixes of companions)."""
    places = draw(
        st.lists(
            st.tuples(st.sampled_from(("x", "y", "x/z")), st.sampled_from(NAMES)),
            unique=True,
            min_size=1,
            max_size=4,
        )
    )
    return [
        (
            folder,
            name,
            draw(st.sampled_from(STATES)),
            draw(st.sampled_from(((), (), (".xmp",), (".xmp", ".mov"), (".cr2",)))),
        )
        for folder, name in places
    ]


def plant(root: Path, tree: list[tuple[str, str, str, tuple[str, ...]]]) -> Plan:
    """Make the files of a tree, the plan for them, and then what happened since the plan."""
    steps, since = [], []
    for number, (folder, name, state, suffixes) in enumerate(tree):
        top = {"protected": "reference", "read-only folder": "locked"}.get(state, folder)
        place = root / top / str(number) if state == "folder is a symlink" else root / top
        place.mkdir(parents=True, exist_ok=True)
        keeper, loser = root / "keep" / f"{number}.jpg", place / name
        keeper.parent.mkdir(exist_ok=True)
        if loser.exists():
            continue
        keeper.write_bytes(b"keeper %d" % number)
        loser.write_bytes(keeper.read_bytes() if state == "equal" else b"loser %d" % number)
        os.utime(loser, ns=(number * 10**9, number * 10**9))
        others = []
        for suffix in suffixes:
            other = loser.with_suffix(suffix)
            if not other.exists():
                other.write_bytes(b"%d%s" % (number, suffix.encode()))
                others.append(other)
        steps.append(step(loser, keeper, *others))
        since.append((state, loser, keeper, number))
    for state, loser, keeper, number in since:
        happen(root, state, loser, keeper, number)
    return make_plan_of(*steps, protected=(str(root / "reference"),))


def happen(root: Path, state: str, loser: Path, keeper: Path, number: int) -> None:
    """What became of a file between plan and apply."""
    if state == "changed":
        loser.write_bytes(b"edited %d" % number)
    elif state == "missing":
        loser.unlink()
    elif state == "no keeper":
        keeper.unlink()
    elif state == "changed keeper":
        keeper.write_bytes(b"EDITED %d" % number)
    elif state == "symlink":
        aside = root / f"aside {number}"
        loser.rename(aside)
        loser.symlink_to(aside)
    elif state == "hard link of the keeper":
        loser.unlink()
        os.link(keeper, loser)
    elif state == "hard link elsewhere":
        os.link(loser, root / f"other name {number}")
    elif state == "folder is a symlink":
        loser.parent.rename(root / f"real {number}")
        loser.parent.symlink_to(root / f"real {number}")


MAY_GO = {"plain", "equal", "hard link elsewhere", "target exists"}


@contextmanager
def room() -> Iterator[tuple[Path, Path, pytest.MonkeyPatch]]:
    """An empty folder for a tree and one for everything else, for one example of hypothesis."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        base = Path(os.path.realpath(folder))
        (base / "in").mkdir()
        (base / "home").mkdir()
        use_trash(base / "home", patch)
        yield base / "in", base, patch


def hows(base: Path) -> dict[str, How]:
    """Every way that loses nothing."""
    return {
        "trash": How("trash"),
        "move": How("move", str(base / "out")),
        "move, metadata": How("move", str(base / "out"), copy_metadata=True),
        "hardlink": How("hardlink"),
    }


def own_sidecar(data: bytes) -> bool:
    """Whether these are the bytes of a sidecar that carries metadata."""
    return data.startswith(b"<?xpacket")


def suffer(act: Callable[[Disk], Any], disk: Disk) -> None:
    """Do something on a disk that fails; what it raises is on purpose."""
    with suppress(Killed, LookalikeError):
        act(disk)


@dataclass(frozen=True)
class Fault:
    """Which change fails, how, and when in it; ``in_undo`` fails in undo after a clean apply."""

    at: int
    error: str = "killed"
    moment: str = "after"
    in_undo: bool = False

    def disk(self) -> FaultyDisk:
        """A disk with this fault."""
        return FaultyDisk(self.at, self.error, self.moment)


WAYS = ("trash", "move", "move, metadata", "hardlink")
MOMENTS = ("before", "middle", "after")


@pytest.mark.slow
@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
@given(
    tree=trees(),
    way=st.sampled_from(WAYS),
    links=st.sampled_from(sorted(LINKS)),
    fault=st.builds(
        Fault,
        st.integers(0, 40),
        st.sampled_from(sorted(ERRORS)),
        st.sampled_from(MOMENTS),
        st.booleans(),
    ),
    again=st.booleans(),
)
def test_nothing_is_lost_whatever_fails(
    tree: list[Any], way: str, links: str, fault: Fault, again: bool
) -> None:
    """Any change fails or is the last: all bytes stay, in one place; undo brings all back."""
    go_through(tree, way, links, fault, again=again)


@pytest.mark.slow
@pytest.mark.parametrize("in_undo", [False, True], ids=["apply", "undo"])
@pytest.mark.parametrize("links", sorted(LINKS))
@pytest.mark.parametrize("way", ["trash", "move, metadata", "hardlink"])
def test_killed_at_every_single_change(way: str, links: str, in_undo: bool) -> None:
    """In the middle of and after each change of a step with a companion."""
    tree = [("x", "a.jpg", "equal", (".xmp",))]
    for moment in ("middle", "after"):
        at = 0
        while go_through(tree, way, links, Fault(at, "killed", moment, in_undo), again=False):
            at += 1
        assert at > 3 or (way, links) == ("hardlink", "no"), "nothing can be linked there"


def go_through(tree: list[Any], way: str, links: str, fault: Fault, *, again: bool) -> bool:
    """Apply and undo a tree's plan with a fault, looking after every part; whether it occurred.

    Args:
        tree: of ``trees``.
        way: of ``hows``.
        links: of ``LINKS``.
        fault: in apply, or in undo.
        again: apply again before undoing.
    """
    with room() as (root, base, patch):
        patch.setattr(Disk, "link", LINKS[links])
        plan = plant(root, tree)
        how, journal = hows(base)[way], base / "home" / "j" / "journal.jsonl"
        places = (root, base / "out", base / "home")
        for one in plan.steps:
            if state_of(tree, one) == "target exists":
                block(base / "out", one)
        before, bytes_before = picture_of(root), contents(*places)

        def do(disk: Disk) -> Any:
            return apply_plan(plan, how, journal, disk=disk)

        def take_back(disk: Disk) -> Any:
            return undo(journal, disk=disk) if journal.exists() else None

        faulty = fault.disk()
        suffer(do, working_disk() if fault.in_undo else faulty)
        check_nothing_lost(bytes_before, contents(*places), way)
        if again:
            check_applied(tree, plan, do(working_disk()), links_or_not=(way, links))
            check_one_place(bytes_before, contents(*places))
        if fault.in_undo:
            suffer(take_back, faulty)
            check_nothing_lost(bytes_before, contents(*places), way)
        take_back(working_disk())
        assert picture_of(root) == before
        check_one_place(bytes_before, contents(*places))
        return faulty.left < 0


def state_of(tree: list[Any], one: Step) -> str:
    """The state that a step was planted with: keepers carry its number."""
    return tree[int(Path(one.keeper).stem)][2]


def check_applied(
    tree: list[Any], plan: Plan, outcome: Outcome, *, links_or_not: tuple[str, str]
) -> None:
    """What may go is gone, everything else is there; only what cannot be done failed."""
    failed = {item.path for item in outcome.items if item.state == "failed"}
    if links_or_not != ("hardlink", "no"):
        assert all("locked" in path for path in failed)
    if links_or_not[0] != "hardlink":
        for one in plan.steps:
            gone = not os.path.lexists(one.path)
            assert gone == (state_of(tree, one) in MAY_GO | {"missing"})


def block(out: Path, one: Step) -> None:
    """Files of the same names lie wherever a step could move its files."""
    for folder in (out, out / "x", out / "y", out / "x" / "z", out / "z", out / "locked"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / Path(one.path).name).write_bytes(f"taken {folder}".encode())


def check_nothing_lost(before: Counter[bytes], after: Counter[bytes], way: str) -> None:
    """All bytes are still there."""
    lost = before - after
    if way == "hardlink":
        lost = Counter({data: 1 for data in lost if not after[data]})
    assert not lost


def check_one_place(before: Counter[bytes], after: Counter[bytes]) -> None:
    """All bytes are there as often as before, and nothing else is."""
    extra = {data for data in after - before if not own_sidecar(data)}
    assert not before - after and not extra


@pytest.mark.slow
@pytest.mark.parametrize("way", ["trash", "move"])
def test_kill_9_at_any_time(tmp_path: Path, way: str) -> None:
    """A real process is killed while it applies; applying again, or undoing, ends as if not."""
    for number in range(60):
        folder = tmp_path / "in" / str(number % 3)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.jpg").write_bytes(os.urandom(2000))
        (folder / f"{number}.xmp").write_bytes(b"sidecar %d" % number)
    keeper = tmp_path / "in" / "keeper.jpg"
    keeper.write_bytes(b"keeper")
    losers = sorted((tmp_path / "in").rglob("*/*.jpg"))
    plan = make_plan_of(*(step(one, keeper, one.with_suffix(".xmp")) for one in losers))
    file, journal = tmp_path / "plan.json", tmp_path / "home" / "journal.jsonl"
    file.write_text(plan.to_json())
    how = ["--move-to", str(tmp_path / "out")] if way == "move" else []
    command = [sys.executable, "-m", "lookalike", "apply", str(file), "--yes", *how]
    command += ["--journal", str(journal)]
    places = [tmp_path / "in", tmp_path / "out", tmp_path / "home"]
    env = {**os.environ, "XDG_DATA_HOME": str(tmp_path / "home")}
    before, tree = contents(tmp_path / "in"), picture_of(tmp_path / "in")
    (tmp_path / "home").mkdir()
    killed = 0
    for lines in (3, 40, 90):
        with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL) as process:
            while process.poll() is None:
                if journal.exists() and journal.read_bytes().count(b"\n") > lines:
                    process.kill()
                    break
            killed += process.wait() == -signal.SIGKILL
        assert not before - contents(*places)
    assert killed == 3
    assert subprocess.run(command, env=env, check=False, capture_output=True).returncode == 11
    assert contents(*places) == before
    assert not list((tmp_path / "in").rglob("*/*"))
    undone = [sys.executable, "-m", "lookalike", "undo", str(journal), "--db", str(tmp_path / "db")]
    done = subprocess.run(undone, env=env, check=False, capture_output=True, text=True)
    assert done.returncode == 11, done.stdout + done.stderr
    assert picture_of(tmp_path / "in") == tree
