"""The tool that changes the source and looks whether a test sees it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = b'''"""A room."""
_LEAST = 0.8
_NAMES = ("a", "b")


@dataclass(frozen=True)
class Limits:
    """Limits.

    Attributes:
        most: 3 of them.
    """

    most: int = 4


def is_much(share: float, most: int, *, loud: bool = False) -> bool:
    """Whether it is, by 0.5."""
    if share < _LEAST or not loud:
        raise ValueError(f"{share} is under 0.7")
    return most in (3, 5) and row[7] == 1
'''


@pytest.fixture
def mutants(monkeypatch: pytest.MonkeyPatch) -> object:
    """The tool as a module."""
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import mutants

    return mutants


def test_numbers_comparisons_logic_and_answers_are_changed(mutants: object) -> None:
    """Named numbers and rules; no text, type, place or message."""
    found = mutants.Finder("room/a.py", SOURCE).found  # type: ignore[attr-defined]
    assert [(one.line, one.kind, one.what) for one in found] == [
        (2, "limit", "_LEAST: 0.8 → 1.0"),
        (2, "limit", "_LEAST: 0.8 → 0.64"),
        (14, "limit", "Limits.most: 4 → 5"),
        (14, "limit", "Limits.most: 4 → 3"),
        (17, "answer", "is_much = True"),
        (17, "answer", "is_much = False"),
        (19, "logic", "is_much: or → and"),
        (19, "comparison", "is_much: < → <="),
        (19, "logic", "is_much: not left out"),
        (21, "logic", "is_much: and → or"),
        (21, "comparison", "is_much: in → not in"),
        (21, "number", "is_much: 3 → 4"),
        (21, "number", "is_much: 3 → 2"),
        (21, "number", "is_much: 5 → 6"),
        (21, "number", "is_much: 5 → 4"),
        (21, "comparison", "is_much: == → !="),
    ]
    changed = [one.changed(SOURCE) for one in found]
    assert len(set(changed)) == len(found) and SOURCE not in changed
    for text in changed:
        compile(text, "a.py", "exec")
    assert b"most: int = 5" in changed[2] and changed[4].endswith(b'0.5."""\n    return True\n')


@pytest.mark.slow
def test_what_no_test_sees_survives(
    mutants: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tried in copies: one limit has evidence on one side alone; the tree is as it was."""
    for place, text in {
        "src/lookalike/__init__.py": "",
        "src/lookalike/room/__init__.py": "",
        "src/lookalike/room/a.py": "LIMIT = 10\ndef most(n) -> bool:\n    return n > LIMIT\n",
        "tests/room/test_a.py": (
            "from lookalike.room.a import most\n\n\n"
            "def test_most():\n    assert most(11) and not most(3)\n"
        ),
    }.items():
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(mutants, "ROOT", tmp_path)
    monkeypatch.setattr(mutants, "COPIED", ("src", "tests"))
    report = tmp_path / "ends.json"
    monkeypatch.setattr(
        sys, "argv", ["mutants.py", "room", "--only", "LIMIT", "--json", str(report)]
    )
    before = (tmp_path / "src/lookalike/room/a.py").read_bytes()
    mutants.main()  # type: ignore[attr-defined]
    assert (tmp_path / "src/lookalike/room/a.py").read_bytes() == before
    ends = {one["what"]: one["end"] for one in json.loads(report.read_text())["changes"]}
    assert ends == {
        "LIMIT: 10 → 12": "killed",
        "LIMIT: 10 → 8": "survived",
    }
