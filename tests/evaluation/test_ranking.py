"""Figures of the evaluation: exact, and equal to independent definitions."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from conftest import save, scene
from lookalike.evaluation.calibrate import (
    advise_from_examples,
    advise_from_labels,
    advise_from_steps,
)
from lookalike.evaluation.edits import EDITS, chosen_edits, edit_picture
from lookalike.evaluation.metrics import macro_of_images
from lookalike.evaluation.ranking import (
    auroc,
    auroc_by_thresholds,
    average_precision,
    best_f1,
    false_pairs_per_million,
    micro_average_precision,
    recall_at_fpr,
    recall_at_precision,
    steps,
)
from lookalike.evaluation.run import compare_recipes
from lookalike.evaluation.truth import condensed_index, load_truth
from lookalike.model.errors import ConfigError

PAIRS = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=2, max_size=60)


def quiet(stage: str, done: int, total: int) -> None:
    """No progress."""


def arrays(pairs: list[tuple[int, bool]]) -> tuple[np.ndarray, np.ndarray]:
    """Distances and labels."""
    return np.array([d / 4 for d, _ in pairs]), np.array([s for _, s in pairs])


def naive_micro_ap(distance: np.ndarray, same: np.ndarray, positives: int) -> float:
    """µAP by its definition, threshold by threshold (Perronnin, Liu, Renders 2009)."""
    total, recall = 0.0, 0.0
    for threshold in sorted(set(distance.tolist())):
        accepted = distance <= threshold
        hits = int((accepted & same).sum())
        total += hits / int(accepted.sum()) * (hits / positives - recall)
        recall = hits / positives
    return total


@given(PAIRS, st.integers(0, 5))
def test_two_micro_ap_agree(pairs: list[tuple[int, bool]], unseen: int) -> None:
    """The fast one and the definition, with duplicates that were never predicted."""
    distance, same = arrays(pairs)
    positives = int(same.sum()) + unseen
    if positives:
        fast = micro_average_precision(distance, same, positives)
        assert fast == pytest.approx(naive_micro_ap(distance, same, positives))


def test_micro_ap_by_hand() -> None:
    """Right, wrong, right of 4: (1/1 + 2/3) / 4."""
    found = micro_average_precision(np.array([0.1, 0.2, 0.3]), np.array([True, False, True]), 4)
    assert found == pytest.approx((1 + 2 / 3) / 4)


@given(PAIRS)
def test_auroc_and_ap_equal_scikit_learn(pairs: list[tuple[int, bool]]) -> None:
    """Also with ties."""
    distance, same = arrays(pairs)
    if same.any() and not same.all():
        found = steps(distance, same)
        assert auroc(found) == pytest.approx(roc_auc_score(same, -distance))
        assert average_precision(found) == pytest.approx(average_precision_score(same, -distance))


@settings(max_examples=50)
@given(PAIRS)
def test_operating_points_hold_their_promise(pairs: list[tuple[int, bool]]) -> None:
    """Recall at a precision keeps it; recall at a false positive rate stays within it."""
    distance, same = arrays(pairs)
    found = steps(distance, same)
    recall, threshold = recall_at_precision(found, 0.8)
    accepted = distance <= threshold
    if recall:
        assert same[accepted].mean() >= 0.8
        assert recall == pytest.approx(same[accepted].sum() / same.sum())
    if same.any() and not same.all():
        clean = distance < distance[~same].min()
        assert recall_at_fpr(found, 0.0) == pytest.approx((clean & same).sum() / same.sum())
    best = best_f1(found)
    for bar in set(distance.tolist()):
        tp = (same & (distance <= bar)).sum()
        f1 = 2 * tp / ((distance <= bar).sum() + same.sum())
        assert f1 <= best.f1 + 1e-12


def test_unread_images_are_never_accepted() -> None:
    """Infinite distances count as missed duplicates and rejected strangers."""
    found = steps(np.array([0.1, np.inf, np.inf]), np.array([True, True, False]))
    assert found.tp.tolist() == [1] and found.positives == 2 and found.negatives == 1
    assert auroc(found) == pytest.approx(0.75)


def test_auroc_through_thresholds_is_near_the_exact_one() -> None:
    """1,000 thresholds in [0, 2]."""
    random = np.random.default_rng(0)
    same = random.random(4000) < 0.5
    distance = np.clip(random.normal(np.where(same, 0.4, 0.8), 0.2), 0, 2)
    found = steps(distance, same)
    assert auroc_by_thresholds(found) == pytest.approx(auroc(found), abs=2e-3)


def test_false_pairs_per_million_by_hand() -> None:
    """One false of a million pairs is half a million among a million images."""
    assert false_pairs_per_million(1, 10**6) == pytest.approx(499_999.5)
    assert false_pairs_per_million(0, 10**6) == pytest.approx(-3 * 499_999.5)


def test_macro_by_hand() -> None:
    """The mean over images that have a duplicate; an unjoined image has precision 1."""
    precision, recall, f1 = macro_of_images([["a", "b", "x"]], [("a", "b"), ("c", "d")])
    assert precision == pytest.approx((0.5 + 0.5 + 1 + 1) / 4)
    assert recall == pytest.approx((1 + 1 + 0 + 0) / 4)
    assert f1 == pytest.approx((2 / 3 + 2 / 3) / 4)


def test_condensed_places() -> None:
    """Row by row above the diagonal, in any order of the two."""
    rows, columns = np.triu_indices(7, 1)
    assert (condensed_index(rows, columns, 7) == np.arange(21)).all()
    assert (condensed_index(columns, rows, 7) == np.arange(21)).all()


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight pictures, two copies each, with labels."""
    folder = tmp_path_factory.mktemp("set")
    rows = []
    for seed in range(8):
        rgb = scene(seed, 320, 240)
        for edit in ("source", "resize_50", "mirror"):
            copy = rgb if edit == "source" else edit_picture(rgb, edit, source="", other=rgb)
            name = f"{seed}_{edit}.jpg"
            save(folder / name, copy)
            rows.append((name, str(seed), edit))
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path", "group", "edit"), *rows])
    return folder


