"""Find which images are the same picture: describe, match, cluster, choose, report."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from lookalike.actions.returned import find_returned
from lookalike.config.find import FindConfig, RunConfig, SystemConfig
from lookalike.containment.find import Inside, contain, one_per_frame, told_by
from lookalike.containment.regions import load_regions
from lookalike.decisions.choices import with_choices
from lookalike.decisions.keeper import check_rules
from lookalike.descriptors import load_embedding
from lookalike.ingest.describe import Describer
from lookalike.ingest.ingest import Catalogue, ingest
from lookalike.matching.cascade import find_pairs
from lookalike.matching.local_candidates import CollectionStages
from lookalike.matching.match_graph import Found
from lookalike.model.files import Failure, Returned
from lookalike.model.image import FileEntry, ImageRef
from lookalike.model.match import Containment
from lookalike.model.protocols import Descriptor
from lookalike.model.report import Report
from lookalike.report import SCHEMA, from_json, funnel_of, to_body, with_run
from lookalike.report.build import by_bytes, report_of, settings_of, versions_of
from lookalike.runtime.progress import Progress, silent
from lookalike.runtime.workers import one_core_each
from lookalike.sources import Inputs, ListForm, chosen_rows, gone, open_source, watch
from lookalike.store import Collection, open_collection
from lookalike.store.location import default_collection
from lookalike.systems.run import find_in_space
from lookalike.systems.space import fit_space, load_views

__all__ = ["Clock", "find", "find_json", "load_descriptors"]

_LOG = logging.getLogger(__name__)


def find(
    paths: Inputs,
    *,
    db: str | Path | None = None,
    config: RunConfig | None = None,
    hidden: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Find which images under some folders are the same picture.

    Args:
        paths: folders, pictures, archives (zip, tar), addresses (``s3://bucket/prefix``), patterns
            (``photos/**/*.jpg``), lists of pictures (text, CSV, TSV, JSON Lines, Parquet; ``-`` is
            standard input) or sources.
        db: folder of the collection that remembers what was learned, or the address of one at a
            server (``postgresql://…``, as ``str``); by default one under the user's data folder.
        config: every setting; ``FindConfig()`` is effort ``standard``. A recipe's configuration
            runs a published system.
        hidden: look at files and folders whose name starts with a dot too.
        progress: called with (stage, done, total) from the calling thread.

    Returns:
        Clusters, matches, decisions, failures and the funnel. It depends on the set of images
        and the settings only, not on order, threads or batches.

    Raises:
        ConfigError: a folder or a setting that cannot work, before any work is done.
        CollectionError: the collection cannot be used.
        ModelError: the network cannot be loaded.
    """
    return _find(paths, db, config or FindConfig(), hidden, progress or silent).to_report()


def find_json(
    paths: Inputs,
    *,
    db: str | Path | None = None,
    config: RunConfig | None = None,
    hidden: bool = False,
    progress: Progress | None = None,
) -> str:
    """As ``find``, as the JSON text of the report; an unchanged set costs only a look at it."""
    return _find(paths, db, config or FindConfig(), hidden, progress or silent).to_json()


@dataclass(frozen=True, slots=True)
class _Finding:
    """What a run found.

    Attributes:
        body: all that depends on the set alone, as a collection keeps it.
        report: the same as an object; None where the body was kept from before.
        counts: into the funnel.
        timings: seconds by stage.
        returned: images that were dropped before, each with its path.
    """

    body: str
    report: Report | None
    counts: dict[str, int]
    timings: dict[str, float]
    returned: Sequence[tuple[Returned, str]]

    def to_report(self) -> Report:
        """As an object; what was kept from before is read."""
        if self.report is None:
            return from_json(self.to_json())
        again = tuple(one for one, _ in self.returned)
        return replace(self.report, timings=self.timings, returned=again)

    def to_json(self) -> str:
        """As JSON; the body is not parsed."""
        return with_run(self.body, self.counts, self.timings, self.returned)


def _find(
    paths: Inputs, db: str | Path | None, config: RunConfig, hidden: bool, progress: Progress
) -> _Finding:
    check_rules(config.keep.rules)
    source = open_source(paths, ListForm(hidden=hidden, read=config.read))
    descriptors = load_descriptors(config)
    clock = Clock()
    listed = list(watch(source, progress).scan())
    rows = chosen_rows(source)
    fingerprint = _fingerprint(listed, config, descriptors) + "".join(map(str, rows.items()))
    db = db or default_collection()
    report = None
    with open_collection(db) as collection, one_core_each():
        # whatever a person decides changes the answer
        fingerprint += f" {collection.edition}" if collection.edition else ""
        body = collection.load_report(fingerprint)
        if body is not None:
            _LOG.info("nothing changed: the report of an earlier run is the answer")
        else:
            with clock("describe"):
                catalogue = ingest(listed, collection, config, progress=progress)
                collection.forget(gone(source, listed, collection.keys))
            report = _answer(catalogue, collection, config, descriptors, clock, progress)
            if rows:
                report = replace(report, config={**report.config, "rows": rows})
            report = with_choices(report, collection.choices)
            body = to_body(report)
            if not any(failure.stage == "read" for failure in report.failures):
                collection.save_report(fingerprint, body)
        again = find_returned(listed, db)
    images = funnel_of(body)["images"]
    counts = {} if report else {"decoded": 0, "remembered": images}
    return _Finding(body, report, counts, clock.timings(images), again)


