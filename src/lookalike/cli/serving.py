"""``lookalike serve``: the HTTP service."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import click

from lookalike.cli.options import db_option
from lookalike.cli.saying import say
from lookalike.model.errors import ConfigError

__all__ = ["serve"]


@click.command()
@db_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Others need a token.")
@click.option("--port", type=click.IntRange(1, 65535), default=8765, show_default=True)
@click.option("--token", default="", envvar="LOOKALIKE_TOKEN", help="Or LOOKALIKE_TOKEN.")
@click.option("--root", "roots", multiple=True, type=click.Path(), help="Folder to open paths in.")
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True)
@click.option("--max-mb", type=click.IntRange(1), default=64, show_default=True)
def serve(**options: Any) -> None:
    """Serve a collection over HTTP: add, search, compare, collapse."""
    from lookalike.server import ServeConfig
    from lookalike.store import name_of
    from lookalike.store.location import default_collection

    settings = ServeConfig(
        db=options["db"] or default_collection(),
        host=options["host"],
        port=options["port"],
        token=options["token"],
        roots=tuple(map(Path, options["roots"])),
        workers=options["workers"],
        max_bytes=options["max_mb"] * 1_000_000,
    )
    try:
        from lookalike.server.app import serve as run
    except ImportError as error:
        raise ConfigError(
            "the service needs more packages",
            got=str(error),
            remedy="pip install 'lookalike[serve]'",
        ) from error
    named = name_of(settings.db)
    # a service runs for long and needs garbage collection, which commands switch off
    gc.enable()
    run(settings, started=lambda address: say(f"serving {named} at {address}"))
