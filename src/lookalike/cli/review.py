"""``lookalike review``: look at a report, decide, act."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lookalike.cli.options import db_option
from lookalike.cli.saying import say
from lookalike.model.errors import ConfigError

if TYPE_CHECKING:
    from lookalike.model.report import Report

__all__ = ["review"]


@click.command()
@click.argument("report", required=False, type=click.Path(dir_okay=False))
@db_option
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Default: any free one.")
@click.option("--no-browser", is_flag=True, help="Only print the address.")
def review(report: str | None, db: str | None, port: int, no_browser: bool) -> None:
    """Open a page to look at REPORT (JSON; default: the last run of --db) and to decide."""
    try:
        from lookalike.web.run import serve
    except ImportError as error:
        raise ConfigError(
            "the review page needs more packages",
            got=str(error),
            remedy="pip install 'lookalike[review]'",
        ) from error
    from lookalike.store.location import default_collection

    place = db or default_collection()
    shown = _from_file(Path(report)) if report else _from_collection(place)

    def opened(address: str) -> None:
        say(f"{len(shown.clusters):,} clusters at {address}", "Ctrl+C ends it")
        if not no_browser:
            click.launch(address)

    # a server that runs for long needs garbage collection; the report itself has no cycles
    gc.freeze()
    gc.enable()
    serve(shown, place, port=port, opened=opened)


def _from_file(path: Path) -> Report:
    from lookalike.report import from_json

    try:
        return from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            "cannot read the report",
            got=f"{path}: {error}",
            expected="what 'lookalike find --json' prints",
        ) from error


def _from_collection(db: str | Path) -> Report:
    from lookalike.report import from_json, with_run
    from lookalike.store import holds_anything, name_of, open_collection

    body = None
    if holds_anything(db):
        with open_collection(db) as collection:
            body = collection.last_report()
    if body is None:
        raise ConfigError(
            "there is nothing to review",
            got=name_of(db),
            remedy="run 'lookalike find PHOTOS --db DIR' first, with the same --db",
        )
    return from_json(with_run(body, {}, {}))
