"""``find`` on a cluster: list, describe shards, join equal bytes, run the cascade, report."""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lookalike.config import FindConfig, RunConfig
from lookalike.decisions.keeper import check_rules
from lookalike.descriptors.keypoints import KINDS, KeypointKind
from lookalike.distributed.cascade import ClusterStages, Known
from lookalike.distributed.layout import Layout
from lookalike.distributed.results import write_results
from lookalike.distributed.rows import Place
from lookalike.distributed.session import RayTasks, Tasks, connect
from lookalike.distributed.shards import (
    Shard,
    Summary,
    cut,
    describe_shard,
    facts,
    same_bytes,
    split_by_bytes,
)
from lookalike.distributed.work import Work
from lookalike.ingest.contents import shade_names
from lookalike.ingest.ingest import Catalogue, catalogue_of
from lookalike.matching.cascade import find_pairs
from lookalike.methods import method_of
from lookalike.model.arrays import IntArray
from lookalike.model.errors import ConfigError
from lookalike.model.files import Failure
from lookalike.model.image import FileEntry
from lookalike.model.protocols import Descriptor
from lookalike.model.report import Report
from lookalike.report import to_json
from lookalike.report.build import by_bytes, report_of, versions_of
from lookalike.run.find import Clock
from lookalike.runtime.progress import Progress, silent
from lookalike.sources import Inputs, ListForm, chosen_rows, open_source, watch
from lookalike.store import Content, KnownFile
from lookalike.store.location import default_collection

__all__ = ["Run", "find", "find_json"]

_LOG = logging.getLogger(__name__)
_FILES_A_PART = 200_000


def find(
    paths: Inputs,
    *,
    cluster: str = "auto",
    work: str | Path | None = None,
    config: RunConfig | None = None,
    layout: Layout | None = None,
    progress: Progress | None = None,
) -> Report:
    """Find copies like ``lookalike.find``, computed by a Ray cluster; the answer is the same.

    Args:
        paths: whatever ``lookalike.find`` takes; every node must be able to read it.
        cluster: address of the cluster's head, or ``auto``: the one this machine belongs to, else
            one that is started on this machine for the time of the run.
        work: folder, or address such as ``s3://bucket/folder``, that every node reaches: finished
            shards, verdicts and results as Parquet. A later run goes on from what is there. By
            default a folder under the user's data folder.
        config: settings of the cascade.
        layout: how work is cut into tasks.
        progress: called with (stage, done, total) from the calling thread.

    Raises:
        ConfigError: a folder or a setting that cannot work, before any work is done.
        LookalikeError: the cluster lost a task again and again.
    """
    checked = _checked(config or FindConfig())
    network = method_of(checked).descriptors()
    source = open_source(paths, ListForm(read=checked.read))
    folder = _folder(work)
    folder.check()
    clock = Clock()
    with connect(cluster) as tasks:
        _check_shared(tasks, folder)
        told = progress or silent
        run = Run(tasks, folder, checked, layout or Layout(), told)
        report = run.answer(list(watch(source, told).scan()), network, clock)
        if rows := chosen_rows(source):
            report = replace(report, config={**report.config, "rows": rows})
        write_results(folder, report)
    return replace(report, timings=clock.timings(report.funnel["images"]))


def find_json(
    paths: Inputs,
    *,
    cluster: str = "auto",
    work: str | Path | None = None,
    config: RunConfig | None = None,
    layout: Layout | None = None,
    progress: Progress | None = None,
) -> str:
    """Find copies, and give the report as JSON text."""
    found = find(paths, cluster=cluster, work=work, config=config, layout=layout, progress=progress)
    return to_json(found)


