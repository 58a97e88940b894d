"""Keypoint verification over a collection: features made once, verdicts remembered."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np

from lookalike.config import FindConfig
from lookalike.describe import Describer
from lookalike.images import pixel_digest
from lookalike.ingest import Progress
from lookalike.store import Batch, Collection
from lookalike.types import Failure, ImageRef, IntArray, UInt8Array, Verification
from lookalike.verify import KEYPOINT_SPEC, PLANE_SPEC, VERIFIER, Side, describe_keypoints
from lookalike.verify import verify as verify_sides

__all__ = ["Evidence"]

Pair = tuple[str, str]
_HELD = 4096


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
        self._verify = config.verifying
        self._done = 0
        self._sides: OrderedDict[str, Side] = OrderedDict()
        self._verifier = f"{VERIFIER} {config.verifying}"

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

    def verify(self, pairs: Sequence[Pair], *, mirrored: bool) -> dict[Pair, Verification | None]:
        """Evidence for every pair, or None: not the same picture, or no longer readable.

        Args:
            pairs: query and ref, by SHA-256.
            mirrored: look for mirrored copies too, which costs as much again.
        """
        verifier = f"{self._verifier} {'mirrored' if mirrored else 'upright'}"
        known = self._collection.verdicts(pairs, verifier)
        self._done += len(pairs)
        self._progress("verify", self._done, self._done)
        open_pairs = [pair for pair in pairs if pair not in known]
        if not open_pairs:
            return known
        self._load(sorted({sha for pair in open_pairs for sha in pair}))
        with ThreadPoolExecutor(self._config.threads) as pool:
            judged = pool.map(partial(self._verdict, mirrored=mirrored), open_pairs)
            found = dict(zip(open_pairs, judged, strict=True))
        self._collection.add_verdicts(found, verifier)
        while len(self._sides) > _HELD:
            self._sides.popitem(last=False)
        return known | found

    def keypoint_bits(self, shas: Sequence[str]) -> tuple[UInt8Array, IntArray]:
        """Keypoint descriptors ``(n, 32)`` of contents, and the place in ``shas`` of each."""
        self._describe_missing(shas)
        known = {*shas} - set(self._collection.missing(KEYPOINT_SPEC, shas))
        there = [number for number, sha in enumerate(shas) if sha in known]
        rows = self._collection.ragged(KEYPOINT_SPEC, [shas[number] for number in there])
        bits = [points[:, 4:] for points in rows]
        owner = np.repeat(np.array(there, np.int64), [len(some) for some in bits])
        return np.concatenate([np.empty((0, 32), np.uint8), *bits]), owner

    def image(self, sha: str) -> ImageRef:
        """The image that stands for a content."""
        return self._images[sha]

    def verify_query(self, query: Side, shas: Sequence[str]) -> dict[str, Verification]:
        """Contents that show the pixels of a picture which need not be in the collection."""
        self._load(sorted(set(shas)))
        found = {}
        for sha in shas:
            ref = self._sides.get(sha)
            if ref is None:
                continue
            for mirrored in (False, True):
                seen = verify_sides(query, ref, self._verify, mirrored=mirrored)
                if seen is not None:
                    found[sha] = seen
                    break
        return found

    def _verdict(self, pair: Pair, *, mirrored: bool) -> Verification | None:
        query, ref = self._sides.get(pair[0]), self._sides.get(pair[1])
        if query is None or ref is None:
            return None
        seen = verify_sides(query, ref, self._verify)
        if seen is None and mirrored:
            return verify_sides(query, ref, self._verify, mirrored=True)
        return seen

    def _load(self, shas: Sequence[str]) -> None:
        """Have the sides of ``shas`` in memory, describing those that never were."""
        wanted = [sha for sha in shas if sha not in self._sides]
        unreadable = self._describe_missing(wanted)
        wanted = [sha for sha in wanted if sha not in unreadable]
        keypoints = self._collection.ragged(KEYPOINT_SPEC, wanted)
        planes = self._collection.ragged(PLANE_SPEC, wanted)
        for sha, points, plane in zip(wanted, keypoints, planes, strict=True):
            image = self._images[sha]
            self._sides[sha] = Side.from_rows(image.width, image.height, points, plane)
        for sha in shas:
            if sha in self._sides:
                self._sides.move_to_end(sha)

    def _describe_missing(self, shas: Sequence[str]) -> set[str]:
        """Have keypoints of contents in the collection; those that can no longer be read."""
        missing = self._collection.missing(KEYPOINT_SPEC, shas)
        unreadable: set[str] = set()
        for at in range(0, len(missing), self._config.batch):
            some = missing[at : at + self._config.batch]
            with ThreadPoolExecutor(self._config.threads) as pool:
                rows = dict(zip(some, pool.map(self._describe, some), strict=True))
            made = {sha: row for sha, row in rows.items() if row}
            unreadable |= rows.keys() - made.keys()
            specs = enumerate((KEYPOINT_SPEC, PLANE_SPEC))
            batch = {
                spec: (tuple(made), [row[part] for row in made.values()]) for part, spec in specs
            }
            if made:
                self._collection.commit(Batch(ragged=batch))
            if len(missing) > self._config.batch:
                self._progress("keypoints", at + len(some), len(missing))
        return unreadable

    def _describe(self, sha: str) -> tuple[UInt8Array, UInt8Array] | None:
        finer = replace(self._config.decode, min_side=self._verify.min_side)
        picture = self.picture(sha, finer)
        return None if picture is None else describe_keypoints(picture, self._verify.keypoints)

    def _pixel_digest(self, sha: str) -> str | None:
        data = self.read(sha)
        if data is None:
            return None
        digest = pixel_digest(self._images[sha].path, data, self._config.decode)
        return None if isinstance(digest, Failure) else digest
