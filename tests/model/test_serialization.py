"""Records become JSON and come back; what users wrote is refused in words."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pytest

from lookalike.model.errors import ConfigError
from lookalike.model.serialization import checked, from_json, like, to_json, to_plain


@dataclass(frozen=True, slots=True)
class Part:
    """A part of ``Whole``."""

    size: float
    kind: Literal["near", "far"] = "near"


@dataclass(frozen=True, slots=True)
class Whole:
    """A record of records."""

    name: str
    parts: tuple[Part, ...] = ()
    count: int | Literal["all"] = 1

    def __post_init__(self) -> None:
        if self.count == 0:
            raise ConfigError("a count is out of range", got="0")

    @property
    def first(self) -> float:
        """Size of the first part."""
        return self.parts[0].size


@dataclass(frozen=True, slots=True)
class Summary:
    """Another record with some of the same names."""

    name: str
    first: float


@pytest.mark.parametrize("name", ["a", "é", os.fsdecode(b"caf\xe9"), "\U0001f600"])
def test_records_come_back(name: str) -> None:
    """Also with names that are no text; integers serve as numbers with a fraction."""
    whole = Whole(name, (Part(0.1), Part(1e-7, "far")), "all")
    text = to_json(whole)
    assert from_json(text, Whole) == from_json(json.dumps(to_plain(whole)), Whole) == whole
    assert json.loads(text) == {
        "name": name,
        "parts": [{"size": 0.1, "kind": "near"}, {"size": 1e-07, "kind": "far"}],
        "count": "all",
    }
    assert from_json('{"name": "b", "parts": [{"size": 2}], "more": 1}', Whole).first == 2.0


def test_numbers_of_numpy_are_numbers() -> None:
    """Of one precision, the other kinds are a mistake."""
    assert to_json({"a": np.float64(0.1)}) == '{"a":0.1}'
    assert to_plain([np.float64(0.5)]) == [0.5]
    for odd in (np.int64(1), np.float32(1), object()):
        with pytest.raises(TypeError, match="no JSON for"):
            to_json([odd])


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"name": 3}', "{}", '{"name": "\\ud800"', "[" * 100_000, "[NaN]"]
)
def test_other_text_is_refused(text: str) -> None:
    """By one kind of error."""
    with pytest.raises(ValueError):
        from_json(text, Whole)


def test_records_take_the_values_of_others() -> None:
    """By name, properties too, one or many."""
    wholes = [Whole("a", (Part(2.0),)), Whole("b", (Part(3.0), Part(1.0)))]
    assert like(wholes[0], Summary) == Summary("a", 2.0)
    assert like(wholes, tuple[Summary, ...]) == (Summary("a", 2.0), Summary("b", 3.0))


@pytest.mark.parametrize(
    ("plain", "said"),
    [
        ([], "a value of the wrong kind in the list; got []; expected object"),
        ({}, "a key is missing in the list; expected name"),
        ({"name": 3}, "a value of the wrong kind in the list; got name = 3; expected str"),
        ({"name": "x" * 999, "nmae": 1}, "unknown key in the list; got nmae; expected name, parts"),
        ({"name": "a", "count": True}, "got count = True; expected int | str"),
        ({"name": "a", "count": "none"}, "got count = 'none'; expected int or 'all'"),
        ({"name": "a", "count": 0}, "a count is out of range; got 0"),
        ({"name": "a", "parts": [3]}, "in the list; got parts[0] = 3; expected object"),
        ({"name": "a", "parts": [{}]}, "a key is missing in the list, parts[0]; expected size"),
        (
            {"name": "a", "parts": [{"size": 1}, {"size": "b"}]},
            "in the list, parts[1]; got size = 'b'",
        ),
        ({"name": "a", "parts": [{"size": 1, "kind": "x"}]}, "expected 'near' or 'far'"),
        ({"name": "a", "parts": [{"size": 1, "p": 1}]}, "unknown key in the list, parts[0]; got p"),
        ({"name": ["y" * 999]}, "expected str"),
    ],
)
def test_what_users_wrote_is_refused_in_words(plain: Any, said: str) -> None:
    """Where, what it got and what was expected, in one short line."""
    with pytest.raises(ConfigError) as caught:
        checked(plain, Whole, "the list")
    assert said in str(caught.value) and len(str(caught.value)) < 200


def test_what_users_wrote_is_taken() -> None:
    """Defaults fill what lacks, unless all must be told."""
    plain: dict[str, Any] = {"name": "a", "parts": [{"size": 1}]}
    assert checked(plain, Whole, "the list") == Whole("a", (Part(1.0),))
    with pytest.raises(ConfigError, match="missing in the list; expected count"):
        checked(plain, Whole, "the list", complete=True)
    plain["count"] = 2
    with pytest.raises(ConfigError, match=r"parts\[0\]; expected kind"):
        checked(plain, Whole, "the list", complete=True)
