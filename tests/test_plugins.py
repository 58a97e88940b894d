"""Descriptors and sources of other packages, found by their entry points, and their mistakes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lookalike
from conftest import save, scene
from lookalike.config import EmbeddingConfig, FindConfig, ReadConfig, SystemConfig, ViewConfig
from lookalike.config.recipes import load_recipe
from lookalike.descriptors.registry import descriptor_names, load_descriptor
from lookalike.model.errors import ConfigError, ModelError
from lookalike.model.files import Failure
from lookalike.model.image import DescriptorSpec, FileEntry
from lookalike.model.protocols import FarFile
from lookalike.runtime import plugins
from lookalike.sources import ListForm, open_source
from lookalike.sources.reading import read_bytes, read_start

PACKAGE = Path(__file__).parent / "plugin"
DESCRIPTORS, SOURCES = "lookalike.descriptors", "lookalike.sources"
Install = Callable[..., None]
# what a run may use worker processes for, whatever its size
APART = """
import sys
from lookalike.cli import main
from lookalike.ingest import describe
from lookalike.runtime import workers
workers.MANY = describe._CHUNK = 1
sys.argv = ["lookalike", *sys.argv[1:]]
main()
"""


def forget() -> None:
    """What is installed is looked up anew."""
    plugins._installed.cache_clear()
    plugins.load_plugin.cache_clear()


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Put a package's record on the path, as pip writes it; its modules are importable already."""

    def installed(name: str, groups: Mapping[str, Mapping[str, str]]) -> None:
        record = tmp_path / "site" / f"{name.replace('-', '_')}-1.0.dist-info"
        record.mkdir(parents=True)
        about = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        (record / "METADATA").write_text(about, encoding="utf-8")
        lines = [
            line
            for group, entries in groups.items()
            for line in (f"[{group}]", *(f"{key} = {value}" for key, value in entries.items()))
        ]
        (record / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
        monkeypatch.syspath_prepend(str(tmp_path / "site"))
        forget()

    yield installed
    monkeypatch.undo()
    forget()


@pytest.fixture
def shoebox(install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example package, installed, and its box: two pictures, each with a smaller copy."""
    with (PACKAGE / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    monkeypatch.syspath_prepend(str(PACKAGE / "src"))
    install(project["name"], project["entry-points"])
    for seed in (1, 2):
        save(tmp_path / "box" / "trip" / f"{seed}.jpg", scene(seed))
        save(tmp_path / "box" / "trip" / "small" / f"{seed}.jpg", scene(seed)[::2, ::2])
    monkeypatch.setenv("SHOEBOX", str(tmp_path / "box"))
    return tmp_path / "box"


def clusters(report: Any) -> set[tuple[str, ...]]:
    """Members of every cluster."""
    return {tuple(sorted(cluster.members)) for cluster in report.clusters}


def test_without_plugins_nothing_is_there() -> None:
    """No group has any name, and every name of ours is known."""
    forget()
    assert plugins.plugin_names(DESCRIPTORS) == () == plugins.plugin_names(SOURCES)
    assert "pdq" in descriptor_names()


def test_a_descriptor_in_a_recipe(shoebox: Path, db: Path, tmp_path: Path) -> None:
    """By its name, in a file, from Python, behind another recipe, and as bits."""
    assert descriptor_names()[-1] == "rows-of-grey"
    recipe = tmp_path / "grey.toml"
    recipe.write_text('[[view]]\ndescriptor = "rows-of-grey"\nmax_distance = 0.05\n')
    wanted = {(f"{n}.jpg", f"small/{n}.jpg") for n in (1, 2)}
    for config in (
        load_recipe(str(recipe)).config,
        SystemConfig(views=(ViewConfig("rows-of-grey", 0.05),)),
        SystemConfig(views=(ViewConfig("rows-of-grey", 0.05),), turns=8),
        SystemConfig(views=(ViewConfig("rows-of-grey#64", 6),)),
    ):
        report = lookalike.find(shoebox / "trip", db=db, config=config)
        assert clusters(report) == wanted
    swapped = load_recipe("report-fingerprint@rows-of-grey").config
    assert isinstance(swapped, SystemConfig)
    assert swapped.views[0].descriptor == "rows-of-grey"
    versions = lookalike.find(shoebox / "trip", db=db, config=swapped).versions
    assert versions["rows-of-grey"] == "1, 16x16 grey"


def test_a_descriptor_proposes_pairs(shoebox: Path, db: Path) -> None:
    """In the place of the network, as ``find --descriptor`` asks for."""
    config = FindConfig(embedding=EmbeddingConfig(model="rows-of-grey", proposes=True))
    report = lookalike.find(shoebox / "trip", db=db, config=config)
    assert "rows-of-grey" in report.versions and len(report.clusters) == 2


def test_a_source_is_listed_searched_and_read(shoebox: Path, db: Path) -> None:
    """As any address: whole, by a pattern, one picture, in a list, and searched with."""
    report = lookalike.find("shoebox://trip", db=db)
    wanted = {(f"{n}.jpg", f"small/{n}.jpg") for n in (1, 2)}
    assert clusters(report) == wanted and not report.failures
    assert report.images["1.jpg"].path == "shoebox://trip/1.jpg"
    assert lookalike.find("shoebox://trip", db=db).funnel["decoded"] == 0
    for pattern, ids in (
        ("shoebox://trip/*.jpg", ["1.jpg", "2.jpg"]),
        ("shoebox://trip/**/1.jpg", ["1.jpg", "small/1.jpg"]),
        ("shoebox://trip/sm*", ["small/1.jpg", "small/2.jpg"]),
        ("shoebox://trip/2.jpg", ["2.jpg"]),
    ):
        found = [item for item in open_source(pattern).scan() if isinstance(item, FileEntry)]
        assert [item.id for item in found] == ids
    answer = lookalike.search(lookalike.Question("shoebox://trip/small/1.jpg", 2), db=db)
    assert [hit.image.id.rpartition("trip/")[2] for hit in answer.hits] == ["small/1.jpg", "1.jpg"]
    match, _ = lookalike.compare("shoebox://trip/1.jpg", "shoebox://trip/small/1.jpg")
    assert match is not None and match.tier == "copy"
    listing = shoebox / "list.csv"
    listing.write_text("path\nshoebox://trip/1.jpg\nshoebox://trip/none.jpg\n")
    items = list(open_source(listing).scan())
    assert [type(item) for item in items] == [FileEntry, Failure]
    (shoebox / "trip" / "2.jpg").unlink()
    assert len(lookalike.find("shoebox://trip", db=db).images) == 3


@pytest.mark.parametrize("cache_mb", [0, 64])
def test_archives_in_a_source_are_looked_into(shoebox: Path, cache_mb: int) -> None:
    """A zip is read member by member where the cache has no room, else from a copy."""
    data = (shoebox / "trip" / "1.jpg").read_bytes()
    with zipfile.ZipFile(shoebox / "a.zip", "w") as file:
        file.writestr("in/1.jpg", data)
        file.writestr("in/2.jpg", b"x" * 3_000_000)
    read = ReadConfig(cache_mb=cache_mb)
    items = list(open_source("shoebox://a.zip", ListForm(read=read)).scan())
    assert [item.id for item in items if isinstance(item, FileEntry)] == ["in/1.jpg", "in/2.jpg"]
    assert read_bytes("zip://in/1.jpg::shoebox://a.zip", read) == data


def test_limits_hold_for_a_source(shoebox: Path) -> None:
    """Whatever lists or reads it."""
    (shoebox / "large.jpg").write_bytes(b"x" * 2_000_000)
    small = ReadConfig(max_mb=1)
    (item,) = open_source("shoebox://large.jpg", ListForm(read=small)).scan()
    assert isinstance(item, Failure) and "2,000,000 bytes" in item.message
    for listed in (True, False):
        with pytest.raises(OSError, match="2,000,000 bytes; the most"):
            read_bytes("shoebox://large.jpg", small, listed=listed)
    assert read_start("shoebox://large.jpg", 10, small) == b"x" * 10


def test_worker_processes_use_plugins(shoebox: Path, db: Path, tmp_path: Path) -> None:
    """The command, in a process of its own, whose workers read and describe what a plug-in has."""
    recipe = tmp_path / "grey.toml"
    recipe.write_text('[[view]]\ndescriptor = "rows-of-grey"\nmax_distance = 0.05\n')
    path = os.pathsep.join([*sys.path, os.environ.get("PYTHONPATH", "")])
    told = ["-vv", "find", "shoebox://trip", "--db", str(db), "--json", "--threads", "2"]
    for more in ([], ["--recipe", str(recipe)]):
        done = subprocess.run(
            [sys.executable, "-c", APART, *told, *more],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": path},
        )
        assert done.returncode == 11, done.stderr
        assert len(json.loads(done.stdout)["clusters"]) == 2
        assert "of lookalike-shoebox 1.0" in done.stderr
        assert more or "in 2 processes" in done.stderr


class Wrong:
    """Makes nothing that anyone could use."""


class Foreign:
    """A descriptor whose spec has another name."""

    spec = DescriptorSpec("other", "1", "cosine", 4, "float32", "")
    min_side = 8

    def describe(self, picture: Any) -> Any:
        """A row."""
        return np.zeros(4, np.float32)


class Careless(Foreign):
    """A descriptor that gives other rows than it says, or none."""

    spec = DescriptorSpec("careless", "1", "euclidean", 4, "float32", "")

    def describe(self, picture: Any) -> Any:
        """Too long a row of the first picture's kind, an error for the others."""
        if picture.width > picture.height:
            return np.zeros(5, np.float64)
        raise KeyError("no such thing")


class CarelessStore:
    """A store that breaks what it promises, each address in its own way."""

    def find(self, address: str) -> Any:
        """Something else than files, nothing, or an error."""
        found = {"nothing": [], "file": [FILE], "far": [FILE], "odd": [ODD]}
        return ["a.jpg"] if address.endswith("names") else found[address.partition("://")[2]]

    def examine(self, address: str) -> Any:
        """Not what is asked for."""
        return None

    def read(self, address: str, start: int, end: int | None) -> Any:
        """Text."""
        return "text"


FILE = FarFile("careless://file/a.jpg", 10, 0, "")
ODD = FarFile("careless://odd/a.jpg", "ten", 0, "")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "match"),
    [
        ("no_such_module:Thing", r"'mine' \(no_such_module:Thing\) of odd 1.0: ModuleNotFound"),
        ("test_plugins:Missing", r"'mine' .* of odd 1.0: AttributeError"),
        ("test_plugins:clusters", r"of odd 1.0: TypeError.*called without arguments"),
        (
            "test_plugins:Wrong",
            r"of odd 1.0: Wrong; expected an object with describe, min_side, sp",
        ),
        ("test_plugins:Foreign", r"no spec of its name.*'mine'.*name='other'"),
    ],
)
def test_a_broken_descriptor_is_named(value: str, match: str, install: Install) -> None:
    """With its package, before any work; other descriptors work on."""
    install("odd", {DESCRIPTORS: {"mine": value}})
    with pytest.raises(ConfigError, match=match):
        load_descriptor("mine")
    assert load_descriptor("pdq").spec.name == "pdq upright"


