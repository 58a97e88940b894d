"""Find pictures that several splits of a data set have."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from lookalike.clustering.disjoint_set import Joined
from lookalike.clustering.stars import make_cluster
from lookalike.config import FindConfig, RunConfig
from lookalike.datasets.safe import Fix, Policy, split_safe, with_decisions
from lookalike.datasets.ties import Pair, Ties
from lookalike.model.errors import ConfigError
from lookalike.model.match import Match
from lookalike.model.report import Cluster, Report
from lookalike.run.find import find
from lookalike.runtime.progress import Progress
from lookalike.sources import Inputs, JoinedSource, ListForm, open_source

__all__ = ["Leak", "LeakReport", "leaks"]


@dataclass(frozen=True, slots=True)
class Leak:
    """A picture that two splits have.

    Attributes:
        first_split: the split named earlier, of ``pair.first``.
        second_split: the split named later, of ``pair.second``.
        cluster: id of the cluster both are in.
        pair: the two images, and the matches between them.
    """

    first_split: str
    second_split: str
    cluster: str
    pair: Pair


@dataclass(frozen=True, slots=True)
class LeakReport:
    """What ``leaks`` found.

    Attributes:
        splits: images of every split, in the order given.
        split_of: split of every image, by id.
        leaks: sorted by (second, first) image; every image that leaks into another split is in one.
        fix: a split-safe assignment.
        report: of all splits together, with only the clusters that leak, decided as in ``fix``.
    """

    splits: Mapping[str, int]
    split_of: Mapping[str, str]
    leaks: tuple[Leak, ...]
    fix: Fix
    report: Report

    def leaking(self, split: str) -> tuple[str, ...]:
        """List the ids of a split's images that another split has too."""
        ids = {id_ for leak in self.leaks for id_ in (leak.pair.first, leak.pair.second)}
        return tuple(sorted(image for image in ids if self.split_of[image] == split))


def leaks(
    splits: Mapping[str, Inputs],
    *,
    fix: Policy = "train",
    db: str | Path | None = None,
    config: RunConfig | None = None,
    form: ListForm | None = None,
    progress: Progress | None = None,
) -> LeakReport:
    """Find the pictures that several splits have, as the same bytes or as edited copies.

    Args:
        splits: what each split holds, as for ``find``; the training split first.
        fix: which images leave their split, see ``split_safe``.
        db: folder of the collection.
        config: settings of ``find``, by default of effort ``thorough``; with ``similar``, other
            shots of one scene leak too.
        form: how lists are read.
        progress: called with (stage, done, total).

    Raises:
        ConfigError: fewer than two splits, or one that does not exist.
    """
    if len(splits) < 2 or any("/" in name or not name for name in splits):
        raise ConfigError(
            "leaks lie between splits",
            got=", ".join(map(repr, splits)) or "none",
            expected="two or more names without slashes",
        )
    config = config or FindConfig(effort="thorough")
    form = form or ListForm(read=config.read)
    parts = {name: open_source(inputs, form) for name, inputs in splits.items()}
    # the same file in two splits is a leak too
    report = find(JoinedSource(parts, every_name=True), db=db, config=config, progress=progress)
    split_of = {image: image.partition("/")[0] for image in report.images}
    names = tuple(splits)
    ties = Ties(report)
    leaking = [
        (cluster, _pairs(cluster, ties, split_of, names)) for cluster in _mixed(report, split_of)
    ]
    safe = split_safe(leaking, split_of, names, fix)
    counts = Counter(split_of.values())
    return LeakReport(
        splits={name: counts[name] for name in names},
        split_of=split_of,
        leaks=tuple(
            sorted(
                (_leak(pair, cluster, split_of) for cluster, pairs in leaking for pair in pairs),
                key=lambda leak: (leak.pair.second, leak.pair.first),
            )
        ),
        fix=safe,
        report=with_decisions(report, [cluster for cluster, _ in leaking], safe, split_of, config),
    )


def _mixed(report: Report, split_of: Mapping[str, str]) -> list[Cluster]:
    """Find clusters with images of several splits, joining those with matches across splits."""
    across = [m for m in report.matches if split_of[m.query] != split_of[m.ref]]
    clustered = (member for cluster in report.clusters for member in cluster.members)
    joined = Joined([*clustered, *(end for m in across for end in (m.query, m.ref))])
    for cluster in report.clusters:
        for member in cluster.members:
            joined.join(member, cluster.center)
    for match in across:
        joined.join(match.query, match.ref)
    known = {frozenset(cluster.members): cluster for cluster in report.clusters}
    own: dict[str, list[Match]] = defaultdict(list)
    for match in report.matches:
        if match.query in joined:
            own[joined.root(match.query)].append(match)
    mixed = [
        known.get(frozenset(members)) or make_cluster(members, center, own[center], "single")
        for center, members in joined.parts().items()
        if len({split_of[member] for member in members}) > 1
    ]
    return sorted(mixed, key=lambda cluster: cluster.members)


def _pairs(
    cluster: Cluster, ties: Ties, split_of: Mapping[str, str], names: Sequence[str]
) -> list[Pair]:
    """Pair every image with the closest one of every other split; the earlier split comes first."""
    own: dict[str, list[str]] = defaultdict(list)
    for member in cluster.members:
        own[split_of[member]].append(member)
    found: dict[tuple[str, str], Pair] = {}
    for early, late in combinations([name for name in names if name in own], 2):
        back = map(ties.turned, ties.nearest(own[early], own[late], cluster))
        for pair in (*ties.nearest(own[late], own[early], cluster), *back):
            found.setdefault((pair.first, pair.second), pair)
    return list(found.values())


def _leak(pair: Pair, cluster: Cluster, split_of: Mapping[str, str]) -> Leak:
    return Leak(split_of[pair.first], split_of[pair.second], cluster.id, pair)
