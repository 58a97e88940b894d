"""Records as JSON and plain values, and back: a field is a key, a tuple an array."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from reprlib import Repr
from typing import Annotated, Any, Literal, TypeVar, cast, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

from lookalike.model.errors import ConfigError

__all__ = [
    "Count",
    "Digest",
    "Extent",
    "Meta",
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
        return cast(Record, _decoder(cast(Hashable, kind)).decode(text))
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from error


def like(record: Any, kind: type[Record]) -> Record:
    """A record of another kind with the same values, by the names of its fields."""
    return msgspec.convert(record, kind, from_attributes=True)


def checked(plain: Any, kind: type[Record], of: str, *, complete: bool = False) -> Record:
    """A record of what a user wrote: every key must be a field, every value of its type.

    Args:
        plain: dictionaries, lists, text and numbers.
        kind: a dataclass, whose fields may be others.
        of: what it is, for the message.
        complete: also the fields must be there that have a default.

    Raises:
        ConfigError: it is not so, or the record itself refuses its values.
    """
    found = {where: (value, hint) for where, value, hint in _walk(plain, kind, "")}
    for where, (value, hint) in found.items():
        if _is_record(value, hint):
            _check_keys(value, fields(hint), _place(of, where), complete)
    try:
        return msgspec.convert(plain, kind)
    except msgspec.ValidationError as error:
        said, _, path = str(error).partition(" - at `")
        # msgspec does not tell the values of a mapping apart
        where = path.rpartition("$")[2].partition("[...]")[0].strip("`.")
        value, hint = found[where]
        outer, _, key = where.rpartition(".")
        got = _SHORT.repr(value)
        raise ConfigError(
            f"a value of the wrong kind in {_place(of, outer)}",
            got=f"{key} = {got}" if key else got,
            expected=_expected(said, hint),
        ) from error


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def _number(value: Any) -> float:
    """NumPy's floats are floats."""
    if isinstance(value, float):
        return float(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


def _walk(value: Any, hint: Any, where: str) -> Iterator[tuple[str, Any, Any]]:
    """Every value with its path, such as ``views[0].p``, and its type; None for no type."""
    yield where, value, hint
    if _is_record(value, hint):
        types = get_type_hints(hint)
        for key, inner in value.items():
            yield from _walk(inner, types.get(key), f"{where}.{key}".removeprefix("."))
    elif isinstance(value, list) and hint is not None:
        inside = next(iter(get_args(hint)), None)
        for number, inner in enumerate(value):
            yield from _walk(inner, inside, f"{where}[{number}]")


def _is_record(value: Any, hint: Any) -> bool:
    return isinstance(value, dict) and is_dataclass(hint)


def _check_keys(
    value: Mapping[str, Any], known: Sequence[Field[Any]], place: str, complete: bool
) -> None:
    names = [field.name for field in known]
    needed = [
        field.name
        for field in known
        if complete or field.default is field.default_factory is MISSING
    ]
    if unknown := sorted(value.keys() - set(names)):
        raise ConfigError(
            f"unknown key in {place}", got=", ".join(unknown), expected=", ".join(names)
        )
    if missing := [name for name in needed if name not in value]:
        raise ConfigError(f"a key is missing in {place}", expected=", ".join(missing))


def _place(of: str, where: str) -> str:
    return f"{of}, {where}" if where else of


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