def test_names_that_are_taken(install: Install) -> None:
    """By lookalike, or by another package: nobody guesses which one is meant."""
    install("odd", {DESCRIPTORS: {"pdq": "test_plugins:Foreign", "x": "test_plugins:Foreign"}})
    install("even", {DESCRIPTORS: {"x": "test_plugins:Careless"}, SOURCES: {"s3": "a:b"}})
    with pytest.raises(ConfigError, match="'pdq' in the group"):
        load_descriptor("pdq")
    with pytest.raises(ConfigError, match=r"two plug-ins.* of even 1.0 and .* of odd 1.0"):
        load_descriptor("x")
    with pytest.raises(ConfigError, match="s3:// in the group"):
        list(open_source("s3://bucket").scan())


def test_careless_rows_end_the_run_in_words(install: Install, tmp_path: Path, db: Path) -> None:
    """Neither a wrong row nor an exception reaches the collection; only embeddings propose."""
    install("odd", {DESCRIPTORS: {"careless": "test_plugins:Careless"}})
    config = SystemConfig(views=(ViewConfig("careless", 1),))
    for name, shape, match in (
        ("wide", (48, 64, 3), r"'careless': \(5,\) float64; expected \(4,\) float32"),
        ("high", (64, 48, 3), r"'careless': KeyError: 'no such thing'"),
    ):
        noise = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
        for n in (1, 2):
            save(tmp_path / name / f"{n}.png", noise)
        with pytest.raises(ModelError, match=match):
            lookalike.find(tmp_path / name, db=db, config=config)
    embedding = EmbeddingConfig(model="careless", proposes=True)
    with pytest.raises(ConfigError, match=r"only embeddings propose.*euclidean"):
        lookalike.find(tmp_path / "wide", db=db, config=FindConfig(embedding=embedding))


def test_careless_stores_are_failures_in_words(install: Install, db: Path) -> None:
    """What a store must not do names its scheme; what it does not have is nothing to look at."""
    install(
        "odd", {SOURCES: {"careless": "test_plugins:CarelessStore", "no": "test_plugins:Wrong"}}
    )
    for address, match in (
        ("careless://names", "careless:// fails: it gives str, expected FarFile"),
        ("careless://nothing", "nothing is there"),
        ("careless://far", "expected what lies under careless://far"),
        ("careless://odd", "n_bytes='ten'.*expected FarFile with numbers"),
        ("careless://error", "careless:// fails: KeyError: 'error'"),
        ("no://thing", "'no' .* of odd 1.0: Wrong; expected an object with examine, find, read"),
    ):
        with pytest.raises(ConfigError, match=match):
            list(open_source(address).scan())
    report = lookalike.find("careless://file", db=db)
    (failure,) = report.failures
    assert "careless:// fails: read gives str, expected bytes" in failure.message
    (failed,) = lookalike.collapse(["careless://file/a.jpg"]).failures
    assert "gives NoneType, expected FarFile" in failed.failure.message
