"""The frame holds: floors, no cycles, sizes, one adapter for every heavy library."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1] / "src" / "lookalike"
FLOORS = {
    0: (
        "types",
        "found_files",
        "errors",
        "legible",
        "output",
        "config",
        "download_config",
        "plan_config",
        "read_config",
        "progress",
        "protocols",
    ),
    1: (
        "tables",
        "transforms",
        "joined",
        "reading",
        "distances",
        "headers",
        "colours",
        "tiffs",
        "damage",
        "jpegs",
        "images",
        "engine",
        "cores",
        "sources",
        "store",
        "models",
    ),
    2: (
        "downloads",
        "descriptors",
        "index",
        "reduce",
        "dendrogram",
        "vote",
        "focus",
        "explain",
        "added",
        "laid",
        "likely",
        "difference",
        "brief",
        "keypoints",
        "geometry",
        "planes",
        "agreement",
        "sides",
        "motion",
        "verify",
        "regions",
        "inset",
        "thumbs",
        "plain",
        "confidence",
        "cluster",
        "representative",
    ),
    3: (
        "ingest",
        "describe",
        "evidence",
        "inside",
        "accepted",
        "settle",
        "every_pair",
        "pairs",
        "stages",
        "spaces",
        "systems",
        "queries",
        "retrieval",
        "bucketing",
        "assemble",
        "inmemory",
        "updating",
        "collapsing",
        "recipes",
        "decided",
        "overview",
        "returned",
        "pipeline",
        "searches",
        "report",
        "datasets",
        "actions",
    ),
    4: ("distributed", "evaluation", "training"),
    5: ("web", "cli", "server", "__main__"),
}
FLOOR = {name: floor for floor, names in FLOORS.items() for name in names}
# within a floor, the later may use the earlier: a stage is composed of its parts
ALLOWED = {
    ("thumbs", "descriptors"),
    ("plain", "descriptors"),
    ("thumbs", "explain"),
    ("sides", "planes"),
    ("agreement", "planes"),
    ("verify", "planes"),
    ("difference", "planes"),
    ("inset", "planes"),
    ("sides", "keypoints"),
    ("keypoints", "brief"),
    ("index", "brief"),
    ("verify", "sides"),
    ("verify", "motion"),
    ("motion", "agreement"),
    ("motion", "keypoints"),
    ("verify", "explain"),
    ("verify", "keypoints"),
    ("verify", "geometry"),
    ("verify", "agreement"),
    ("geometry", "keypoints"),
    ("laid", "explain"),
    ("likely", "added"),
    ("likely", "laid"),
    ("difference", "added"),
    ("difference", "agreement"),
    ("difference", "explain"),
    ("difference", "laid"),
    ("difference", "likely"),
    ("inset", "agreement"),
    ("inset", "explain"),
    ("inset", "geometry"),
    ("inset", "keypoints"),
    ("inset", "regions"),
    ("inset", "sides"),
    ("inset", "verify"),
    ("inside", "accepted"),
    ("inside", "evidence"),
    ("inside", "ingest"),
    ("retrieval", "inside"),
    ("pipeline", "inside"),
    ("damage", "tiffs"),
    ("images", "colours"),
    ("images", "damage"),
    ("images", "headers"),
    ("images", "jpegs"),
    ("images", "tiffs"),
    ("jpegs", "headers"),
    ("tiffs", "colours"),
    ("describe", "ingest"),
    ("evidence", "describe"),
    ("evidence", "ingest"),
    ("reduce", "index"),
    ("systems", "accepted"),
    ("systems", "spaces"),
    ("assemble", "accepted"),
    ("assemble", "ingest"),
    ("decided", "assemble"),
    ("pipeline", "decided"),
    ("pipeline", "assemble"),
    ("pipeline", "describe"),
    ("pipeline", "retrieval"),
    ("pipeline", "bucketing"),
    ("bucketing", "describe"),
    ("bucketing", "ingest"),
    ("bucketing", "spaces"),
    ("inmemory", "accepted"),
    ("inmemory", "evidence"),
    ("collapsing", "inmemory"),
    ("collapsing", "assemble"),
    ("collapsing", "queries"),
    ("pipeline", "queries"),
    ("searches", "ingest"),
    ("searches", "pipeline"),
    ("searches", "queries"),
    ("searches", "retrieval"),
    ("collapsing", "ingest"),
    ("collapsing", "pairs"),
    ("cli", "server"),
    ("retrieval", "queries"),
    ("retrieval", "describe"),
    ("retrieval", "evidence"),
    ("retrieval", "ingest"),
    ("retrieval", "settle"),
    ("retrieval", "spaces"),
    ("pipeline", "spaces"),
    ("pipeline", "systems"),
    ("settle", "accepted"),
    ("pairs", "accepted"),
    ("pairs", "stages"),
    ("stages", "accepted"),
    ("stages", "evidence"),
    ("pipeline", "stages"),
    ("collapsing", "stages"),
    ("assemble", "report"),
    ("pairs", "settle"),
    ("pairs", "every_pair"),
    ("every_pair", "settle"),
    ("every_pair", "accepted"),
    ("pipeline", "accepted"),
    ("pipeline", "ingest"),
    ("pipeline", "evidence"),
    ("pipeline", "pairs"),
    ("pipeline", "report"),
    ("sources", "tables"),
    ("sources", "reading"),
    ("datasets", "assemble"),
    ("datasets", "ingest"),
    ("datasets", "pipeline"),
    ("datasets", "report"),
    ("updating", "ingest"),
    ("updating", "pipeline"),
    ("updating", "retrieval"),
    ("pipeline", "returned"),
    ("actions", "assemble"),
    ("actions", "report"),
    ("__main__", "cli"),
    ("cli", "web"),
    ("protocols", "types"),
    ("types", "found_files"),
    ("config", "errors"),
    ("config", "plan_config"),
    ("plan_config", "errors"),
    ("download_config", "errors"),
    ("read_config", "errors"),
    ("output", "errors"),
}
ADAPTERS = {
    # training only quantises with it
    "onnxruntime": {"engine", "training"},
    "openvino": {"engine"},
    "simplejpeg": {"jpegs"},
    "pillow_heif": {"images"},
    "pillow_jxl": {"images"},
    "sqlite3": {"store"},
    "psycopg": {"store/postgres/session.py"},
    "loky": {"cores"},
    "httpx2": {"downloads"},
    "httpcore2": {"downloads"},
    "rich": {"cli", "report"},
    "click": {"cli"},
    "jinja2": {"report", "web"},
    "starlette": {"server", "web"},
    "uvicorn": {"server", "web"},
    "pyarrow": {"distributed", "tables"},
    "ray": {"distributed"},
    "fsspec": {"distributed", "reading"},
    "aiohttp": {"reading"},
    "skimage": {"evaluation"},
    "onnx": {"descriptors", "training"},
    "torch": {"training"},
    "scipy": {"dendrogram", "distributed"},
    "send2trash": {"actions"},
    "matplotlib": {"evaluation"},
}
FILES = sorted(ROOT.rglob("*.py"))


def part(path: Path) -> str:
    """Package part a file belongs to."""
    relative = path.relative_to(ROOT)
    return relative.parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Modules a file names in imports, wherever they stand."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    """A module uses only lower floors, itself, or what is allowed within its floor."""
    here = part(path)
    if here == "__init__":
        return
    for module in imports(path):
        pieces = module.split(".")
        if pieces[0] != "lookalike" or len(pieces) == 1 or pieces[1] == here:
            continue
        there = pieces[1]
        down = FLOOR[there] < FLOOR[here]
        assert down or (here, there) in ALLOWED, f"{here} imports {there}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_heavy_libraries_have_one_home(path: Path) -> None:
    """A heavy library is imported in its adapter alone."""
    for module in imports(path):
        homes = ADAPTERS.get(module.split(".")[0])
        where = {part(path), path.relative_to(ROOT).as_posix()}
        assert homes is None or homes & where, f"{module} in {path.name}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_sizes(path: Path) -> None:
    """No module over 400 lines, no function over 60, at most 7 parameters with self."""
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < 60, node.name
            assert len(node.args.args) + len(node.args.kwonlyargs) <= 7, node.name


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_commands_print_in_one_place(path: Path) -> None:
    """There names are made harmless, and a terminal that is full or gone is told."""
    if part(path) != "cli" or path.name == "saying.py":
        return
    calls = (
        node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)
    )
    assert not {ast.unparse(call) for call in calls} & {"print", "click.echo", "sys.stdout.write"}


def test_every_part_has_a_floor() -> None:
    """The list above is the whole package."""
    assert {part(path) for path in FILES} - {"__init__"} == set(FLOOR)


def test_importing_loads_nothing_heavy() -> None:
    """The package, and the command line's help, start without engines or pictures."""
    import subprocess
    import sys

    heavy = ("cv2", "onnxruntime", "openvino", "torch", "rich.console", "PIL", "psycopg")
    code = f"import sys, lookalike, lookalike.cli; print([m for m in {heavy} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
