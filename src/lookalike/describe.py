"""Descriptors of a collection's contents, made when they are first needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.config import DecodeConfig, RunConfig
from lookalike.images import decode
from lookalike.progress import Progress
from lookalike.protocols import Descriptor
from lookalike.reading import read_again
from lookalike.store import Batch, Collection
from lookalike.types import Failure, ImageRef, Picture

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
        spec = descriptor.spec
        missing = self._collection.missing(spec, shas)
        row_bytes = spec.row_width * np.dtype(spec.dtype).itemsize
        batch = max(self._config.threads, min(self._config.batch, _BATCH_BYTES // row_bytes))
        for at in range(0, len(missing), batch):
            some = missing[at : at + batch]
            with ThreadPoolExecutor(self._config.threads) as pool:
                described = pool.map(partial(self._described, descriptor), some)
                rows = dict(zip(some, described, strict=True))
            made = {sha: row for sha, row in rows.items() if row is not None}
            if made:
                values = np.stack(list(made.values()))
                self._collection.commit(Batch(rows={spec: (tuple(made), values)}))
            self._progress("embed", at + len(some), len(missing))
        gone = set(self._collection.missing(spec, shas)) if missing else set()
        return [sha for sha in shas if sha not in gone]

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

    def _described(self, descriptor: Descriptor, sha: str) -> NDArray[Any] | None:
        config = replace(self._config.decode, min_side=descriptor.min_side)
        picture = self.picture(sha, config)
        return None if picture is None else descriptor.describe(picture)