def load_descriptors(config: RunConfig) -> tuple[Descriptor, ...]:
    """What the run describes pictures by, beyond hashes; wrong settings end here."""
    if isinstance(config, SystemConfig):
        return load_views(config)
    assert isinstance(config, FindConfig)
    if config.effort == "fast" or not (config.embedding.proposes or config.cluster.similar):
        return ()
    network = config.embedding
    return (load_embedding(network.model, network.engine, threads=config.threads),)


@dataclass(slots=True)
class Clock:
    """Seconds by stage."""

    seconds: dict[str, float] = field(default_factory=dict)
    start: float = field(default_factory=time.perf_counter)

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Count what is done meanwhile as this stage's."""
        begun = time.perf_counter()
        yield
        self.seconds[stage] = round(time.perf_counter() - begun, 3)
        _LOG.info("%s took %.2f s", stage, self.seconds[stage])

    def timings(self, images: int) -> dict[str, float]:
        """Seconds by stage and in all, and images a second."""
        total = time.perf_counter() - self.start
        rate = images / total if total else 0.0
        return {**self.seconds, "total": round(total, 3), "images_per_second": round(rate, 1)}


def _fingerprint(
    listed: Sequence[FileEntry | Failure], config: RunConfig, descriptors: Sequence[Descriptor]
) -> str:
    """Digest of everything a report depends on: settings, and the files by their stamps."""
    asked = [SCHEMA, settings_of(config), versions_of(config, descriptors), _regions(config)]
    digest = hashlib.sha256(json.dumps(asked).encode())
    for item in listed:
        digest.update(f"{item}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _regions(config: RunConfig) -> str:
    """What proposes regions of larger pictures; a detector by its content."""
    if not isinstance(config, FindConfig) or not config.inside.wanted:
        return ""
    return load_regions(config.inside.regions, config.embedding.engine).name


def _answer(
    catalogue: Catalogue,
    collection: Collection,
    config: RunConfig,
    descriptors: Sequence[Descriptor],
    clock: Clock,
    progress: Progress,
) -> Report:
    by_content = by_bytes(catalogue.images)
    first = {sha: files[0] for sha, files in by_content.items()}
    with clock("pairs"):
        found = _found(first, collection, config, descriptors, progress)
    containments, counts = _contained(first, found, collection, config, clock, progress)
    with clock("cluster"):
        report = report_of(catalogue, by_content, found, config, versions_of(config, descriptors))
    return replace(report, funnel={**report.funnel, **counts}, containments=containments)


def _contained(
    first: Mapping[str, ImageRef],
    found: Found,
    collection: Collection,
    config: RunConfig,
    clock: Clock,
    progress: Progress,
) -> tuple[tuple[Containment, ...], dict[str, int]]:
    """Pictures inside larger ones, where they are asked for, and funnel counts."""
    if not isinstance(config, FindConfig) or not config.inside.wanted:
        return (), {}
    with clock("inside"):
        telling = {sha: image for sha, image in first.items() if not image.low_information}
        describer = Describer(first, collection, config, progress)
        inside = Inside(collection, config, describer, progress)
        seen, counts = inside.among(one_per_frame(telling, found.matches))
        seen = told_by(found.matches, first, config.inside) | seen
        held = [contain(first[small], first[large], v) for (small, large), v in seen.items()]
    held.sort(key=lambda item: (item.large, item.small))
    return tuple(held), {**counts, "containments": len(held)}


def _found(
    first: Mapping[str, ImageRef],
    collection: Collection,
    config: RunConfig,
    descriptors: Sequence[Descriptor],
    progress: Progress,
) -> Found:
    """Pairs and clusters among contents, by the cascade or by a published system."""
    describer = Describer(first, collection, config, progress)
    if isinstance(config, SystemConfig):
        shas = [sha for sha, image in first.items() if not image.low_information]
        space = fit_space(config, descriptors, shas, collection, describer.embed)
        return find_in_space(space, config, first)
    assert isinstance(config, FindConfig)
    network = descriptors[0] if descriptors else None
    stages = CollectionStages(collection, config, describer, progress)
    return find_pairs(list(first.values()), stages, config, network=network)
