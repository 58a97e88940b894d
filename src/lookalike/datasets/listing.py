"""Describe a list before anything is compared: its rows, its URLs, and its pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from statistics import median
from urllib.parse import urlsplit

from lookalike.config import DecodeConfig, ReadConfig
from lookalike.datasets.labels import LABEL_COLUMNS
from lookalike.images.decode import decode, stored_channels
from lookalike.model.errors import ConfigError
from lookalike.model.files import Failure
from lookalike.model.image import FileEntry
from lookalike.runtime.progress import Progress, silent
from lookalike.sources import ListSource, cell_values, web_address
from lookalike.sources.downloads import NOT_HERE
from lookalike.sources.reading import read_bytes
from lookalike.sources.tables import Table

__all__ = ["ListSummary", "Named", "Pictures", "Spread", "describe_list"]

# a column counts as one of categories if it has at most so many values, and at most half as many as
# rows
_CATEGORIES = 30
_AHEAD = 256


@dataclass(frozen=True, slots=True)
class Spread:
    """The distribution of some numbers."""

    least: float
    median: float
    most: float


@dataclass(frozen=True, slots=True)
class Named:
    """What the rows name in the columns of URLs or paths, taken together.

    Attributes:
        column_cells: by column, cells with one name, with several, and empty ones.
        per_row: how many rows have so many names.
        names: all of them.
        distinct: different ones; URLs of one name count once.
        repeated: distinct ones that occur more than once.
        not_urls: names in columns of URLs that are not URLs of http or https.
        hosts: distinct URLs by host, the most first.
    """

    column_cells: Mapping[str, Mapping[str, int]]
    per_row: Mapping[int, int]
    names: int
    distinct: int
    repeated: int
    not_urls: int
    hosts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Pictures:
    """The pictures that are here, each file once.

    Attributes:
        readable: pictures that can be decoded.
        width: pixels, upright; None without pictures.
        height: likewise.
        n_bytes: of the files.
        channels: pictures by channels stored: 1 grey, 2 with alpha, 3 colour, 4 with alpha or CMYK.
        formats: pictures by container, the most first.
        not_here: URLs that were never asked for.
        failures: everything else that is not a picture, sorted by path.
    """

    readable: int
    width: Spread | None
    height: Spread | None
    n_bytes: Spread | None
    channels: Mapping[int, int]
    formats: Mapping[str, int]
    not_here: int
    failures: tuple[Failure, ...]


@dataclass(frozen=True, slots=True)
class ListSummary:
    """What ``describe_list`` found.

    Attributes:
        name: of the list.
        rows_in_all: rows of the file.
        rows: rows used; everything below is about these.
        chosen: which rows these are, in words; empty for all.
        columns: by column, filled and empty cells and distinct values.
        categories: by column, rows by value, the most first.
        named: URLs or paths.
        pictures: the ones that are here.
    """

    name: str
    rows_in_all: int
    rows: int
    chosen: str
    columns: Mapping[str, Mapping[str, int]]
    categories: Mapping[str, Mapping[str, int]]
    named: Named
    pictures: Pictures


def describe_list(
    source: ListSource,
    *,
    categories: Sequence[str] = (),
    threads: int = 4,
    progress: Progress | None = None,
) -> ListSummary:
    """Count what a list holds, and look at its pictures.

    Args:
        source: the list; its form says whether URLs are downloaded.
        categories: columns whose values are counted; by default the first usual column of labels,
            or else every column of at most 30 values that are at most half as many as rows.
        threads: pictures decoded at once.
        progress: called with (stage, done, total).

    Raises:
        ConfigError: no such column.
    """
    table = source.table
    for column in categories:
        if column not in table.columns:
            raise ConfigError(
                f"{source.name} lacks a column of categories",
                got=", ".join(table.columns),
                expected=column,
            )
    counted = {column: _values(table, column) for column in table.columns}
    chosen = categories or _categories(counted, table, source.columns)
    return ListSummary(
        name=source.name,
        rows_in_all=source.rows_in_all,
        rows=len(table.rows),
        chosen=source.chosen,
        columns={
            column: {
                "filled": len(table.rows) - values[""],
                "empty": values[""],
                "distinct": len(values) - ("" in values),
            }
            for column, values in counted.items()
        },
        categories={column: _most_first(counted[column]) for column in chosen},
        named=_named(source),
        pictures=_pictures(source, threads, progress or silent),
    )


def _values(table: Table, column: str) -> Counter[str]:
    """Count rows by value; a row with several values counts for each."""
    counts: Counter[str] = Counter()
    for cell in table.column(column):
        counts.update(set(cell_values(cell)) or [""])
    return counts


def _categories(
    counted: Mapping[str, Counter[str]], table: Table, named: Sequence[str]
) -> tuple[str, ...]:
    usual = next((column for column in LABEL_COLUMNS if column in counted), None)
    if usual is not None:
        return (usual,)
    most = min(_CATEGORIES, len(table.rows) // 2)
    return tuple(c for c, values in counted.items() if c not in named and len(values) <= most)


def _named(source: ListSource) -> Named:
    table = source.table
    places = [table.columns.index(column) for column in source.columns]
    rows = [[source.named_in(row[place]) for place in places] for row in table.rows]
    written = [name for row in rows for cell in row for name in cell]
    found = [(name, web_address(name)) for name in written]
    counts = Counter(one.name if one else name for name, one in found)
    urls = {one.name for _, one in found if one}
    return Named(
        column_cells={
            column: _cells(row[number] for row in rows)
            for number, column in enumerate(source.columns)
        },
        per_row=dict(sorted(Counter(sum(map(len, row)) for row in rows).items())),
        names=len(written),
        distinct=len(counts),
        repeated=sum(count > 1 for count in counts.values()),
        not_urls=sum(one is None for _, one in found) if source.names_urls else 0,
        hosts=_most_first(Counter(urlsplit(url).netloc for url in urls)),
    )


def _cells(cells: Iterable[Sequence[str]]) -> dict[str, int]:
    counts = Counter(min(len(cell), 2) for cell in cells)
    return {"one": counts[1], "several": counts[2], "empty": counts[0]}


def _pictures(source: ListSource, threads: int, progress: Progress) -> Pictures:
    items = list(source.scan())
    entries = [item for item in items if isinstance(item, FileEntry)]
    failures = [item for item in items if isinstance(item, Failure)]
    facts: list[_Facts] = []
    with ThreadPoolExecutor(threads, thread_name_prefix="lookalike") as pool:
        looked = _ahead(pool, partial(_look, read=source.read), entries)
        for done, one in enumerate(looked, start=1):
            if isinstance(one, Failure):
                failures.append(one)
            else:
                facts.append(one)
            progress("look", done, len(entries))
    return Pictures(
        readable=len(facts),
        width=_spread([one.width for one in facts]),
        height=_spread([one.height for one in facts]),
        n_bytes=_spread([one.n_bytes for one in facts]),
        channels=dict(sorted(Counter(one.channels for one in facts).items())),
        formats=_most_first(Counter(one.format for one in facts)),
        not_here=sum(failure.message == NOT_HERE for failure in failures),
        failures=tuple(
            sorted((f for f in failures if f.message != NOT_HERE), key=lambda f: f.path)
        ),
    )


@dataclass(frozen=True, slots=True)
class _Facts:
    width: int
    height: int
    n_bytes: int
    channels: int
    format: str


def _look(entry: FileEntry, read: ReadConfig) -> _Facts | Failure:
    try:
        data = read_bytes(entry.path, read)
    except OSError as error:
        return Failure(entry.shown, "read", f"cannot be read: {error.strerror or error}")
    # decoded completely, though as small as possible: only so a truncated file is found
    seen = decode(entry.shown, data, DecodeConfig(min_side=1))
    if isinstance(seen, Failure):
        return seen
    channels = stored_channels(data)
    return _Facts(seen.width, seen.height, entry.n_bytes, channels, seen.format)


def _ahead(
    pool: ThreadPoolExecutor,
    look: Callable[[FileEntry], _Facts | Failure],
    entries: Sequence[FileEntry],
) -> Iterator[_Facts | Failure]:
    """Look at entries in order, only some hundred ahead, so that interrupts end soon."""
    waiting = iter(entries)
    while some := list(islice(waiting, _AHEAD)):
        yield from pool.map(look, some)


def _spread(numbers: Sequence[int]) -> Spread | None:
    return Spread(min(numbers), median(numbers), max(numbers)) if numbers else None


def _most_first(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
