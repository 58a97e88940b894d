"""Confidence: what it rises with, what it promises, what ``--precision`` leaves."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import save, scene
from evidence import WHOLE
from lookalike import FindConfig, compare, find, load_recipe
from lookalike.clustering.stars import make_cluster
from lookalike.config import ClusterConfig
from lookalike.evaluation.edits import edit_picture
from lookalike.evaluation.reliability import fit_logistic, reliability_of, wilson
from lookalike.model.errors import ConfigError
from lookalike.model.match import Match
from lookalike.model.report import Cluster, Report
from lookalike.report import from_json, to_dict, to_json
from lookalike.report.as_text import expectation
from lookalike.verification.confidence import (
    FEATURES,
    calibration,
    certain_enough,
    confidence_of,
    kind_of,
    weakest_tie,
)
from lookalike_bench.fitting import Evidenced, fit_confidence, write_calibration
from lookalike_bench.trials import Trial, judge_set, reported_pairs

SEEN = replace(
    WHOLE,
    inliers=40,
    support=0.3,
    overlap_query=0.7,
    overlap_ref=0.99,
    agreement=0.8,
    likeness=0.9,
    covered=0.8,
    frame="cropped",
    edit="cropped to 70%",
)
shares = st.floats(0.0, 1.0)


def copies_of(*confidences: float) -> dict[int, Match]:
    """Copies as certain as told, by their number."""
    return {
        n: Match("a", str(n), "copy", 0.0, "agreement", SEEN, confidence)
        for n, confidence in enumerate(confidences)
    }


def copies_in(folder: Path) -> Path:
    """Three pictures with copies and a twin."""
    for number in range(3):
        rgb = scene(300 + number)
        save(folder / f"{number}.jpg", rgb)
        for edit in ("mirror", "crop_50", "screenshot"):
            copy = edit_picture(rgb, edit, source=str(number), other=scene(9))
            save(folder / f"{number}_{edit}.jpg", copy)
        shutil.copy(folder / f"{number}.jpg", folder / f"{number}_twin.jpg")
    return folder


def test_equal_bytes_and_pixels_are_certain_and_similar_is_not_told() -> None:
    """1 by definition, and None where nothing is known."""
    assert confidence_of("exact", None) == confidence_of("pixel", None) == 1.0
    assert confidence_of("similar", None) is None


@pytest.mark.parametrize("name", ["agreement", "likeness", "overlap_ref", "covered"])
@given(shares, shares)
def test_more_evidence_is_never_less_certain(name: str, one: float, two: float) -> None:
    """Confidence rises with every share, and stays within 0 and its bound."""
    low, high = sorted((one, two))
    told = [confidence_of("copy", replace(SEEN, **{name: value})) for value in (low, high)]
    assert told[0] is not None and told[1] is not None
    assert 0 <= told[0] <= told[1] <= calibration().fits["keypoints"].most < 1


def test_agreement_and_hash_bits_tell() -> None:
    """Where pixels agree, or hashes are near, a match is clearly more certain."""
    doubtful, sure = (
        confidence_of("copy", replace(SEEN, agreement=share, likeness=share))
        for share in (0.5, 0.99)
    )
    assert doubtful is not None and sure is not None and sure - doubtful > 0.05
    whole = replace(SEEN, inliers=0, frame="same", agreement=1.0, likeness=0.93)
    near, far = (confidence_of("copy", whole, bits) for bits in (2, 46))
    assert kind_of(whole) == "whole_frames"
    assert near is not None and far is not None and near > far


def test_precision_leaves_the_largest_part_that_keeps_it() -> None:
    """By hand: .99, .9 and .6; pairs as certain as each other stay or go together."""
    matches = copies_of(0.6, 0.99, 0.6, 0.9)
    for precision, kept in ((0.98, [1]), (0.94, [1, 3]), (0.8, [1, 3]), (0.77, [0, 1, 2, 3])):
        assert list(certain_enough(matches, precision)) == kept, precision
    assert certain_enough(matches, 1.0) == {}


def test_certain_matches_do_not_buy_doubtful_ones_a_place() -> None:
    """Many equal files change nothing about which copies are certain enough."""
    certain = {n: Match("a", str(n), "pixel", 0, "pixels", None, 1.0) for n in range(1, 100)}
    similar = {100: Match("a", "100", "similar", 0.1, "network")}
    assert certain_enough({**copies_of(0.7), **certain, **similar}, 0.9) == certain


@given(st.lists(st.floats(0.02, 0.99), max_size=12), st.floats(0.5, 1.0))
def test_what_is_left_keeps_the_precision_and_is_nothing_new(
    confidences: list[float], precision: float
) -> None:
    """The mean of the rest is the precision or more; everything left was there."""
    matches = copies_of(*confidences)
    kept = certain_enough(matches, precision)
    assert all(matches[n] == match for n, match in kept.items())
    told = [match.confidence or 0.0 for match in kept.values()]
    assert not told or sum(told) / len(told) >= precision - 1e-9


def test_a_run_tells_how_certain_and_expects_the_sum_of_its_doubts(
    tmp_path: Path, db: Path
) -> None:
    """Every match has a confidence; the report's sum is that of its matches, through JSON too."""
    report = find(copies_in(tmp_path / "in"), db=db)
    told = [match.confidence for match in report.matches]
    assert all(value is not None and 0.5 < value <= 1 for value in told)
    exact = [match.confidence for match in report.matches if match.tier == "exact"]
    assert exact == [1.0] * 3
    assert report.expected_false_pairs == pytest.approx(sum(1 - v for v in told if v), abs=1e-4)
    assert report.expected_false_pairs > 0
    again = from_json(to_json(report))
    assert again == report and again.expected_false_pairs == report.expected_false_pairs
    assert to_dict(report)["expected_false_pairs"] == report.expected_false_pairs
    assert report.versions["confidence"] == calibration().version


