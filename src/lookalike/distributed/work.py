"""The work folder: results of tasks as Parquet files, named by what they depend on.

A file appears complete or not at all, and its name is a digest of everything it depends on. So a
task may run twice, and a later run does only what is missing.
"""

from __future__ import annotations

import hashlib
import io
import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from lookalike.model.arrays import IntArray
from lookalike.model.errors import ConfigError

__all__ = ["Work", "digest"]


def digest(*parts: object) -> str:
    """Digest values into 24 hexadecimal digits."""
    found = hashlib.sha256()
    for part in parts:
        found.update(f"{part}\0".encode("utf-8", "surrogateescape"))
    return found.hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class Work:
    """A folder that every node reaches.

    Attributes:
        address: a path, or an address such as ``s3://bucket/folder``.
    """

    address: str

    @property
    def is_local(self) -> bool:
        """Whether it lies in the file system of a machine."""
        return "://" not in self.address

    def check(self) -> None:
        """Create the folder, and check that it can be written.

        Raises:
            ConfigError: it cannot be written.
        """
        try:
            self.write("writable", b"")
        except Exception as error:  # file systems raise unrelated types
            raise ConfigError(
                "the work folder cannot be written",
                got=f"{self.address}: {error}",
                expected="a folder, or an address that fsspec knows",
                remedy="choose another --work",
            ) from error

    def has(self, name: str) -> bool:
        """Whether a file exists, and so is complete."""
        if self.is_local:
            return (Path(self.address) / name).is_file()
        system, root = _remote(self.address)
        # another node may have written it meanwhile
        system.invalidate_cache()
        return bool(system.exists(f"{root}/{name}"))

    def names(self, folder: str) -> list[str]:
        """List the complete files of a folder within, sorted."""
        if self.is_local:
            path = Path(self.address) / folder
            found = [item.name for item in path.iterdir()] if path.is_dir() else []
        else:
            system, root = _remote(self.address)
            system.invalidate_cache()
            there = system.exists(f"{root}/{folder}")
            found = (
                [name.rsplit("/", 1)[1] for name in system.ls(f"{root}/{folder}", detail=False)]
                if there
                else []
            )
        return sorted(f"{folder}/{name}" for name in found if not name.endswith(".part"))

    def write(self, name: str, data: bytes) -> None:
        """Write a file completely or not at all, replacing what was there."""
        if not self.is_local:
            system, root = _remote(self.address)
            system.pipe_file(f"{root}/{name}", data)
            return
        path = Path(self.address) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        # two tasks may write the same file: each has its own temporary one
        part = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
        try:
            part.write_bytes(data)
            os.replace(part, path)  # noqa: PTH105
        finally:
            part.unlink(missing_ok=True)

    def put(self, name: str, columns: dict[str, Any], *, group: int = 65_536) -> None:
        """Write a Parquet file.

        Args:
            name: within the folder.
            columns: values by name.
            group: rows that are read together at least.
        """
        import pyarrow
        import pyarrow.parquet

        out = io.BytesIO()
        made = pyarrow.table(columns)
        # pixels and descriptors do not repeat: dictionaries would cost more than all the rest
        plain = {"use_dictionary": False, "write_statistics": False, "compression": "lz4"}
        pyarrow.parquet.write_table(made, out, row_group_size=group, **plain)
        self.write(name, out.getvalue())

    def table(self, name: str, columns: Sequence[str] | None = None) -> dict[str, list[Any]]:
        """Read columns of a Parquet file."""
        with self._open(name) as file:
            found: dict[str, list[Any]] = file.read(columns=columns).to_pydict()
        return found

    def rows(
        self, name: str, rows: IntArray, columns: Sequence[str], group: int
    ) -> dict[str, list[Any]]:
        """Read some rows of a Parquet file in the order asked, and little of the others.

        Args:
            name: within the folder.
            rows: ``(k,)`` their numbers.
            columns: which.
            group: the one it was written with.
        """
        wanted = np.unique(rows // group)
        with self._open(name) as file:
            read = file.read_row_groups(wanted.tolist(), columns=list(columns))
        place = np.searchsorted(wanted, rows // group) * group + rows % group
        found: dict[str, list[Any]] = read.take(place).to_pydict()
        return found

    def _open(self, name: str) -> Any:
        import pyarrow.parquet

        if self.is_local:
            return pyarrow.parquet.ParquetFile(Path(self.address) / name)
        system, root = _remote(self.address)
        return pyarrow.parquet.ParquetFile(system.open(f"{root}/{name}", cache_type="none"))


@lru_cache(maxsize=4)
def _remote(address: str) -> tuple[Any, str]:
    """Make the file system of an address, and split off the folder in it."""
    import fsspec

    found: tuple[Any, str] = fsspec.core.url_to_fs(address)
    return found
