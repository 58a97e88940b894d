"""Hard sets: where a method that looks right on clean copies goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from lookalike.evaluation.datasets import Label, Split
from lookalike.model.errors import ConfigError
from lookalike_bench.hard.faces import fill_faces
from lookalike_bench.hard.faint import fill_faint
from lookalike_bench.hard.ingredients import Ingredients, SetFolder, gather
from lookalike_bench.hard.paper import fill_rephotographed
from lookalike_bench.hard.pasted import fill_inside
from lookalike_bench.hard.plain import fill_plain
from lookalike_bench.hard.shots import fill_bursts
from lookalike_bench.hard.strangers import fill_strangers
from lookalike_bench.hard.templates import fill_templates

__all__ = ["HARD_SETS", "make_hard_set"]

HARD_SETS: Mapping[str, Callable[[Ingredients, SetFolder], None]] = {
    "templates": fill_templates,
    "inside": fill_inside,
    "rephotographed": fill_rephotographed,
    "plain": fill_plain,
    "faint": fill_faint,
    "strangers": fill_strangers,
    "bursts": fill_bursts,
    "faces": fill_faces,
}


def make_hard_set(
    name: str, photos: Path, canvases: Path, out: Path, *, split: Split, seed: int = 0
) -> tuple[Label, ...]:
    """Write a hard set with ``labels.csv``; the same arguments give the same bytes.

    Args:
        name: key of ``HARD_SETS``, whose functions say what a set holds and what is true of it.
        photos: a folder of photos: sources.
        canvases: another folder: backgrounds, furniture, distractors.
        out: the set.
        split: half of both folders that is used.
        seed: of everything random.

    Raises:
        ConfigError: an unknown set, or no such folder.
    """
    if name not in HARD_SETS:
        raise ConfigError("unknown hard set", got=name, expected=", ".join(HARD_SETS))
    folder = SetFolder(out)
    HARD_SETS[name](gather(photos, canvases, split=split, seed=seed), folder)
    return folder.close()
