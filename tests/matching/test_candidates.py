"""Stages of published systems: metrics, reduction, cells, votes, linkages."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.index.blocks import block_distances, nearest_rows, pairs_within
from lookalike.index.cells import CellIndex, fit_cells
from lookalike.index.distances import METRICS, dice_binary
from lookalike.model.errors import ConfigError
from lookalike.systems.pca import Reduction, fit_reduction
from lookalike.systems.voting import vote

cdist = pytest.importorskip(
    "scipy.spatial.distance", reason="SciPy is not installed (extra lab)"
).cdist
SCIPY = {"euclidean": "euclidean", "manhattan": "cityblock", "cosine": "cosine"}


@pytest.fixture
def random() -> np.random.Generator:
    """Numbers that are the same for a test whichever tests ran before."""
    return np.random.default_rng(7)


@pytest.fixture
def a(random: np.random.Generator) -> np.ndarray:
    """Nine rows of 40 values."""
    return random.normal(size=(9, 40)).astype(np.float32)


@pytest.fixture
def b(random: np.random.Generator, a: np.ndarray) -> np.ndarray:
    """Eleven others, two equal to some of ``a``, and one that nearly is."""
    return np.vstack([random.normal(size=(11, 40)), a[:2], a[2:3] + 1e-4]).astype(np.float32)


@pytest.mark.parametrize("metric", SCIPY)
def test_metrics_equal_scipy(metric: str, a: np.ndarray, b: np.ndarray) -> None:
    """Euclidean, Manhattan and cosine are SciPy's."""
    assert METRICS[metric](a, b) == pytest.approx(cdist(a, b, SCIPY[metric]), abs=1e-5)


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0, 4.5])
def test_minkowski_equals_scipy(p: float, a: np.ndarray, b: np.ndarray) -> None:
    """Any exponent, in the oracle and the fast path."""
    truth = cdist(a, b, "minkowski", p=p)
    assert METRICS["minkowski"](a, b, p) == pytest.approx(truth, abs=1e-5)
    assert block_distances(a, b, "minkowski", p=p) == pytest.approx(truth, rel=1e-4, abs=1e-5)


def test_dice_by_hand_and_scipy(a: np.ndarray, b: np.ndarray) -> None:
    """Real Dice by hand; on patterns as SciPy's."""
    x, y = np.array([[1.0, 2.0]]), np.array([[2.0, 0.0]])
    assert METRICS["dice"](x, y)[0, 0] == pytest.approx(1 - 2 * 2 / (5 + 4))
    assert dice_binary(a, b) == pytest.approx(cdist(a > 0, b > 0, "dice"), abs=1e-6)
    assert METRICS["dice"](np.zeros((1, 3)), np.zeros((1, 3)))[0, 0] == 0


def test_hamming_equals_scipy(random: np.random.Generator) -> None:
    """On packed bits, any number of bytes."""
    bits = random.integers(0, 256, (6, 13)).astype(np.uint8)
    unpacked = np.unpackbits(bits, axis=1)
    truth = cdist(unpacked, unpacked, "hamming") * unpacked.shape[1]
    assert METRICS["hamming"](bits, bits) == pytest.approx(truth)
    assert block_distances(bits, bits, "hamming") == pytest.approx(truth)


@pytest.mark.parametrize("metric", [name for name in METRICS if name != "hamming"])
def test_fast_blocks_equal_the_oracle(metric: str, a: np.ndarray, b: np.ndarray) -> None:
    """Also for equal and nearly equal rows."""
    fast = block_distances(a, b, metric)
    assert fast == pytest.approx(METRICS[metric](a, b), rel=2e-4, abs=2e-6)


def test_unknown_metric_is_named(a: np.ndarray, b: np.ndarray) -> None:
    """With what there is."""
    with pytest.raises(ConfigError, match=r"canberra.*euclidean"):
        block_distances(a, b, "canberra")


@pytest.mark.parametrize("metric", list(SCIPY))
def test_pairs_and_neighbours_equal_brute_force(metric: str, random: np.random.Generator) -> None:
    """Range and k nearest, whatever the blocks."""
    rows = random.normal(size=(300, 8)).astype(np.float32)
    rows[100] = rows[3]
    truth = METRICS[metric](rows, rows)
    # between two distances, not at one: how the last digit is rounded must not matter
    low, high = np.quantile(truth, [0.1, 0.11])
    between = np.unique(truth[(truth >= low) & (truth <= high)])
    gap = int(np.diff(between).argmax())
    limit = float(between[gap : gap + 2].mean())
    left, right, near = pairs_within(
        lambda a, b: block_distances(rows[a], rows[b], metric), rows, limit, threads=2
    )
    want = {(i, j) for i, j in np.argwhere(truth <= limit) if i < j}
    assert set(zip(left.tolist(), right.tolist(), strict=True)) == want
    assert near == pytest.approx(truth[left, right], abs=1e-5)
    best, _ = nearest_rows(rows[:5], rows, 7, metric)
    order = np.argsort(truth[:5], axis=1, kind="stable")[:, :7]
    assert np.take_along_axis(truth[:5], best, 1) == pytest.approx(
        np.take_along_axis(truth[:5], order, 1), abs=1e-5
    )


def test_pca_keeps_distances_with_all_components(random: np.random.Generator) -> None:
    """K = N keeps centred distances to 1e-4; N = 1 works."""
    rows = random.normal(size=(20, 500)).astype(np.float32)
    found = fit_reduction(rows, components=20)
    moved = found.apply(rows)
    assert cdist(moved, moved) == pytest.approx(cdist(rows, rows), abs=1e-4)
    single = fit_reduction(rows[:1], components=1)
    assert single.apply(rows[:1]) == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize("shape", [(60, 12), (12, 60)])
