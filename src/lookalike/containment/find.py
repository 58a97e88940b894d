"""Find pictures inside larger ones: votes propose, keypoints place, pixels decide.

What a picture contains is not the same picture: containments are told beside clusters, and join
none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from lookalike.config import FindConfig, InsideConfig
from lookalike.containment.inset import (
    INSET_KIND,
    INSET_VERIFIER,
    PAGE_MIN_SIDE,
    confirm_inset,
    corners_of,
    describe_page,
    page_spec,
    place_inset,
)
from lookalike.containment.regions import load_regions
from lookalike.images.decode import luma_of
from lookalike.index.blocks import among_nearest
from lookalike.index.local import Features, VoteSettings, features_of, vote_between
from lookalike.ingest.describe import Describer
from lookalike.matching.limits import CASCADE
from lookalike.model.arrays import IntArray, UInt8Array
from lookalike.model.image import DescriptorSpec, ImageRef, Picture
from lookalike.model.match import Containment, Match, Verification
from lookalike.verification.edit import reverse
from lookalike.verification.limits import FRAMES
from lookalike.verification.side import PLANE_SPEC, Side, describe_side

__all__ = ["Asked", "Inside", "contain", "one_per_frame", "told_by"]

Pair = tuple[int, int]
Names = tuple[str, str]
# larger pictures whose verdicts are remembered in one step
_PAGES_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Asked:
    """A picture to search with; it need not be in the collection.

    Attributes:
        key: names it among the contents, which it is none of.
        small: decoded as the collection's images are for keypoints of ``INSET_KIND``.
        large: decoded with a short side of ``PAGE_MIN_SIDE`` pixels or more.
    """

    key: str
    small: Picture
    large: Picture


@dataclass(frozen=True, slots=True)
class _Own:
    """What is known of a picture that is searched with: rows by their spec."""

    picture: Picture
    rows: Mapping[DescriptorSpec, UInt8Array]


class Inside:
    """Looks for pictures inside larger ones; what it computed stays in the collection.

    Args:
        describer: reads and describes contents; its collection remembers verdicts too.
        config: settings.

    Raises:
        ConfigError: unknown regions.
        ModelError: a detector that cannot be used.
    """

    def __init__(self, describer: Describer, config: FindConfig) -> None:
        self._describer = describer
        self._collection = describer.collection
        self._config = config
        inside = config.inside
        self._regions = load_regions(
            inside.regions, config.embedding.engine, threads=config.threads
        )
        self._spec = page_spec(self._regions)
        self._own: dict[str, _Own] = {}

    def among(self, shas: Sequence[str]) -> tuple[dict[Names, Verification], dict[str, int]]:
        """Find every content that lies in a larger one, as (small, large), and funnel counts."""
        there, pages, upright, mirrored = self._described(shas)
        proposed: list[tuple[str, str, bool]] = []
        for is_mirrored, against in ((False, upright), (True, mirrored)):
            moved = replace(against, image=against.image + len(there))
            for large, small in _propose(pages, moved, self._config):
                if large != small - len(there):
                    proposed.append((there[small - len(there)], there[large], is_mirrored))
        found = self._judged(proposed)
        return found, {"inside_candidates": len(proposed), "inside_verified": len(found)}

    def around(self, asked: Asked, images: Mapping[str, ImageRef]) -> tuple[Containment, ...]:
        """Find images that a picture lies in, and images that lie in it, by their paths.

        Args:
            asked: the picture.
            images: one image a content, by SHA-256.
        """
        telling = [sha for sha, image in images.items() if not image.low_information]
        there, pages, upright, mirrored = self._described(telling)
        size = asked.small.width, asked.small.height
        rows, plane = describe_side(luma_of(asked.small), size, INSET_KIND)
        close = describe_page(asked.large, self._regions)
        known = {INSET_KIND.spec: rows, PLANE_SPEC: plane, self._spec: close}
        self._own = {asked.key: _Own(asked.large, known)}
        own, *forms = self._features([asked.key])
        proposed: list[tuple[str, str, bool]] = []
        for is_mirrored, own_small, others in (
            (False, forms[0], upright),
            (True, forms[1], mirrored),
        ):
            last = replace(own_small, image=own_small.image + len(there))
            outer = _propose(pages, last, self._config)
            proposed += [(asked.key, there[large], is_mirrored) for large, _ in outer]
            later = replace(others, image=others.image + 1)
            inner = _propose(own, later, self._config)
            proposed += [(there[small - 1], asked.key, is_mirrored) for _, small in inner]
        named = {sha: replace(image, id=image.path) for sha, image in images.items()}
        size = asked.large.width, asked.large.height
        named[asked.key] = ImageRef(asked.key, asked.key, "", 0, *size, asked.large.format)
        found = self._judged(proposed)
        return tuple(contain(named[a], named[b], seen) for (a, b), seen in found.items())

    def _described(self, shas: Sequence[str]) -> tuple[list[str], Features, Features, Features]:
        """Describe contents as larger, small and mirrored pictures; the first list names them."""
        self._describer.have_sides(shas, INSET_KIND)

        def closely(picture: Picture) -> list[UInt8Array]:
            return [describe_page(picture, self._regions)]

        self._describer.have([self._spec], closely, PAGE_MIN_SIDE, shas, "look closely")
        lacking = {*self._collection.missing(INSET_KIND.spec, shas)}
        lacking |= {*self._collection.missing(self._spec, shas)}
        there = [sha for sha in shas if sha not in lacking]
        return there, *self._features(there)

    def _features(self, keys: Sequence[str]) -> tuple[Features, Features, Features]:
        pages, _ = features_of(*_numbered(self._ragged(self._spec, keys)))
        return pages, *features_of(*_numbered(self._ragged(INSET_KIND.spec, keys)))

    def _judged(self, asked: Sequence[tuple[str, str, bool]]) -> dict[Names, Verification]:
        """Verify which of (small, large, mirrored) hold; upright ones before mirrored ones."""
        known: dict[tuple[str, str, bool], Verification | None] = {}
        for is_mirrored in (False, True):
            pairs = [(small, large) for small, large, turned in asked if turned == is_mirrored]
            held = self._collection.verdicts(pairs, self._verifier(mirrored=is_mirrored))
            known |= {(*pair, is_mirrored): seen for pair, seen in held.items()}
        by_page: dict[str, list[tuple[str, bool]]] = defaultdict(list)
        for small, large, is_mirrored in asked:
            if (small, large, is_mirrored) not in known:
                by_page[large].append((small, is_mirrored))
        pages = sorted(by_page)
        for at in range(0, len(pages), _PAGES_AT_ONCE):
            some = {large: by_page[large] for large in pages[at : at + _PAGES_AT_ONCE]}
            fresh = self._judged_pages(some)
            self._remember(fresh)
            known |= fresh
            self._describer.progress("look inside", at + len(some), len(pages))
        found: dict[Names, Verification] = {}
        for small, large, is_mirrored in sorted(known, key=lambda item: (item[2], *item[:2])):
            seen = known[small, large, is_mirrored]
            if seen is not None:
                found.setdefault((small, large), seen)
        return dict(sorted(found.items()))

    def _judged_pages(
        self, pages: Mapping[str, Sequence[tuple[str, bool]]]
    ) -> dict[tuple[str, str, bool], Verification | None]:
        larges, smalls = list(pages), sorted({s for some in pages.values() for s, _ in some})
        sides: dict[tuple[str, bool], Side] = {}
        for keys, spec in ((larges, self._spec), (smalls, INSET_KIND.spec)):
            planes = self._ragged(PLANE_SPEC, keys)
            for key, rows, plane in zip(keys, self._ragged(spec, keys), planes, strict=True):
                sides[key, keys is larges] = Side.from_rows(*self._size(key), rows, plane)

        def judge(large: str) -> list[Verification | None]:
            some = [(sides[small, False], mirrored) for small, mirrored in pages[large]]
            return self._judge_page(large, sides[large, True], some)

        with ThreadPoolExecutor(self._config.threads) as pool:
            judged = zip(larges, pool.map(judge, larges), strict=True)
            return {
                (small, large, is_mirrored): seen
                for large, verdicts in judged
                for (small, is_mirrored), seen in zip(pages[large], verdicts, strict=True)
            }

    def _judge_page(
        self, key: str, large: Side, smalls: Sequence[tuple[Side, bool]]
    ) -> list[Verification | None]:
        """Verify one larger picture, which is only opened where keypoints place something."""
        config = self._config.inside
        places = [place_inset(side, large, config, mirrored=turned) for side, turned in smalls]
        finest = max((place.min_side for place in places if place), default=0)
        luma = self._luma(key, finest) if finest else None
        return [
            confirm_inset(side, large, place, luma, config, mirrored=turned)
            if place is not None and luma is not None
            else None
            for (side, turned), place in zip(smalls, places, strict=True)
        ]

    def _remember(self, fresh: Mapping[tuple[str, str, bool], Verification | None]) -> None:
        for is_mirrored in (False, True):
            lasting = {
                (small, large): seen
                for (small, large, turned), seen in fresh.items()
                if turned == is_mirrored and not self._own.keys() & {small, large}
            }
            if lasting:
                self._collection.add_verdicts(lasting, self._verifier(mirrored=is_mirrored))

    def _verifier(self, *, mirrored: bool) -> str:
        seen_as = "mirrored" if mirrored else "upright"
        return f"{INSET_VERIFIER} {self._spec.name} {self._config.inside} {seen_as}"

    # below: a picture that is searched with lies in memory, everything else in the collection

    def _ragged(self, spec: DescriptorSpec, keys: Sequence[str]) -> list[UInt8Array]:
        stored = [key for key in keys if key not in self._own]
        rows = dict(zip(stored, self._collection.ragged(spec, stored), strict=True))
        return [self._own[key].rows[spec] if key in self._own else rows[key] for key in keys]

    def _size(self, key: str) -> tuple[int, int]:
        own = self._own.get(key)
        image = own.picture if own else self._describer.images[key]
        return image.width, image.height

    def _luma(self, key: str, min_side: int) -> UInt8Array | None:
        finer = replace(self._config.decode, min_side=min_side)
        own = self._own.get(key)
        return luma_of(own.picture) if own else self._describer.luma(key, finer)


def contain(small: ImageRef, large: ImageRef, seen: Verification) -> Containment:
    """Make a containment of two images, with its place."""
    transform = np.array(seen.transform).reshape(3, 3)
    corners = corners_of(transform, small.width, small.height)
    most = (large.width, large.height)
    low = np.rint(np.clip(corners.min(axis=0), 0, most)).astype(int)
    high = np.rint(np.clip(corners.max(axis=0), 0, most)).astype(int)
    return Containment(
        small=small.id,
        large=large.id,
        box=(int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1])),
        corners=tuple((round(float(x), 1), round(float(y), 1)) for x, y in corners),
        verification=seen,
    )


def one_per_frame(images: Mapping[str, ImageRef], matches: Sequence[Match]) -> list[str]:
    """Choose one content for each set whose whole frames match.

    Args:
        images: by SHA-256.
        matches: accepted pairs of SHA-256.
    """
    twins: dict[str, set[str]] = {sha: set() for sha in images}
    for match in matches:
        seen = match.verification
        is_whole = seen is None or min(seen.overlap_query, seen.overlap_ref) >= FRAMES.coinciding
        if match.tier != "similar" and is_whole:
            twins[match.query].add(match.ref)
            twins[match.ref].add(match.query)
    standing: set[str] = set()
    for sha in sorted(images, key=lambda sha: (-images[sha].width * images[sha].height, sha)):
        if not twins[sha] & standing:
            standing.add(sha)
    return [sha for sha in images if sha in standing]


def told_by(
    matches: Sequence[Match], images: Mapping[str, ImageRef], config: InsideConfig
) -> dict[Names, Verification]:
    """Find matches in which one picture lies wholly in the other, as (small, large)."""
    told = {}
    for match in matches:
        seen = match.verification
        if seen is None or match.tier != "copy":
            continue
        if seen.overlap_query >= FRAMES.wholly and seen.overlap_ref <= config.max_share:
            told[match.query, match.ref] = seen
        elif seen.overlap_ref >= FRAMES.wholly and seen.overlap_query <= config.max_share:
            query, ref = images[match.query], images[match.ref]
            sizes = (query.width, query.height), (ref.width, ref.height)
            told[match.ref, match.query] = reverse(seen, *sizes)
    return told


def _propose(large: Features, small: Features, config: FindConfig) -> list[Pair]:
    """Propose pairs of image numbers whose keypoints meet in one pose.

    Args:
        large: keypoints of larger pictures.
        small: keypoints of smaller ones, whose numbers are all higher.
        config: settings.
    """
    inside = config.inside
    count = len(large.image) + len(small.image)
    settings = VoteSettings(
        tables=inside.tables,
        # a keypoint should meet less than one stranger by chance
        substring=min(CASCADE.most_bits, count.bit_length() + INSET_KIND.rare_bits),
        largest_group=inside.largest_group,
        min_votes=inside.min_votes,
        threads=config.threads,
    )
    low, high, votes = vote_between(large, small, settings)
    distance = (1.0 / votes).astype(np.float32)
    kept = among_nearest(low, high, distance, inside.max_neighbours)
    return list(zip(low[kept].tolist(), high[kept].tolist(), strict=True))


def _numbered(every: Sequence[UInt8Array]) -> tuple[UInt8Array, IntArray]:
    """Stack all keypoints, with the number of the image of each."""
    owner = np.repeat(np.arange(len(every), dtype=np.int64), [len(rows) for rows in every])
    return np.concatenate([np.empty((0, INSET_KIND.spec.dim), np.uint8), *every]), owner
