"""The folder of downloads: files named by digest, parts of files, and a log.

A file gets its name only when it is whole (flushed, then renamed), so a file that is there is
complete, even after a crash. The log has one JSON object a line; the latest of a URL counts.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from lookalike.model.serialization import from_json, to_json
from lookalike.sources import RESULT_MARK

__all__ = ["HEAD", "LOG", "Cache", "Part", "Remembered", "read_line"]

LOG = "log.jsonl"
_SUFFIXES = {
    "JPEG": ".jpg",
    "PNG": ".png",
    "WEBP": ".webp",
    "GIF": ".gif",
    "BMP": ".bmp",
    "TIFF": ".tif",
    "HEIF": ".heic",
    "AVIF": ".avif",
    "JXL": ".jxl",
}
HEAD = 64


@dataclass(frozen=True, slots=True)
class Remembered:
    """A failure of an earlier run.

    Attributes:
        reason: in words.
        final: whether it is not asked for again.
        at: when, UTC, ISO 8601.
        max_bytes: the limit that it was larger than; 0 for any other reason.
    """

    reason: str
    final: bool
    at: str
    max_bytes: int


class Cache:
    """The files, parts and log in a folder of downloads.

    Args:
        folder: need not exist; nothing is written before ``open``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._log: BinaryIO | None = None

    def files(self, names: Iterable[str]) -> dict[str, str]:
        """Look up the paths of downloaded files, by name of the URL."""
        wanted: dict[str, dict[str, str]] = {}
        for name in names:
            stem = _stem(name)
            wanted.setdefault(stem[:2], {})[stem] = name
        found = {}
        for prefix, stems in wanted.items():
            folder = self.folder / prefix
            for item in os.scandir(folder) if folder.is_dir() else ():
                name = stems.get(item.name.partition(".")[0], "")
                if name and item.is_file(follow_symlinks=False):
                    found[name] = item.path
        return found

    def failures(self) -> dict[str, Remembered]:
        """Read the latest failures, by name of the URL; the file may exist by now."""
        log = self.folder / LOG
        if not log.is_file():
            return {}
        found = {}
        with log.open("rb") as lines:
            for line in lines:
                plain = read_line(line) if b'"reason"' in line else {}
                if plain:
                    found[plain["url"]] = Remembered(
                        plain["reason"], plain["final"], plain["at"], plain.get("max_bytes", 0)
                    )
        return found

    def open(self) -> None:
        """Prepare the folder for writing."""
        (self.folder / "parts").mkdir(parents=True, exist_ok=True)
        # the mark keeps scans of folders from taking downloads for a user's pictures
        (self.folder / RESULT_MARK).touch()
        log = (self.folder / LOG).open("a+b", buffering=0)
        self._log = log
        if log.tell():
            log.seek(-1, os.SEEK_END)
            if log.read(1) != b"\n":
                log.write(b"\n")  # a killed run may have left half a line

    def close(self) -> None:
        """Rewrite ``failures.csv`` and close the log."""
        if self._log is None:
            return
        self._log.close()
        self._log = None
        failures = self.failures()
        here = self.files(failures)
        partial = self.folder / "failures.csv.part"
        with partial.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("url", "reason", "final", "at"))
            for name, one in sorted(failures.items()):
                if name not in here:
                    writer.writerow((name, one.reason, "yes" if one.final else "no", one.at))
        partial.replace(self.folder / "failures.csv")

    def log(self, name: str, **about: Any) -> None:
        """Append one line about a URL to the log."""
        assert self._log is not None
        now = datetime.now(UTC).isoformat(timespec="seconds")
        line = to_json({"url": name, **about, "at": now})
        _write_all(self._log, f"{line}\n".encode())

    def part(self, name: str) -> Part:
        """Open the partial file of a URL."""
        return Part(self, name, _stem(name))


class Part:
    """A partial file; a note beside it says of which version, so that it can be continued.

    Args:
        cache: where it will lie.
        name: of the URL.
        stem: of its file.
    """

    def __init__(self, cache: Cache, name: str, stem: str) -> None:
        self._cache, self._name, self._stem = cache, name, stem
        self._path = cache.folder / "parts" / stem
        self._about = cache.folder / "parts" / f"{stem}.json"
        self._file: BinaryIO | None = None
        #: bytes that have come so far
        self.size = 0
        #: what the server called their version; empty if the download cannot be continued
        self.version = ""

    def look(self) -> None:
        """Read what an earlier request left."""
        self.close()
        self.size, self.version = 0, ""
        if self._about.is_file() and self._path.is_file():
            about = read_line(self._about.read_bytes())
            if about.get("url") == self._name:
                self.size = self._path.stat().st_size
                self.version = str(about["version"]) if self.size else ""

    def begin(self, version: str) -> None:
        """Start at the first byte, of a version that the server named, or empty."""
        self.drop()
        if version:
            self._about.write_text(json.dumps({"url": self._name, "version": version}))
        self._file = self._path.open("wb", buffering=0)
        self.version = version

    def go_on(self) -> None:
        """Continue behind the bytes that have come."""
        self._file = self._path.open("ab", buffering=0)

    def write(self, data: bytes) -> None:
        """Append bytes."""
        assert self._file is not None
        _write_all(self._file, data)
        self.size += len(data)

    def head(self) -> bytes:
        """Read the first bytes."""
        with self._path.open("rb") as file:
            return file.read(HEAD)

    def close(self) -> None:
        """Stop writing."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def drop(self) -> None:
        """Delete what has come."""
        self.close()
        self._about.unlink(missing_ok=True)
        self._path.unlink(missing_ok=True)
        self.size, self.version = 0, ""

    def finish(self, container: str, about: Mapping[str, Any]) -> str:
        """Rename the complete file; returns its path.

        Args:
            container: as ``sniff`` calls it.
            about: for the log.
        """
        assert self._file is not None
        os.fsync(self._file.fileno())
        self.close()
        relative = f"{self._stem[:2]}/{self._stem}{_SUFFIXES[container]}"
        target = self._cache.folder / relative
        target.parent.mkdir(exist_ok=True)
        # the log first: a file without a line has lost its URL
        self._cache.log(self._name, file=relative, n_bytes=self.size, **about)
        self._path.replace(target)
        self._about.unlink(missing_ok=True)
        return str(target)


def _stem(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def _write_all(file: BinaryIO, data: bytes) -> None:
    """Write all bytes: a disk that is nearly full takes only some, and fails the next time."""
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]


def read_line(line: bytes) -> dict[str, Any]:
    """One JSON object; empty where it is torn."""
    try:
        return from_json(line.decode(), dict[str, Any])
    except ValueError:
        return {}
