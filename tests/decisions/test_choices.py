"""A person's choices over a report made by hand."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from evidence import WHOLE, image
from lookalike.clustering.stars import make_cluster
from lookalike.config import RunConfig
from lookalike.decisions.choices import Reviewed, place_of, with_choices
from lookalike.decisions.keeper import decide
from lookalike.model.match import Containment, Match
from lookalike.model.report import Decision, Report
from lookalike.store import Change, Choices
from lookalike.store.decisions import Action

RULES = ("resolution", "path")


def report_of(*clusters: str, twins: Mapping[str, str] | None = None) -> Report:
    """A report whose clusters are strings of one-letter images, of which all match all.

    Args:
        clusters: members of each.
        twins: images whose bytes are those of another.
    """
    names = "".join(clusters)
    images = {n: image(n, sha256=(twins or {}).get(n, n), width=100 - ord(n) % 50) for n in names}
    matches = [
        Match(a, b, "copy", 0.1, "agreement", WHOLE)
        for cluster in clusters
        for a in cluster
        for b in cluster
        if a < b
    ]
    made = tuple(make_cluster(cluster, cluster[0], matches, "star") for cluster in clusters)
    config = RunConfig()
    return Report(
        schema="x",
        config={"keep": {"rules": RULES}},
        versions={},
        images=images,
        funnel={"files": len(names), "matches": len(matches)},
        clusters=made,
        matches=tuple(matches),
        decisions=decide(made, images, config),
        failures=(),
        containments=tuple(
            Containment(small, large, (0, 0, 1, 1), (), WHOLE) for small, large in ("ab", "bc")
        ),
    )


def told(report: Report, apart: str = "", **marks: Action) -> Report:
    """The report after a person told pairs apart (``"ab cd"``) and marked images."""
    places = {place_of(report.images[name]): action for name, action in marks.items()}
    return with_choices(report, Choices(places, {(a, b) for a, b in apart.split()}))


def decided(report: Report) -> dict[str, tuple[str, str, str]]:
    """Action, keeper and who decided, by image."""
    return {d.image: (d.action, d.keeper, d.by) for d in report.decisions}


def test_a_pair_told_apart_leaves_matches_insets_and_counts() -> None:
    """That pair alone, whichever of the two decided; what is counted is counted again."""
    report = report_of("abc", "de")
    later = told(report, "ab")
    assert [(m.query, m.ref) for m in later.matches] == [("a", "c"), ("b", "c"), ("d", "e")]
    assert [(item.small, item.large) for item in later.containments] == [("b", "c")]
    assert [cluster.members for cluster in later.clusters] == [("a", "c"), ("d", "e")]
    assert later.funnel == {"files": 5, "matches": 3, "clusters": 2, "clustered": 4}
    assert set(decided(later)) == set("acde")
    assert with_choices(report, Choices()) is report
    # marks alone, and pairs alone, are choices too
    assert told(report, b="keeper") != report and told(report, "de").clusters[-1].members == tuple(
        "abc"
    )


def test_parts_say_who_is_alone_now() -> None:
    """Members in no cluster any more; a cluster of others is as it was, the same object."""
    report = report_of("abc", "de")
    reviewed = Reviewed(report, Choices(apart={("a", "b"), ("d", "x")}))
    parts = reviewed.parts(report.clusters[0])
    assert parts.alone == ("b",) and [part.members for part in parts.clusters] == [("a", "c")]
    assert [decision.image for decision in parts.decisions] == ["a", "c"]
    other = reviewed.parts(report.clusters[1])
    assert other.clusters == (report.clusters[1],) and other.alone == ()
    assert other.clusters[0] is report.clusters[1]


def test_twins_stay_together_when_they_leave() -> None:
    """Two files of one content that is told apart from the rest are a cluster of their own."""
    report = report_of("abcd", twins={"d": "c"})
    later = told(report, "ac bc")
    assert [cluster.members for cluster in later.clusters] == [("a", "b"), ("c", "d")]
    # one file of it is no cluster
    assert [c.members for c in told(report_of("abc"), "ac bc").clusters] == [("a", "b")]


@pytest.mark.parametrize("others", [0, 1, 9])
def test_apart_by_whichever_list_is_shorter(others: int) -> None:
    """Few contents among many pairs, or the other way round: the same answer."""
    pairs = {("a", "b"), ("a", "x")} | {(f"y{n}", f"z{n}") for n in range(others)}
    reviewed = Reviewed(report_of("abc"), Choices(apart=pairs))
    assert reviewed.apart(["a", "b", "c"]) == {"a": {"b"}, "b": {"a"}}
    assert reviewed.apart(["a", "c"]) == {}


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        # the rules keep a, the largest
        ({"b": "keeper"}, {"a": ("drop", "b", "rule"), "b": ("keep", "b", "person")}),
        ({"b": "keep"}, {"a": ("keep", "a", "rule"), "b": ("keep", "a", "person")}),
        ({"b": "drop"}, {"a": ("keep", "a", "rule"), "b": ("drop", "a", "person")}),
        ({"a": "drop"}, {"a": ("drop", "b", "person"), "b": ("keep", "b", "rule")}),
        (
            {"a": "drop", "c": "keep"},
            {
                "a": ("drop", "c", "person"),
                "b": ("drop", "c", "rule"),
                "c": ("keep", "c", "person"),
            },
        ),
        (
            {"a": "drop", "b": "drop"},
            {
                "a": ("drop", "c", "person"),
                "b": ("drop", "c", "person"),
                "c": ("keep", "c", "rule"),
            },
        ),
        (
            dict.fromkeys("abc", "drop"),
            {
                "a": ("keep", "a", "rule"),
                "b": ("drop", "a", "person"),
                "c": ("drop", "a", "person"),
            },
        ),
        (
            {"c": "keeper", "b": "keeper"},
            {"b": ("keep", "b", "person"), "c": ("keep", "b", "person")},
        ),
    ],
)
def test_marks_over_rules(
    marks: dict[str, Action], expected: dict[str, tuple[str, str, str]]
) -> None:
    """Whoever is marked keeper stays; where the keeper is dropped the best of the others does."""
    found = decided(told(report_of("abc"), **marks))
    assert {name: found[name] for name in expected} == expected


def test_reasons_of_a_person() -> None:
    """Every decision by hand says so, and so does what follows from it."""

    def reasons(**marks: Action) -> dict[str, str]:
        return {d.image: d.reason for d in told(report_of("abc"), **marks).decisions}

    assert reasons(b="keeper")["a"] == "b stays instead"
    assert reasons(b="keeper")["b"] == "a person chose it"
    assert reasons(b="keep")["b"] == "a person keeps it too"
    assert reasons(b="drop")["b"] == "a person drops it"
    assert "larger" in reasons(b="drop")["a"] and "against" in reasons(b="keep")["c"]
    assert reasons(a="drop", b="drop")["c"] == "a person drops the others"
    assert reasons(a="drop", b="drop", c="drop")["a"] == "one picture of every cluster stays"
    assert "larger" in reasons(a="drop")["b"]


def test_what_was_decided_before_is_decided_anew() -> None:
    """A keeper of an older choice that is gone goes back to the rules; else rules are not asked."""
    report = report_of("abc")
    before = told(report, c="keeper")
    assert decided(untouched(before))["a"] == ("keep", "a", "rule")
    odd = tuple(Decision(n, "keep" if n == "b" else "drop", "b", "as it was") for n in "abc")
    kept = Report(**{**{f: getattr(report, f) for f in report.__slots__}, "decisions": odd})
    parts = Reviewed(kept, Choices(apart={("x", "y")})).parts(kept.clusters[0])
    assert tuple(parts.decisions) == odd


def untouched(report: Report) -> Report:
    """The report with choices that touch none of its pictures."""
    return with_choices(report, Choices(apart={("x", "y")}))


def test_a_moved_file_is_known_by_its_bytes() -> None:
    """Where all places that are gone agree; a mark taken back is forgotten."""
    report = report_of("ab")
    gone = {("b", "/old/b"): "drop", ("b", "/older/b"): "drop"}
    reviewed = Reviewed(report, Choices(gone))
    assert reviewed.mark("b") == "drop" and reviewed.mark("a") is None
    reviewed.see(Choices({("b", "/old/b"): "drop"}), Change("one", {("b", "/older/b"): "keep"}))
    assert reviewed.mark("b") is None
    reviewed.see(Choices({("b", "/old/b"): "drop"}), Change("two", {("b", "/older/b"): None}))
    assert reviewed.mark("b") == "drop"
    here = place_of(report.images["b"])
    reviewed.see(Choices({**gone, here: "keeper"}))
    assert reviewed.mark("b") == "keeper" and reviewed.place("b") == here
