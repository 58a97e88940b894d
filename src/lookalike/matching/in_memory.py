"""Evidence about pictures that are in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lookalike.config.find import DecodeConfig, FindConfig
from lookalike.descriptors.keypoints import KeypointKind
from lookalike.images.decode import decode_luma
from lookalike.index.local import Features
from lookalike.matching.match_graph import Pair
from lookalike.matching.verifier import Evidence
from lookalike.model.arrays import UInt8Array
from lookalike.model.files import Failure
from lookalike.model.image import ImageRef
from lookalike.model.match import Verification
from lookalike.runtime.progress import silent
from lookalike.runtime.workers import each
from lookalike.store import Batch, Collection
from lookalike.verification.side import PLANE_SPEC, describe_side

__all__ = ["InMemory"]


class InMemory(Evidence):
    """Evidence whose files are in memory: it has described contents before they are asked for."""

    def __init__(
        self,
        images: dict[str, ImageRef],
        data: dict[str, bytes],
        collection: Collection,
        config: FindConfig,
    ) -> None:
        super().__init__(images, collection, config, silent)
        self._data = data

    def read(self, sha: str) -> bytes | None:
        """A content's bytes."""
        return self._data.get(sha)

    def luma(self, sha: str, config: DecodeConfig) -> UInt8Array | None:
        """A content's luma ``(h, w)`` uint8."""
        luma = decode_luma(sha, self._data[sha], config)
        return None if isinstance(luma, Failure) else luma

    def features(self, shas: Sequence[str], kind: KeypointKind) -> tuple[Features, Features]:
        """As of ``Evidence``."""
        self._describe(shas, kind)
        return super().features(shas, kind)

    def verify(
        self, pairs: Mapping[Pair, bool], kind: KeypointKind
    ) -> dict[Pair, Verification | None]:
        """As of ``Evidence``."""
        self._describe(sorted({sha for pair in pairs for sha in pair}), kind)
        return super().verify(pairs, kind)

    def _describe(self, shas: Sequence[str], kind: KeypointKind) -> None:
        """Have keypoints and planes of contents in the collection."""
        finer = replace(self._config.decode, min_side=kind.min_side)

        def described(sha: str) -> tuple[UInt8Array, UInt8Array] | None:
            luma, image = self.luma(sha, finer), self.image(sha)
            return None if luma is None else describe_side(luma, (image.width, image.height), kind)

        missing = self._collection.missing(kind.spec, shas)
        rows = each(described, missing, self._config.threads, apart=False)
        made = {sha: row for sha, row in zip(missing, rows, strict=True) if row}
        if made:
            points, planes = zip(*made.values(), strict=True)
            names = tuple(made)
            self._collection.commit(
                Batch(ragged={kind.spec: (names, list(points)), PLANE_SPEC: (names, list(planes))})
            )
