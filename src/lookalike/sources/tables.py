"""Read and write tables: lists of paths, CSV, TSV, JSON Lines, Parquet, by suffix."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from lookalike.config import NO_MEMORY, ReadConfig
from lookalike.model.errors import ConfigError
from lookalike.runtime.output import writing

__all__ = ["Table", "is_table", "read_table", "write_table"]

_LISTS = (".txt", ".lst")
_LINES = (".jsonl", ".ndjson")
_PIECE = 1 << 20
_SEPARATORS = {".csv": ",", ".tsv": "\t"}
_SUFFIXES = (*_LISTS, *_LINES, *_SEPARATORS, ".parquet")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of named columns.

    Attributes:
        columns: their names.
        rows: one value for every column; text in CSV, TSV and lists.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def column(self, name: str) -> tuple[Any, ...]:
        """List the values of one column."""
        place = self.columns.index(name)
        return tuple(row[place] for row in self.rows)


def is_table(name: str | Path) -> bool:
    """Whether a name is of a table: by its suffix, or ``-`` for standard input."""
    return str(name) == "-" or Path(name).suffix.lower() in _SUFFIXES


def read_table(
    path: str | Path, separator: str | None = None, config: ReadConfig | None = None
) -> Table:
    """Read a table; ``-``, or a name with no known suffix, is a list of paths.

    A list has one path a line, or paths that end in NUL if it contains one, and becomes the single
    column ``path``. Of pictures inside a Parquet file only their ``path`` is read.

    Args:
        path: the file; ``-`` is standard input.
        separator: one character between the cells; with it lists, too, are read as CSV. By
            default a comma in ``.csv`` and a tab in ``.tsv``. JSON Lines and Parquet have none.
        config: how large it may be; None for ``ReadConfig()``.

    Raises:
        ConfigError: no such file, not of its format, or Parquet without the extra ``tables``.
    """
    if separator is not None and len(separator) != 1:
        raise ConfigError("no such separator", got=repr(separator), expected="one character")
    name = "standard input" if str(path) == "-" else str(path)
    try:
        return _read(path, separator, name, config or ReadConfig())
    except OSError as error:
        reason = error.strerror or str(error)
    except MemoryError:
        reason = NO_MEMORY
    raise ConfigError(
        "a list cannot be read", got=f"{name}: {reason}", expected="a list that can be read whole"
    )


def write_table(path: Path, table: Table) -> Path:
    """Write a table in the form of its suffix, replacing the file; a list is the first column.

    Raises:
        ConfigError: an unknown suffix, or values the form cannot hold.
        OutputError: the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES:
        raise ConfigError("unknown kind of table", got=str(path), expected=", ".join(_SUFFIXES))
    if suffix == ".parquet":
        _write_parquet(path, table)
        return path
    if suffix in _SEPARATORS:
        text = _csv_text(table, _SEPARATORS[suffix])
    elif suffix in _LINES:
        rows = (dict(zip(table.columns, row, strict=True)) for row in table.rows)
        text = "".join(json.dumps(row) + "\n" for row in rows)
    else:
        text = _list_text(table)
    with writing(path) as place:
        place.write_bytes(text.encode("utf-8", "surrogateescape"))
    return path


def _read(path: str | Path, separator: str | None, name: str, config: ReadConfig) -> Table:
    if str(path) == "-":
        data = _whole(sys.stdin.buffer, config)
        return _read_csv(data, separator, name) if separator else _read_list(data)
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        return _read_parquet(path, config)
    with path.open("rb") as file:
        data = _whole(file, config)
    if suffix in _LINES:
        return _read_lines(data, path)
    separator = separator or _SEPARATORS.get(suffix)
    return _read_csv(data, separator, name) if separator else _read_list(data)


def _whole(stream: BinaryIO, config: ReadConfig) -> bytes:
    """Read a stream to its end, within the limit of sizes."""
    data = bytearray()
    while piece := stream.read(_PIECE):
        data += piece
        if why := config.too_large(len(data)):
            raise OSError(f"at least {why}")
    return bytes(data)


