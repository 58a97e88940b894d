"""Extrapolations from measured distributions, and how well they foretell what is known."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from lookalike.config import FindConfig
from lookalike.descriptors.keypoints import KINDS
from lookalike.model.arrays import FloatArray
from lookalike_bench.scale_distributions import PROBES

__all__ = ["Check", "Distributions", "Fits", "checks", "substring_width"]

Figures = Mapping[str, float]
Distributions = Mapping[str, Sequence[Figures]]
_MOST_BITS = 60
_ENOUGH = 30
# below, a few pictures of one thing decide, not chance
_LEAST_DROPPED = 1e-4
_LARGEST = FindConfig().local.largest_group
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Check:
    """A figure foretold from less, beside the measured one.

    Attributes:
        what: is foretold.
        source: from which sizes.
        foretold: by the model.
        measured: at the size held back.
    """

    what: str
    source: str
    foretold: float
    measured: float


def substring_width(keypoints: float) -> int:
    """Bits of a substring as ``find`` chooses them for so many keypoints."""
    config = FindConfig().local
    wanted = int(keypoints).bit_length() + KINDS["orb"].rare_bits
    return min(_MOST_BITS, max(config.least_substring, wanted))


class Fits:
    """Models fitted to measured figures.

    - The sizes of cells are lognormal; their skew stays as it is on average.
    - A copy looks into its source's cell after so many others; the logarithm of that number is
      normal, its mean a line in the logarithm of the cells.
    - The chance that strangers share a piece of the hash is exponential in its bits.
    - How common the substring of a keypoint is, is lognormal: the sum of what its bits tell. Its
      mean is a line in the bits, its variance in proportion to them.
    - Strangers that votes propose for each picture stay as many; they grew fewer in larger sets.

    Args:
        found: as ``distributions`` gives them, or part of it.
    """

    def __init__(self, found: Distributions) -> None:
        self._skew = float(np.mean([f["skew"] for f in found["cells"]]))
        self._recall = _fit(*_recalled(found["probes"]))
        known = [f for f in found["pieces"] if f["meetings"] >= _ENOUGH]
        self._piece = _fit([[f["width"]] for f in known], [math.log2(f["chance"]) for f in known])
        self._common = _commonness(found["substrings"])
        self._voted = max(found["vote candidates"], key=lambda f: f["images"])["each"]

    @property
    def skew(self) -> float:
        """Mean of the squared cell sizes by the square of the mean."""
        return self._skew

    def largest(self, cells: float) -> float:
        """Size of the largest cell by the mean size."""
        spread = math.sqrt(math.log(self._skew))
        return math.exp(spread * _NORMAL.inv_cdf(1 - 1 / cells) - spread**2 / 2)

    @property
    def vote_candidates(self) -> float:
        """Strangers for verification for each picture."""
        return self._voted

    def recall(self, probes: float, cells: float) -> float:
        """Share of true pairs that share a cell."""
        return _NORMAL.cdf(float(self._recall @ [1.0, math.log(probes), math.log(cells)]))

    def piece_chance(self, width: float) -> float:
        """Chance that a piece of the hash of one picture equals that of a turn of a stranger."""
        return float(2.0 ** (self._piece @ [1.0, width]))

    def dropped(self, keypoints: float, width: float) -> float:
        """Share of keypoints in groups too large to vote."""
        mean, bit, spread = self._common.tolist()
        rarity = math.log(keypoints / _LARGEST) - mean - bit * width
        return _NORMAL.cdf(rarity / (spread * math.sqrt(width)))


def checks(found: Distributions) -> list[Check]:
    """What the smaller sizes foretell of all pictures, and fewer cells of the most."""
    most = max(f["images"] for f in found["cells"])
    last = max(found["probes"], key=lambda f: f["cells"])
    held = {
        name: [f for f in rows if f.get("images", 0) < most and f.get("cells", 0) <= 1024]
        for name, rows in found.items()
    }
    fits = Fits(held)
    sizes, cells = "n/8, n/4, n/2", f"{last['cells']:.0f} cells"
    whole = {f["images"]: f for f in found["cells"]}[most]
    told = [Check("skew of cells", sizes, fits.skew, whole["skew"])]
    told.append(
        Check("largest cell by the mean", sizes, fits.largest(whole["cells"]), whole["max"])
    )
    told += [
        Check(
            f"recall, {probes} of {cells}",
            "64 to 1024 cells",
            fits.recall(probes, last["cells"]),
            last[f"recall {probes}"],
        )
        for probes in PROBES
    ]
    for f in found["pieces"]:
        if f["images"] == most and f["meetings"] >= _ENOUGH:
            name = f"chance of {f['width']:.0f} equal bits"
            told.append(Check(name, sizes, fits.piece_chance(f["width"]), f["chance"]))
    for f in found["substrings"]:
        if f["images"] == most and f["dropped"] > _LEAST_DROPPED:
            foretold = fits.dropped(f["keypoints"], f["width"])
            name = f"keypoints dropped, {f['width']:.0f} bits"
            told.append(Check(name, sizes, foretold, f["dropped"]))
    foretold = fits.vote_candidates
    voted = {f["images"]: f["each"] for f in found["vote candidates"]}[most]
    told.append(Check("strangers by votes, each", sizes, foretold, voted))
    if synthetic := sorted(found.get("synthetic", ()), key=lambda f: f["images"]):
        told += _synthetic_checks(synthetic)
    return told


def _synthetic_checks(figures: Sequence[Figures]) -> list[Check]:
    """The largest set of made-up vectors, from the smaller ones."""
    *less, last = figures
    name, source = f"{last['images']:,.0f} made-up: ", "smaller sets of them"
    skew = float(np.mean([f["skew"] for f in less]))
    told = [Check(name + "skew of cells", source, skew, last["skew"])]
    recall = _fit(*_recalled(less))
    for probes in PROBES[:4]:
        foretold = _NORMAL.cdf(float(recall @ [1.0, math.log(probes), math.log(last["cells"])]))
        what = f"{name}recall, {probes} probes"
        told.append(Check(what, source, foretold, last[f"recall {probes}"]))
    return told


def _recalled(figures: Sequence[Figures]) -> tuple[list[list[float]], list[float]]:
    """Where enough is missed to tell how much."""
    rows, values = [], []
    for f in figures:
        for probes in PROBES:
            share = f[f"recall {probes}"]
            if share < 0.998:
                rows.append([math.log(probes), math.log(f["cells"])])
                values.append(_NORMAL.inv_cdf(share))
    return rows, values


def _commonness(figures: Sequence[Figures]) -> FloatArray:
    """Mean of the logarithm of the rarity at no bits, its growth a bit, spread a root of a bit."""
    known = [f for f in figures if f["dropped"] > _LEAST_DROPPED]
    rows = [[f["width"], _NORMAL.inv_cdf(f["dropped"]) * math.sqrt(f["width"])] for f in known]
    return _fit(rows, [math.log(f["keypoints"] / _LARGEST) for f in known])


def _fit(rows: Sequence[Sequence[float]], values: Sequence[float]) -> FloatArray:
    """Least squares; the constant first."""
    table = np.column_stack([np.ones(len(rows)), np.array(rows, float)])
    return np.asarray(np.linalg.lstsq(table, np.array(values), rcond=None)[0])
