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
from lookalike.config import FindConfig, RunConfig
from lookalike.decisions.choices import with_choices
from lookalike.decisions.keeper import check_rules
from lookalike.ingest.describe import Describer
from lookalike.ingest.ingest import Catalogue, ingest
from lookalike.methods import method_of
from lookalike.model.files import Failure, Returned
from lookalike.model.image import FileEntry
from lookalike.model.protocols import Descriptor
from lookalike.model.report import Report
from lookalike.report import SCHEMA, from_json, funnel_of, to_body, with_run
from lookalike.report.build import by_bytes, report_of, settings_of, versions_of
from lookalike.runtime.progress import Progress, silent
from lookalike.runtime.workers import one_core_each
from lookalike.sources import Inputs, ListForm, chosen_rows, gone, open_source, watch
from lookalike.store import Collection, open_collection
from lookalike.store.location import default_collection

__all__ = ["Clock", "find", "find_json"]

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
    """Find, as the JSON text of the report; an unchanged set costs only a look at it."""
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
        """Make a report of it; what was kept from before is read."""
        if self.report is None:
            return from_json(self.to_json())
        again = tuple(one for one, _ in self.returned)
        return replace(self.report, timings=self.timings, returned=again)

    def to_json(self) -> str:
        """Make JSON of it; the body is not parsed."""
        return with_run(self.body, self.counts, self.timings, self.returned)


def _find(
    paths: Inputs, db: str | Path | None, config: RunConfig, hidden: bool, progress: Progress
) -> _Finding:
    check_rules(config.keep.rules)
    source = open_source(paths, ListForm(hidden=hidden, read=config.read))
    method = method_of(config)
    descriptors = method.descriptors()
    clock = Clock()
    listed = list(watch(source, progress).scan())
    rows = chosen_rows(source)
    # a number that changed never meets an answer of before
    others = {"regions": method.regions, "limits": method.limits}
    versions = {**versions_of(descriptors, method.versions), **others}
    fingerprint = _fingerprint(listed, config, versions) + "".join(map(str, rows.items()))
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


@dataclass(slots=True)
class Clock:
    """Seconds by stage."""

    seconds: dict[str, float] = field(default_factory=dict)
    start: float = field(default_factory=time.perf_counter)

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Count the time of what is done meanwhile as this stage's."""
        begun = time.perf_counter()
        yield
        self.seconds[stage] = round(time.perf_counter() - begun, 3)
        _LOG.info("%s took %.2f s", stage, self.seconds[stage])

    def timings(self, images: int) -> dict[str, float]:
        """Sum up seconds by stage and in all, and images a second."""
        total = time.perf_counter() - self.start
        rate = images / total if total else 0.0
        return {**self.seconds, "total": round(total, 3), "images_per_second": round(rate, 1)}


def _fingerprint(
    listed: Sequence[FileEntry | Failure], config: RunConfig, versions: Mapping[str, str]
) -> str:
    """Digest everything a report depends on: settings, versions, and the files by their stamps."""
    asked = [SCHEMA, settings_of(config), versions]
    digest = hashlib.sha256(json.dumps(asked).encode())
    for item in listed:
        digest.update(f"{item}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


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
    method = method_of(config)
    describer = Describer(first, collection, config, progress)
    with clock("pairs"):
        found = method.find(describer, descriptors)
    with clock("cluster"):
        versions = versions_of(descriptors, method.versions)
        report = report_of(catalogue, by_content, found, config, versions)
    if not method.regions:
        return report
    with clock("inside"):
        held, counts = method.contained(describer, found)
    return replace(report, funnel={**report.funnel, **counts}, containments=held)
