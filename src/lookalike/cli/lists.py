"""Options of lists: which rows and URLs, and how URLs are downloaded."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click

__all__ = [
    "asked_choice",
    "asked_separator",
    "asked_urls",
    "check_lists",
    "downloads_of",
    "row_options",
]

Command = TypeVar("Command", bound=Callable[..., Any])
_ABOUT_LISTS = ("url_columns", "where", "limit", "separator")


def row_options(command: Command) -> Command:
    """Add options for rows and URLs of lists and for downloads."""
    for option in (
        click.option(
            "--retry-failed", is_flag=True, help="Also ask again for what failed for good."
        ),
        click.option("--allow-private", is_flag=True, help="Also from this machine's networks."),
        click.option(
            "--timeout", type=click.FloatRange(0.1), help="Seconds a request; default: 300."
        ),
        click.option("--tries", type=click.IntRange(1), help="Requests for one URL; default: 4."),
        click.option(
            "--max-mb", type=click.FloatRange(0.001), help="Of one picture; default: 100."
        ),
        click.option("--per-host", type=click.IntRange(1), help="Of them to one host; default: 4."),
        click.option("--parallel", type=click.IntRange(1), help="Requests at once; default: 16."),
        click.option(
            "--downloads",
            type=click.Path(file_okay=False),
            help="Folder of downloads; default: downloads, in the collection.",
        ),
        click.option("--limit", type=click.IntRange(1), help="Of a list, at most so many rows."),
        click.option(
            "--where",
            multiple=True,
            metavar="COLUMN=VALUE",
            help="Of a list, only such rows; of one column any, of several all.",
        ),
        click.option(
            "--url-number", type=click.IntRange(1), help="Which URL of a row; default: all."
        ),
        click.option(
            "--url-column",
            "url_columns",
            multiple=True,
            help="Of a list: its URLs are downloaded; repeatable.",
        ),
        click.option("--separator", help="Of a list's cells, one character or tab."),
    ):
        command = option(command)
    return command


def asked_choice(options: dict[str, Any]) -> Any:
    """Make a ``RowChoice`` of the options."""
    from lookalike.sources import RowChoice

    where = []
    for text in options.get("where") or ():
        column, equals, value = text.partition("=")
        if not equals:
            raise click.UsageError(f"--where wants COLUMN=VALUE, got {text!r}")
        where.append((column.strip(), value))
    return RowChoice(tuple(where), options.get("limit"))


def asked_urls(options: dict[str, Any]) -> Any:
    """Make ``UrlCells`` of the options; None where no URLs are asked for."""
    from lookalike.sources import UrlCells

    if not options.get("url_columns"):
        if options.get("url_number"):
            raise click.UsageError("--url-number needs --url-column")
        return None
    fetch = downloads_of(options)
    return UrlCells(tuple(options["url_columns"]), fetch, options.get("url_number"))


def asked_separator(options: dict[str, Any]) -> str | None:
    """Read the separator, one character; the word ``tab`` is a tab."""
    said = options.get("separator")
    return "\t" if said in ("tab", "\\t") else said


def downloads_of(options: dict[str, Any]) -> Any:
    """Make the downloader into the folder that was named or the collection's."""
    from lookalike.config import DownloadConfig
    from lookalike.sources.downloads import Downloads
    from lookalike.store import folder_of
    from lookalike.store.location import default_collection

    numbers = {
        "parallel": options["parallel"],
        "per_host": options["per_host"],
        "tries": options["tries"],
        "total_timeout": options["timeout"],
        "read_timeout": min(options["timeout"], 30.0) if options["timeout"] else None,
        "max_bytes": int(options["max_mb"] * 1e6) if options["max_mb"] else None,
    }
    config = DownloadConfig(
        allow_private=options["allow_private"],
        retry_failed=options["retry_failed"],
        **{name: value for name, value in numbers.items() if value is not None},
    )
    folder = (
        options["downloads"] or folder_of(options.get("db") or default_collection()) / "downloads"
    )
    return Downloads(folder, config, options.get("progress"))


def check_lists(inputs: Iterable[object], options: dict[str, Any]) -> None:
    """Refuse options of lists where no list is named."""
    from lookalike.sources.tables import is_table

    asked = [name for name in _ABOUT_LISTS if options.get(name)]
    if asked and not options.get("files_from") and not any(is_table(str(one)) for one in inputs):
        names = ", ".join("--" + name.removesuffix("s").replace("_", "-") for name in asked)
        raise click.UsageError(f"{names}: only of lists (CSV, TSV, JSON Lines, Parquet, text)")
