"""Make a plan from a report's decisions: what goes, in whose favour, and what stays after all."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from lookalike.actions.companions import Neighbours, is_pair, is_raw
from lookalike.actions.disk import Disk, is_under
from lookalike.actions.grouping import Drop, Grouping
from lookalike.actions.guard import look
from lookalike.actions.metadata import only_in, read_metadata
from lookalike.actions.records import SCHEMA, How, Plan, Refusal, Step
from lookalike.config import PlanConfig
from lookalike.model.errors import ConfigError
from lookalike.model.image import ImageRef
from lookalike.model.report import Report
from lookalike.report.as_text import edit_towards, tie_to_keeper
from lookalike.runtime.progress import Progress, silent
from lookalike.sources.reading.addresses import is_address

__all__ = ["make_plan"]

_DISK = Disk()


def make_plan(
    report: Report,
    config: PlanConfig,
    *,
    progress: Progress | None = None,
    disk: Disk = _DISK,
) -> Plan:
    """Make a plan from the decisions of a report; no file is changed.

    Args:
        report: its decisions are a rule's or a person's; a person's outrank all but protection.
        config: what is protected and how far to go.
        progress: called with (stage, done, total).
        disk: through which files are looked at.

    Returns:
        A plan that leaves at least one picture of whatever it touches; what stays against the
        decisions is listed with the reason.

    Raises:
        ConfigError: a folder of the settings does not exist.
    """
    for folder in (*config.protected, *config.folders):
        if not os.path.isdir(folder):  # noqa: PTH112  what is locked protects nothing
            raise ConfigError(
                "a folder to protect, or to stay within, does not exist", got=repr(folder)
            )
    maker = _Maker(report, config, disk)
    maker.decide()
    steps = maker.steps(progress or silent)
    return Plan(
        schema=SCHEMA,
        made=datetime.now(UTC).isoformat(timespec="microseconds"),
        steps=steps,
        refused=tuple(sorted(maker.refused.values(), key=lambda one: one.path)),
        protected=maker.protected,
        collection=config.collection,
    )


@dataclass(frozen=True, slots=True)
class _Draft:
    """A step before the files beside it were looked at."""

    image: str
    step: Step


class _Maker:
    """Makes a plan: drafts first, then what prevents them, then what goes with them."""

    def __init__(self, report: Report, config: PlanConfig, disk: Disk) -> None:
        self._report = report
        self._disk = disk
        self._folders: dict[str, str] = {}  # real paths of the folders seen so far
        self._places = {image.id: self._place(image) for image in report.images.values()}
        self.protected = tuple(sorted(disk.real(folder) for folder in config.protected))
        scope = tuple(sorted((disk.real(folder) for folder in config.folders), key=len))
        self._grouping = Grouping(
            report,
            config,
            folders=self._lying_in(scope),
            protected=self._lying_in(self.protected),
        )
        self._clusters = {cluster.id: cluster for cluster in report.clusters}
        self._returned = {one.image: one for one in report.returned}
        self._drafts: list[_Draft] = []
        self.refused: dict[str, Refusal] = {}

    def decide(self) -> None:
        """Draft a step for everything that the decisions, and earlier drops, let go."""
        for cluster in self._report.clusters:
            for settled in self._grouping.settle(cluster):
                if isinstance(settled, Drop) and (wrong := self._of_the_web(settled)):
                    self._refuse(self._report.images[settled.image].shown, wrong)
                elif isinstance(settled, Drop):
                    self._drafts.append(_Draft(settled.image, self._draft(settled)))
                else:
                    self._refuse(self._places[settled.image], settled.reason)
        self._add_returned()

    def steps(self, progress: Progress) -> tuple[Step, ...]:
        """Make steps of the drafts that nothing prevents, with companions, in order."""
        possible = [draft for draft in self._drafts if not self._refused(draft)]
        gone = {draft.step.path for draft in possible}
        for draft in possible:
            if draft.step.keeper in gone:
                self._refuse(draft.step.path, "the picture it would go for goes too")
        possible = [draft for draft in possible if draft.step.keeper not in gone]
        gone = {draft.step.path for draft in possible}
        kept = {draft.step.keeper for draft in possible}
        neighbours = Neighbours(self._disk)
        taken: set[str] = set()
        steps = []
        possible.sort(key=lambda draft: (draft.step.keeper, draft.step.path))
        for number, draft in enumerate(possible, start=1):
            step = draft.step
            found = neighbours.of(step.path, stays=lambda path: path not in gone)
            own = tuple(path for path in found if path not in kept | gone | taken)
            taken.update(own)
            steps.append(_with_metadata(replace(step, companions=own), neighbours))
            progress("plan", number, len(possible))
        return tuple(steps)

    def _draft(self, drop: Drop) -> Step:
        image, keeper = self._report.images[drop.image], self._report.images[drop.keeper]
        return Step(
            path=self._places[drop.image],
            sha256=image.sha256,
            n_bytes=image.n_bytes,
            keeper=self._places[drop.keeper],
            keeper_sha256=keeper.sha256,
            cluster=drop.cluster,
            reason=self._reason(drop),
            by=drop.decision.by,
        )

    def _of_the_web(self, drop: Drop) -> str:
        """Say why downloaded files neither go nor are keepers; empty for the user's own files."""
        if self._report.images[drop.image].url:
            return "it was downloaded: let its URL go from the list, as find --csv or unique say"
        if self._report.images[drop.keeper].url:
            return "the picture it would go for was downloaded, and may not stay here"
        return ""

    def _reason(self, drop: Drop) -> str:
        """Say how it matches its keeper, why that one stays, and if it was dropped before."""
        cluster = self._clusters[drop.cluster]
        match = tie_to_keeper(cluster, drop.image, drop.keeper)
        words = [drop.decision.reason]
        if match:
            edit = edit_towards(self._report, match, drop.image, drop.keeper)
            words.insert(0, f"{match.tier}: {edit}")
        if drop.image in self._returned:
            words.append(self._returned[drop.image].in_words)
        return "; ".join(words)

    def _add_returned(self) -> None:
        """Draft steps for pictures that were dropped before, in favour of what was kept then.

        Pictures that a person keeps, or that are keepers now, are left out.
        """
        drafted = {draft.image for draft in self._drafts}
        needed = {draft.step.keeper for draft in self._drafts}
        decided = {decision.image: decision for decision in self._report.decisions}
        for name, returned in self._returned.items():
            image, path = self._report.images[name], self._places[name]
            held = image.url or (name in decided and decided[name].by == "person")
            if name in drafted or path in needed or held:
                continue
            self._drafts.append(
                _Draft(
                    name,
                    Step(
                        path=path,
                        sha256=image.sha256,
                        n_bytes=image.n_bytes,
                        keeper=returned.keeper,
                        keeper_sha256=returned.keeper_sha256,
                        cluster="",
                        reason=returned.in_words,
                    ),
                )
            )

    def _refused(self, draft: _Draft) -> bool:
        step = draft.step
        image = self._report.images.get(draft.image)
        if image is not None and self._through_link(image):
            wrong = "it was reached through a symlink, and what lies behind one is left alone"
        elif is_pair(step.path, step.keeper):
            wrong = "it and the picture that stays are the raw file and the JPEG of one shot"
        else:
            wrong = look(self._disk, Plan(SCHEMA, "", (), (), self.protected), step, How())
        if wrong:
            self._refuse(step.path, wrong)
        return bool(wrong)

    def _refuse(self, path: str, reason: str) -> None:
        self.refused[path] = Refusal(path, reason)

    def _place(self, image: ImageRef) -> str:
        """Make a path absolute, with the symlinks of its folder resolved; addresses stay."""
        if is_address(image.path):
            return image.path
        path = Path(image.path).absolute()
        folder = str(path.parent)
        if folder not in self._folders:
            self._folders[folder] = self._disk.real(folder)
        return os.path.join(self._folders[folder], path.name)  # noqa: PTH118

    def _through_link(self, image: ImageRef) -> bool:
        """Whether a folder between the one that was named and the image is a symlink.

        The id is the path below the folder that was named, so both end alike below it.
        """
        if is_address(image.path):
            return False
        path = Path(image.path).absolute()
        below = 0
        inner = PurePosixPath(image.id).parts
        while below < len(inner) - 1 and path.parts[-2 - below] == inner[-2 - below]:
            below += 1
        top = path.parents[below]
        tail = path.parts[len(top.parts) :]
        return os.path.join(self._disk.real(str(top)), *tail) != self._places[image.id]  # noqa: PTH118

    def _lying_in(self, folders: tuple[str, ...]) -> dict[str, str]:
        """Find the deepest of some folders that holds an image, by image id."""
        return {
            image: folder
            for image, place in self._places.items()
            for folder in folders
            if is_under(place, folder)
        }


def _with_metadata(step: Step, neighbours: Neighbours) -> Step:
    """Add what the picture says and its keeper does not, and what its keeper lacks otherwise."""
    beside = neighbours.of(step.keeper, stays=lambda path: False)
    notes = tuple(
        f"{Path(one).name} goes with it, and the picture that stays has none"
        for one in step.companions
        if _kind(one) and _kind(one) not in {_kind(other) for other in beside}
    )
    own = read_metadata(step.path, _sidecars(step.companions))
    lost = only_in(own, read_metadata(step.keeper, _sidecars(beside))) if own else {}
    return replace(step, metadata=dict(sorted(lost.items())), notes=notes)


def _kind(path: str) -> str:
    """The kind of a companion: a raw file and a clip are pictures of their own."""
    if is_raw(path):
        return "raw"
    return "clip" if path.lower().endswith(".mov") else ""


def _sidecars(paths: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(path for path in paths if path.lower().endswith(".xmp"))