def test_precision_drops_pairs_before_clustering(tmp_path: Path, db: Path) -> None:
    """With more precision there are fewer matches, none new; with 1 only what is certain."""
    folder = copies_in(tmp_path / "in")
    default = find(folder, db=db)
    pairs = {(m.query, m.ref) for m in default.matches}
    before = len(pairs)
    for precision in (0.9, 0.999, 1.0):
        report = find(folder, db=db, config=FindConfig(precision=precision))
        left = {(m.query, m.ref) for m in report.matches}
        assert left <= pairs and len(left) <= before
        assert report.funnel["too_doubtful"] == len(pairs) - len(left)
        assert report.config["precision"] == precision
        before = len(left)
    assert {match.tier for match in report.matches} == {"exact"}
    assert sorted(len(cluster.members) for cluster in report.clusters) == [2, 2, 2]
    assert report.expected_false_pairs == 0


def test_compare_tells_how_certain(tmp_path: Path) -> None:
    """One pair is as certain as its evidence."""
    rgb = scene(5)
    a = save(tmp_path / "a.jpg", rgb)
    b = save(tmp_path / "b.jpg", edit_picture(rgb, "crop_87", source="a", other=rgb))
    match, _ = compare(a, b)
    assert match is not None and match.verification is not None
    assert match.confidence == confidence_of("copy", match.verification)


def test_precisions_that_cannot_be() -> None:
    """Out of range, or together with other shots of a scene: refused before any work."""
    for precision in (0.3, 1.2, float("nan")):
        with pytest.raises(ConfigError, match="precision"):
            FindConfig(precision=precision)
    with pytest.raises(ConfigError, match="similar"):
        FindConfig(precision=0.9, cluster=ClusterConfig(similar=True))


def test_recipes_set_a_precision(tmp_path: Path) -> None:
    """As a number, whole or not."""
    for text, value in (("0.99", 0.99), ("1", 1.0)):
        path = tmp_path / "own.toml"
        path.write_text(f"precision = {text}\n")
        config = load_recipe(str(path)).config
        assert isinstance(config, FindConfig) and config.precision == value