@pytest.mark.slow
def test_a_comparison_predicts_scores_and_refuses_other_settings(
    labelled: Path, tmp_path: Path
) -> None:
    """Files, tables and plots; scored again without running; changed settings are refused."""
    out = tmp_path / "run"
    names = ["default", "report-hash", "inditex"]
    done = compare_recipes(names, str(labelled), out, sample=6)
    by_name = {found.recipe: found for found in done.scores}
    assert by_name["default"].micro.recall == 1 and by_name["default"].micro.fp == 0
    assert by_name["default"].by_edit == {"resize_50": 1.0, "mirror": 1.0}
    assert by_name["report-hash"].by_edit["mirror"] < 0.5
    assert "resnet18" in done.missing["inditex"]
    assert by_name["default"].pairs.auroc == pytest.approx(1.0)
    assert by_name["default"].retrieval["recall@5"] == pytest.approx(1.0)
    assert by_name["default"].cost["images_per_second"] > 0
    for name in ("config.json", "log.txt", "clusters.csv", "pairs.csv", "distances.npy"):
        assert (out / "recipes" / "report-hash" / name).stat().st_size
    for name in ("distances.png", "dendrogram.png", "map.png"):
        assert (out / "recipes" / "default" / name).stat().st_size > 3000
    for name in ("roc.png", "pr.png", "results.md", "results.html", "metrics.csv"):
        assert (out / name).stat().st_size
    assert "not measured" in (out / "results.md").read_text()
    before = (out / "metrics.csv").read_text()
    again = compare_recipes(names, str(labelled), out, sample=6)
    assert (out / "metrics.csv").read_text() == before
    assert again.scores == done.scores
    config = out / "recipes" / "report-hash" / "config.json"
    held = json.loads(config.read_text())
    held["settings"]["views"][0]["max_distance"] = 9.0
    config.write_text(json.dumps(held))
    with pytest.raises(ConfigError, match=r"other settings.*differs in settings.*--overwrite"):
        compare_recipes(names, str(labelled), out, sample=0)
    compare_recipes(["report-hash"], str(labelled), out, sample=0, overwrite=True)


