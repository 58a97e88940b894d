"""Verify pairs of a collection's contents by keypoints and pixels; verdicts are remembered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from functools import partial
from itertools import chain

import numpy as np

from lookalike.config import FindConfig
from lookalike.descriptors.keypoints import ROW, KeypointKind
from lookalike.index.local import Features, features_of
from lookalike.ingest.describe import Describer
from lookalike.model.match import Verification
from lookalike.runtime.workers import each, worth_processes
from lookalike.verification.side import PLANE_SPEC, Side, Sides
from lookalike.verification.verify import VERIFIER, verify_all
from lookalike.verification.verify import verify as verify_sides

__all__ = ["Verifier"]

Pair = tuple[str, str]
# pairs whose verdicts are remembered in one step
_VERIFY_BATCH = 4096
# pairs that a worker is handed at once
_CHUNK = 32


class Verifier:
    """Verifies pairs of contents; what it computed stays in the collection.

    Args:
        describer: has the contents described; its collection remembers verdicts too.
        config: settings.
    """

    def __init__(self, describer: Describer, config: FindConfig) -> None:
        self._describer = describer
        self._collection = describer.collection
        self._config = config
        self._done = self._opened = 0

    def verify(
        self, pairs: Mapping[Pair, bool], kind: KeypointKind
    ) -> dict[Pair, Verification | None]:
        """Verify pairs: evidence for each, or None where they differ or can no longer be read.

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
        verifier = f"{VERIFIER} {kind} {self._config.verify} {seen_as}"
        known = self._collection.verdicts(pairs, verifier) if pairs else {}
        open_pairs = [pair for pair in pairs if pair not in known]
        for at in range(0, len(open_pairs), _VERIFY_BATCH):
            some = open_pairs[at : at + _VERIFY_BATCH]
            found = self._verdicts(some, kind, mirrored=mirrored)
            self._collection.add_verdicts(found, verifier)
            known |= found
            self._done += len(some)
            self._describer.progress("verify", self._done, self._done)
        return known

    def features(self, shas: Sequence[str], kind: KeypointKind) -> tuple[Features, Features]:
        """Read keypoints of contents as they are and mirrored; images by place in ``shas``."""
        self._describer.have_sides(shas, kind)
        known = {*shas} - set(self._collection.missing(kind.spec, shas))
        there = [number for number, sha in enumerate(shas) if sha in known]
        rows = self._collection.ragged(kind.spec, [shas[number] for number in there])
        owner = np.repeat(np.array(there, np.int64), [len(some) for some in rows])
        return features_of(np.concatenate([np.empty((0, ROW), np.uint8), *rows]), owner)

    def verify_query(
        self, query: Side, shas: Sequence[str], kind: KeypointKind
    ) -> dict[str, Verification]:
        """Verify contents against a picture that need not be in the collection."""
        sides = self._sides(set(shas), kind)
        found = {}
        for sha in shas:
            if sha not in sides:
                continue
            ref = sides[sha]
            for mirrored in (False, True):
                seen = verify_sides(query, ref, self._config.verify, kind, mirrored=mirrored)
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
            partial(verify_all, config=self._config.verify, kind=kind, mirrored=mirrored),
            [(sides.only({sha for pair in chunk for sha in pair}), chunk) for chunk in chunks],
            self._config.threads,
            apart=worth_processes(self._opened),
        )
        return dict.fromkeys(pairs) | dict(zip(there, chain.from_iterable(judged), strict=True))

    def _sides(self, shas: Set[str], kind: KeypointKind) -> Sides:
        """Read the sides of contents, described now if they never were, without unreadable ones."""
        wanted = sorted(shas - self._describer.have_sides(sorted(shas), kind))
        images = {sha: self._describer.images[sha] for sha in wanted}
        sizes = {sha: (image.width, image.height) for sha, image in images.items()}
        keypoints = self._collection.spans(kind.spec, wanted)
        return Sides(kind.spec.key, sizes, keypoints, self._collection.spans(PLANE_SPEC, wanted))
