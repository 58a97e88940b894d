"""Answers do not depend on the processor: other vector units add in another order, no more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import save, scene
from lookalike.evaluation.edits import FOURTEEN, edit_picture
from lookalike.verification.plane import means

pytestmark = pytest.mark.slow

# each library has its own switch, and takes what the processor offers beyond
PLAIN = {
    "OPENBLAS_CORETYPE": "Prescott",
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4",
    "OPENCV_CPU_DISABLE": "AVX,AVX2,FMA3,AVX512-SKX",
    "OPENCV_IPP": "disabled",
    "JSIMD_FORCENONE": "1",
}
# numbers of evidence that a refined transform moves in the third or fourth digit
TOLERANCES = {"confidence": 0.01, "agreement": 0.02, "likeness": 0.01, "distance": 0.02}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five pictures, each with fourteen edits, and one that is faint."""
    folder = tmp_path_factory.mktemp("photos")
    for number in range(5):
        rgb = scene(40 + number)
        if number == 4:
            rgb = (rgb // 16 + 110).astype(np.uint8)
        save(folder / f"{number}.jpg", rgb)
        for edit in FOURTEEN:
            copy = edit_picture(rgb, edit, source=str(number), other=scene(9))
            save(folder / f"{number}_{edit}.jpg", copy)
    return folder


def run(photos: Path, db: Path, **environment: str) -> dict[str, Any]:
    """The report of a process of its own."""
    command = [sys.executable, "-m", "lookalike", "find", str(photos), "--db", str(db), "--json"]
    done = subprocess.run(
        [*command, "--effort", "thorough"],
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 11, done.stderr.decode()
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_without_vector_units_a_person_sees_the_same(photos: Path, tmp_path: Path) -> None:
    """Clusters, keepers, reasons, tiers and named edits; numbers of evidence are near."""
    here, there = run(photos, tmp_path / "1"), run(photos, tmp_path / "2", **PLAIN)
    assert len(here["clusters"]) >= 5
    for one, other in zip(here["clusters"], there["clusters"], strict=True):
        assert abs(one.pop("diameter") - other.pop("diameter")) <= TOLERANCES["distance"]
        assert one == other
    assert here["failures"] == there["failures"] and here["images"] == there["images"]
    for one, other in zip(here["matches"], there["matches"], strict=True):
        for name in ("query", "ref", "tier", "metric", "edit"):
            assert one[name] == other[name]
        numbers = {**one, **(one["verification"] or {})}
        others = {**other, **(other["verification"] or {})}
        for name, tolerance in TOLERANCES.items():
            if name in numbers:
                assert abs(numbers[name] - others[name]) <= tolerance


def test_block_means_are_exact() -> None:
    """Of grey levels and their squares, whatever order a processor adds in."""
    code = (
        "import sys, numpy as np; from lookalike.verification.plane import means;"
        "plane = np.random.default_rng(0).integers(0, 256, (149, 203)).astype(np.float32);"
        "sys.stdout.buffer.write(means(plane).tobytes() + means(plane * plane).tobytes())"
    )
    elsewhere = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **PLAIN}, capture_output=True, check=True
    )
    plane = np.random.default_rng(0).integers(0, 256, (149, 203)).astype(np.float32)
    assert means(plane).tobytes() + means(plane * plane).tobytes() == elsewhere.stdout
    assert np.array_equal(means(plane), means(plane.astype(np.float64)))
