"""The frame holds: floors by contract, one adapter for every heavy library, short functions."""

from __future__ import annotations

import ast
import functools
import re
import runpy
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import lookalike

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "lookalike"
FILES = sorted(PACKAGE.rglob("*.py"))
#: where a library is imported: a room, a folder of it, or one file
ADAPTERS = {
    # training only quantises with it
    "onnxruntime": ("runtime/inference.py", "training/export.py"),
    "openvino": ("runtime/inference.py",),
    "simplejpeg": ("images/jpegs.py",),
    "pillow_heif": ("images",),
    "pillow_jxl": ("images",),
    "msgspec": ("model/serialization.py",),
    "sqlite3": ("store",),
    "psycopg": ("store/postgres/session.py",),
    "loky": ("runtime/workers.py",),
    "httpx2": ("sources/downloads",),
    "httpcore2": ("sources/downloads",),
    "rich": ("cli", "report"),
    "click": ("cli",),
    "jinja2": ("report", "web"),
    "starlette": ("http", "server", "web"),
    "uvicorn": ("http/patience.py", "server", "web"),
    "pyarrow": ("distributed/work.py", "sources/tables.py"),
    "ray": ("distributed/session.py",),
    "fsspec": ("distributed/work.py", "sources/reading/remote"),
    "aiohttp": ("sources/reading/remote",),
    "skimage": ("evaluation/sample.py",),
    "onnx": ("descriptors", "training"),
    "torch": ("training",),
    "scipy": ("clustering",),
    "send2trash": ("actions",),
    "matplotlib": ("evaluation/plots.py",),
}


@functools.cache
def parsed(path: Path) -> ast.Module:
    """A file as a tree, which nobody changes."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> set[str]:
    """Top-level names of what a file imports, wherever that stands."""
    found = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a file, methods and inner ones too."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_rooms_use_only_rooms_below_them() -> None:
    """The floors stand in pyproject.toml, complete and without exceptions."""
    # in a process of its own: it silences loggers that are there
    check = (
        "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    )
    done = subprocess.run([sys.executable, "-c", check], cwd=ROOT, check=False, capture_output=True)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    assert "ignore_imports" not in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_the_drawing_is_of_this_house() -> None:
    """The floors in docs/architecture.md are those of the contract; the files it names exist."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    drawn = page.split("```text\n")[1].split("```")[0]
    floors = [line.split("  ")[0] for line in drawn.splitlines()]
    with (ROOT / "pyproject.toml").open("rb") as file:
        contract = tomllib.load(file)["tool"]["importlinter"]["contracts"][0]
    assert floors == contract["layers"]
    named = re.findall(r"\*\*([a-z_]+(?:/[a-z_.]+)?)\*\*", page)
    assert len(named) > 25
    for name in named:
        assert (PACKAGE / name).exists(), name


def test_only_rooms_lie_in_the_package() -> None:
    """No loose module but the two that Python asks for; every room says what it is."""
    assert {path.name for path in PACKAGE.glob("*.py")} == {"__init__.py", "__main__.py"}
    rooms = [path for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"]
    assert len(rooms) > 20
    for room in rooms:
        text = (room / "__init__.py").read_text(encoding="utf-8")
        assert ast.get_docstring(ast.parse(text)), room


def test_heavy_libraries_have_one_home() -> None:
    """A heavy library is imported in its adapter alone, and every adapter is one."""
    seen = set()
    for path in FILES:
        place = path.relative_to(PACKAGE)
        around = {place.as_posix(), *(parent.as_posix() for parent in place.parents)}
        for library in imports(path) & ADAPTERS.keys():
            assert around.intersection(ADAPTERS[library]), f"{library} in {place}"
            seen |= {(library, home) for home in ADAPTERS[library] if home in around}
    assert len(FILES) > 200
    assert seen == {(library, home) for library, homes in ADAPTERS.items() for home in homes}


def test_functions_are_short() -> None:
    """No function over 60 lines, at most 7 parameters with self."""
    every = [(path, node) for path in FILES for node in functions(path)]
    assert len(every) > 1000
    for path, node in every:
        assert node.end_lineno is not None
        assert node.end_lineno - node.lineno < 60, f"{node.name} in {path.name}"
        taken = len(node.args.args) + len(node.args.kwonlyargs)
        assert taken <= 7, f"{node.name} in {path.name}"


def test_commands_print_in_one_place() -> None:
    """There names are made harmless, and a terminal that is full or gone is told."""
    commands = [path for path in (PACKAGE / "cli").glob("*.py") if path.name != "saying.py"]
    assert len(commands) > 5
    for path in commands:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        calls = (ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call))
        assert not {*calls} & {"print", "click.echo", "sys.stdout.write"}, path.name


def test_public_names_are_no_rooms() -> None:
    """However much was imported, what ``lookalike`` offers is what it says: verbs and records."""
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir()}
    assert len(lookalike.__all__) > 15
    assert not rooms.intersection(lookalike.__all__)


def test_importing_loads_nothing_heavy() -> None:
    """The package, and the command line's help, start without engines or pictures."""
    heavy = ("cv2", "onnxruntime", "openvino", "torch", "rich.console", "PIL", "psycopg")
    code = f"import sys, lookalike, lookalike.cli; print([m for m in {heavy} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_the_core_declares_the_lowest_version_of_everything(tmp_path: Path) -> None:
    """So that ``make test-lowest`` can install them; another form is refused by name."""
    lowest = runpy.run_path(str(ROOT / "tools" / "lowest.py"))["lowest"]
    pins = lowest(ROOT / "pyproject.toml")
    assert "numpy==2.0" in pins and all(pin.count("==") == 1 for pin in pins)
    odd = tmp_path / "pyproject.toml"
    odd.write_text('[project]\ndependencies = ["numpy>=2.0", "click"]\n')
    with pytest.raises(ValueError, match=r"'click'.*NAME>=VERSION"):
        lowest(odd)
