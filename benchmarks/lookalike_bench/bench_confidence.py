"""The bench of confidence: fitted on the development halves, checked on what the others report.

    python -m lookalike_bench.bench_confidence --photos DIR --canvases DIR [--check-only]

Writes ``models/confidence.json`` of the package, a reliability plot, and the result ``confidence``.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lookalike.evaluation.datasets import Split, make_copies
from lookalike.evaluation.edits import FIVE, FOURTEEN
from lookalike.evaluation.plots import plot_reliability
from lookalike.evaluation.reliability import Reliability, reliability_of
from lookalike.runtime.progress import silent
from lookalike.verification.confidence import (
    FEATURES,
    calibration,
    certain_enough,
    with_confidence,
)
from lookalike_bench.fitting import Evidenced, fit_confidence, write_calibration
from lookalike_bench.hard.sets import HARD_SETS, make_hard_set
from lookalike_bench.results import RESULTS, Result, this_command, write_result
from lookalike_bench.trials import Trial, judge_set, reported_pairs

__all__ = ["main"]

_COPIES = {"five": FIVE, "fourteen": FOURTEEN}
# small pictures inside larger ones are matches of their own kind
_HARD = tuple(name for name in HARD_SETS if name != "inside")
_SETS = (*_COPIES, *_HARD)
_PRECISIONS = (None, 0.95, 0.98, 0.99, 0.995, 0.999)
_SPLITS: tuple[Split, Split] = ("development", "held-back")
_ABOUT = (
    "Probabilities were fitted on the development halves of the 5 edits, the 14 edits and the hard "
    "sets, and are compared with what is true of the matches that `--effort thorough` reports. "
    "Other shots of one scene count as false."
)


def main() -> None:
    """Make the sets, fit, check, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--canvases", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("benchmarks/work"))
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--plot", type=Path, default=Path("docs/confidence.png"))
    parser.add_argument("--check-only", action="store_true", help="keep the calibration there is")
    asked = parser.parse_args()
    told = {split: {name: _reported(name, split, asked) for name in _SETS} for split in _SPLITS}
    if not asked.check_only:
        tried = {name: _tried(name, asked) for name in _SETS}
        seen = [Evidenced(tried[name], told["development"][name]) for name in _SETS]
        write_calibration(fit_confidence(seen))
    told = {split: _told_anew(sets) for split, sets in told.items()}
    checked = {split: _checked(_pooled(sets)) for split, sets in told.items()}
    asked.plot.parent.mkdir(parents=True, exist_ok=True)
    plot_reliability({f"{name} half": found.bins for name, found in checked.items()}, asked.plot)
    plot = Path(os.path.relpath(asked.plot, asked.out)).as_posix()
    lines = [_ABOUT, "", f"Plot: [{asked.plot.name}]({plot}).", ""]
    lines += [*_tables(checked), *_by_set(told), *_points(told["held-back"])]
    command, headline = this_command(__spec__.name), _headline(checked["held-back"])
    result = Result("confidence", "Confidence", headline, command, lines)
    print("\n".join(lines))
    print(f"written: {write_result(asked.out, result)}")


def _folder(name: str, split: Split, asked: argparse.Namespace) -> Path:
    """The set, made where it is not there yet."""
    work: Path = asked.work
    folder = (work if name in _COPIES else work / "hard") / f"{name}-{split}"
    if (folder / "labels.csv").exists():
        return folder
    if name in _COPIES:
        make_copies(asked.photos, folder, _COPIES[name], canvases=asked.canvases, split=split)
    else:
        make_hard_set(name, asked.photos, asked.canvases, folder, split=split)
    return folder


def _collection(name: str, split: Split, asked: argparse.Namespace) -> Path:
    return Path(asked.work) / "confidence" / f"{name}-{split}"


def _reported(name: str, split: Split, asked: argparse.Namespace) -> list[Trial]:
    folder, collection = _folder(name, split, asked), _collection(name, split, asked)
    print(f"find in {folder}", flush=True)
    return reported_pairs(folder, collection, threads=os.cpu_count() or 1, progress=silent)


