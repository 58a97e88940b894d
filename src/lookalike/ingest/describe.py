"""Describe a collection's contents when descriptors are first needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.config import DecodeConfig, ReadConfig, RunConfig
from lookalike.descriptors.hashes import HASH_SPECS, describe_hashes
from lookalike.descriptors.keypoints import KeypointKind
from lookalike.images.decode import decode, decode_luma, pixel_digest
from lookalike.ingest.contents import batch_of, describe_shades, shade_names
from lookalike.model.arrays import UInt8Array
from lookalike.model.files import Failure
from lookalike.model.image import DescriptorSpec, ImageRef, Picture
from lookalike.model.protocols import Descriptor
from lookalike.runtime.progress import Progress
from lookalike.runtime.workers import each, worth_processes
from lookalike.sources.reading import read_again
from lookalike.store import Batch, Collection
from lookalike.verification.side import PLANE_SPEC, describe_side

__all__ = ["Describer", "sides_of"]

Rows = Sequence[NDArray[Any]]
# bytes of rows that one step holds at most
_BATCH_BYTES = 64_000_000
# contents that a worker is handed at once
_CHUNK = 32


class Describer:
    """Describes contents; what it computed stays in the collection.

    Args:
        images: one image a content, by SHA-256.
        collection: remembers descriptors.
        config: settings.
        progress: called with (stage, done, total).
        data: bytes of contents that are in memory; all others are read from their files.
    """

    def __init__(
        self,
        images: Mapping[str, ImageRef],
        collection: Collection,
        config: RunConfig,
        progress: Progress,
        data: Mapping[str, bytes] | None = None,
    ) -> None:
        self.images = images
        self.collection = collection
        self.progress = progress
        self._config = config
        self._data: Mapping[str, bytes] = {} if data is None else data
        self._in_memory = data is not None

    def read(self, sha: str) -> bytes | None:
        """Read a content's bytes, if they can still be read."""
        return self._data.get(sha) or _read(self.images[sha], self._config.read)

    def picture(self, sha: str, config: DecodeConfig) -> Picture | None:
        """Decode a content's picture, if it can still be read."""
        data = self.read(sha)
        if data is None:
            return None
        picture = decode(self.images[sha].path, data, config)
        return None if isinstance(picture, Failure) else picture

    def luma(self, sha: str, config: DecodeConfig) -> UInt8Array | None:
        """Decode a content's luma ``(h, w)`` uint8, if it can still be read."""
        data = self.read(sha)
        return None if data is None else _luma(self.images[sha].path, data, config)

    def embed(self, descriptor: Descriptor, shas: Sequence[str]) -> list[str]:
        """Make missing rows of a descriptor; return the contents that have one, in the order asked.

        Only what is still missing is computed; contents that can no longer be read are left out.
        """

        def described(picture: Picture) -> Rows:
            return [descriptor.describe(picture)]

        return self.have([descriptor.spec], described, descriptor.min_side, shas)

    def hash_again(self, shas: Sequence[str]) -> list[str]:
        """Make the hashes of contents whose rows were lost; else as ``embed``."""

        def hashed(picture: Picture) -> Rows:
            row = describe_hashes(picture)
            return [row.pdq, row.thumb]

        there = self.have(HASH_SPECS, hashed, self._config.decode.min_side, shas)
        for sha in there:
            if self.images[sha].transparent and self._lacking(HASH_SPECS, shade_names(sha)):
                self._shade_again(sha)
        return there

    def have(
        self,
        specs: Sequence[DescriptorSpec],
        describe: Callable[[Picture], Rows],
        min_side: int,
        shas: Sequence[str],
        stage: str = "embed",
    ) -> list[str]:
        """Make missing rows of descriptors; return the contents that have them, in the order asked.

        Args:
            specs: of the descriptors.
            describe: one row of each, in threads.
            min_side: as of ``DecodeConfig``.
            shas: contents.
            stage: name of this work for ``progress``.
        """
        missing = self._missing(specs, shas)
        config = replace(self._config.decode, min_side=min_side)

        def described(sha: str) -> Rows | None:
            picture = self.picture(sha, config)
            return None if picture is None else describe(picture)

        row_bytes = sum(spec.row_width * np.dtype(spec.dtype).itemsize for spec in specs)
        batch = max(self._config.threads, min(self._config.batch, _BATCH_BYTES // row_bytes))
        parts = (missing[at : at + batch] for at in range(0, len(missing), batch))
        # rows may be large: no more of them are made than one batch holds
        rows = (each(described, part, self._config.threads, apart=False) for part in parts)
        self._keep(specs, missing, chain.from_iterable(rows), batch, stage)
        gone = self._lacking(specs, shas) if missing else set()
        return [sha for sha in shas if sha not in gone]

    def have_sides(self, shas: Sequence[str], kind: KeypointKind) -> set[str]:
        """Make missing keypoints and planes; return the contents that can no longer be read."""
        specs = (kind.spec, PLANE_SPEC)
        missing = self._missing(specs, shas)
        finer = replace(self._config.decode, min_side=kind.min_side)
        asked = [(self.images[sha], self._data.get(sha)) for sha in missing]
        # processes go on describing while a batch is written
        described = each(
            partial(_sides_of_all, config=finer, kind=kind, read=self._config.read),
            [asked[at : at + _CHUNK] for at in range(0, len(asked), _CHUNK)],
            self._config.threads,
            apart=not self._in_memory and worth_processes(len(missing)),
        )
        rows = chain.from_iterable(described)
        stage = "keypoints" if len(missing) > self._config.batch else ""
        made = self._keep(specs, missing, rows, self._config.batch, stage)
        return {*missing} - made

    def pixel_digests(self, shas: Sequence[str]) -> dict[str, str]:
        """Compute full-size pixel digests; contents that can no longer be read are left out."""
        known = {
            sha: content.pixel_digest
            for sha, content in self.collection.contents(shas).items()
            if content.pixel_digest
        }
        missing = [sha for sha in shas if sha not in known]
        with ThreadPoolExecutor(self._config.threads) as pool:
            made = dict(zip(missing, pool.map(self._pixel_digest, missing), strict=True))
        fresh = {sha: digest for sha, digest in made.items() if digest}
        if fresh:
            self.collection.set_pixel_digests(fresh)
        return known | fresh

    def _pixel_digest(self, sha: str) -> str | None:
        data = self.read(sha)
        if data is None:
            return None
        digest = pixel_digest(self.images[sha].path, data, self._config.decode)
        return None if isinstance(digest, Failure) else digest

    def _shade_again(self, sha: str) -> None:
        """Make the hashes of a picture with transparent parts over every backdrop."""
        picture = self.picture(sha, self._config.decode)
        if picture is not None:
            content = self.collection.contents([sha])[sha]
            self.collection.commit(batch_of(describe_shades(content, picture, self._config)))

    def _keep(
        self,
        specs: Sequence[DescriptorSpec],
        shas: Sequence[str],
        rows: Iterable[Rows | None],
        batch: int,
        stage: str,
    ) -> set[str]:
        """Commit rows as they come, a batch at a time; return the contents that have some."""
        left = zip(shas, rows, strict=True)
        kept: set[str] = set()
        done = 0
        while some := dict(islice(left, batch)):
            made = {sha: row for sha, row in some.items() if row is not None}
            if made:
                self.collection.commit(_batch(specs, made))
            kept |= made.keys()
            done += len(some)
            if stage:
                self.progress(stage, done, len(shas))
        return kept

    def _missing(self, specs: Sequence[DescriptorSpec], shas: Sequence[str]) -> list[str]:
        lacking = self._lacking(specs, shas)
        return [sha for sha in shas if sha in lacking]

    def _lacking(self, specs: Sequence[DescriptorSpec], shas: Sequence[str]) -> set[str]:
        """Find contents that lack any of some descriptors."""
        return {sha for spec in specs for sha in self.collection.missing(spec, shas)}


def sides_of(
    path: str, data: bytes, size: tuple[int, int], config: DecodeConfig, kind: KeypointKind
) -> tuple[UInt8Array, UInt8Array] | None:
    """Describe a file by keypoints and a small plane, as ``describe_side`` does.

    Args:
        path: of the file, or its address.
        data: its bytes.
        size: full width and height of its picture, pixels.
        config: how to decode it, but for the size that ``kind`` needs.
        kind: of the keypoints.

    Returns:
        None where it is no picture.
    """
    luma = _luma(path, data, replace(config, min_side=kind.min_side))
    return None if luma is None else describe_side(luma, size, kind)


def _sides_of_all(
    asked: Sequence[tuple[ImageRef, bytes | None]],
    config: DecodeConfig,
    kind: KeypointKind,
    read: ReadConfig,
) -> list[Rows | None]:
    """Describe some images by ``sides_of``, read here unless their bytes came along."""
    found: list[Rows | None] = []
    for image, held in asked:
        data = held or _read(image, read)
        size = (image.width, image.height)
        found.append(None if data is None else sides_of(image.path, data, size, config, kind))
    return found


def _batch(specs: Sequence[DescriptorSpec], made: Mapping[str, Rows]) -> Batch:
    """Put rows of some contents into one batch."""
    names = tuple(made)
    columns = dict(zip(specs, zip(*made.values(), strict=True), strict=True))
    return Batch(
        rows={s: (names, np.stack(rows)) for s, rows in columns.items() if not s.varies},
        ragged={s: (names, list(rows)) for s, rows in columns.items() if s.varies},
    )


def _luma(path: str, data: bytes, config: DecodeConfig) -> UInt8Array | None:
    luma = decode_luma(path, data, config)
    return None if isinstance(luma, Failure) else luma


def _read(image: ImageRef, read: ReadConfig) -> bytes | None:
    try:
        return read_again(image.path, read)
    except OSError:
        return None