def test_a_fit_finds_the_chances_that_made_the_labels() -> None:
    """Known odds come back; a feature that would count against a pair is left out."""
    random = np.random.default_rng(0)
    x = random.normal(size=(40_000, 3))
    chance = 1 / (1 + np.exp(-(1.5 + 2.0 * x[:, 0] - 1.0 * x[:, 2])))
    same = random.random(len(x)) < chance
    fit = fit_logistic(x, same, np.ones(len(x)), 1.0)
    assert fit.weights[0] == pytest.approx(1.8, abs=0.25) and fit.weights[2] == 0
    told = [fit(tuple(row)) for row in x.tolist()]
    found = reliability_of(told, same)
    assert found.error < 0.02 and found.expected_false == pytest.approx(found.wrong, rel=0.05)
    assert sum(b.pairs for b in found.bins) == len(x)
    assert sum(b.wrong for b in found.bins) == found.wrong == int((~same).sum())


def test_no_stranger_seen_is_no_certainty() -> None:
    """Of n pairs without a stranger, 3 in n may still be wrong: the rule of three."""
    x = np.linspace(-1, 1, 97)[:, None]
    fit = fit_logistic(x, np.ones(97, bool), np.ones(97), 1.0)
    assert fit.most == pytest.approx(1 - 3 / 100)
    assert fit((1000.0,)) <= fit.most
    low, high = wilson(0, 97)
    assert low == pytest.approx(0, abs=1e-12) and high == pytest.approx(0.0381, abs=1e-3)


def test_reliability_by_hand() -> None:
    """Three pairs of .95, two true, and one of .2 that is not."""
    found = reliability_of([0.95, 0.95, 0.95, 0.2], [True, True, False, False])
    assert [(b.pairs, b.wrong) for b in found.bins] == [(1, 1), (3, 1)]
    assert found.error == pytest.approx((0.2 + 3 * (0.95 - 2 / 3)) / 4)
    assert found.expected_false == pytest.approx(0.95) and found.wrong == 2
    logs = np.log([0.95, 0.95, 0.05, 0.8])
    assert found.log_loss == pytest.approx(-logs.mean())


def test_trials_of_a_labelled_set(tmp_path: Path) -> None:
    """Pairs are looked at that a run leaves out, strangers among them, each with its truth."""
    folder = copies_in(tmp_path / "in")
    lines = [f"{p.name},{p.name[0]},x" for p in sorted(folder.glob("*.jpg"))]
    (folder / "labels.csv").write_text("path,group,edit\n" + "\n".join(lines) + "\n")

    def quiet(stage: str, done: int, total: int) -> None:
        pass

    tried = judge_set(folder, tmp_path / "one", threads=2, progress=quiet)
    told = reported_pairs(folder, tmp_path / "one", threads=2, progress=quiet)
    assert all(t.is_true == (t.first[0] == t.second[0]) for t in (*tried, *told))
    assert len({(t.first, t.second) for t in tried}) > sum(t.match.tier == "copy" for t in told)
    assert {kind_of(t.match.verification) for t in tried if t.match.verification} == set(FEATURES)


