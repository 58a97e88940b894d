"""Resolve leaks so that no picture is in two splits: as lists, and as decisions for a plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from lookalike.config import RunConfig
from lookalike.datasets.ties import Pair
from lookalike.decisions.keeper import decide
from lookalike.model.report import Cluster, Decision, Report

__all__ = ["FIXES", "Fix", "Policy", "split_safe"]

Policy = Literal["train", "test", "move"]
FIXES: tuple[Policy, ...] = get_args(Policy)


@dataclass(frozen=True, slots=True)
class Fix:
    """A split-safe assignment.

    Attributes:
        policy: which split pictures leave.
        drop: ids of images that leave their split, sorted.
        move: ids of images that go to another split, with its name.
        splits: ids that every split holds then, sorted.
    """

    policy: Policy
    drop: tuple[str, ...]
    move: Mapping[str, str]
    splits: Mapping[str, tuple[str, ...]]


def split_safe(
    leaking: Sequence[tuple[Cluster, Sequence[Pair]]],
    split_of: Mapping[str, str],
    names: Sequence[str],
    policy: Policy,
) -> Fix:
    """Resolve every leak, independently of the order of the images.

    Args:
        leaking: clusters with images of several splits; every member is in a pair with each of the
            other splits.
        split_of: name of the split of every image.
        names: the splits, the one for training first, then those for evaluation.
        policy: ``train``: pictures leave the training split, so that evaluation sets stay as they
            were published; ``test``: they leave the evaluation sets; between two of these, the one
            named later loses. ``move``: all images of a picture go to the split that has most of
            them, among equals to the one named first.
    """
    move: dict[str, str] = {}
    drop: set[str] = set()
    for cluster, pairs in leaking:
        if policy == "move":
            move |= _moves(cluster, split_of, names)
        else:
            drop |= _drops(pairs, split_of, names, policy)
    left: dict[str, list[str]] = {name: [] for name in names}
    for image in sorted(split_of):
        if image not in drop:
            left[move.get(image, split_of[image])].append(image)
    splits = {name: tuple(left[name]) for name in names}
    return Fix(policy, tuple(sorted(drop)), move, splits)


def with_decisions(
    report: Report,
    clusters: Sequence[Cluster],
    fix: Fix,
    split_of: Mapping[str, str],
    config: RunConfig,
) -> Report:
    """Reduce the report to the leaking clusters, decided as the fix has it.

    Of the images that stay, the one that the keep rules prefer is the keeper.
    """
    gone = set(fix.drop)
    decisions: list[Decision] = []
    for cluster in clusters:
        stay = [member for member in cluster.members if member not in gone]
        (best, *_) = decide([replace(cluster, members=tuple(stay))], report.images, config)
        keeper = best.keeper
        where = ", ".join(sorted({split_of[member] for member in stay}))
        for member in cluster.members:
            own = split_of[member]
            if member in gone:
                why = f"leaves {own}: {where} has the picture too"
            elif member in fix.move:
                why = f"moves from {own} to {fix.move[member]}"
            else:
                why = f"stays in {own}"
            decisions.append(Decision(member, "drop" if member in gone else "keep", keeper, why))
    return replace(report, clusters=tuple(clusters), decisions=tuple(decisions))


def _drops(
    pairs: Sequence[Pair], split_of: Mapping[str, str], names: Sequence[str], policy: Policy
) -> set[str]:
    training, *evaluation = names
    order = [*evaluation, training] if policy == "train" else [training, *evaluation]
    last = {name: place for place, name in enumerate(order)}
    return {max(pair.first, pair.second, key=lambda id_: last[split_of[id_]]) for pair in pairs}


def _moves(cluster: Cluster, split_of: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    """Find new splits of the members that move."""
    counts = Counter(split_of[member] for member in cluster.members)
    home = max(names, key=lambda name: (counts[name], -names.index(name)))
    return {member: home for member in cluster.members if split_of[member] != home}
