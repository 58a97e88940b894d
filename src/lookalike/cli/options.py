"""Options that several commands share, and the settings made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from lookalike.cli.lists import (
    asked_choice,
    asked_separator,
    asked_urls,
    check_lists,
    row_options,
)
from lookalike.config import EFFORTS, FindConfig, KeepConfig, RunConfig

__all__ = [
    "EXPORT_KINDS",
    "asked_config",
    "asked_form",
    "asked_inputs",
    "db_option",
    "list_options",
    "run_options",
]

Command = TypeVar("Command", bound=Callable[..., Any])
# repeated here, so that the command line's help loads nothing
EXPORT_KINDS = ("imagededup", "fastdup", "immaculate", "huggingface", "fiftyone")
db_option = click.option(
    "--db",
    type=click.Path(file_okay=False),
    metavar="DIR|URL",
    help="Folder of the collection, or postgresql://user@host/database.",
)
# options that only lookalike's own cascade has
_OWN = ("effort", "precision", "descriptor", "engine", "inside", "regions")


def list_options(command: Command) -> Command:
    """Add options for how folders and lists are read."""
    for option in (
        click.option("--root", type=click.Path(), help="Where relative paths in lists begin."),
        click.option("--path-column", help="Of a table; default: path, file_name, image …"),
        click.option("--hidden", is_flag=True, help="Look at hidden files and folders too."),
    ):
        command = option(command)
    return row_options(command)


def run_options(command: Command) -> Command:
    """Add options for how pictures are compared, and how folders and lists are read."""
    for option in (
        click.option("--threads", type=click.IntRange(1), help="Default: all processors."),
        click.option("--similar", is_flag=True, help="Other shots of the same scene too."),
        click.option(
            "--precision",
            type=click.FloatRange(0.5, 1.0),
            help="Expected share of true pairs among the copies; the least certain are left out.",
        ),
        click.option(
            "--effort",
            type=click.Choice(EFFORTS),
            help="Default: thorough for leaks and conflicts, standard for unique.",
        ),
        click.option("--recipe", help="Name of a recipe or a TOML file."),
        db_option,
    ):
        command = option(command)
    return list_options(command)


def asked_form(**options: Any) -> Any:
    """Make a ``ListForm`` of the options; ``progress`` shows downloads."""
    from lookalike.sources import ListForm

    return ListForm(
        options["path_column"],
        Path(options["root"]) if options["root"] else None,
        options["hidden"],
        separator=asked_separator(options),
        choice=asked_choice(options),
        urls=asked_urls(options),
        read=_settings_of(options).read,
    )


def asked_inputs(paths: Sequence[str], **options: Any) -> Any:
    """Open everything that was named as one source."""
    from lookalike.sources import ListSource, open_source

    form = asked_form(**options)
    lists = [ListSource(options["files_from"], form)] if options.get("files_from") else []
    if not paths and not lists:
        raise click.UsageError("nothing to look at: name folders, pictures or lists of pictures")
    check_lists(paths, options)
    return open_source([*paths, *lists], form)


def asked_config(**options: Any) -> RunConfig:
    """Make settings of a recipe and of the options beside it."""
    config = _settings_of(options)
    if not options.get("recipe"):
        config = replace(config, recipe="")
    linkage = options.get("linkage") or config.cluster.linkage
    config = replace(
        config,
        cluster=replace(
            config.cluster,
            linkage=linkage,
            similar=options.get("similar") or config.cluster.similar,
        ),
        keep=KeepConfig(tuple(options["keep"].split(","))) if options.get("keep") else config.keep,
        threads=options.get("threads") or config.threads,
    )
    own = {name: options[name] for name in _OWN if options.get(name)}
    if options.get("regions") and not options.get("inside"):
        raise click.UsageError("--regions needs --inside")
    if not isinstance(config, FindConfig):
        if own:
            named = ", ".join(f"--{name}" for name in own)
            raise click.UsageError(f"{named} cannot be combined with recipe {options['recipe']}")
        return config
    embedding = replace(
        config.embedding,
        model=own.get("descriptor", config.embedding.model),
        proposes="descriptor" in own or config.embedding.proposes,
        engine=own.get("engine", config.embedding.engine),
    )
    inside = replace(
        config.inside,
        wanted="inside" in own or config.inside.wanted,
        regions=own.get("regions", config.inside.regions),
    )
    return replace(
        config,
        effort=own.get("effort", config.effort),
        precision=own.get("precision", config.precision),
        embedding=embedding,
        inside=inside,
    )


def _settings_of(options: Mapping[str, Any]) -> RunConfig:
    """Load the settings of the recipe that was named, or of the default."""
    from lookalike.config.recipes import load_recipe

    return load_recipe(options.get("recipe") or "default").config
