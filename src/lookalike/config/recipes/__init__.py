"""Named pipelines as data: one TOML file each, ours, every published system, and a user's own.

A file with ``[[view]]`` tables is a published system (``SystemConfig``); any other sets lookalike's
own cascade (``FindConfig``). Keys are the fields of those records, sections their parts.
"""

from __future__ import annotations

import tomllib
import types
import typing
from dataclasses import dataclass, fields, is_dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

from lookalike.config.find import (
    FindConfig,
    RunConfig,
    SystemConfig,
    ViewConfig,
)
from lookalike.model.errors import ConfigError

__all__ = ["Recipe", "load_recipe", "recipe_names"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """A named pipeline.

    Attributes:
        name: by which it was asked for.
        about: one sentence.
        published: what it implements; empty for our own.
        config: every setting.
    """

    name: str
    about: str
    published: str
    config: RunConfig


def recipe_names() -> tuple[str, ...]:
    """The recipes of the package, ours first."""
    files = (item.name for item in resources.files(__name__).iterdir())
    names = {name.removesuffix(".toml") for name in files if name.endswith(".toml")}
    own = [name for name in ("default", "fast", "thorough") if name in names]
    return (*own, *sorted(names - set(own)))


def load_recipe(name: str) -> Recipe:
    """A recipe by name or file.

    Args:
        name: of the package, or the path of a TOML file; with ``@DESCRIPTOR`` behind it, a
            published system with another first descriptor.

    Raises:
        ConfigError: neither a name nor a file, an unknown key, or a value that cannot work.
    """
    plain, _, descriptor = name.partition("@")
    if plain in recipe_names():
        data = resources.files(__name__).joinpath(f"{plain}.toml").read_bytes()
    elif plain.endswith(".toml"):
        data = _own(Path(plain))
    else:
        raise ConfigError(
            "unknown recipe",
            got=repr(plain),
            expected=f"a TOML file or one of {', '.join(recipe_names())}",
        )
    try:
        table = tomllib.loads(data.decode())
    except ValueError as error:
        raise ConfigError("a recipe is not TOML", got=f"{plain}: {error}") from error
    about, published = str(table.pop("about", "")), str(table.pop("published", ""))
    config = _config(table, name)
    if descriptor:
        config = _with_descriptor(config, descriptor, name)
    return Recipe(name, about, published, config)


def _own(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError.of_system("a recipe cannot be read", path, error) from error


def _config(table: dict[str, Any], name: str) -> RunConfig:
    views = table.pop("view", None)
    if views is None:
        return typing.cast(RunConfig, _record(FindConfig, {**table, "recipe": name}, name))
    if not isinstance(views, list):
        raise ConfigError("views are written as [[view]]", got=f"view in recipe {name}")
    made = tuple(_record(ViewConfig, view, f"{name}, view") for view in views)
    return typing.cast(
        RunConfig, _record(SystemConfig, {**table, "recipe": name, "views": made}, name)
    )


def _with_descriptor(config: RunConfig, descriptor: str, name: str) -> RunConfig:
    if not isinstance(config, SystemConfig):
        raise ConfigError("only a published system takes another descriptor", got=name)
    first = replace(config.views[0], descriptor=descriptor)
    return replace(config, views=(first, *config.views[1:]))


def _record(kind: type, table: dict[str, Any], where: str) -> object:
    """A config record from a table; every key must be a field of its type."""
    hints = typing.get_type_hints(kind)
    known = [item.name for item in fields(kind)]
    unknown = sorted(set(table) - set(known))
    if unknown:
        raise ConfigError(
            f"unknown key in recipe {where}", got=", ".join(unknown), expected=", ".join(known)
        )
    values = {}
    for key, value in table.items():
        hint = hints[key]
        if is_dataclass(hint) and isinstance(value, dict):
            values[key] = _record(typing.cast(type, hint), value, f"{where}, [{key}]")
            continue
        value = tuple(value) if isinstance(value, list) else value
        is_number = hint is float or float in typing.get_args(hint)
        value = float(value) if is_number and type(value) is int else value
        if not _fits(value, hint):
            raise ConfigError(
                f"a value of the wrong kind in recipe {where}",
                got=f"{key} = {value!r}",
                expected=_in_words(hint),
            )
        values[key] = value
    try:
        return kind(**values)
    except TypeError as error:
        missing = str(error).rpartition(":")[2].strip()
        raise ConfigError(f"a key is missing in recipe {where}", expected=missing) from error


def _fits(value: object, hint: Any) -> bool:
    origin = typing.get_origin(hint)
    if origin is typing.Literal:
        return value in typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, part) for part in typing.get_args(hint))
    if origin is tuple:
        inner = typing.get_args(hint)[0]
        return isinstance(value, tuple) and all(_fits(item, inner) for item in value)
    if hint is int:
        return type(value) is int
    return isinstance(value, hint)


def _in_words(hint: Any) -> str:
    if typing.get_origin(hint) is typing.Literal:
        return " or ".join(map(repr, typing.get_args(hint)))
    return getattr(hint, "__name__", str(hint)).replace("typing.", "")
