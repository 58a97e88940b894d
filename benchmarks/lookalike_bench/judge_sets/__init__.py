"""Labelled pictures to fit and measure a judge of "same picture or not" with.

Kinds that people have (forms, screens, charts, series, small drawings, photos), many pictures of
one layout in each, and an edited copy of every one: ``python -m lookalike_bench.judge_sets``.
"""

from __future__ import annotations

from lookalike_bench.judge_sets.labels import PictureLabel, Truth, pairs, read_labels

__all__ = ["PictureLabel", "Truth", "pairs", "read_labels"]
