"""``lookalike describe-list``: say what a list holds before anything is compared."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import click

from lookalike.cli.lists import downloads_of
from lookalike.cli.options import asked_form, db_option, list_options
from lookalike.cli.progress import show_progress
from lookalike.cli.saying import say, say_json, say_rich
from lookalike.model.legible import legible

if TYPE_CHECKING:
    from rich.table import Table

    from lookalike.datasets.listing import ListSummary, Named, Pictures

__all__ = ["describe_list"]

_SHOWN = 15
_BAR = 30


@click.command("describe-list")
@click.argument("listing", metavar="LIST", type=click.Path())
@list_options
@db_option
@click.option("--category", "categories", multiple=True, help="Count its values; repeatable.")
@click.option("--download", is_flag=True, help="Download what is not here yet.")
@click.option("--threads", type=click.IntRange(1), default=4, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON, nothing else.")
def describe_list(listing: str, **options: Any) -> None:
    """Say what LIST holds: rows, categories, URLs, and the pictures of it that are here."""
    from lookalike.datasets.listing import describe_list as describe
    from lookalike.sources import ListSource

    with show_progress() as progress:
        form = asked_form(**options, progress=progress)
        if form.urls is not None and not options["download"]:
            form = replace(form, urls=replace(form.urls, fetch=downloads_of(options).here))
        elif options["download"] and form.urls is None:
            raise click.UsageError("--download needs --url-column")
        found = describe(
            ListSource(listing, form),
            categories=options["categories"],
            threads=options["threads"],
            progress=progress,
        )
    if options["as_json"]:
        say_json(json.dumps(asdict(found), indent=1))
    else:
        _print(found)


def _print(found: ListSummary) -> None:
    from rich.text import Text

    say(f"{found.name}: {found.chosen or f'{found.rows:,} rows'}")
    columns = _table("column", "filled", "empty", "distinct")
    for name, counts in found.columns.items():
        columns.add_row(
            Text(legible(name)), *(f"{counts[k]:,}" for k in ("filled", "empty", "distinct"))
        )
    say_rich(columns)
    for name, values in found.categories.items():
        say_rich(_bars(name, values, found.rows))
    for line in (*_named_in_words(found.named), *_pictures_in_words(found.pictures)):
        say(line)


def _table(first: str, *numbers: str) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    table.add_column(Text(first), overflow="fold")
    for name in numbers:
        table.add_column(name, justify="right")
    return table


def _bars(name: str, values: Mapping[str, int], rows: int) -> Table:
    """Draw values with their rows, the most frequent first."""
    from rich.text import Text

    table = _table(legible(name), "rows", "share")
    table.add_column("")
    longest = max(values.values(), default=1)
    for value, count in list(values.items())[:_SHOWN]:
        bar = "█" * max(1, round(_BAR * count / longest))
        table.add_row(Text(legible(value) or "(empty)"), f"{count:,}", f"{count / rows:.1%}", bar)
    if len(values) > _SHOWN:
        table.add_row(f"and {len(values) - _SHOWN:,} more: --json", "", "", "")
    return table


def _named_in_words(named: Named) -> list[str]:
    what = "URLs" if named.hosts else "paths"
    lines = [
        f"{column}: {cells['one']:,} cells with one, {cells['several']:,} with several, "
        f"{cells['empty']:,} empty"
        for column, cells in named.column_cells.items()
    ]
    rows = ", ".join(f"{count:,} rows with {number}" for number, count in named.per_row.items())
    lines.append(f"{named.names:,} {what}: {rows}")
    lines.append(f"{named.distinct:,} distinct, {named.repeated:,} of them more than once")
    if named.not_urls:
        lines.append(f"{named.not_urls:,} are no URLs of http or https")
    if named.hosts:
        most = ", ".join(f"{host} {n:,}" for host, n in list(named.hosts.items())[:5])
        lines.append(f"{len(named.hosts):,} hosts: {most}")
    return lines


def _pictures_in_words(pictures: Pictures) -> list[str]:
    lines = [f"{pictures.readable:,} pictures are here and readable"]
    for name, spread in (
        ("width", pictures.width),
        ("height", pictures.height),
        ("bytes", pictures.n_bytes),
    ):
        if spread:
            lines.append(
                f"{name}: median {spread.median:,.10g} ({spread.least:,} to {spread.most:,})"
            )
    if pictures.readable:
        lines.append("channels: " + ", ".join(f"{k} {n:,}" for k, n in pictures.channels.items()))
        lines.append("formats: " + ", ".join(f"{k} {n:,}" for k, n in pictures.formats.items()))
    if pictures.not_here:
        lines.append(f"{pictures.not_here:,} are not downloaded yet: --download")
    if pictures.failures:
        stages = Counter(failure.stage for failure in pictures.failures)
        each = ", ".join(f"{stage} {count:,}" for stage, count in sorted(stages.items()))
        lines.append(f"{len(pictures.failures):,} failures ({each}):")
        lines += [f"  {one.path}: {one.message}" for one in pictures.failures[:_SHOWN]]
        if len(pictures.failures) > _SHOWN:
            lines.append(f"  and {len(pictures.failures) - _SHOWN:,} more: --json")
    return lines
