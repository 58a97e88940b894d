"""``-v`` says what is done, on standard error alone; without it nothing is said."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import save, scene
from lookalike.cli.logs import show_log
from lookalike.cli.main import commands

Find = Callable[..., tuple[str, str]]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two pictures."""
    for seed in (1, 2):
        save(tmp_path / "photos" / f"{seed}.jpg", scene(seed))
    return tmp_path / "photos"


@pytest.fixture
def find(photos: Path, db: Path, capsys: pytest.CaptureFixture[str]) -> Find:
    """Run ``find`` with words before it; standard output and standard error."""

    def run(*words: str) -> tuple[str, str]:
        told = ["find", str(photos), "--db", str(db), "--effort", "fast", "--json"]
        with pytest.raises(SystemExit) as ended:
            commands.main([*words, *told])
        assert ended.value.code == 0
        return capsys.readouterr()

    return run


def test_without_it_nothing_is_said(find: Find) -> None:
    """Standard error stays empty, and the library's log as it was."""
    out, err = find()
    assert err == "" and json.loads(out)["funnel"]["images"] == 2
    assert logging.getLogger("lookalike").level == logging.NOTSET


def test_it_says_what_is_done(photos: Path, db: Path, find: Find) -> None:
    """What is looked at, the collection, counts and stages; standard output is JSON alone."""
    out, err = find("-v")
    assert json.loads(out)["funnel"]["images"] == 2
    for words in (
        f"sources.opening: looking at {photos}",
        f"store.opening: opening {db}",
        "ingest.ingest: 2 files, 0 of them known",
        "run.find: describe took",
    ):
        assert words in err
    assert all(" s  " in line for line in err.splitlines())
    assert "the report of an earlier run is the answer" in find("-v")[1]
    log = logging.getLogger("lookalike")
    assert not log.handlers and log.propagate and log.level == logging.NOTSET


def test_twice_says_more(capsys: pytest.CaptureFixture[str]) -> None:
    """DEBUG too; names that would act on a terminal are made harmless."""
    log = logging.getLogger("lookalike.sources.reading")
    for verbose, lines in ((1, 1), (2, 2), (3, 2)):
        stop = show_log(verbose)
        log.info("opened %s", "a\x1b[2J")
        log.debug("from the cache")
        stop()
        log.info("nobody sees this")
        said = capsys.readouterr().err.splitlines()
        assert len(said) == lines
        assert said[0].endswith(r"sources.reading: opened a\x1b[2J")


def test_a_record_that_cannot_be_said_ends_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """As everywhere in Python's logging, it is reported."""
    stop = show_log(1)
    logging.getLogger("lookalike.run").info("%d files", "many")
    stop()
    assert "Logging error" in capsys.readouterr().err
