"""Descriptors of a collection's contents, made when they are first needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.config.find import DecodeConfig, RunConfig
from lookalike.descriptors.hashes import HASH_SPECS, describe_hashes
from lookalike.images.decode import decode
from lookalike.ingest.contents import batch_of, describe_shades, shade_names
from lookalike.model.files import Failure
from lookalike.model.image import DescriptorSpec, ImageRef, Picture
from lookalike.model.protocols import Descriptor
from lookalike.runtime.progress import Progress
from lookalike.sources.reading import read_again
from lookalike.store import Batch, Collection

__all__ = ["Describer"]

_BATCH_BYTES = 64_000_000


class Describer:
    """Describes contents; what it computed stays in the collection.

    Args:
        images: one image a content, by SHA-256.
        collection: remembers descriptors.
        config: settings.
        progress: called with (stage, done, total).
    """

    def __init__(
        self,
        images: Mapping[str, ImageRef],
        collection: Collection,
        config: RunConfig,
        progress: Progress,
    ) -> None:
        self._images = images
        self._collection = collection
        self._config = config
        self._progress = progress

    def embed(self, descriptor: Descriptor, shas: Sequence[str]) -> list[str]:
        """Have rows of a descriptor for contents; those that have one, in the order asked.

        Only what is still missing is computed; contents that can no longer be read are left out.
        """

        def described(picture: Picture) -> list[NDArray[Any]]:
            return [descriptor.describe(picture)]

        return self._have([descriptor.spec], described, descriptor.min_side, shas)

    def hash_again(self, shas: Sequence[str]) -> list[str]:
        """As ``embed``, the hashes of contents whose rows were lost."""

        def hashed(picture: Picture) -> list[NDArray[Any]]:
            row = describe_hashes(picture)
            return [row.pdq, row.thumb]

        there = self._have(HASH_SPECS, hashed, self._config.decode.min_side, shas)
        for sha in there:
            if self._images[sha].transparent and self._lacking(HASH_SPECS, shade_names(sha)):
                self._shade_again(sha)
        return there

    def _shade_again(self, sha: str) -> None:
        """Have hashes of a picture with transparent parts over every backdrop."""
        picture = self.picture(sha, self._config.decode)
        if picture is not None:
            content = self._collection.contents([sha])[sha]
            self._collection.commit(batch_of(describe_shades(content, picture, self._config)))

    def _have(
        self,
        specs: Sequence[DescriptorSpec],
        describe: Callable[[Picture], Sequence[NDArray[Any]]],
        min_side: int,
        shas: Sequence[str],
    ) -> list[str]:
        lacking = self._lacking(specs, shas)
        missing = [sha for sha in shas if sha in lacking]
        config = replace(self._config.decode, min_side=min_side)

        def described(sha: str) -> Sequence[NDArray[Any]] | None:
            picture = self.picture(sha, config)
            return None if picture is None else describe(picture)

        row_bytes = sum(spec.row_width * np.dtype(spec.dtype).itemsize for spec in specs)
        batch = max(self._config.threads, min(self._config.batch, _BATCH_BYTES // row_bytes))
        for at in range(0, len(missing), batch):
            some = missing[at : at + batch]
            with ThreadPoolExecutor(self._config.threads) as pool:
                rows = dict(zip(some, pool.map(described, some), strict=True))
            made = {sha: row for sha, row in rows.items() if row is not None}
            if made:
                columns = zip(*made.values(), strict=True)
                stacked = {
                    spec: (tuple(made), np.stack(column))
                    for spec, column in zip(specs, columns, strict=True)
                }
                self._collection.commit(Batch(rows=stacked))
            self._progress("embed", at + len(some), len(missing))
        gone = self._lacking(specs, shas) if missing else set()
        return [sha for sha in shas if sha not in gone]

    def _lacking(self, specs: Sequence[DescriptorSpec], shas: Sequence[str]) -> set[str]:
        """Contents that lack any of some descriptors."""
        return {sha for spec in specs for sha in self._collection.missing(spec, shas)}

    def picture(self, sha: str, config: DecodeConfig) -> Picture | None:
        """A content's picture, if it can still be read."""
        data = self.read(sha)
        if data is None:
            return None
        picture = decode(self._images[sha].path, data, config)
        return None if isinstance(picture, Failure) else picture

    def read(self, sha: str) -> bytes | None:
        """A content's bytes, if they can still be read."""
        try:
            return read_again(self._images[sha].path)
        except OSError:
            return None
