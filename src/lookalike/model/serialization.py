"""Records as JSON and plain values, and back: a field is a key, a tuple an array."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from functools import cache
from reprlib import Repr
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

__all__ = [
    "Count",
    "Digest",
    "Extent",
    "Meta",
    "MisfitError",
    "Share",
    "Struct",
    "checked",
    "from_json",
    "in_schema",
    "like",
    "to_json",
    "to_plain",
]

Record = TypeVar("Record")


def in_schema(**keywords: Any) -> Meta:
    """What the schema says of a type, and nothing enforces: a share may be a rounding beyond 1."""
    return Meta(extra_json_schema=keywords)


Count = Annotated[int, in_schema(minimum=0)]
Extent = Annotated[int, in_schema(minimum=1)]
Share = Annotated[float, in_schema(minimum=0, maximum=1)]
Digest = Annotated[str, in_schema(pattern="^[0-9a-f]{64}$")]
_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = 60


class MisfitError(ValueError):
    """Plain values that make no record.

    Args:
        what: ``unknown`` (keys that are no fields), ``missing`` (keys) or ``value``.
        where: path of the value, or of the object whose keys are wrong, such as ``view[0].p``.
        got: the unknown keys, or the value; empty for missing ones.
        expected: the fields, the missing keys, or what the value can be.
    """

    def __init__(
        self, what: Literal["unknown", "missing", "value"], where: str, got: str, expected: str
    ) -> None:
        told = f"got {got}, expected {expected}" if got else f"expected {expected}"
        super().__init__(f"{what} at {where}: {told}" if where else f"{what}: {told}")
        self.what, self.where, self.got, self.expected = what, where, got, expected


def to_plain(record: Any) -> Any:
    """A record, or what holds records, as dictionaries, tuples, text and numbers."""
    return msgspec.to_builtins(record, enc_hook=_number)


def to_json(record: Any) -> str:
    """The same as one line of JSON; file names that are not UTF-8 keep their escaped bytes."""
    try:
        return msgspec.json.encode(record, enc_hook=_number).decode()
    except UnicodeEncodeError:
        return json.dumps(to_plain(record))


def from_json(text: str, kind: type[Record]) -> Record:
    """The record that ``to_json`` wrote; keys that are no fields are left out.

    Raises:
        ValueError: not JSON, or of another kind.
    """
    try:
        if "\\ud" in text:
            return msgspec.convert(json.loads(text), kind)
        hint: Any = kind
        return _decoder(hint).decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from error


def like(record: Any, kind: type[Record]) -> Record:
    """A record of another kind with the same values, by the names of its fields."""
    return msgspec.convert(record, kind, from_attributes=True)


def checked(plain: Any, kind: type[Record], *, complete: bool = False) -> Record:
    """A record of what a user wrote: every key must be a field, every value of its type.

    Args:
        plain: dictionaries, lists, text and numbers.
        kind: a dataclass, whose fields may be others.
        complete: also those fields must be there that have a default.

    Raises:
        MisfitError: it is not so. What the record itself refuses is raised as it is.
    """
    found = {where: (value, hint) for where, value, hint in _walk(plain, kind, "")}
    for where, (value, hint) in found.items():
        known = _fields(value, hint)
        if known and (unknown := sorted(value.keys() - known.keys())):
            raise MisfitError("unknown", where, ", ".join(unknown), ", ".join(known))
        if complete and (missing := [name for name in known if name not in value]):
            raise MisfitError("missing", where, "", ", ".join(missing))
    try:
        return msgspec.convert(plain, kind)
    except msgspec.ValidationError as error:
        said, _, path = str(error).partition(" - at `")
        # values of a mapping are not told apart
        where = path.rpartition("$")[2].partition("[...]")[0].strip("`.")
        if lacks := re.fullmatch("Object missing required field `(.*)`", said):
            raise MisfitError("missing", where, "", lacks[1]) from error
        value, hint = found[where]
        raise MisfitError("value", where, _SHORT.repr(value), _expected(said, hint)) from error


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def _number(value: Any) -> float:
    """NumPy's floats are floats."""
    if isinstance(value, float):
        return float(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


def _walk(value: Any, hint: Any, where: str) -> Iterator[tuple[str, Any, Any]]:
    """Every value with its path and its type; None for no type."""
    yield where, value, hint
    if known := _fields(value, hint):
        for key, inner in value.items():
            yield from _walk(inner, known.get(key), f"{where}.{key}".removeprefix("."))
    elif isinstance(value, list):
        inside = next(iter(get_args(hint)), None)
        for number, inner in enumerate(value):
            yield from _walk(inner, inside, f"{where}[{number}]")


def _fields(value: Any, hint: Any) -> dict[str, Any]:
    """Names and types of the fields, of an object that becomes a record."""
    return get_type_hints(hint) if is_dataclass(hint) and isinstance(value, dict) else {}


def _expected(said: str, hint: Any) -> str:
    """What a value can be, of what msgspec says and of its type."""
    if said.startswith("Invalid enum value"):
        return _in_words(hint)
    return said.removeprefix("Expected ").partition(", got")[0].replace("`", "")


def _in_words(hint: Any) -> str:
    inner = get_args(hint)
    if get_origin(hint) is Literal:
        return " or ".join(map(repr, inner))
    return " or ".join(map(_in_words, inner)) if inner else hint.__name__