def _tried(name: str, asked: argparse.Namespace) -> list[Trial]:
    folder, collection = _folder(name, "development", asked), _collection(name, _SPLITS[0], asked)
    print(f"every pair of {folder}", flush=True)
    return judge_set(folder, collection, threads=os.cpu_count() or 1, progress=silent)


def _told_anew(sets: dict[str, list[Trial]]) -> dict[str, list[Trial]]:
    """The same matches with the confidence that is fitted now."""
    anew = {}
    for name, trials in sets.items():
        told = with_confidence(dict(enumerate(trial.match for trial in trials)))
        anew[name] = [replace(trials[n], match=match) for n, match in told.items()]
    return anew


def _pooled(sets: dict[str, list[Trial]]) -> list[Trial]:
    return [trial for trials in sets.values() for trial in trials]


def _checked(trials: Sequence[Trial]) -> Reliability:
    return reliability_of([_chance(trial) for trial in trials], [t.is_true for t in trials])


def _chance(trial: Trial) -> float:
    assert trial.match.confidence is not None
    return trial.match.confidence


def _headline(found: Reliability) -> str:
    return (
        f"held-back half: {found.expected_false:.1f} of {found.pairs:,} matches expected false, "
        f"{found.wrong:,} are; calibration error {found.error:.4f}"
    )


def _tables(checked: dict[Split, Reliability]) -> list[str]:
    fits = calibration().fits
    lines = [
        "| half | matches | false | expected false | calibration error | log loss |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {split} | {found.pairs:,} | {found.wrong:,} | {found.expected_false:.1f} | "
        f"{found.error:.4f} | {found.log_loss:.4f} |"
        for split, found in checked.items()
    ]
    lines += [
        "",
        "| half | confidence | matches | false | predicted | observed |",
        "|---" * 6 + "|",
    ]
    for split, found in checked.items():
        lines += [
            f"| {split} | {b.least:g}–{b.most:g} | {b.pairs:,} | {b.wrong} | {b.predicted:.4f} | "
            f"{b.observed:.4f} |"
            for b in found.bins
        ]
    for kind in FEATURES:
        fit = fits[kind]
        name = kind.replace("_", " ")
        words = ", ".join(f"{n} {w:g}" for n, w in zip(FEATURES[kind], fit.weights, strict=True))
        lines += [
            "",
            f"{name}: log odds {fit.intercept:g} + {words}; at most {fit.most:g}.",
        ]
    return lines


def _by_set(told: dict[Split, dict[str, list[Trial]]]) -> list[str]:
    lines = [
        "",
        "By set: false matches, expected and found. A set is one kind of collection; the "
        "probabilities are of all of them together.",
        "",
        "| set | matches, development | expected | false | matches, held-back | expected | false |",
        "|---" * 7 + "|",
    ]
    for name in _SETS:
        cells = []
        for split in _SPLITS:
            trials = told[split][name]
            expected = sum(1.0 - _chance(trial) for trial in trials)
            wrong = sum(not trial.is_true for trial in trials)
            cells.append(f"{len(trials):,} | {expected:.1f} | {wrong}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _points(sets: dict[str, list[Trial]]) -> list[str]:
    """What ``--precision`` leaves of the matches of all sets together."""
    trials = _pooled(sets)
    matches = dict(enumerate(trial.match for trial in trials))
    total = sum(trial.is_true for trial in trials)
    lines = [
        "",
        "`--precision` over the matches of all held-back sets together:",
        "",
        "| asked | matches left | true ones kept | precision found | expected false | false |",
        "|---" * 6 + "|",
    ]
    for precision in _PRECISIONS:
        kept = matches if precision is None else certain_enough(matches, precision)
        true = sum(trials[n].is_true for n in kept)
        expected = sum(1.0 - _chance(trials[n]) for n in kept)
        lines.append(
            f"| {'none' if precision is None else f'{precision:g}'} | {len(kept):,} | "
            f"{true / max(1, total):.4f} | {true / max(1, len(kept)):.5f} | {expected:.1f} | "
            f"{len(kept) - true} |"
        )
    return lines


if __name__ == "__main__":
    main()
