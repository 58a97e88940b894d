"""Recipes, named pipelines as data: TOML files of ours, of published systems, or a user's.

A file with ``[[view]]`` tables is a published system (``SystemConfig``); any other sets lookalike's
own cascade (``FindConfig``). Keys are the fields of those records, sections their parts.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

from lookalike.config import FindConfig, RunConfig, SystemConfig
from lookalike.model.errors import ConfigError
from lookalike.model.serialization import checked

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
    """List the recipes of the package, ours first."""
    files = (item.name for item in resources.files(__name__).iterdir())
    names = {name.removesuffix(".toml") for name in files if name.endswith(".toml")}
    own = [name for name in ("default", "fast", "thorough") if name in names]
    return (*own, *sorted(names - set(own)))


def load_recipe(name: str) -> Recipe:
    """Load a recipe by name or file.

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
    if views is not None and not isinstance(views, list):
        raise ConfigError("views are written as [[view]]", got=f"view in recipe {name}")
    more = {"recipe": name} if views is None else {"recipe": name, "views": views}
    kind = FindConfig if views is None else SystemConfig
    return checked({**table, **more}, kind, f"recipe {name}")


def _with_descriptor(config: RunConfig, descriptor: str, name: str) -> RunConfig:
    if not isinstance(config, SystemConfig):
        raise ConfigError("only a published system takes another descriptor", got=name)
    first = replace(config.views[0], descriptor=descriptor)
    return replace(config, views=(first, *config.views[1:]))
