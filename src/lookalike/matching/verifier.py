"""Keypoint verification over a collection: features made once, verdicts remembered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import chain, islice

import numpy as np

from lookalike.config.find import DecodeConfig, FindConfig
from lookalike.descriptors.keypoints import ROW, KeypointKind
from lookalike.images.decode import decode_luma, pixel_digest
from lookalike.index.local import Features, features_of
from lookalike.ingest.describe import Describer
from lookalike.model.arrays import UInt8Array
from lookalike.model.files import Failure
from lookalike.model.image import ImageRef
from lookalike.model.match import Verification
from lookalike.runtime.progress import Progress
from lookalike.runtime.workers import each, worth_processes
from lookalike.sources.reading import read_again
from lookalike.store import Batch, Collection
from lookalike.verification.side import PLANE_SPEC, Side, Sides, describe_side
from lookalike.verification.verify import VERIFIER, verify_all
from lookalike.verification.verify import verify as verify_sides

__all__ = ["Evidence"]

Pair = tuple[str, str]
_VERIFY_BATCH = 4096
_CHUNK = 32


class Evidence(Describer):
    """Verifies pairs of contents; what it computed stays in the collection.

    Args:
        images: one image a content, by SHA-256.
        collection: remembers keypoints, planes, pixel digests and verdicts.
        config: settings.
        progress: called with ("verify", done, done so far).
    """

    def __init__(
        self,
        images: Mapping[str, ImageRef],
        collection: Collection,
        config: FindConfig,
        progress: Progress,
    ) -> None:
        super().__init__(images, collection, config, progress)
        self._verify = config.verify
        self._done = self._opened = 0

    def pixel_digests(self, shas: Sequence[str]) -> dict[str, str]:
        """Full-size pixel digests; contents that can no longer be read are left out."""
        known = {
            sha: content.pixel_digest
            for sha, content in self._collection.contents(shas).items()
            if content.pixel_digest
        }
        missing = [sha for sha in shas if sha not in known]
        with ThreadPoolExecutor(self._config.threads) as pool:
            made = dict(zip(missing, pool.map(self._pixel_digest, missing), strict=True))
        fresh = {sha: digest for sha, digest in made.items() if digest}
        if fresh:
            self._collection.set_pixel_digests(fresh)
        return known | fresh

    def verify(
        self, pairs: Mapping[Pair, bool], kind: KeypointKind
    ) -> dict[Pair, Verification | None]:
        """Evidence for every pair, or None: not the same picture, or no longer readable.

        Args:
            pairs: query and ref, by SHA-256, and whether to look at them mirrored.
            kind: of the keypoints.
        """
        upright = [pair for pair, mirrored in pairs.items() if not mirrored]
        turned = [pair for pair, mirrored in pairs.items() if mirrored]
        found = self._judge(upright, kind, mirrored=False)
        return found | self._judge(turned, kind, mirrored=True)

    def _judge(
        self, pairs: Sequence[Pair], kind: KeypointKind, *, mirrored: bool
    ) -> dict[Pair, Verification | None]:
        seen_as = "mirrored" if mirrored else "upright"
        verifier = f"{VERIFIER} {kind} {self._verify} {seen_as}"
        known = self._collection.verdicts(pairs, verifier) if pairs else {}
        open_pairs = [pair for pair in pairs if pair not in known]
        for at in range(0, len(open_pairs), _VERIFY_BATCH):
            some = open_pairs[at : at + _VERIFY_BATCH]
            found = self._verdicts(some, kind, mirrored=mirrored)
            self._collection.add_verdicts(found, verifier)
            known |= found
            self._done += len(some)
            self._progress("verify", self._done, self._done)
        return known

    def features(self, shas: Sequence[str], kind: KeypointKind) -> tuple[Features, Features]:
        """Keypoints of contents as they are and mirrored; images by their place in ``shas``."""
        self._describe_missing(shas, kind)
        known = {*shas} - set(self._collection.missing(kind.spec, shas))
        there = [number for number, sha in enumerate(shas) if sha in known]
        rows = self._collection.ragged(kind.spec, [shas[number] for number in there])
        owner = np.repeat(np.array(there, np.int64), [len(some) for some in rows])
        return features_of(np.concatenate([np.empty((0, ROW), np.uint8), *rows]), owner)

    def luma(self, sha: str, config: DecodeConfig) -> UInt8Array | None:
        """A content's luma ``(h, w)`` uint8, if it can still be read."""
        return _read_luma(self._images[sha], config)

    def image(self, sha: str) -> ImageRef:
        """The image that stands for a content."""
        return self._images[sha]

    def verify_query(
        self, query: Side, shas: Sequence[str], kind: KeypointKind
    ) -> dict[str, Verification]:
        """Contents that show the pixels of a picture which need not be in the collection."""
        sides = self._sides(set(shas), kind)
        found = {}
        for sha in shas:
            if sha not in sides:
                continue
            ref = sides[sha]
            for mirrored in (False, True):
                seen = verify_sides(query, ref, self._verify, kind, mirrored=mirrored)
                if seen is not None:
                    found[sha] = seen
                    break
        return found

    def _verdicts(
        self, pairs: Sequence[Pair], kind: KeypointKind, *, mirrored: bool
    ) -> dict[Pair, Verification | None]:
        sides = self._sides({sha for pair in pairs for sha in pair}, kind)
        there = [pair for pair in pairs if all(sha in sides for sha in pair)]
        self._opened += len(there)
        chunks = [there[at : at + _CHUNK] for at in range(0, len(there), _CHUNK)]
        judged = each(
            partial(verify_all, config=self._verify, kind=kind, mirrored=mirrored),
            [(sides.only({sha for pair in chunk for sha in pair}), chunk) for chunk in chunks],
            self._config.threads,
            apart=worth_processes(self._opened),
        )
        return dict.fromkeys(pairs) | dict(zip(there, chain.from_iterable(judged), strict=True))

    def _sides(self, shas: Set[str], kind: KeypointKind) -> Sides:
        """Sides of those contents that can be read, described if they never were."""
        wanted = sorted(shas - self._describe_missing(sorted(shas), kind))
        sizes = {sha: (self._images[sha].width, self._images[sha].height) for sha in wanted}
        keypoints = self._collection.spans(kind.spec, wanted)
        return Sides(kind.spec.key, sizes, keypoints, self._collection.spans(PLANE_SPEC, wanted))

    def _describe_missing(self, shas: Sequence[str], kind: KeypointKind) -> set[str]:
        """Have keypoints of contents in the collection; those that can no longer be read."""
        lacking = {
            s for spec in (kind.spec, PLANE_SPEC) for s in self._collection.missing(spec, shas)
        }
        missing = [sha for sha in shas if sha in lacking]
        unreadable: set[str] = set()
        finer = replace(self._config.decode, min_side=kind.min_side)
        chunks = [missing[at : at + _CHUNK] for at in range(0, len(missing), _CHUNK)]
        described = each(
            partial(_described_all, config=finer, kind=kind),
            [[self._images[sha] for sha in chunk] for chunk in chunks],
            self._config.threads,
            apart=worth_processes(len(missing)),
        )
        # others go on describing while a batch is written
        rows = zip(missing, chain.from_iterable(described), strict=True)
        done = 0
        while some := dict(islice(rows, self._config.batch)):
            made = {sha: row for sha, row in some.items() if row}
            unreadable |= some.keys() - made.keys()
            specs = enumerate((kind.spec, PLANE_SPEC))
            batch = {
                spec: (tuple(made), [row[part] for row in made.values()]) for part, spec in specs
            }
            if made:
                self._collection.commit(Batch(ragged=batch))
            done += len(some)
            if len(missing) > self._config.batch:
                self._progress("keypoints", done, len(missing))
        return unreadable

    def _pixel_digest(self, sha: str) -> str | None:
        data = self.read(sha)
        if data is None:
            return None
        digest = pixel_digest(self._images[sha].path, data, self._config.decode)
        return None if isinstance(digest, Failure) else digest


def _described_all(
    images: Sequence[ImageRef], config: DecodeConfig, kind: KeypointKind
) -> list[tuple[UInt8Array, UInt8Array] | None]:
    """Rows of ``describe_side`` for some images; None where one can no longer be read."""
    found: list[tuple[UInt8Array, UInt8Array] | None] = []
    for image in images:
        luma = _read_luma(image, config)
        size = (image.width, image.height)
        found.append(None if luma is None else describe_side(luma, size, kind))
    return found


def _read_luma(image: ImageRef, config: DecodeConfig) -> UInt8Array | None:
    try:
        data = read_again(image.path)
    except OSError:
        return None
    luma = decode_luma(image.path, data, config)
    return None if isinstance(luma, Failure) else luma
