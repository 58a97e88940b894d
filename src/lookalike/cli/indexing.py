"""``lookalike index``: bring a collection up to date."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click

from lookalike.cli.options import asked_config, asked_inputs, db_option, list_options
from lookalike.cli.progress import show_progress
from lookalike.cli.saying import say, say_json

__all__ = ["index"]

_SHOWN = 20


@click.command()
@click.argument("paths", nargs=-1, type=click.Path())
@db_option
@click.option("--recipe", help="Name or TOML file that searches will name too.")
@click.option("--threads", type=click.IntRange(1), help="Default: as many as processors.")
@list_options
@click.option("--files-from", type=click.Path(), help="A list of pictures; - for standard input.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON, nothing else.")
def index(paths: tuple[str, ...], **options: Any) -> None:
    """Take all images of PATHS into a collection, for ``search``; pairs are not looked for."""
    from lookalike.run.update import update

    config = asked_config(**options)
    with show_progress() as progress:
        source = asked_inputs(paths, **options, progress=progress)
        done = update(source, db=options["db"], config=config, progress=progress)
    if options["as_json"]:
        say_json(json.dumps(asdict(done)))
        return
    say(
        f"{done.images:,} images, {done.described:,} of them described now; "
        f"the collection has {done.total:,}"
    )
    if done.forgotten:
        say(f"{done.forgotten:,} are not there any more and were forgotten")
    if done.failures:
        say(f"{len(done.failures):,} files could not be read:")
    for failure in done.failures[:_SHOWN]:
        say(f"  {failure.path}: {failure.message}")
    if len(done.failures) > _SHOWN:
        say(f"  and {len(done.failures) - _SHOWN:,} more")
