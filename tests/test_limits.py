"""Limits: each says what it is and where it comes from; who changes one changes the versions."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from lookalike.containment.inset import INSET_VERIFIER
from lookalike.containment.limits import INSETS, REGIONS
from lookalike.descriptors.limits import KEYPOINTS, THUMB_CELLS
from lookalike.model.limits import version_of
from lookalike.verification.verify import LIMITS, VERIFIER

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted((ROOT / "src" / "lookalike").rglob("*/limits.py"))
ORIGIN = re.compile(r"\((?:by\s+eye|ADR \d+(?:,\s+ADR\s+\d+)*)\)")


def records() -> dict[str, Any]:
    """Every record of limits by its class's name."""
    found: dict[str, Any] = {}
    for path in MODULES:
        name = ".".join(path.relative_to(ROOT / "src").with_suffix("").parts)
        module = importlib.import_module(name)
        own = {type(one).__name__: one for one in vars(module).values() if is_limits(one)}
        assert own.keys().isdisjoint(found), "two records of one name"
        found |= own
    return found


def is_limits(one: object) -> bool:
    """Whether it is a record of limits, not its class."""
    return is_dataclass(one) and not isinstance(one, type)


RECORDS = records()


def changed(value: Any) -> Any:
    """A little more."""
    return tuple(map(changed, value)) if isinstance(value, tuple) else value + type(value)(1)


def test_every_room_has_its_records() -> None:
    """Of the rooms whose numbers decide, none is empty."""
    rooms = {path.parent.name for path in MODULES if path.parent.name != "model"}
    assert rooms >= {"containment", "descriptors", "difference", "images", "index", "verification"}
    assert len(RECORDS) >= 18


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_a_limit_says_what_it_is_and_where_it_comes_from(name: str) -> None:
    """In the record's docstring: a decision that is there, or that it was chosen by eye."""
    record = type(RECORDS[name])
    said = str(record.__doc__).split("Attributes:\n")[1]
    entries = dict(re.findall(r"^ {8}(\w+): (.*?)(?=^ {8}\w|\Z)", said, re.MULTILINE | re.DOTALL))
    assert list(entries) == [field.name for field in fields(record)]
    decisions = {int(path.name[:4]) for path in (ROOT / "docs" / "adr").glob("*.md")}
    for field, entry in entries.items():
        assert ORIGIN.search(entry), field
        assert {int(number) for number in re.findall(r"ADR (\d+)", entry)} <= decisions, field


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_no_limit_is_changed_by_accident(name: str) -> None:
    """Records are frozen, and hold numbers alone."""
    record = RECORDS[name]
    assert fields(record)
    for field in fields(record):
        value = getattr(record, field.name)
        assert re.fullmatch(r"[0-9e.,() -]+", repr(value)), field.name
        with pytest.raises(AttributeError):
            setattr(record, field.name, value)


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_every_limit_changes_the_version(name: str) -> None:
    """Whichever field, of whichever record."""
    record = RECORDS[name]
    assert fields(record)
    versions = {version_of("a", record)}
    for field in fields(record):
        other = replace(record, **{field.name: changed(getattr(record, field.name))})
        versions.add(version_of("a", other))
    assert len(versions) == 1 + len(fields(record))


def test_verdicts_are_remembered_under_all_that_they_depend_on() -> None:
    """Every record that verification reads, in whatever order."""
    assert version_of("pose-agreement/15", *reversed(LIMITS)) == VERIFIER
    assert version_of("inset/5", INSETS, *LIMITS) == INSET_VERIFIER
    room = ROOT / "src" / "lookalike" / "verification"
    read = set()
    for path in room.glob("*.py"):
        if path.stem not in ("limits", "confidence", "plain", "whole_frame"):
            read |= set(re.findall(r"\b([A-Z]+)\.[a-z]", path.read_text(encoding="utf-8")))
    held = {
        name
        for module in ("verification", "descriptors")
        for name, one in vars(importlib.import_module(f"lookalike.{module}.limits")).items()
        if one in LIMITS and is_limits(one)
    }
    assert read and read <= held, read - held


def test_a_version_is_alike_in_every_process() -> None:
    """Whatever its hashes are seeded with."""
    code = "from lookalike.verification.verify import VERIFIER; print(VERIFIER)"
    said = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "7"},
    )
    assert said.stdout.strip() == VERIFIER
    assert re.fullmatch(r"pose-agreement/\d+ [0-9a-f]{8}", VERIFIER)


@pytest.mark.parametrize(
    ("record", "spec", "digest"),
    [
        (KEYPOINTS, "the spec of KeypointKind", "c71c3e55"),
        (THUMB_CELLS, "THUMB_SPEC", "9b740e92"),
        (REGIONS, "page_spec", "b7e265d2"),
    ],
    ids=["keypoints", "thumbs", "pages"],
)
def test_who_changes_what_is_stored_raises_the_version_of_its_spec(
    record: Any, spec: str, digest: str
) -> None:
    """Else rows by old and by new limits would lie side by side; then the digest here changes."""
    assert version_of("rows", record) == f"rows {digest}", f"raise the version of {spec}"