@pytest.mark.slow
def test_query_sets_are_clustered_one_by_one(labelled: Path, tmp_path: Path) -> None:
    """Dupimage's protocol: P, R and F1 of every query's images, and their mean."""
    with (labelled / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    path = labelled / "queries.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "group", "edit", "query"])
        for row in rows:
            query = "first" if int(row["group"]) < 4 else "second"
            writer.writerow([row["path"], row["group"], row["edit"], query])
    done = compare_recipes(["fast", "raw-pca"], str(path), tmp_path / "run", sample=0)
    path.unlink()
    fast = done.scores[0]
    assert set(fast.by_query) == {"first", "second"}
    assert fast.macro == pytest.approx((1.0, 1.0, 1.0)) and fast.micro.f1 == 1.0
    assert "By query set" in (tmp_path / "run" / "results.md").read_text()


def _photos(folder: Path, count: int) -> Path:
    for seed in range(count):
        save(folder / f"im{seed + 1}.jpg", scene(seed, 160, 120))
    return folder


def test_published_layouts_are_read(tmp_path: Path) -> None:
    """California-ND, MFND and pair lists, seen from what lies there or told."""
    california = _photos(tmp_path / "california", 4)
    votes = np.zeros((3, 4, 4))
    votes[:2, 0, 1] = votes[:1, 2, 3] = 1
    np.save(california / "gt_all.npy", votes)
    assert load_truth(str(california)).duplicates == {("im1.jpg", "im2.jpg")}
    mfnd = _photos(tmp_path / "mfnd", 5)
    (mfnd / "clusters.txt").write_text("1 3 5\n# a comment\n2,4\n")
    truth = load_truth(f"mfnd:{mfnd}")
    assert len(truth.duplicates) == 4 and ("im2.jpg", "im4.jpg") in truth.duplicates
    pairs = _photos(tmp_path / "pairs", 5)
    (pairs / "nd_pairs.txt").write_text("im1.jpg im2.jpg\n")
    (pairs / "nnd_pairs.txt").write_text("im1 im3\nim4 im5\n")
    truth = load_truth(str(pairs))
    asked, labels = truth.asked_pairs()
    assert labels.tolist() == [True, False] and asked[1] in truth.others
    (pairs / "nd_pairs.txt").write_text("im1.jpg im9.jpg\n")
    with pytest.raises(ConfigError, match="im9"):
        load_truth(str(pairs))


def test_strangers_of_the_pair_protocol_are_none(labelled: Path) -> None:
    """As many as duplicates, seeded, none of them a duplicate."""
    truth = load_truth(str(labelled))
    asked, labels = truth.asked_pairs()
    assert labels.sum() == (~labels).sum() == len(truth.duplicates) == 24
    assert not set(asked[24:]) & truth.duplicates and len(set(asked)) == 48
    assert truth.asked_pairs()[0] == asked != truth.asked_pairs(seed=1)[0]


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda p: None, "unknown data set"),
        (lambda p: p.mkdir(), "not a labelled set"),
        (lambda p: (p.mkdir(), (p / "labels.csv").write_text("a,b\n1,2\n")), "lacks columns"),
        (
            lambda p: (p.mkdir(), (p / "labels.csv").write_text("path,group\nx.jpg,1\ny.jpg,1\n")),
            "not complete",
        ),
    ],
)
def test_wrong_sets_are_refused(make, match: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """Before any work, with what is expected."""
    make(tmp_path / "set")
    with pytest.raises(ConfigError, match=match):
        compare_recipes(["fast"], str(tmp_path / "set"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_calibration_keeps_the_precision(labelled: Path, tmp_path: Path) -> None:
    """Advice from labels keeps the precision asked for and says on what it stands."""
    distance = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.9])
    same = np.array([True, True, False, True, True, False])
    advice = advise_from_steps(steps(distance, same), 0.99)
    assert advice.threshold == pytest.approx(0.25) and advice.recall == 0.5
    assert advise_from_steps(steps(distance, same), 0.8).threshold == pytest.approx(0.7)
    assert 0 < advice.at_least < 1 and "2 duplicates and 0 strangers" in advice.evidence
    with pytest.raises(ConfigError, match="no such precision"):
        advise_from_steps(steps(distance, same), 1.5)
    advice = advise_from_labels("report-hash", str(labelled), 0.999, quiet)
    assert 0 < advice.threshold < 20 and advice.wrong == 0
    examples = labelled / "1_source.jpg", labelled / "1_resize_50.jpg"
    advice = advise_from_examples("report-hash", *examples, labelled, quiet)
    assert advice.threshold <= 6 and "other pairs" in advice.evidence


def test_edits_are_chosen_by_name_or_set() -> None:
    """Sets expand; an unknown name lists what there is."""
    assert len(chosen_edits(["five"])) == 5 and len(chosen_edits(["all"])) == len(EDITS)
    assert chosen_edits(["mirror", "five"])[0] == "mirror"
    with pytest.raises(ConfigError, match=r"unknown edit.*melt.*crop_87"):
        chosen_edits(["melt"])
