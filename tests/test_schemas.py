"""Published schemas are those of the records, and refuse what is none."""

from __future__ import annotations

import copy
import json
import runpy
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from conftest import save, scene
from lookalike import find
from lookalike.actions import make_plan
from lookalike.config import PlanConfig
from lookalike.report import to_json

pytest.importorskip("starlette")

ROOT = Path(__file__).resolve().parents[1]
Plain = dict[str, Any]


@cache
def pages() -> dict[Path, str]:
    """What the tool makes, by file."""
    made: dict[Path, str] = runpy.run_path(str(ROOT / "tools" / "schemas.py"))["pages"]()
    return made


def test_schemas_are_made_from_the_records() -> None:
    """The files of the package are what ``make reference`` writes; every field says what it is."""
    made = pages()
    names = ["openapi.json", "plan.schema.json", "report.schema.json"]
    assert sorted(path.name for path in made) == names
    for path, text in made.items():
        assert path.read_text(encoding="utf-8") == text, "run 'make reference'"
        assert text.count('"description": "') > 20 and "``" not in text


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Plain]:
    """A report and a plan of two pictures that are one."""
    folder = tmp_path_factory.mktemp("in")
    for name in ("a", "b"):
        save(folder / f"{name}.jpg", scene(1)[:: 1 + (name == "b"), :: 1 + (name == "b")])
    report = find(folder, db=tmp_path_factory.mktemp("db"))
    return {
        "report": json.loads(to_json(report)),
        "plan": json.loads(make_plan(report, PlanConfig()).to_json()),
    }


def without(key: str) -> Callable[[Plain], object]:
    """A change that removes a key."""
    return lambda plain: plain.pop(key)


WRONG: list[tuple[str, Callable[[Plain], object]]] = [
    ("report", without("images")),
    ("report", lambda plain: plain.update(schema="lookalike-report/2")),
    ("report", lambda plain: plain.update(more=1)),
    ("report", lambda plain: plain["images"][0].pop("damage")),
    ("report", lambda plain: plain["images"][0].update(width=0)),
    ("report", lambda plain: plain["images"][0].update(sha256="x")),
    ("report", lambda plain: plain["clusters"][0].update(linkage="chain")),
    ("report", lambda plain: plain["clusters"][0]["members"].pop()),
    ("report", lambda plain: plain["clusters"][0]["members"][0].update(by="nobody")),
    ("report", lambda plain: plain["matches"][0].update(confidence=1.5)),
    ("report", lambda plain: plain["matches"][0]["verification"].pop("moved")),
    ("report", lambda plain: plain["matches"][0]["verification"].update(scale=0)),
    ("report", lambda plain: plain["matches"][0]["verification"]["transform"].pop()),
    ("plan", without("protected")),
    ("plan", lambda plain: plain["steps"][0].pop("companions")),
    ("plan", lambda plain: plain["steps"][0].update(n_bytes=-1)),
    ("plan", lambda plain: plain["steps"][0].update(metadata={"mood": "good"})),
]
RIGHT: list[tuple[str, Callable[[Plain], object]]] = [
    ("report", lambda plain: None),
    ("report", without("returned")),
    ("report", lambda plain: plain["images"][0].pop("sharpness")),
    ("report", lambda plain: plain["images"][0].update(more=1)),
    ("plan", lambda plain: None),
    ("plan", lambda plain: plain["steps"][0].update(metadata={"gps": "1,2"})),
]


def holds(documents: dict[str, Plain], name: str, change: Callable[[Plain], object]) -> bool:
    """Whether a changed document is what its schema says."""
    plain = copy.deepcopy(documents[name])
    change(plain)
    (text,) = (text for path, text in pages().items() if path.name == f"{name}.schema.json")
    return jsonschema.Draft202012Validator(json.loads(text)).is_valid(plain)


def test_schemas_tell_right_from_wrong(documents: dict[str, Plain]) -> None:
    """Fields that lack, are too many, or hold what they cannot."""
    assert all(holds(documents, *case) for case in RIGHT)
    accepted = [place for place, case in enumerate(WRONG) if holds(documents, *case)]
    assert accepted == []
