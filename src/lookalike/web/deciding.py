"""Turn what a person asks for into the change that is kept, for one cluster or many."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from lookalike.decisions.choices import Reviewed
from lookalike.decisions.keeper import choose
from lookalike.model.errors import LookalikeError
from lookalike.model.report import Cluster, Decision
from lookalike.store.decisions import Action, Apart, Change, Place, pair_of
from lookalike.web.desk import Desk, shown

__all__ = [
    "RefusedError",
    "StaleError",
    "accept_many",
    "decide_one",
    "keep_by_rules",
    "tell_apart",
    "undo",
]

_Marks = Callable[[Reviewed, int], Mapping[Place, Action | None]]
_MOST_APART = 60
_SAMPLE = 8


class StaleError(Exception):
    """Someone else decided about this meanwhile: it must be shown again first."""


class RefusedError(LookalikeError):
    """A decision that must not be made; the message says why."""


@dataclass(frozen=True, slots=True)
class _Bulk:
    """What a decision about many clusters would do."""

    marks: dict[Place, Action | None]
    clusters: list[int]
    dropped: int
    n_bytes: int


def decide_one(desk: Desk, number: int, version: str, do: str, picture: int | None) -> None:
    """Change what was decided about one cluster.

    Args:
        desk: what is reviewed.
        number: of the cluster.
        version: of the cluster as the page showed it.
        do: ``keeper``, ``keep``, ``drop``, ``clear`` or ``apart`` for one picture; ``none`` to say
            that none match; ``accept`` for the decisions as they are shown.
        picture: number of the picture, where one is meant.

    Raises:
        StaleError: the cluster is no longer of this version.
        RefusedError: the decision would leave nothing, or there is no such choice.
    """
    with desk.decisions.writing():
        if desk.version(number) != version:
            raise StaleError
        cluster = desk.clusters[number]
        if do == "accept":
            change = Change("accepted a cluster", _accepted(desk.reviewed, cluster))
        elif do == "none":
            change = Change("told a cluster apart", apart=_all_apart(desk, cluster))
        else:
            if picture is None or desk.images[picture].id not in cluster.members:
                raise RefusedError("no such picture in this cluster")
            change = _about(desk, cluster, desk.images[picture].id, do)
        desk.change(change)


def tell_apart(desk: Desk, number: int, version: str, pair: Sequence[int]) -> None:
    """Remember that two pictures of a cluster are not the same, and nothing about the others.

    Raises:
        StaleError: the cluster is no longer of this version.
        RefusedError: they have the same bytes.
    """
    with desk.decisions.writing():
        if desk.version(number) != version:
            raise StaleError
        a, b = (desk.images[n].sha256 for n in pair)
        change = Change("told two pictures apart", apart=_apart(a, [b]))
        desk.change(change)


def accept_many(
    desk: Desk, numbers: Iterable[int], least: float, edition: int | None
) -> dict[str, Any]:
    """Accept every undecided cluster that is sure enough, or only preview that.

    Args:
        desk: what is reviewed.
        numbers: clusters to look at.
        least: confidence of the weakest tie of a member to the picture that stays.
        edition: of the decisions as the preview showed them; None for the preview.

    Raises:
        StaleError: decisions were made since the preview.
    """

    def marks(reviewed: Reviewed, number: int) -> Mapping[Place, Action | None]:
        return _accepted(reviewed, desk.clusters[number]) if desk.is_sure(number, least) else {}

    words = f"accepted clusters at confidence {least:g} or more"
    return _many(desk, numbers, marks, words, edition)


def keep_by_rules(
    desk: Desk, numbers: Iterable[int], rules: Sequence[str], edition: int | None
) -> dict[str, Any]:
    """Choose the keeper of many clusters by other rules, or only preview that.

    Clusters that are decided, or of which a picture was told apart, are left as they are.

    Raises:
        ConfigError: an unknown rule.
        StaleError: decisions were made since the preview.
    """

    def marks(reviewed: Reviewed, number: int) -> Mapping[Place, Action | None]:
        cluster = desk.clusters[number]
        if reviewed.parts(cluster).alone:
            return {}
        images = [desk.report.images[member] for member in cluster.members]
        return {
            reviewed.place(d.image): "keeper" if d.action == "keep" else "drop"
            for d in choose(images, rules, center=cluster.center)
        }

    return _many(desk, numbers, marks, f"kept by {', '.join(rules)}", edition)


def undo(desk: Desk, step: int) -> str:
    """Undo the last step; returns what it was, in words.

    Raises:
        StaleError: it is not the last step.
    """
    with desk.decisions.writing():
        taken = desk.undo(step)
        if taken is None:
            raise StaleError
    return taken.words


# below: how


def _accepted(reviewed: Reviewed, cluster: Cluster) -> dict[Place, Action | None]:
    marks: dict[Place, Action | None] = {}
    for decision in reviewed.parts(cluster).decisions:
        marks[reviewed.place(decision.image)] = _action(decision)
    return marks


def _action(decision: Decision) -> Action:
    return "keeper" if decision.image == decision.keeper else decision.action


def _about(desk: Desk, cluster: Cluster, image: str, do: str) -> Change:
    """Make the change for one choice about one picture."""
    reviewed, name = desk.reviewed, shown(image)
    place = reviewed.place(image)
    if do == "clear":
        return Change(f"no decision about {name}", {place: None})
    if do == "apart":
        sha = desk.report.images[image].sha256
        others = {desk.report.images[m].sha256 for m in cluster.members} - {sha}
        return Change(f"{name} is another picture", apart=_apart(sha, sorted(others)))
    parts = reviewed.parts(cluster)
    part = next((part for part in parts.clusters if image in part.members), None)
    if part is None:
        raise RefusedError("this picture was told apart from the others; undo that first")
    if do == "drop":
        left = [m for m in part.members if m != image and reviewed.mark(m) != "drop"]
        if not left:
            raise RefusedError("one picture of a cluster stays: keep another first")
        return Change(f"drop {name}", {place: "drop"})
    if do == "keep":
        return Change(f"keep {name}", {place: "keep"})
    if do == "keeper":
        old: dict[Place, Action | None] = {
            reviewed.place(m): "drop" for m in part.members if reviewed.mark(m) == "keeper"
        }
        return Change(f"{name} stays", {**old, place: "keeper"})
    raise RefusedError(f"unknown decision: {do}")


def _apart(sha: str, others: Sequence[str]) -> dict[Apart, bool]:
    if not others or sha in others:
        raise RefusedError("files with the same bytes are the same picture")
    return {pair_of(sha, other): True for other in others}


def _all_apart(desk: Desk, cluster: Cluster) -> dict[Apart, bool]:
    shas = sorted({desk.report.images[member].sha256 for member in cluster.members})
    if len(shas) < 2:
        raise RefusedError("files with the same bytes are the same picture")
    if len(shas) > _MOST_APART:
        raise RefusedError(f"more than {_MOST_APART} pictures: tell them apart one by one")
    return {pair_of(a, b): True for a, b in combinations(shas, 2)}


def _many(
    desk: Desk, numbers: Iterable[int], marks_of: _Marks, words: str, edition: int | None
) -> dict[str, Any]:
    """Decide about the undecided ones of many clusters in one step, or only preview that."""
    if edition is None:
        bulk = _bulk(desk, numbers, marks_of)
    else:
        with desk.decisions.writing():
            if desk.decisions.edition != edition:
                raise StaleError
            bulk = _bulk(desk, numbers, marks_of)
            if bulk.marks:
                desk.change(Change(f"{words}: {len(bulk.clusters):,}", bulk.marks))
    return {
        "clusters": len(bulk.clusters),
        "dropped": bulk.dropped,
        "bytes": bulk.n_bytes,
        "sample": desk.rows(bulk.clusters[:_SAMPLE]),
        "edition": desk.decisions.edition,
    }


def _bulk(desk: Desk, numbers: Iterable[int], marks_of: _Marks) -> _Bulk:
    marks: dict[Place, Action | None] = {}
    clusters, dropped, n_bytes = [], 0, 0
    reviewed = desk.reviewed
    place = reviewed.place
    for number in numbers:
        cluster = desk.clusters[number]
        own = {} if desk.is_decided(number) else marks_of(reviewed, number)
        if not own:
            continue
        clusters.append(number)
        marks |= own
        for member in cluster.members:
            if own.get(place(member)) == "drop":
                dropped += 1
                n_bytes += desk.report.images[member].n_bytes
    return _Bulk(marks, clusters, dropped, n_bytes)
