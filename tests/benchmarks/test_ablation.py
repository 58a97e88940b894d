"""The bench of levers: rows are recipes, misses are listed with what they lack."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import save, scene
from lookalike import find
from lookalike.config import FindConfig
from lookalike.config.recipes import load_recipe
from lookalike.evaluation.datasets import Label, write_labels
from lookalike_bench.bench_ablation import ROWS, missed_copies, write_page


@pytest.mark.parametrize("name", ROWS)
def test_every_row_is_a_recipe(tmp_path: Path, name: str) -> None:
    """Rows are read as any recipe is, and no two are the same."""
    path = tmp_path / "row.toml"
    path.write_text(ROWS[name], encoding="utf-8")
    assert isinstance(load_recipe(str(path)).config, FindConfig)
    assert len(set(ROWS.values())) == len(ROWS)


@pytest.mark.slow
def test_misses_say_whether_the_pair_alone_is_found(db: Path, tmp_path: Path) -> None:
    """Hashes alone miss a crop that keypoints find, and a stranger that nothing finds."""
    folder = tmp_path / "set"
    rgb = scene(3)
    save(folder / "a.jpg", rgb)
    save(folder / "a__small.jpg", rgb[::2, ::2])
    save(folder / "a__crop.jpg", rgb[60:400, 80:560])
    save(folder / "a__not.jpg", scene(4))
    names = {"a.jpg": "source", "a__small.jpg": "resize", "a__crop.jpg": "crop", "a__not.jpg": "x"}
    write_labels(folder, [Label(path, "a", edit) for path, edit in names.items()])
    report = find(folder, db=db, config=FindConfig(effort="fast"))
    missed = missed_copies(folder, report)
    assert [(one.edit, one.verifies) for one in missed] == [("crop", True), ("x", False)]
    page = write_page({folder: missed}, tmp_path / "unsolved.html").read_text(encoding="utf-8")
    assert page.count("<figure>") == 2 and "crop, 1 missed" in page
    assert "compare finds it" in page and "not verified" in page


@pytest.mark.slow
def test_mirrored_votes_can_be_left_out(db: Path, tmp_path: Path) -> None:
    """Without them a mirrored crop is found no more."""
    from lookalike.config import LocalConfig

    for seed in range(6):
        save(tmp_path / "in" / f"{seed}.jpg", scene(seed))
    save(tmp_path / "in" / "copy.jpg", scene(3)[40:400, 60:520][:, ::-1])
    found = [
        len(find(tmp_path / "in", db=db, config=FindConfig(local=local)).clusters)
        for local in (LocalConfig(every_pair=0), LocalConfig(every_pair=0, mirrored=False))
    ]
    assert found == [1, 0]
