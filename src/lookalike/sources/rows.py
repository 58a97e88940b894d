"""Choose rows of a list, and find the URLs in their cells."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from lookalike.model.errors import ConfigError
from lookalike.sources.tables import Table

__all__ = [
    "RowChoice",
    "WebAddress",
    "cell_values",
    "choose_rows",
    "chosen_urls",
    "urls_in_cell",
    "web_address",
]

# a comma, semicolon or bar may be part of a URL; before the next URL it is a separator
_BETWEEN = re.compile(r"[\s,;|]+(?=(?:https?:)?//)", re.IGNORECASE)
_SHOWN_VALUES = 5


@dataclass(frozen=True, slots=True)
class RowChoice:
    """Says which rows of a list are used.

    Attributes:
        where: columns and values. A row is used if it has, in every column named, one of the values
            named for it. Case and the kind of white space do not count; a cell may have several
            values (a list, or text with bars between them).
        limit: at most so many rows, the first that fit ``where``; None for all.
    """

    where: tuple[tuple[str, str], ...] = ()
    limit: int | None = None

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise ConfigError("no rows are left", got=f"limit {self.limit}", expected="from 1")


@dataclass(frozen=True, slots=True)
class WebAddress:
    """A URL of http or https.

    Attributes:
        name: the URL without user, password and fragment, scheme and host in small letters: two
            URLs of one name are one picture.
        full: the URL to ask, with user and password where it was written with them.
    """

    name: str
    full: str


def choose_rows(table: Table, choice: RowChoice, name: str) -> Table:
    """Choose rows of a table, in their order.

    Args:
        table: the list.
        choice: which rows.
        name: of the list, for errors.

    Raises:
        ConfigError: a column does not exist, or no row has the values.
    """
    wanted: dict[str, set[str]] = {}
    for column, value in choice.where:
        if column not in table.columns:
            raise ConfigError(
                f"{name} lacks a column to choose rows by",
                got=", ".join(table.columns) or "an empty file",
                expected=column,
                remedy="check --where and --separator",
            )
        wanted.setdefault(column, set()).add(_plain(value))
    places = {table.columns.index(column): values for column, values in wanted.items()}
    rows = [
        row
        for row in table.rows
        if all(values & _plain_values(row[place]) for place, values in places.items())
    ]
    if table.rows and not rows:
        raise ConfigError(
            f"no row of {name} is chosen",
            got=" and ".join(f"{column}={value}" for column, value in choice.where),
            expected="; ".join(_frequent(table, column) for column in wanted),
        )
    return Table(table.columns, tuple(rows[: choice.limit]))


def cell_values(value: Any) -> list[str]:
    """Read the values of a cell: of a list, of text with bars, or an object's ``label``."""
    if value is None:
        return []
    if isinstance(value, Mapping):
        # FiftyOne writes a classification as an object
        value = value.get("label")
    parts = value if isinstance(value, list | tuple) else str(value).split("|")
    return [str(part).strip() for part in parts if str(part).strip()]


def urls_in_cell(value: Any) -> list[str]:
    """Find the URLs of a cell as they are written, in order.

    The cell is a list, its JSON text, an object with ``url`` or ``path``, or text with white space,
    commas, semicolons or bars between the URLs.
    """
    if isinstance(value, Mapping):
        value = value.get("url") or value.get("path")
    if value is None:
        return []
    if isinstance(value, list | tuple):
        return [url for item in value for url in urls_in_cell(item)]
    text = str(value).strip()
    if text.startswith("["):
        try:
            return urls_in_cell(json.loads(text))
        except ValueError:
            pass
    parts = (part.strip().rstrip(",;|") for part in _BETWEEN.split(text))
    return [part for part in parts if part]


def web_address(written: str) -> WebAddress | None:
    """Parse a URL of http or https, ``//host/…`` as https; None for anything else.

    A URL with control or other invisible characters is refused too.
    """
    text = f"https:{written}" if written.startswith("//") else written
    try:
        text.encode()
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    scheme = parts.scheme.lower()
    if scheme not in ("http", "https") or not host or not written.isprintable():
        return None
    place = f"[{host}]" if ":" in host else host
    place += f":{port}" if port is not None else ""
    who = parts.netloc.rpartition("@")[0]
    path = parts.path or "/"
    return WebAddress(
        name=urlunsplit((scheme, place, path, parts.query, "")),
        full=urlunsplit((scheme, f"{who}@{place}" if who else place, path, parts.query, "")),
    )


def _plain(value: object) -> str:
    return " ".join(str(value).split()).casefold()


def _plain_values(value: Any) -> set[str]:
    whole = "" if value is None else value
    return {_plain(whole), *map(_plain, cell_values(value))}


def _frequent(table: Table, column: str) -> str:
    counts = Counter(" | ".join(cell_values(value)) for value in table.column(column))
    most = ", ".join(f"{value} ({n:,})" for value, n in counts.most_common(_SHOWN_VALUES))
    more = ", …" if len(counts) > _SHOWN_VALUES else ""
    return f"{column} is one of {most}{more}"


def chosen_urls(row: Sequence[Any], places: Sequence[int], number: int | None) -> list[str]:
    """List the URLs of a row, column by column; with a number, only that one, from 1."""
    urls = [url for place in places for url in urls_in_cell(row[place])]
    return urls if number is None else urls[number - 1 : number]