def test_a_calibration_is_fitted_and_written(tmp_path: Path) -> None:
    """Fitted on trials, written as readable JSON with its counts; equal values, equal version."""
    random = np.random.default_rng(1)

    def trial(number: int, *, whole: bool) -> Trial:
        share = float(random.uniform(0.9, 1))
        seen = replace(SEEN, agreement=share, likeness=share, support=0.5)
        seen = replace(seen, inliers=0, frame="same") if whole else seen
        match = Match("a", str(number), "copy", 4.0, "pdq" if whole else "agreement", seen)
        return Trial("set", "a", str(number), match, bool(random.random() < share))

    trials = [trial(n, whole=n % 2 == 0) for n in range(400)]
    before = calibration()
    fits = fit_confidence([Evidenced(trials, trials)])
    path = tmp_path / "confidence.json"
    write_calibration(fits, path)
    plain = json.loads(path.read_text())
    assert set(FEATURES) == {"keypoints", "whole_frames"}
    for kind in FEATURES:
        assert list(plain[kind]["weights"]) == list(FEATURES[kind])
        assert plain[kind]["fitted_on"]["pairs"] == 200
        assert plain[kind]["weights"]["likeness"] + plain[kind]["weights"]["agreement"] > 0
    write_calibration(fits, path)
    assert json.loads(path.read_text())["version"] == plain["version"] != before.version
    assert calibration() == before


def test_the_summary_says_how_many_to_expect() -> None:
    """In plain numbers, with what was left out; nothing known is said so."""

    def report(*confidences: float | None, left_out: int = 0) -> str:
        matches = tuple(Match("a", "b", "copy", 0, "pdq", None, c) for c in confidences)
        funnel = {"too_doubtful": left_out}
        return expectation(Report("", {}, {}, {}, funnel, (), matches, (), ()))

    assert report(1.0) == "expected false pairs: 0 of 1"
    assert report(0.98, 0.98, left_out=3).endswith("0.04 of 2; 3 too doubtful and left out")
    assert report(*[0.5] * 2600) == "expected false pairs: 1,300.0 of 2,600"
    assert report(None) == "expected false pairs: not known, nothing was verified"


def tied(*ties: tuple[str, str, float | None]) -> Cluster:
    """A cluster of matches; a confidence of 1 means equal bytes."""
    matches = [
        Match(a, b, "exact" if sure == 1.0 else "copy", 0.0, "agreement", None, sure)
        for a, b, sure in ties
    ]
    members = sorted({member for a, b, _ in ties for member in (a, b)})
    return make_cluster(members, members[0], matches, "star")


@pytest.mark.parametrize(
    ("ties", "keeper", "expected"),
    [
        ([("a", "b", 0.97)], "a", 0.97),
        # twins on both sides: each has a tie of 1, and none of them to the other side
        ([("a", "a2", 1.0), ("b", "b2", 1.0), ("a", "b", 0.88)], "a2", 0.88),
        # two dropped that are sure of each other alone
        ([("a", "b", 0.88), ("a", "c", 0.88), ("b", "c", 0.999)], "a", 0.88),
        # no match of its own: the way through another is as sure as both together
        ([("a", "b", 0.99), ("b", "c", 0.95)], "a", 0.9405),
        ([("a", "b", 0.99), ("b", "c", 0.95)], "b", 0.95),
        # of two ways the surer, of its own match and a way the match
        ([("a", "b", 0.9), ("a", "c", 0.8), ("b", "d", 0.9), ("c", "d", 0.99)], "a", 0.8),
        ([("a", "b", 0.9), ("a", "c", 0.9), ("b", "d", 0.5), ("c", "d", 0.9)], "a", 0.81),
        ([("a", "b", 0.99), ("b", "c", 0.99), ("a", "c", 0.6)], "a", 0.6),
        # what equals the keeper is the keeper
        ([("a", "a2", 1.0), ("a", "b", 0.7), ("a2", "c", 0.9), ("b", "c", 0.99)], "a", 0.7),
        # nothing tells of one
        ([("a", "b", 0.9), ("a", "c", None)], "a", None),
        ([("a", "b", 1.0)], "b", 1.0),
    ],
)
def test_a_cluster_is_as_sure_as_the_weakest_tie_to_what_stays(
    ties: list[tuple[str, str, float | None]], keeper: str, expected: float | None
) -> None:
    """What ties the dropped to each other does not count, in whatever order matches come."""
    assert weakest_tie(tied(*ties), keeper) == expected
    turned = [(b, a, sure) for a, b, sure in reversed(ties)]
    assert weakest_tie(tied(*turned), keeper) == expected
