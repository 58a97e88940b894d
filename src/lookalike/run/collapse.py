"""Collapse a result list: candidates in rank order in, one of each picture out.

Everything is in memory and belongs to the call: no collection on disk, no lock that another call
waits for, so calls may run in any number of threads. The stages are those of ``find``.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lookalike.config import FindConfig, ReadConfig
from lookalike.decisions.keeper import check_rules, decide
from lookalike.images.decode import as_file, decode
from lookalike.ingest.contents import (
    Described,
    batch_of,
    describe_content,
    describe_shades,
    image_ref,
)
from lookalike.ingest.describe import Describer
from lookalike.matching.cascade import find_pairs
from lookalike.matching.judge import pair_config
from lookalike.matching.local_candidates import CollectionStages
from lookalike.model.errors import ConfigError
from lookalike.model.files import Failure
from lookalike.model.image import DescriptorSpec, ImageRef
from lookalike.model.match import Match, Tier
from lookalike.model.report import Cluster
from lookalike.report.build import file_clusters, file_matches
from lookalike.runtime.progress import silent
from lookalike.runtime.workers import each, one_core_each
from lookalike.sources.reading import read_bytes, read_plain
from lookalike.sources.reading.addresses import is_address
from lookalike.store import Collection, Content, EmbeddedCollection
from lookalike.verification.edit import reverse

__all__ = [
    "Candidate",
    "Collapsed",
    "Dropped",
    "Keep",
    "Kept",
    "Unusable",
    "acollapse",
    "collapse",
    "relate",
]

Candidate = (
    str | os.PathLike[str] | bytes | bytearray | memoryview | NDArray[Any] | Image.Image | Failure
)
Keep = Literal["rank", "best"]
_SAME_PIXELS = "identical pixels"


@dataclass(frozen=True, slots=True)
class Dropped:
    """A candidate that another one stands for.

    Attributes:
        index: its place in the list, from 0.
        of: place of the candidate it is compared with: the kept one wherever they match.
        tier: how the two are related.
        edit: what was done to ``of`` to make it, in words, for example ``cropped to 76%``.
        confidence: probability that both show the same picture, 0..1; None where nothing tells.
    """

    index: int
    of: int
    tier: Tier
    edit: str
    confidence: float | None


@dataclass(frozen=True, slots=True)
class Kept:
    """One picture of the list.

    Attributes:
        index: place in the list of the candidate that represents it, from 0.
        rank: best place of all that show it; with ``keep="rank"`` mostly ``index`` itself.
        dropped: the others, by place.
    """

    index: int
    rank: int
    dropped: tuple[Dropped, ...]

    @property
    def stands_for(self) -> tuple[int, ...]:
        """Places of all that show the picture, itself included, ascending."""
        return tuple(sorted([self.index, *(item.index for item in self.dropped)]))


@dataclass(frozen=True, slots=True)
class Unusable:
    """A candidate that is no picture.

    Attributes:
        index: its place in the list, from 0.
        failure: why.
    """

    index: int
    failure: Failure


@dataclass(frozen=True, slots=True)
class Collapsed:
    """A result list without repeats.

    Attributes:
        kept: one candidate of each picture, by best rank.
        failures: candidates that are no pictures, by place.
        looked: candidates looked at, from the first on: with ``k`` no more than it took.
    """

    kept: tuple[Kept, ...]
    failures: tuple[Unusable, ...]
    looked: int

    @property
    def indexes(self) -> tuple[int, ...]:
        """Places of the kept candidates, in the order of the answer."""
        return tuple(item.index for item in self.kept)


@dataclass(frozen=True, slots=True)
class _Read:
    """What a candidate turned out to be.

    Attributes:
        data: bytes of its file, or of one that decodes to its pixels.
        is_pixels: whether it had no file.
        content: what is known of it.
        rows: its hashes.
        shades: it over every backdrop, where something shows through.
    """

    data: bytes
    is_pixels: bool
    content: Content
    rows: dict[DescriptorSpec, NDArray[Any]]
    shades: tuple[Described, ...]


def collapse(
    images: Iterable[Candidate],
    k: int | None = None,
    *,
    keep: Keep = "rank",
    config: FindConfig | None = None,
) -> Collapsed:
    """Keep one candidate of each picture in a result list, in the order of the list.

    Two candidates are one picture exactly where ``find`` would cluster them. Safe to call from
    several threads at once; ``acollapse`` is the same for an event loop.

    Args:
        images: candidates, the best first: paths, bytes of files, arrays ``(h, w, 3)`` uint8 RGB,
            Pillow images, in any mix; pixels count as a BMP of them, and a ``Failure`` stands for
            what could not be had. Read in order, and no further than ``k`` needs.
        k: pictures wanted; then the answer is that for the first ``looked`` candidates, as few as
            hold so many pictures. None for all.
        keep: which of a picture's candidates represents it: the first in ``rank`` whose file is
            not damaged, or the ``best`` by ``config.keep``. Its place in the answer is that of the
            first either way.
        config: settings, as of ``find``; ``threads`` describe candidates at once.

    Returns:
        What is kept, what each one stands for and how, and what could not be read.

    Raises:
        ConfigError: settings that cannot work; a bad candidate is a failure in the answer.
    """
    config = config or FindConfig()
    _check(images, k, keep, config)
    left = iter(images)
    with EmbeddedCollection(None) as collection, one_core_each():
        seen = _Candidates(collection, config)
        kept: tuple[Kept, ...] = ()
        while k is None or len(kept) < k:
            more = list(islice(left, None if k is None else k - len(kept)))
            if not more:
                break
            seen.add(more)
            kept = seen.representatives(keep)
            if k is None:
                break
        return Collapsed(kept[:k], tuple(seen.failures), seen.looked)


async def acollapse(
    images: Iterable[Candidate],
    k: int | None = None,
    *,
    keep: Keep = "rank",
    config: FindConfig | None = None,
) -> Collapsed:
    """Collapse in a thread, so that the event loop goes on meanwhile.

    Cancelling it abandons the answer; the thread ends by itself.
    """
    return await asyncio.to_thread(collapse, images, k, keep=keep, config=config)


def relate(
    first: Candidate, second: Candidate, *, config: FindConfig | None = None
) -> tuple[Dropped | None, tuple[Unusable, ...]]:
    """Tell how ``second`` is made from ``first``: ``lookalike.compare`` without files.

    Returns:
        The relation, with places 0 and 1, or None; and what could not be read.
    """
    found = collapse([first, second], config=pair_config(config or FindConfig()))
    dropped = [item for kept in found.kept for item in kept.dropped]
    return (dropped[0] if dropped else None), found.failures


class _Candidates:
    """The part of a list that was looked at."""

    def __init__(self, collection: Collection, config: FindConfig) -> None:
        self._collection = collection
        self._config = config
        self._refs: list[ImageRef] = []
        self._pixels: set[str] = set()
        self._first: dict[str, ImageRef] = {}
        self._data: dict[str, bytes] = {}
        self._describer = Describer(self._first, collection, config, silent, self._data)
        self.failures: list[Unusable] = []
        self.looked = 0

    def add(self, candidates: Sequence[Candidate]) -> None:
        """Read and describe some more."""
        # an object that comes twice is read once: not all of them can be read by two threads
        own = {id(item): (item, f"images[{self.looked + n}]") for n, item in enumerate(candidates)}
        outcomes = each(
            lambda pair: self._read(*pair), list(own.values()), self._config.threads, apart=False
        )
        read = dict(zip(own, outcomes, strict=True))
        fresh: dict[str, _Read] = {}
        for item in candidates:
            index, found = self.looked, read[id(item)]
            self.looked += 1
            if isinstance(found, Failure):
                self.failures.append(Unusable(index, found))
                continue
            name, content = f"{index:09d}", found.content
            ref = image_ref(name, f"images[{index}]", content)
            self._refs.append(ref)
            if found.is_pixels:
                self._pixels.add(name)
            if content.sha256 not in self._first:
                self._first[content.sha256] = ref
                self._data[content.sha256] = found.data
                fresh[content.sha256] = found
        described = [(found.content, found.rows) for found in fresh.values()]
        described += [shade for found in fresh.values() for shade in found.shades]
        if described:
            self._collection.commit(batch_of(described))

    def representatives(self, keep: Keep) -> tuple[Kept, ...]:
        """Choose one candidate of each picture, by best rank."""
        by_content: dict[str, list[ImageRef]] = defaultdict(list)
        for ref in self._refs:
            by_content[ref.sha256].append(ref)
        found = find_pairs(
            list(self._first.values()),
            CollectionStages(self._describer, self._config),
            self._config,
            network=None,
        )
        matches = file_matches(found, by_content)
        clusters = file_clusters(found, by_content, matches, self._config)
        refs = {ref.id: ref for ref in self._refs}
        keepers = {
            cluster.id: min(cluster.members, key=lambda member: (bool(refs[member].damage), member))
            for cluster in clusters
        }
        if keep == "best":
            decisions = {d.image: d.keeper for d in decide(clusters, refs, self._config)}
            keepers = {cluster.id: decisions[cluster.members[0]] for cluster in clusters}
        kept = [self._kept(cluster, keepers[cluster.id], refs) for cluster in clusters]
        alone = refs.keys() - {member for cluster in clusters for member in cluster.members}
        kept += [Kept(int(name), int(name), ()) for name in alone]
        return tuple(sorted(kept, key=lambda item: item.rank))

    def _kept(self, cluster: Cluster, keeper: str, refs: dict[str, ImageRef]) -> Kept:
        others = [member for member in cluster.members if member != keeper]
        dropped = tuple(self._dropped(cluster, member, keeper, refs) for member in others)
        return Kept(int(keeper), int(cluster.members[0]), dropped)

    def _dropped(
        self, cluster: Cluster, member: str, keeper: str, refs: dict[str, ImageRef]
    ) -> Dropped:
        match = _tie(cluster, member, keeper)
        other = match.query if match.ref == member else match.ref
        tier, edit = match.tier, match.edit
        if tier == "exact" and not self._pixels.isdisjoint((member, other)):
            tier, edit = "pixel", _SAME_PIXELS
        elif match.verification is not None and match.query == member:
            query, ref = refs[match.query], refs[match.ref]
            sizes = (query.width, query.height), (ref.width, ref.height)
            edit = reverse(match.verification, *sizes).edit
        return Dropped(int(member), int(other), tier, edit, match.confidence)

    def _read(self, candidate: Candidate, label: str) -> _Read | Failure:
        """Read one candidate: bytes, content and hashes, or what is wrong with it."""
        data = _bytes_of(candidate, label, self._config.read)
        if isinstance(data, Failure):
            return data
        picture = decode(label, data, self._config.decode)
        if isinstance(picture, Failure):
            return picture
        sha256 = hashlib.sha256(data).hexdigest()
        content, rows = describe_content(sha256, len(data), picture, self._config)
        is_pixels = isinstance(candidate, np.ndarray | Image.Image)
        shades = describe_shades(content, picture, self._config)
        return _Read(data, is_pixels, content, rows, shades)


def _bytes_of(candidate: Candidate, label: str, read: ReadConfig) -> bytes | Failure:
    """Read the file of a candidate, or make one where it has none."""
    if isinstance(candidate, Failure):
        return candidate
    if isinstance(candidate, bytes | bytearray | memoryview):
        return bytes(candidate)
    if isinstance(candidate, str | os.PathLike):
        try:
            if isinstance(candidate, str) and is_address(candidate):
                return read_bytes(candidate, read, listed=False)
            return read_plain(os.fspath(candidate), read)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            return Failure(str(candidate), "read", f"cannot be read: {reason or error}")
    if not isinstance(candidate, np.ndarray | Image.Image):
        wanted = "a path, bytes, a uint8 array (h, w, 3) or a Pillow image"
        return Failure(label, "read", f"got {type(candidate).__name__}; expected {wanted}")
    try:
        return as_file(candidate)
    except Exception as error:  # Pillow raises anything at all for an image it cannot load
        return Failure(label, "decode", str(error) or type(error).__name__)


def _tie(cluster: Cluster, member: str, keeper: str) -> Match:
    """Find the match that says how ``member`` belongs: with the keeper, the centre, or any."""
    own = [match for match in cluster.matches if member in (match.query, match.ref)]
    for other in (keeper, cluster.center):
        for match in own:
            if other != member and other in (match.query, match.ref):
                return match
    return own[0]


def _check(images: object, k: int | None, keep: str, config: FindConfig) -> None:
    if isinstance(images, str | bytes | os.PathLike | np.ndarray | Image.Image):
        raise ConfigError(
            "collapse wants a list of candidates", got=f"one {type(images).__name__}",
            remedy="put it in a list; for a folder use lookalike.find",
        )  # fmt: skip
    if k is not None and k < 1:
        raise ConfigError("no pictures are wanted", got=f"k = {k}", expected="1 or more, or None")
    if keep not in ("rank", "best"):
        raise ConfigError("unknown way to keep", got=repr(keep), expected="rank or best")
    if not isinstance(config, FindConfig) or config.embedding.proposes or config.cluster.similar:
        raise ConfigError(
            "collapse compares by lookalike's own cascade, without a network",
            got=config.recipe or type(config).__name__,
            expected="a FindConfig whose embedding does not propose and that joins no similar ones",
        )
    check_rules(config.keep.rules)
