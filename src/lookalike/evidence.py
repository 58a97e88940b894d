"""Keypoint verification over a collection: features made once, verdicts remembered."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import cv2
import loky
import numpy as np
from threadpoolctl import threadpool_limits

from lookalike.config import DecodeConfig, FindConfig
from lookalike.describe import Describer
from lookalike.images import decode_luma, pixel_digest
from lookalike.index.local import Features, features_of
from lookalike.ingest import Progress
from lookalike.keypoints import KeypointKind
from lookalike.store import Batch, Collection
from lookalike.types import Failure, ImageRef, UInt8Array, Verification
from lookalike.verify import PLANE_SPEC, VERIFIER, Side, describe_side, verify_all
from lookalike.verify import verify as verify_sides

__all__ = ["Evidence"]

Pair = tuple[str, str]
_HELD = 4096
_VERIFY_BATCH = 4096
_CHUNK, _WORTH_PROCESSES = 32, 1500


def _alone() -> None:
    """One core a process: libraries must not start threads beside it."""
    cv2.setNumThreads(1)
    threadpool_limits(1)


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
        self._sides: OrderedDict[tuple[str, str], Side] = OrderedDict()

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
            self._load(sorted({sha for pair in some for sha in pair}), kind)
            found = self._verdicts(some, kind, mirrored=mirrored)
            self._collection.add_verdicts(found, verifier)
            known |= found
            self._done += len(some)
            self._progress("verify", self._done, self._done)
            while len(self._sides) > _HELD:
                self._sides.popitem(last=False)
        return known

    def features(self, shas: Sequence[str], kind: KeypointKind) -> tuple[Features, Features]:
        """Keypoints of contents as they are and mirrored; images by their place in ``shas``."""
        self._describe_missing(shas, kind)
        known = {*shas} - set(self._collection.missing(kind.spec, shas))
        there = [number for number, sha in enumerate(shas) if sha in known]
        rows = self._collection.ragged(kind.spec, [shas[number] for number in there])
        owner = np.repeat(np.array(there, np.int64), [len(some) for some in rows])
        return features_of(np.concatenate([np.empty((0, 70), np.uint8), *rows]), owner)

    def luma(self, sha: str, config: DecodeConfig) -> UInt8Array | None:
        """A content's luma ``(h, w)`` uint8, if it can still be read."""
        data = self.read(sha)
        luma = None if data is None else decode_luma(self._images[sha].path, data, config)
        return None if isinstance(luma, Failure) else luma

    def image(self, sha: str) -> ImageRef:
        """The image that stands for a content."""
        return self._images[sha]

    def verify_query(
        self, query: Side, shas: Sequence[str], kind: KeypointKind
    ) -> dict[str, Verification]:
        """Contents that show the pixels of a picture which need not be in the collection."""
        self._load(sorted(set(shas)), kind)
        found = {}
        for sha in shas:
            ref = self._sides.get((sha, kind.name))
            if ref is None:
                continue
            for mirrored in (False, True):
                seen = verify_sides(query, ref, self._verify, kind, mirrored=mirrored)
                if seen is not None:
                    found[sha] = seen
                    break
        return found

    def _verdicts(
        self, pairs: Sequence[Pair], kind: KeypointKind, *, mirrored: bool
    ) -> dict[Pair, Verification | None]:
        """Verdicts on all cores: verification is many small steps, which threads would queue for.

        Starting processes costs about a second, so a few pairs stay in this one.
        """
        there = [pair for pair in pairs if all((sha, kind.name) in self._sides for sha in pair)]
        judge = partial(verify_all, config=self._verify, kind=kind, mirrored=mirrored)
        self._opened += len(there)
        if self._config.threads < 2 or self._opened < _WORTH_PROCESSES or len(there) < _CHUNK:
            judged = judge(self._sides_of(there, kind), there)
        else:
            workers = loky.get_reusable_executor(self._config.threads, initializer=_alone)
            chunks = [there[at : at + _CHUNK] for at in range(0, len(there), _CHUNK)]
            sides = [self._sides_of(chunk, kind) for chunk in chunks]
            judged = [seen for some in workers.map(judge, sides, chunks) for seen in some]
        return dict.fromkeys(pairs) | dict(zip(there, judged, strict=True))

    def _sides_of(self, pairs: Sequence[Pair], kind: KeypointKind) -> dict[str, Side]:
        return {sha: self._sides[sha, kind.name] for pair in pairs for sha in pair}

    def _load(self, shas: Sequence[str], kind: KeypointKind) -> None:
        """Have the sides of ``shas`` in memory, describing those that never were."""
        wanted = [sha for sha in shas if (sha, kind.name) not in self._sides]
        unreadable = self._describe_missing(wanted, kind)
        wanted = [sha for sha in wanted if sha not in unreadable]
        keypoints = self._collection.ragged(kind.spec, wanted)
        planes = self._collection.ragged(PLANE_SPEC, wanted)
        for sha, points, plane in zip(wanted, keypoints, planes, strict=True):
            image = self._images[sha]
            side = Side.from_rows(image.width, image.height, points, plane)
            self._sides[sha, kind.name] = side
        for sha in shas:
            if (sha, kind.name) in self._sides:
                self._sides.move_to_end((sha, kind.name))

    def _describe_missing(self, shas: Sequence[str], kind: KeypointKind) -> set[str]:
        """Have keypoints of contents in the collection; those that can no longer be read."""
        missing = self._collection.missing(kind.spec, shas)
        unreadable: set[str] = set()
        for at in range(0, len(missing), self._config.batch):
            some = missing[at : at + self._config.batch]
            with ThreadPoolExecutor(self._config.threads) as pool:
                described = pool.map(partial(self._describe, kind=kind), some)
                rows = dict(zip(some, described, strict=True))
            made = {sha: row for sha, row in rows.items() if row}
            unreadable |= rows.keys() - made.keys()
            specs = enumerate((kind.spec, PLANE_SPEC))
            batch = {
                spec: (tuple(made), [row[part] for row in made.values()]) for part, spec in specs
            }
            if made:
                self._collection.commit(Batch(ragged=batch))
            if len(missing) > self._config.batch:
                self._progress("keypoints", at + len(some), len(missing))
        return unreadable

    def _describe(self, sha: str, kind: KeypointKind) -> tuple[UInt8Array, UInt8Array] | None:
        luma = self.luma(sha, replace(self._config.decode, min_side=kind.min_side))
        image = self._images[sha]
        return None if luma is None else describe_side(luma, (image.width, image.height), kind)

    def _pixel_digest(self, sha: str) -> str | None:
        data = self.read(sha)
        if data is None:
            return None
        digest = pixel_digest(self._images[sha].path, data, self._config.decode)
        return None if isinstance(digest, Failure) else digest
