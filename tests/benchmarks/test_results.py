"""Results: a file a bench, headed by when, where and how it was measured; a table made of them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lookalike.model.errors import ConfigError
from lookalike_bench.results import (
    NOT_RECORDED,
    RESULTS,
    TABLE,
    Result,
    commit_of,
    this_command,
    write_result,
    write_table,
)

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / RESULTS
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


def result(name: str = "hard", headline: str = "P 0.9, R 0.8") -> Result:
    """A small one."""
    return Result(name, "Hard sets", headline, "make bench-hard", ["## A table", "", "| a |", ""])


def git(folder: Path, *words: str) -> str:
    """What git says in a folder."""
    who = ("-c", "user.name=A", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
    command = ["git", "-C", str(folder), *who, *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """With one commit of one file."""
    git(tmp_path, "init", "-q")
    (tmp_path / "code.py").write_text("1", encoding="utf-8")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "one")
    return tmp_path


def test_a_result_says_when_where_and_how(tmp_path: Path) -> None:
    """Its heading holds all of it, then the lines of the bench follow."""
    path = write_result(tmp_path / "made", result())
    assert path == tmp_path / "made" / "hard.md"
    title, _, *facts = path.read_text(encoding="utf-8").splitlines()
    assert title == "# Hard sets"
    assert facts[0] == "- headline: P 0.9, R 0.8"
    assert re.fullmatch(r"- date: \d{4}-\d\d-\d\d", facts[1])
    assert re.fullmatch(r"- hardware: .+, \d+ cores(, \d+ GiB)?", facts[2])
    assert re.fullmatch(r"- versions: Python \S+, lookalike .+, numpy \S+, .+", facts[3])
    assert re.fullmatch(r"- commit: ([0-9a-f]{7,40}(\+changes)?|not recorded)", facts[4])
    assert facts[5] == "- command: `make bench-hard`"
    assert facts[6:] == ["", "## A table", "", "| a |"]


def test_writing_again_replaces(tmp_path: Path) -> None:
    """A result lies beside no older one, in its file or in the table."""
    write_result(tmp_path, result(headline="P 0.1"))
    write_result(tmp_path, result(headline="P 0.2"))
    assert sorted(path.name for path in tmp_path.iterdir()) == [TABLE, "hard.md"]
    for name in (TABLE, "hard.md"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert "P 0.2" in text and "P 0.1" not in text


def test_the_table_lists_every_file_by_its_heading(tmp_path: Path) -> None:
    """By name, with what each says; a bar in it does not break the row."""
    write_result(tmp_path, result("speed", "a | b"))
    write_result(tmp_path, result("hard"))
    text = (tmp_path / TABLE).read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| [")]
    assert [row.split("|")[1].strip() for row in rows] == ["[hard](hard.md)", "[speed](speed.md)"]
    assert all(row.endswith(" | `make bench-hard` |") for row in rows)
    assert r"| a \| b |" in rows[1]
    (tmp_path / "hard.md").unlink()
    write_table(tmp_path)
    assert "hard.md" not in (tmp_path / TABLE).read_text(encoding="utf-8")


def test_the_table_of_this_repository_is_made_from_its_results(tmp_path: Path) -> None:
    """A result whose heading was changed by hand, or a table that was, fails here."""
    found = sorted(path for path in HERE.glob("*.md") if path.name != TABLE)
    assert len(found) >= 13
    for path in found:
        shutil.copy(path, tmp_path / path.name)
    made = write_table(tmp_path).read_text(encoding="utf-8")
    assert (HERE / TABLE).read_text(encoding="utf-8") == made, (
        "make it anew: python -m lookalike_bench.results"
    )


def test_a_file_without_heading_is_named(tmp_path: Path) -> None:
    """What no bench wrote is told, and the table stays as it was."""
    write_result(tmp_path, result())
    before = (tmp_path / TABLE).read_text(encoding="utf-8")
    (tmp_path / "notes.md").write_text("# Notes\n\nby hand\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"no heading.*notes\.md"):
        write_table(tmp_path)
    assert (tmp_path / TABLE).read_text(encoding="utf-8") == before


@needs_git
def test_a_changed_tree_is_told(repository: Path) -> None:
    """A changed or new file counts as a change; results that a bench just wrote do not."""
    commit = git(repository, "rev-parse", "--short", "HEAD")
    below = repository / "below"
    below.mkdir()
    assert commit_of(repository) == commit_of(below) == commit
    write_result(repository / RESULTS, result())
    assert commit_of(below) == commit
    (below / "new.py").write_text("2", encoding="utf-8")
    assert commit_of(below) == f"{commit}+changes"
    (below / "new.py").unlink()
    (repository / "code.py").write_text("2", encoding="utf-8")
    assert commit_of(below) == f"{commit}+changes"


@needs_git
def test_a_repository_without_commits_has_none(tmp_path: Path) -> None:
    """It is not recorded then."""
    git(tmp_path, "init", "-q")
    assert commit_of(tmp_path) == NOT_RECORDED


def test_without_git_the_commit_is_not_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The result is written all the same."""
    monkeypatch.setenv("PATH", str(tmp_path))
    text = write_result(tmp_path / "made", result()).read_text(encoding="utf-8")
    assert f"- commit: {NOT_RECORDED}\n" in text


def test_the_command_can_be_typed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its options as they were given, quoted where a shell needs it."""
    monkeypatch.setattr(sys, "argv", ["/a/bench_hard.py", "--photos", "my photos"])
    assert this_command("x.bench_hard") == "python -m x.bench_hard --photos 'my photos'"
