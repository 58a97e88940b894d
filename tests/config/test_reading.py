"""Limits of reading: said by a setting, a recipe or the environment, and kept by every reader."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

import lookalike
from conftest import save, scene
from lookalike.cli.main import commands
from lookalike.config import FindConfig, ReadConfig
from lookalike.config.recipes import load_recipe
from lookalike.descriptors.keypoints import KINDS
from lookalike.distributed.shards import cut, describe_shard
from lookalike.distributed.work import Work
from lookalike.ingest.describe import _sides_of_all
from lookalike.model.errors import ConfigError
from lookalike.model.files import Failure
from lookalike.model.image import FileEntry, ImageRef
from lookalike.runtime.workers import each
from lookalike.sources import FolderSource, ListForm, open_source
from lookalike.sources.reading import read_again, read_bytes, read_plain

SMALL = FindConfig(effort="fast", read=ReadConfig(max_mb=1))
REASON = "the most that is read at once is 1,048,576"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A picture of 1.5 MB, and one that is small."""
    folder = tmp_path / "photos"
    noise = np.random.default_rng(0).integers(0, 256, (700, 700, 3), dtype=np.uint8)
    save(folder / "small.jpg", scene(1))
    (folder / "large.bmp").write_bytes(cv2.imencode(".bmp", noise)[1].tobytes())
    return folder


def test_the_environment_gives_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    """When settings are made; what is said to them comes first."""
    monkeypatch.delenv("LOOKALIKE_MAX_MB", raising=False)
    monkeypatch.delenv("LOOKALIKE_CACHE_MB", raising=False)
    assert (ReadConfig().max_mb, ReadConfig().cache_mb) == (1024, 4096)
    before = FindConfig()
    monkeypatch.setenv("LOOKALIKE_MAX_MB", "7")
    monkeypatch.setenv("LOOKALIKE_CACHE_MB", "0")
    assert (ReadConfig().max_mb, ReadConfig().cache_bytes) == (7, 0)
    assert ListForm().read == FindConfig().read == load_recipe("fast").config.read == ReadConfig()
    assert before.read.max_mb == 1024 and ReadConfig(max_mb=3).max_mb == 3


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LOOKALIKE_MAX_MB", "0"),
        ("LOOKALIKE_MAX_MB", "lots"),
        ("LOOKALIKE_MAX_MB", "-1"),
        ("LOOKALIKE_CACHE_MB", "1.5"),
    ],
)
def test_an_environment_without_a_number_is_refused(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named, with what was found."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=f"{name} is no limit.*{value}.*megabytes"):
        FindConfig()


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_mb": 0},
        {"cache_mb": -1},
        {"at_once": 0},
        {"attempts": 0},
        {"read_timeout": 0.0},
        {"first_wait": -1.0},
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    """Before anything is read."""
    with pytest.raises(ConfigError, match="of reading is out of range"):
        ReadConfig(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("verb", [lookalike.find, lookalike.update])
def test_verbs_keep_the_limit(
    verb: Callable[..., lookalike.Report], photos: Path, db: Path
) -> None:
    """What is larger is a failure, and read once it may be."""
    (failure,) = verb(photos, db=db, config=SMALL).failures
    assert failure.path == str(photos / "large.bmp") and REASON in failure.message
    assert not verb(photos, db=db, config=replace(SMALL, read=ReadConfig())).failures


def test_a_query_keeps_the_limit(photos: Path, db: Path) -> None:
    """A large one is refused."""
    lookalike.update(photos, db=db, config=SMALL)
    with pytest.raises(ConfigError, match=REASON):
        lookalike.search(photos / "large.bmp", db=db, config=SMALL)


def test_result_lists_keep_the_limit(photos: Path) -> None:
    """A large candidate is a failure."""
    paths = [photos / "small.jpg", photos / "large.bmp"]
    found = lookalike.collapse(paths, config=SMALL)
    assert REASON in found.failures[0].failure.message and found.indexes == (0,)


def test_readers_keep_the_limit(photos: Path) -> None:
    """Each of them, by the setting that it is handed."""
    path = str(photos / "large.bmp")
    for read in (read_bytes, read_again, read_plain):
        with pytest.raises(OSError, match=REASON):
            read(path, SMALL.read)
        assert len(read(path, ReadConfig(max_mb=2))) > 1 << 20
    (failure,) = [f for f in FolderSource([photos], read=SMALL.read).scan() if f.path == path]
    assert isinstance(failure, Failure) and REASON in failure.message


def test_workers_keep_the_limit(photos: Path) -> None:
    """A process of its own is handed the setting with its work."""
    path = photos / "large.bmp"
    image = ImageRef("large", str(path), "0" * 64, path.stat().st_size, 700, 700, "BMP", 0)
    kind = KINDS["orb"]
    asked = [[(image, None)], [(image, None)]]
    for read, is_read in ((SMALL.read, False), (ReadConfig(max_mb=2), True)):
        work = partial(_sides_of_all, config=SMALL.decode, kind=kind, read=read)
        found = list(each(work, asked, 2, apart=True))
        assert [sides is not None for (sides,) in found] == [is_read, is_read]


def test_nodes_of_a_cluster_keep_the_limit(photos: Path, tmp_path: Path) -> None:
    """A shard's failures say so, whatever the environment of its node is."""
    entries = [entry for entry in open_source(photos).scan() if isinstance(entry, FileEntry)]
    assert len(entries) == 2
    (shard,) = cut(entries, SMALL, 1 << 60)
    summary = describe_shard(Work(str(tmp_path / "work")), shard, SMALL, None)
    ((row, stage, message),) = summary.failures
    assert shard.entries[row].id == "large.bmp" and stage == "read" and REASON in message


def test_a_recipe_sets_the_limit(
    photos: Path, db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the command line too, also where the environment says otherwise."""
    recipe = tmp_path / "mine.toml"
    for own, told, failing in (("1", "64", True), ("64", "1", False)):
        recipe.write_text(f'effort = "fast"\n[read]\nmax_mb = {own}\n')
        monkeypatch.setenv("LOOKALIKE_MAX_MB", told)
        words = ["find", str(photos), "--db", str(db), "--recipe", str(recipe), "--json"]
        done = CliRunner().invoke(commands, words)
        failures = json.loads(done.stdout)["failures"]
        assert [REASON in failure["message"] for failure in failures] == [True] * failing


def test_reports_do_not_tell_how_files_were_read(photos: Path, db: Path) -> None:
    """It changes no answer."""
    report = lookalike.find(photos, db=db, config=SMALL)
    assert "read" not in report.config and "threads" not in report.config
