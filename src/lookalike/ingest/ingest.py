"""Ingest files: read, sniff, decode, describe, remember.

Nothing is read twice: a file whose size, time and inode are as remembered is not opened, and a
content that is known by its SHA-256 is not decoded. Every batch is one atomic step of the
collection, so an interrupt loses at most the batch in hand.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from numpy.typing import NDArray

from lookalike.config import NO_MEMORY, ReadConfig, RunConfig
from lookalike.descriptors.hashes import HASH_SPECS
from lookalike.images.decode import decode, sniff
from lookalike.ingest.contents import (
    Described,
    batch_of,
    describe_content,
    describe_shades,
    image_ref,
)
from lookalike.model.errors import ConfigError
from lookalike.model.files import Failure
from lookalike.model.image import DescriptorSpec, FileEntry, ImageRef
from lookalike.runtime.progress import Progress
from lookalike.runtime.workers import MANY, prepare
from lookalike.sources import looks_like_image
from lookalike.sources.reading import is_there, read_bytes, read_start
from lookalike.sources.reading.addresses import is_far
from lookalike.store import Collection, Content, KnownFile

__all__ = [
    "Catalogue",
    "Outcome",
    "catalogue_of",
    "examine",
    "ingest",
    "read_entry",
    "remembered_images",
]

_LOG = logging.getLogger(__name__)
# files that a thread is handed at once; first bytes that tell what a file is
_CHUNK = 16
_SNIFFED = 64


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Collect what a run looks at.

    Attributes:
        images: readable images, sorted by id.
        failures: sorted by path.
        counts: funnel counts of the stages so far.
    """

    images: tuple[ImageRef, ...]
    failures: tuple[Failure, ...]
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one file turned out to be; ``kind`` is image, failure, skipped or seen.

    An image has its content and the rows of its hashes, and with transparent parts its shades; one
    that was seen has neither.
    """

    entry: FileEntry
    kind: str
    sha256: str = ""
    failure: Failure | None = None
    content: Content | None = None
    rows: dict[DescriptorSpec, NDArray[Any]] = field(default_factory=dict)
    shades: tuple[Described, ...] = ()

    def known(self) -> KnownFile:
        """As the collection remembers it."""
        kind = "image" if self.kind == "seen" else self.kind
        if self.failure is None:
            return KnownFile(kind, self.sha256 or None)
        return KnownFile(kind, self.sha256 or None, self.failure.stage, self.failure.message)


def ingest(
    listed: Sequence[FileEntry | Failure],
    collection: Collection,
    config: RunConfig,
    *,
    progress: Progress,
    inside: Sequence[str] | None = None,
) -> Catalogue:
    """Bring ``collection`` up to date with the files of a source.

    Args:
        listed: what the source offers.
        collection: remembers and is added to.
        config: settings.
        progress: called with (stage, done, total) now and then.
        inside: real paths of the only folders in which files are opened; None for anywhere.

    Returns:
        The images of this run, with what could not be read.
    """
    entries = [item for item in listed if isinstance(item, FileEntry)]
    failures = [item for item in listed if isinstance(item, Failure)]
    specs = HASH_SPECS
    for spec in specs:
        collection.check_spec(spec)
    known = _still_described(collection, collection.unchanged(entries), specs)
    fresh = [entry for entry in entries if entry.key not in known]
    _LOG.info(
        "%d files, %d of them known; %d could not be listed; reading %d with %d threads",
        *(len(entries), len(entries) - len(fresh), len(failures), len(fresh), config.threads),
    )
    worker = _Worker(
        collection, config, specs, partial(read_entry, read=config.read, inside=inside)
    )
    if len(fresh) >= MANY and config.kinds:
        prepare(config.threads, "lookalike.matching.verifier")
    done = decoded = 0
    later: list[Outcome] = []
    for batch in _batches(worker.outcomes(fresh, config.threads), config.batch):
        _remember(collection, [outcome for outcome in batch if outcome.kind != "seen"], known)
        # a twin may be met before the file that is decoded for both
        later += [outcome for outcome in batch if outcome.kind == "seen"]
        done += len(batch)
        decoded += sum(outcome.content is not None for outcome in batch)
        progress("describe", done, len(fresh))
    _remember_twins(collection, later, known)
    shas = {file.sha256 for file in known.values() if file.kind == "image" and file.sha256}
    listing = Catalogue((), tuple(failures), {"decoded": decoded})
    return catalogue_of(entries, known, collection.contents(shas), listing)


def _still_described(
    collection: Collection, known: dict[str, KnownFile], specs: Sequence[DescriptorSpec]
) -> dict[str, KnownFile]:
    """Drop known files whose content lacks a descriptor this run needs.

    What could not be read is tried again: permissions and mounts change without a trace.
    """
    shas = sorted({file.sha256 for file in known.values() if file.sha256})
    lacking = {sha for spec in specs for sha in collection.missing(spec, shas)}
    return {
        key: file
        for key, file in known.items()
        if file.sha256 not in lacking and file.stage != "read"
    }


class _Worker:
    """Reads and describes files on several threads."""

    def __init__(
        self,
        collection: Collection,
        config: RunConfig,
        specs: Sequence[DescriptorSpec],
        read: Callable[[FileEntry], bytes | Failure],
    ) -> None:
        self._read = read
        self._config = config
        self._seen = collection.described(specs)
        self._lock = threading.Lock()

    def outcomes(self, entries: Sequence[FileEntry], threads: int) -> Iterator[Outcome]:
        """Yield outcomes in the order of ``entries``, computed ahead by a bounded window."""
        chunks = [entries[at : at + _CHUNK] for at in range(0, len(entries), _CHUNK)]
        if not chunks:
            return
        # what is read ahead lies in memory until it is decoded
        is_slow = any(is_far(entry.path) for entry in entries)
        at_once = self._config.read.at_once
        window = max(threads, 2 * at_once // _CHUNK) if is_slow else 4 * threads
        with (
            ThreadPoolExecutor(threads, thread_name_prefix="lookalike") as pool,
            ThreadPoolExecutor(at_once, thread_name_prefix="lookalike-read") as readers,
        ):
            waiting: list[Future[list[Outcome]]] = []
            try:
                for chunk in chunks:
                    waiting.append(pool.submit(self._chunk, chunk, self._ahead(chunk, readers)))
                    if len(waiting) > window:
                        yield from waiting.pop(0).result()
                while waiting:
                    yield from waiting.pop(0).result()
            finally:
                for future in waiting:
                    future.cancel()
                readers.shutdown(cancel_futures=True)

    def _ahead(
        self, entries: Sequence[FileEntry], readers: ThreadPoolExecutor
    ) -> list[Callable[[], bytes | Failure]]:
        """Read ahead: ask now for the bytes of files that lie far away."""
        return [
            readers.submit(self._read, entry).result
            if is_far(entry.path)
            else partial(self._read, entry)
            for entry in entries
        ]

    def _chunk(
        self, entries: Sequence[FileEntry], reads: Sequence[Callable[[], bytes | Failure]]
    ) -> list[Outcome]:
        return [self._outcome(entry, read) for entry, read in zip(entries, reads, strict=True)]

    def _outcome(self, entry: FileEntry, read: Callable[[], bytes | Failure]) -> Outcome:
        data = read()
        if isinstance(data, Failure):
            return Outcome(entry, "failure", failure=data)
        return examine(entry, data, self._config, self._is_new)

    def _is_new(self, sha256: str) -> bool:
        with self._lock:
            is_new = sha256 not in self._seen
            self._seen.add(sha256)
        return is_new


def read_entry(
    entry: FileEntry, read: ReadConfig, *, inside: Sequence[str] | None = None
) -> bytes | Failure:
    """Read a file's bytes, or say why they cannot be read.

    Of one that neither is nor claims to be a picture only the first.

    Args:
        entry: the file.
        read: limits.
        inside: real paths of the only folders in which it is opened; None for anywhere.
    """
    try:
        if not looks_like_image(entry.id) and not 0 < entry.n_bytes <= _SNIFFED:
            start = read_start(entry.path, _SNIFFED, read, inside=inside)
            if sniff(start[:_SNIFFED]) is None:
                return start
        return read_bytes(entry.path, read, inside=inside)
    except OSError as error:
        return Failure(entry.path, "read", f"cannot be read: {error.strerror or error}")


def examine(
    entry: FileEntry, data: bytes, config: RunConfig, is_new: Callable[[str], bool]
) -> Outcome:
    """Examine the bytes of a file and describe them by hashes.

    Args:
        entry: the file.
        data: its bytes.
        config: settings.
        is_new: asked with their SHA-256; what is not new is not decoded.
    """
    if sniff(data[:_SNIFFED]) is None and not looks_like_image(entry.id):
        return Outcome(entry, "skipped")
    sha256 = hashlib.sha256(data).hexdigest()
    if not is_new(sha256):
        return Outcome(entry, "seen", sha256)
    picture = decode(entry.path, data, config.decode)
    if isinstance(picture, Failure):
        return Outcome(entry, "failure", sha256, failure=picture)
    try:
        content, rows = describe_content(sha256, len(data), picture, config)
        shades = describe_shades(content, picture, config)
    except MemoryError:
        return Outcome(entry, "failure", sha256, failure=Failure(entry.path, "read", NO_MEMORY))
    return Outcome(entry, "image", sha256, content=content, rows=rows, shades=shades)


def _batches(outcomes: Iterator[Outcome], size: int) -> Iterator[list[Outcome]]:
    batch: list[Outcome] = []
    for outcome in outcomes:
        batch.append(outcome)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _remember(
    collection: Collection, batch: Sequence[Outcome], known: dict[str, KnownFile]
) -> None:
    """Commit one batch, and note in ``known`` what each file turned out to be."""
    described = [(o.content, o.rows) for o in batch if o.content]
    described += [shade for outcome in batch for shade in outcome.shades]
    collection.commit(
        replace(
            batch_of(described),
            files=tuple((o.entry, o.sha256) for o in batch if o.kind in ("image", "seen")),
            failures=tuple((o.entry, o.known()) for o in batch if o.kind in ("failure", "skipped")),
        )
    )
    known.update({outcome.entry.key: outcome.known() for outcome in batch})


def _remember_twins(
    collection: Collection, twins: Sequence[Outcome], known: dict[str, KnownFile]
) -> None:
    """Commit files whose bytes another file of the collection has."""
    held = collection.contents({twin.sha256 for twin in twins})
    reasons = {file.sha256: file.message for file in known.values() if file.kind == "failure"}
    settled = []
    for twin in twins:
        if twin.sha256 in held:
            settled.append(twin)
        else:
            reason = Failure(twin.entry.path, "decode", reasons.get(twin.sha256, "unreadable"))
            settled.append(Outcome(twin.entry, "failure", twin.sha256, failure=reason))
    if settled:
        _remember(collection, settled, known)


def catalogue_of(
    entries: Sequence[FileEntry],
    known: Mapping[str, KnownFile],
    contents: Mapping[str, Content],
    so_far: Catalogue,
) -> Catalogue:
    """Collect what a run looks at.

    Args:
        entries: what the source offers.
        known: what each turned out to be, by key.
        contents: of the images, by SHA-256.
        so_far: what could not be listed, and how many were decoded.
    """
    failures = list(so_far.failures)
    decoded = so_far.counts["decoded"]
    images, skipped = [], 0
    for entry in sorted(entries, key=lambda item: item.id):
        file = known[entry.key]
        content = contents.get(file.sha256 or "") if file.kind == "image" else None
        if content:
            images.append(image_ref(entry.id, entry.path, content, entry.modified_ns))
        elif file.kind == "skipped":
            skipped += 1
        else:
            failures.append(Failure(entry.shown, file.stage, file.message))
    counts = {
        "files": len(entries),
        "not_images": skipped,
        "failed": len(failures),
        "images": len(images),
        "decoded": decoded,
        "remembered": len(images) - decoded,
        "low_information": sum(image.low_information for image in images),
    }
    return Catalogue(tuple(images), tuple(sorted(failures, key=lambda f: f.path)), counts)


def remembered_images(collection: Collection) -> list[ImageRef]:
    """List every image file of the collection that is still there, by path."""
    files = {key: sha for key, sha in collection.images().items() if is_there(key)}
    contents = collection.contents(set(files.values()))
    images = [image_ref(key, key, contents[sha]) for key, sha in files.items() if sha in contents]
    if not images:
        raise ConfigError(
            "the collection holds no images",
            remedy="fill it with 'lookalike index PHOTOS --db DIR' and search the same --db",
        )
    return images
