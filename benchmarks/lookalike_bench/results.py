"""Results: one file a bench, headed by when, where and how it was measured, and a table of all.

    python -m lookalike_bench.results [FOLDER]

makes the table anew. It is read from the headings of the files, so that it says nothing they do
not.
"""

from __future__ import annotations

import argparse
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from lookalike.model.errors import ConfigError
from lookalike.runtime.output import writing

__all__ = [
    "NOT_RECORDED",
    "RESULTS",
    "TABLE",
    "Result",
    "commit_of",
    "this_command",
    "write_result",
    "write_table",
]

RESULTS = Path("benchmarks/results")
TABLE = "README.md"
NOT_RECORDED = "not recorded"
_FACTS = ("headline", "date", "hardware", "versions", "commit", "command")
_LIBRARIES = ("lookalike", "numpy", "opencv-python-headless", "simplejpeg", "onnxruntime")
_ABOUT = (
    "The newest of every bench, made from the headings of the files (`python -m "
    "lookalike_bench.results`): what is changed here by hand is lost."
)


@dataclass(frozen=True, slots=True)
class Result:
    """What one bench measured.

    Attributes:
        name: of the bench, and of its file.
        title: of the file.
        headline: what was found, in one line.
        command: that measured it, as of ``this_command``.
        lines: the rest of the file, as Markdown.
        libraries: packages whose versions matter beside those that all benches need.
    """

    name: str
    title: str
    headline: str
    command: str
    lines: Sequence[str]
    libraries: tuple[str, ...] = ()


def write_result(folder: Path, result: Result) -> Path:
    """Write what a bench measured in place of what it measured before, and the table anew.

    Args:
        folder: of the results; made where it is missing.
        result: what was measured; date, hardware, versions and commit are those of now.

    Returns:
        The file.

    Raises:
        ConfigError: another file of the folder has no heading.
        OutputError: a file cannot be written.
    """
    facts = {
        "headline": result.headline,
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "hardware": _hardware(),
        "versions": _versions(result.libraries),
        "commit": commit_of(Path(__file__).parent),
        "command": f"`{result.command}`",
    }
    heading = [f"- {name}: {' '.join(facts[name].split())}" for name in _FACTS]
    path = folder / f"{result.name}.md"
    _write(path, [f"# {result.title}", "", *heading, "", *result.lines])
    write_table(folder)
    return path


def write_table(folder: Path) -> Path:
    """Make the table of all results of a folder from their headings.

    Args:
        folder: of the results.

    Returns:
        The table's file.

    Raises:
        ConfigError: a file of the folder has no heading.
        OutputError: the table cannot be written.
    """
    rows = ["| bench | what it says | date | commit | command |", "|---|---|---|---|---|"]
    for path in sorted(path for path in folder.glob("*.md") if path.name != TABLE):
        facts = _read_heading(path)
        cells = [facts[name].replace("|", r"\|") for name in ("headline", "date", "commit")]
        command = facts["command"].replace("|", r"\|")
        rows.append(f"| [{path.stem}]({path.name}) | {' | '.join(cells)} | {command} |")
    table = folder / TABLE
    _write(table, ["# Results", "", _ABOUT, "", *rows])
    return table


def this_command(module: str) -> str:
    """The command that runs now, as it can be typed again.

    Args:
        module: that was run, ``__spec__.name`` there.
    """
    return shlex.join(["python", "-m", module, *sys.argv[1:]])


def commit_of(folder: Path) -> str:
    """Short hash of the commit that a folder's repository is at.

    Args:
        folder: anywhere in the repository.

    Returns:
        The hash, ``+changes`` after it where other files than results differ from the commit;
        ``not recorded`` without git, a repository or a commit.
    """
    everything_else = (":(top)", f":(top,exclude){RESULTS.as_posix()}")
    try:
        commit = _git(folder, "rev-parse", "--short", "HEAD")
        changes = _git(folder, "status", "--porcelain", "--", *everything_else)
    except (OSError, subprocess.CalledProcessError):
        return NOT_RECORDED
    return f"{commit}+changes" if changes else commit


def _git(folder: Path, *words: str) -> str:
    command = ["git", "-C", str(folder), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _read_heading(path: Path) -> Mapping[str, str]:
    """Facts that a result is headed by, by name."""
    lines = path.read_text(encoding="utf-8").splitlines()[2 : 2 + len(_FACTS)]
    marks = [f"- {name}: " for name in _FACTS]
    if len(lines) < len(marks) or not all(map(str.startswith, lines, marks)):
        raise ConfigError(
            "a result has no heading",
            got=str(path),
            expected=f"a title, an empty line, then lines {', '.join(marks)}",
            remedy="run the bench that makes it, or take the file away",
        )
    return {name: line[len(mark) :] for name, mark, line in zip(_FACTS, marks, lines, strict=True)}


def _write(path: Path, lines: Sequence[str]) -> None:
    text = "\n".join(lines).rstrip()
    with writing(path) as place:
        place.write_text(f"{text}\n", encoding="utf-8")


def _hardware() -> str:
    parts = [_processor(), f"{os.cpu_count()} cores"]
    if hasattr(os, "sysconf"):
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        parts.append(f"{size / 2**30:.0f} GiB")
    return ", ".join(parts)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor() or platform.machine())


def _versions(libraries: Sequence[str]) -> str:
    parts = [f"Python {platform.python_version()}"]
    for name in (*_LIBRARIES, *libraries):
        try:
            parts.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            parts.append(f"{name} not installed")
    return ", ".join(parts)


def main() -> None:
    """Make the table anew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=RESULTS)
    print(f"written: {write_table(parser.parse_args().folder)}")


if __name__ == "__main__":
    main()