@pytest.mark.parametrize("scale", ["none", "standard", "unit"])
def test_pca_equals_scikit_learn(
    shape: tuple[int, int], scale: str, random: np.random.Generator
) -> None:
    """Components up to sign, and variances, tall or wide."""
    decomposition = pytest.importorskip("sklearn.decomposition")
    rows = (random.normal(size=shape) * np.arange(1, shape[1] + 1)).astype(np.float32)
    found = fit_reduction(rows, components=4, scale=scale)
    scaled = rows.astype(np.float64)
    if scale == "unit":
        scaled /= np.linalg.norm(scaled, axis=1, keepdims=True)
    if scale == "standard":
        scaled = (scaled - scaled.mean(0)) / scaled.std(0)
    other = decomposition.PCA(4, svd_solver="full").fit(scaled)
    truth = other.transform(scaled)
    assert np.abs(found.apply(rows)) == pytest.approx(np.abs(truth), rel=1e-2, abs=2e-3)
    assert found.variance == pytest.approx(other.singular_values_**2 / shape[0], rel=1e-3)


def test_streamed_pca_equals_that_in_memory(
    monkeypatch: pytest.MonkeyPatch, random: np.random.Generator
) -> None:
    """Without the square matrices: the same axes where each has a variance of its own."""
    turn = np.linalg.qr(random.normal(size=(30, 30)))[0]
    rows = (random.normal(size=(80, 30)) * 0.6 ** np.arange(30) @ turn).astype(np.float32)
    exact = fit_reduction(rows, components=6, scale="standard")
    monkeypatch.setattr("lookalike.systems.pca._SQUARE", 4)
    streamed = fit_reduction(rows, components=6, scale="standard", streamed=True)
    assert streamed.apply(rows) == pytest.approx(exact.apply(rows), abs=1e-3)
    assert streamed.variance == pytest.approx(exact.variance, rel=1e-3)


def test_streamed_pca_captures_the_variance_of_noise(
    monkeypatch: pytest.MonkeyPatch, random: np.random.Generator
) -> None:
    """Where no direction stands out the axes are of choice; the variance along them is not."""
    rows = random.normal(size=(80, 30)).astype(np.float32)
    exact = fit_reduction(rows, components=6, scale="standard")
    monkeypatch.setattr("lookalike.systems.pca._SQUARE", 4)
    streamed = fit_reduction(rows, components=6, scale="standard", streamed=True)
    assert streamed.variance == pytest.approx(exact.variance, rel=1e-3)
    assert streamed.apply(rows).var(axis=0) == pytest.approx(exact.variance, rel=1e-3)
    axes = streamed.components @ streamed.components.T
    assert axes == pytest.approx(np.eye(6), abs=1e-5)


def test_a_saved_reduction_says_the_same(random: np.random.Generator) -> None:
    """Without fitting again; rows of another dimension are refused."""
    rows = random.normal(size=(30, 10)).astype(np.float32)
    found = fit_reduction(rows, components=3, scale="standard")
    again = Reduction.from_bytes(found.to_bytes())
    assert (again.apply(rows) == found.apply(rows)).all()
    with pytest.raises(ConfigError, match="11 values a row; expected 10"):
        again.apply(np.zeros((2, 11)))
    with pytest.raises(ConfigError, match="too many components"):
        fit_reduction(rows, components=11)


def test_all_cells_probed_is_exact(random: np.random.Generator) -> None:
    """Fewer probes lose little, and rows may be added."""
    centres = random.normal(size=(12, 16)) * 3
    rows = (centres[random.integers(12, size=600)] + random.normal(size=(600, 16))).astype(
        np.float32
    )
    index = CellIndex(fit_cells(rows[:500], 12), rows[:500])
    index.add(rows[500:])
    best, near = index.nearest(rows, 5, probes=12, metric="euclidean")
    exact, distance = nearest_rows(rows, rows, 5, "euclidean")
    assert (best == exact).all()
    assert near == pytest.approx(distance, abs=1e-5)
    some, _ = index.nearest(rows, 5, probes=3, metric="euclidean")
    recall = np.mean([len(set(a) & set(b)) / 5 for a, b in zip(some, exact, strict=True)])
    assert recall >= 0.95


def test_votes_by_hand() -> None:
    """Most votes, then mean rank, then distance; the votes are shown."""
    ballots = {
        "a": [(1, 0.1), (2, 0.2), (3, 0.4)],
        "b": [(2, 1.0), (1, 2.0)],
        "c": [(2, 5.0), (9, 5.0)],
    }
    ranked = vote(ballots)
    assert [v.item for v in ranked] == [2, 1, 9, 3]
    assert ranked[0].votes == 3
    assert ranked[0].by == {"a": 2, "b": 1, "c": 1}


@settings(max_examples=30, deadline=None)
@given(st.permutations(list(range(6))))
def test_votes_do_not_depend_on_the_order_of_ballots(order: list[int]) -> None:
    """A ballot is a set of opinions, not a queue."""
    ballots = {f"m{n}": [((n * 7 + k) % 10, k * 0.1) for k in range(5)] for n in range(6)}
    turned = {f"m{n}": ballots[f"m{n}"] for n in order}
    assert [v.item for v in vote(turned)] == [v.item for v in vote(ballots)]
