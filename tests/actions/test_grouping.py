"""Who goes for whom, from clusters made by hand: tiers, persons, scopes and protection."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from evidence import image
from lookalike.actions.grouping import Drop, Grouping, Left
from lookalike.clustering.stars import make_cluster
from lookalike.config import PlanConfig
from lookalike.model.match import Match, Tier
from lookalike.model.report import Decision, Report


def settled(
    tied: str,
    decisions: Mapping[str, tuple[str, str, str]],
    config: PlanConfig | None = None,
    *,
    folders: Mapping[str, str] | None = None,
    protected: str = "",
    images: Mapping[str, Mapping[str, object]] | None = None,
    matches: Mapping[str, tuple[Tier, float | None]] | None = None,
) -> dict[str, str]:
    """What becomes of members: the letter each goes for, or the first words of why it stays.

    Args:
        tied: pairs of one-letter images that match, as copies of confidence .9.
        decisions: of every member: action, keeper, and who decided.
        config: of the plan.
        folders: of the scope, by image.
        protected: images in a protected folder.
        images: what is told of some.
        matches: tier and confidence of some pairs.
    """
    kinds = {pair: (matches or {}).get(pair, ("copy", 0.9)) for pair in tied.split()}
    made = [
        Match(pair[0], pair[1], tier, 0.1, "pdq", None, confidence)  # type: ignore[arg-type]
        for pair, (tier, confidence) in kinds.items()
    ]
    cluster = make_cluster(list(decisions), min(decisions), made, "star")
    told = tuple(
        Decision(name, action, keeper, "by rule", by)  # type: ignore[arg-type]
        for name, (action, keeper, by) in decisions.items()
    )
    known = {name: image(name, **(images or {}).get(name, {})) for name in decisions}
    report = Report("x", {}, {}, known, {}, (cluster,), tuple(made), told, ())
    grouping = Grouping(
        report, config or PlanConfig(), folders or {}, dict.fromkeys(protected, "/kept")
    )
    found = {}
    for end in grouping.settle(cluster):
        if isinstance(end, Drop):
            assert end.cluster == cluster.id and end.decision.keeper == end.keeper
            assert end.decision.image == end.image
        assert end.image not in found
        found[end.image] = end.reason[:12] if isinstance(end, Left) else end.keeper
    return found


def rules(names: str, keeper: str = "a") -> dict[str, tuple[str, str, str]]:
    """Rules keep one of these."""
    return {name: ("keep" if name == keeper else "drop", keeper, "rule") for name in names}


def test_rules_let_go_for_the_one_that_stays() -> None:
    """The keeper is not spoken of; where a person keeps another, both stay."""
    assert settled("ab ac", rules("abc")) == {"b": "a", "c": "a"}
    kept = {**rules("abc"), "b": ("keep", "a", "person")}
    # who stays by a person comes before who stays by rule
    assert settled("ab ac", kept, PlanConfig(keep=("path",))) == {"a": "b", "c": "b"}
    assert settled("ab ac", kept) == {"c": "a"}


def test_a_person_drops_the_keeper() -> None:
    """The rules choose among the others; one that is left stays; where none is, all do."""
    dropped = {**rules("abc"), "a": ("drop", "b", "person")}
    assert settled("ab ac", dropped) == {"a": "b", "c": "b"}
    assert settled("ab", {"a": ("drop", "b", "person"), "b": ("drop", "a", "rule")}) == {"a": "b"}
    everything = dict.fromkeys("ab", ("drop", "a", "person"))
    assert settled("ab", everything) == {"a": "every copy i", "b": "every copy i"}


@pytest.mark.parametrize(
    ("kind", "config", "goes"),
    [
        (("copy", 0.9), PlanConfig(), True),
        (("similar", 0.9), PlanConfig(), False),
        (("similar", 0.9), PlanConfig(tiers=("similar",)), True),
        (("copy", 0.9), PlanConfig(tiers=("exact", "pixel")), False),
        (("copy", 0.9), PlanConfig(min_confidence=0.9), True),
        (("copy", 0.899), PlanConfig(min_confidence=0.9), False),
        (("copy", None), PlanConfig(min_confidence=0.1), False),
        (("copy", None), PlanConfig(), True),
        (("exact", None), PlanConfig(min_confidence=1.0), True),
        (("pixel", 0.5), PlanConfig(min_confidence=0.6), False),
    ],
)
def test_only_matches_that_count_let_go(
    kind: tuple[Tier, float | None], config: PlanConfig, goes: bool
) -> None:
    """By tier and confidence; equal bytes are certain."""
    expected = "a" if goes else "nothing that"
    assert settled("ab", rules("ab"), config, matches={"ab": kind}) == {"b": expected}


def test_a_person_ties_what_no_match_does() -> None:
    """Their word is enough, within the cluster."""
    shot: dict[str, tuple[Tier, float | None]] = {"ab": ("similar", None)}
    told = {**rules("ab"), "b": ("drop", "a", "person")}
    assert settled("ab", told, matches=shot) == {"b": "a"}
    elsewhere = {**rules("ab"), "b": ("drop", "z", "person")}
    assert settled("ab", elsewhere, matches=shot) == {"b": "every copy i"}


def test_a_part_without_its_keeper_chooses_anew() -> None:
    """Of three tied by what does not count, two are left with one another."""
    weak: dict[str, tuple[Tier, float | None]] = {"ab": ("similar", None)}
    larger = {"c": {"width": 20}}
    assert settled("ab bc", rules("abc"), matches=weak, images=larger) == {"b": "c"}
    assert settled("ab bc", rules("abc"), matches=weak, images={"b": {"width": 20}}) == {"c": "b"}
    # the rules of the plan come before those of the report
    longest = PlanConfig(keep=("medoid",))
    assert settled("ab ac", rules("abc", "b"), longest, images=larger) == {"b": "a", "c": "a"}


def test_scopes_cut_clusters() -> None:
    """Within: a keeper in each folder. Across: only for one in another. Outside: nothing goes."""
    folders = {"a": "/x", "b": "/x", "c": "/y", "d": "/y"}
    tied, told = "ab ac ad ae", rules("abcde")
    within = PlanConfig(scope="within", folders=("/x", "/y"))
    found = settled(tied + " cd", told, within, folders=folders)
    assert found == {"b": "a", "d": "c", "e": "nothing that"}
    across = PlanConfig(scope="across", folders=("/x", "/y"))
    found = settled(tied, told, across, folders=folders)
    assert found == {"b": "it lies in t", "c": "a", "d": "a", "e": "nothing that"}


def test_what_is_protected_stays_and_what_equals_it_goes() -> None:
    """By bytes or pixels, the keeper too; not what a person keeps, nor for what only matches."""
    told = rules("abc")
    assert settled("ab ac", told, protected="b") == {"b": "it lies in t", "c": "a"}
    assert settled("ab ac", told, protected="a") == {"b": "a", "c": "a"}
    pixel: dict[str, tuple[Tier, float | None]] = {"ab": ("pixel", 1.0)}
    assert settled("ab ac", told, protected="b", matches=pixel) == {
        "a": "b",
        "b": "it lies in t",
        "c": "b",
    }
    exact: dict[str, tuple[Tier, float | None]] = {"ab": ("exact", 1.0)}
    assert settled("ab ac", told, protected="b", matches=exact)["a"] == "b"
    same = {"a": {"sha256": "s"}, "b": {"sha256": "s"}}
    assert settled("ac bc", told, protected="b", images=same)["a"] == "b"
    by_hand = {**told, "a": ("keep", "a", "person")}
    assert settled("ab ac", by_hand, protected="b", matches=pixel) == {
        "b": "it lies in t",
        "c": "a",
    }
    # another that is dropped goes for the protected one that it equals
    other: dict[str, tuple[Tier, float | None]] = {"ac": ("copy", 0.9), "bc": ("pixel", 1.0)}
    assert settled("ab ac bc", told, protected="b", matches=other)["c"] == "b"


def test_transparency_is_not_lost_by_rule() -> None:
    """A person may let it go; what is transparent may go for what is too."""
    clear = {"b": {"transparent": True}}
    assert settled("ab", rules("ab"), images=clear) == {"b": "it has trans"}
    both = {"a": {"transparent": True}, "b": {"transparent": True}}
    assert settled("ab", rules("ab"), images=both) == {"b": "a"}
    assert settled("ab", rules("ab"), images={"a": {"transparent": True}}) == {"b": "a"}
    told = {**rules("ab"), "b": ("drop", "a", "person")}
    assert settled("ab", told, images=clear) == {"b": "a"}