def _read_list(data: bytes) -> Table:
    parts = data.split(b"\0") if b"\0" in data else data.splitlines()
    names = (part.decode("utf-8", "surrogateescape") for part in parts)
    return Table(("path",), tuple((name,) for name in names if name.strip()))


def _read_csv(data: bytes, separator: str, name: str) -> Table:
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        lines = [row for row in reader if row]
    except csv.Error as error:
        raise ConfigError(
            "not a table of cells", got=f"line {reader.line_num} of {name}: {error}"
        ) from error
    if not lines:
        return Table((), ())
    columns = tuple(lines[0])
    width = len(columns)
    return Table(columns, tuple(tuple((row + [""] * width)[:width]) for row in lines[1:]))


def _read_lines(data: bytes, path: Path) -> Table:
    rows: list[Mapping[str, Any]] = []
    for number, line in enumerate(data.decode("utf-8", "surrogateescape").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict):
            raise ConfigError(
                "a line is not a JSON object", got=f"line {number} of {path}", expected="JSON Lines"
            )
        rows.append(row)
    columns = tuple(dict.fromkeys(name for row in rows for name in row))
    return Table(columns, tuple(tuple(row.get(name) for name in columns) for row in rows))


def _csv_text(table: Table, separator: str) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=separator, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(map(_csv_row, table.rows))
    return out.getvalue()


def _csv_row(row: Sequence[Any]) -> Iterable[Any]:
    """Put bars between several values of a cell, as labels are read."""
    return ("|".join(map(str, cell)) if isinstance(cell, list | tuple) else cell for cell in row)


def _list_text(table: Table) -> str:
    names = [str(row[0]) for row in table.rows]
    odd = next((name for name in names if "\n" in name or "\r" in name), None)
    if odd is not None:
        raise ConfigError(
            "a list of lines cannot hold this name", got=repr(odd), remedy="write CSV or JSON Lines"
        )
    return "".join(f"{name}\n" for name in names)


def _parquet() -> Any:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise ConfigError(
            "Parquet needs another package", remedy="pip install 'lookalike[tables]'"
        ) from error
    return pyarrow


def _read_parquet(path: Path, config: ReadConfig) -> Table:
    pyarrow = _parquet()
    try:
        schema = pyarrow.parquet.read_schema(path)
        wanted = [
            f"{field.name}.path" if _holds_pictures(pyarrow, field.type) else field.name
            for field in schema
        ]
        if why := config.too_large(_size_of(pyarrow.parquet.read_metadata(path), wanted)):
            raise OSError(f"columns of {why}")
        read = pyarrow.parquet.read_table(path, columns=wanted)
    except MemoryError:
        raise
    except pyarrow.ArrowException as error:
        raise ConfigError("not a Parquet file", got=str(path)) from error
    columns = tuple(read.column_names)
    return Table(columns, tuple(zip(*(read[name].to_pylist() for name in columns), strict=True)))


def _size_of(about: Any, wanted: Sequence[str]) -> int:
    """Uncompressed bytes of some columns of a Parquet file."""
    groups = [about.row_group(number) for number in range(about.num_row_groups)]
    chunks = [group.column(place) for group in groups for place in range(group.num_columns)]
    names = tuple(f"{name}." for name in wanted)
    return sum(
        chunk.total_uncompressed_size
        for chunk in chunks
        if f"{chunk.path_in_schema}.".startswith(names)
    )


def _holds_pictures(pyarrow: Any, kind: Any) -> bool:
    """Whether a column is of ``bytes`` and ``path``, as Hugging Face datasets writes pictures."""
    names = {field.name for field in kind} if pyarrow.types.is_struct(kind) else set()
    return names == {"bytes", "path"}


def _write_parquet(path: Path, table: Table) -> None:
    pyarrow = _parquet()
    values = [list(table.column(name)) for name in table.columns]
    try:
        made = pyarrow.table(dict(zip(table.columns, values, strict=True)))
    except (UnicodeEncodeError, pyarrow.ArrowException) as error:
        raise ConfigError(
            "Parquet cannot hold these values", got=str(error), remedy="write CSV or JSON Lines"
        ) from error
    with writing(path) as place:
        pyarrow.parquet.write_table(made, place)