@dataclass(frozen=True, slots=True)
class Run:
    """One run on a cluster.

    Attributes:
        tasks: run the work.
        work: folder that every node reaches.
        config: settings.
        layout: how work is cut.
        progress: called with (stage, done, total).
    """

    tasks: Tasks
    work: Work
    config: FindConfig
    layout: Layout
    progress: Progress

    def answer(
        self,
        listed: Sequence[FileEntry | Failure],
        descriptors: Sequence[Descriptor],
        clock: Clock,
    ) -> Report:
        """Make the report on what a source offers, without timings.

        Args:
            listed: files, and what could not be listed.
            descriptors: the network, where one is asked for.
            clock: counts seconds by stage.
        """
        with clock("describe"):
            catalogue, known = self.describe(listed)
        by_content = by_bytes(catalogue.images)
        known.images.update({sha: files[0] for sha, files in by_content.items()})
        with clock("pairs"):
            stages = ClusterStages(
                self.tasks,
                self.work,
                known,
                self.config,
                layout=self.layout,
                progress=self.progress,
            )
            network = descriptors[0] if descriptors else None
            found = find_pairs(list(known.images.values()), stages, self.config, network=network)
        with clock("cluster"):
            versions = versions_of(descriptors, method_of(self.config).versions)
            return report_of(catalogue, by_content, found, self.config, versions)

    def describe(self, listed: Sequence[FileEntry | Failure]) -> tuple[Catalogue, Known]:
        """Have every shard described; returns the images of the run, and places of descriptors."""
        entries = [item for item in listed if isinstance(item, FileEntry)]
        failures = tuple(item for item in listed if isinstance(item, Failure))
        shards = cut(entries, self.config, self.layout.shard_of(len(entries)))
        _LOG.info("%d files in %d shards", len(entries), len(shards))
        described = self.tasks.each(
            describe_shard, ((self.work, shard, self.config, self._kind) for shard in shards)
        )
        summaries: list[Summary] = []
        for shard, summary in zip(shards, described, strict=True):
            summaries.append(summary)
            self.progress("describe", shard.first + len(shard.entries), len(entries))
        firsts, twins, same_as = self._tie(shards, len(entries))
        contents, known, homes = self._contents(shards, firsts)
        files: dict[str, KnownFile] = {}
        for shard, summary in zip(shards, summaries, strict=True):
            files |= {shard.entries[row].key: KnownFile("skipped") for row in summary.skipped}
            for row, stage, message in summary.failures:
                files[shard.entries[row].key] = KnownFile("failure", None, stage, message)
        ordered = [entry for shard in shards for entry in shard.entries]
        tied = zip(twins.tolist(), same_as.tolist(), strict=True)
        for number, first in [*((first, first) for first in contents), *tied]:
            files[ordered[number].key] = KnownFile("image", contents[first].sha256)
        decoded = sum(summaries[home].fresh for home in homes.tolist())
        by_sha = {content.sha256: content for content in contents.values()}
        so_far = Catalogue((), failures, {"decoded": decoded})
        return catalogue_of(ordered, files, by_sha, so_far), known

    @property
    def _kind(self) -> KeypointKind | None:
        """The keypoints that nearly every content will be asked for."""
        return KINDS[self.config.kinds[0]] if self.config.kinds else None

    def _tie(self, shards: Sequence[Shard], files: int) -> tuple[IntArray, IntArray, IntArray]:
        """Group files by their bytes, by tasks: firsts, then twins and the first of each."""
        parts = 1 + files // _FILES_A_PART
        split = ((self.work, shard, parts) for shard in shards)
        pieces = self.tasks.scatter(split_by_bytes, split, parts)
        tied = list(self.tasks.each(same_bytes, zip(*pieces, strict=True)))
        nothing = np.empty(0, np.int64)
        firsts, twins, same_as = (
            np.concatenate([nothing, *column])
            for column in (zip(*tied, strict=True) if tied else [()] * 3)
        )
        return np.sort(firsts), twins, same_as

    def _contents(
        self, shards: Sequence[Shard], firsts: IntArray
    ) -> tuple[dict[int, Content], Known, IntArray]:
        """Look up contents by the number of their first file, with places and shards."""
        homes = np.searchsorted([shard.first for shard in shards], firsts, side="right") - 1
        here = np.unique(homes)
        rows = [firsts[homes == home] - shards[home].first for home in here.tolist()]
        asked = (
            (self.work, shards[home], own, self._kind)
            for home, own in zip(here.tolist(), rows, strict=True)
        )
        contents: dict[int, Content] = {}
        known = Known({}, {})
        found = self.tasks.each(facts, asked)
        for home, own, (some, counts) in zip(here.tolist(), rows, found, strict=True):
            shard = shards[home]
            for place, (row, content) in enumerate(zip(own.tolist(), some, strict=True)):
                contents[shard.first + row] = content
                known.hashes[content.sha256] = Place(shard.name, row)
                if content.transparent:
                    names = shade_names(content.sha256)
                    places = (Place(shard.shades, row * len(names) + n) for n in range(len(names)))
                    known.hashes |= dict(zip(names, places, strict=True))
                if counts is not None and self._kind is not None:
                    side, count = Place(shard.sides(self._kind), row), counts[place]
                    sides = known.sides.setdefault(self._kind.name, {})
                    sides[content.sha256] = None if count is None else (side, count)
        return contents, known, homes


def _checked(config: RunConfig) -> FindConfig:
    """Check that a cluster can work with these settings."""
    check_rules(config.keep.rules)
    if not isinstance(config, FindConfig):
        raise ConfigError(
            "published systems do not run on a cluster",
            got=f"recipe {config.recipe}",
            expected="the cascade: a recipe of lookalike's own, or none",
        )
    if config.inside.wanted:
        raise ConfigError(
            "pictures inside larger ones are not looked for on a cluster",
            remedy="leave out --inside, or --cluster",
        )
    return config


def _folder(work: str | Path | None) -> Work:
    address = str(work or default_collection().with_name("cluster"))
    # tasks run in another folder than the caller
    return Work(address if "://" in address else os.path.abspath(address))  # noqa: PTH100


def _check_shared(tasks: RayTasks, work: Work) -> None:
    """Check that every node sees the work folder, and not one of its own."""
    if not work.is_local or len(tasks.nodes) == 1:
        return
    token = f"shared-{uuid.uuid4().hex}"
    work.write(token, b"")
    try:
        seen = tasks.everywhere(Work.has, work, token)
    finally:
        (Path(work.address) / token).unlink()
    if not all(seen):
        raise ConfigError(
            "a node does not see the work folder",
            got=work.address,
            expected="a folder that all nodes share, or an address",
            remedy="name one with --work, such as s3://bucket/folder",
        )
