"""The work behind the service: one open collection, and workers that do without it.

A collection is used from one thread, the only one of its executor: additions and searches take
turns in it, in the order they came. Comparisons and result lists touch no collection and run in
other threads beside it.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from lookalike.http.problems import Problem
from lookalike.images.decode import decode, sniff
from lookalike.ingest.ingest import Catalogue, ingest
from lookalike.model.answer import Answer
from lookalike.model.errors import ConfigError
from lookalike.model.files import Failure
from lookalike.model.serialization import like
from lookalike.retrieval.focus import Focus
from lookalike.retrieval.query import Question
from lookalike.retrieval.session import Searchable, open_searchable, search_in
from lookalike.run.collapse import Collapsed, Keep, collapse, relate
from lookalike.runtime.output import writing
from lookalike.runtime.progress import silent
from lookalike.runtime.workers import one_core_each
from lookalike.server import wire
from lookalike.server.asked import Picture
from lookalike.server.settings import ServeConfig
from lookalike.sources import FolderSource
from lookalike.sources.reading import read_plain
from lookalike.store import folder_of, open_collection

__all__ = ["Library"]


class Library:
    """One open collection.

    Args:
        settings: of the service.

    Raises:
        CollectionError: the collection is in use, or cannot be opened.
    """

    def __init__(self, settings: ServeConfig) -> None:
        self._settings = settings
        self._uploads = folder_of(settings.db) / "uploads"
        self._turns = ThreadPoolExecutor(1, thread_name_prefix="lookalike-collection")
        self._workers = ThreadPoolExecutor(settings.workers, thread_name_prefix="lookalike-worker")
        self._warm: Searchable | None = None
        self._revision = 0
        try:
            self._collection = self._turns.submit(open_collection, settings.db).result()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Finish the work in hand, and release the collection."""
        self._workers.shutdown()
        if hasattr(self, "_collection"):
            self._turns.submit(self._collection.close).result()
        self._turns.shutdown()

    def add(self, pictures: Sequence[Picture]) -> Future[wire.Added]:
        """Add pictures to the collection; uploads are stored in its folder."""
        return self._turns.submit(self._add, pictures)

    def search(
        self, picture: Picture, k: int, box: tuple[int, int, int, int] | None
    ) -> Future[wire.Answer]:
        """Find the nearest images of the collection."""
        return self._turns.submit(self._search, picture, k, box)

    def compare(self, first: Picture, second: Picture) -> Future[wire.Comparison]:
        """Say how the second picture is made from the first."""
        return self._workers.submit(self._compare, first, second)

    def collapse(
        self, pictures: Sequence[Picture], k: int | None, keep: Keep
    ) -> Future[wire.Collapsed]:
        """Collapse a result list to one candidate of each picture."""
        return self._workers.submit(self._collapse, pictures, k, keep)

    # in the collection's thread

    def _add(self, pictures: Sequence[Picture]) -> wire.Added:
        paths: list[Path] = []
        failures: list[wire.PathFailure] = []
        for place, picture in enumerate(pictures):
            path = picture if isinstance(picture, Path) else self._stored(place, picture)
            if isinstance(path, Failure):
                failures.append(like(path, wire.PathFailure))
            elif not os.path.exists(path):  # noqa: PTH110
                failures.append(wire.PathFailure(str(path), "does not exist"))
            else:
                paths.append(path)
        images: tuple[wire.Image, ...] = ()
        decoded = 0
        if paths:
            catalogue = self._ingested(paths)
            decoded = catalogue.counts["decoded"]
            failures += like(catalogue.failures, tuple[wire.PathFailure, ...])
            images = like(catalogue.images, tuple[wire.Image, ...])
        return wire.Added(images, decoded, tuple(failures), len(self._collection.images()))

    def _ingested(self, paths: Sequence[Path]) -> Catalogue:
        inside = (*self._settings.real_roots, os.path.realpath(self._uploads))
        listed = list(
            FolderSource(sorted(set(paths)), inside=inside, read=self._settings.find.read).scan()
        )
        find = self._settings.find
        with one_core_each():
            return ingest(listed, self._collection, find, progress=silent, inside=inside)

    def _stored(self, place: int, data: bytes) -> Path | Failure:
        """Store an upload in a file named by its SHA-256, if it is a picture."""
        label = f"images[{place}]"
        picture = decode(label, data, self._settings.find.decode)
        if isinstance(picture, Failure):
            return picture
        kind = sniff(data[:64]) or picture.format
        path = self._uploads / f"{hashlib.sha256(data).hexdigest()}.{kind.lower()}"
        if not path.exists():
            with writing(path) as made, made.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        return path.resolve()

    def _search(
        self, picture: Picture, k: int, box: tuple[int, int, int, int] | None
    ) -> wire.Answer:
        with one_core_each(), tempfile.TemporaryDirectory() as folder:
            # an index that was ready lacks what this or another client has added since
            revision = self._collection.revision
            if self._warm is None or revision != self._revision:
                self._revision = revision
                self._warm = open_searchable(self._collection, self._settings.find, progress=silent)
            data = self._bytes(picture)
            if isinstance(data, Failure):
                got = f"{data.path}: {data.message}"
                raise ConfigError("the query cannot be read", got=got)
            path = Path(folder) / "query"
            path.write_bytes(data)
            focus = Focus(box) if box else None
            return _answer(search_in(Question(path, k, focus=focus), self._warm))

    # in any thread

    def _compare(self, first: Picture, second: Picture) -> wire.Comparison:
        pair = self._bytes(first), self._bytes(second)
        found, failures = relate(*pair, config=self._settings.find)
        if failures:
            named = ("first", "second")
            reasons = [f"{named[bad.index]}: {bad.failure.message}" for bad in failures]
            raise Problem(422, "a picture cannot be read", got="; ".join(reasons))
        return wire.Comparison(None if found is None else like(found, wire.Match))

    def _collapse(self, pictures: Sequence[Picture], k: int | None, keep: Keep) -> wire.Collapsed:
        data = map(self._bytes, pictures)
        found = collapse(data, k, keep=keep, config=self._settings.find)
        return _collapsed(found)

    def _bytes(self, picture: Picture) -> bytes | Failure:
        """Read a picture of a request; a file only if it lies in a root once it is open."""
        if isinstance(picture, bytes):
            return picture
        try:
            return read_plain(picture, self._settings.find.read, inside=self._settings.real_roots)
        except OSError as error:
            why = f"cannot be read: {error.strerror or error}"
            return Failure(str(picture), "read", why)


def _collapsed(found: Collapsed) -> wire.Collapsed:
    failures = tuple(wire.IndexFailure(bad.index, bad.failure.message) for bad in found.failures)
    return wire.Collapsed(like(found.kept, tuple[wire.Kept, ...]), failures, found.looked)


def _answer(answer: Answer) -> wire.Answer:
    hits = tuple(
        wire.Hit(
            path=hit.image.path,
            sha256=hit.image.sha256,
            width=hit.image.width,
            height=hit.image.height,
            damage=hit.image.damage,
            tier=hit.tier,
            edit=hit.edit,
            distance=hit.distance,
            metric=hit.metric,
            confidence=hit.confidence,
        )
        for hit in answer.hits
    )
    return wire.Answer(answer.searched, answer.in_set, hits)
