"""The bench of peers: other programs and lookalike on the same files.

    python -m lookalike_bench.bench_peers --photos DIR --canvases DIR [--peer NAME ...]

Every peer runs in an environment of its own, by a script of benchmarks/peers that writes scored
pairs and reads no labels; this module scores them. Writes the result ``peers``. With ``--peer`` the
other peers' rows are made of the pairs of an earlier run, and the result says so. ``PEERS_PYTHON``
names an interpreter of Python 3.12.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path

from lookalike.evaluation.datasets import Label, Split, make_copies, read_labels
from lookalike.evaluation.edits import FIVE, FOURTEEN
from lookalike.evaluation.predict import TIMER, measured_find
from lookalike.model.errors import LookalikeError
from lookalike_bench.peer_scores import (
    LINKAGES,
    Linkage,
    Point,
    ScoredPairs,
    best_point,
    point_at,
    read_scored_pairs,
    recall_of_edits,
)
from lookalike_bench.results import RESULTS, Result, this_command, write_result

__all__ = ["PEERS", "Peer", "main", "usable_python"]

SCRIPTS = Path("benchmarks/peers")
_SETS: Mapping[str, tuple[str, ...]] = {"five": FIVE, "fourteen": FOURTEEN}
_SPLITS: tuple[Split, ...] = ("development", "held-back")
_HEADLINE = "fourteen"
_ABOUT = (
    "Same files for all. Precision and recall count every pair of images. A peer that gives scores "
    "has the threshold with most recall at precision .999 on the *development* half; *as* says "
    "whether its pairs count as they are or closed to clusters (*chained*), whichever recalled "
    "more there. The others stand at their own threshold. *Oracle*: recall if the threshold had "
    "been chosen on the held-back half. images/s and MB: the whole command, cold, on the held-back "
    "set; MB is the largest single process."
)


class _NotMeasuredError(Exception):
    """Why a peer has no figures."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A program to compare with.

    Attributes:
        name: in the tables.
        packages: of the package index; none for lookalike itself.
        script: in benchmarks/peers.
        options: of the script; the recipe for lookalike.
        python: version it needs, any where empty.
        has_scores: whether a threshold can be chosen; else it stands at its own.
        about: said below the tables.
    """

    name: str
    packages: tuple[str, ...]
    script: str
    options: tuple[str, ...] = ()
    python: str = ""
    has_scores: bool = True
    about: str = ""


_IMMACULATE = "immaculate[sscd]==0.3.0"
PEERS = (
    Peer("lookalike standard", (), "", ("default",), has_scores=False),
    Peer("lookalike thorough", (), "", ("thorough",), has_scores=False),
    *(
        Peer(name, (_IMMACULATE,), "run_immaculate.py", (method,), "3.12", False, about)
        for name, method, about in (
            ("SSCD int8", "sscd", "Immaculate's sscd, cosine of at least .75"),
            ("SSCD distilled", "sscd_distilled", "Immaculate's sscd_distilled, .75"),
            ("PDQ×8 (Immaculate)", "pdq", "Immaculate's pdq, at most 31 bits"),
        )
    ),
    Peer("PDQ×8", ("pdqhash==0.2.8", "numpy", "pillow"), "run_pdq.py", about="pdqhash, all pairs"),
    Peer("phash×8", ("imagehash==4.3.2",), "run_imagehash.py", about="imagehash, all pairs"),
    Peer("czkawka", ("czkawka==0.1.2", "numpy"), "run_czkawka.py", about="its hash, all pairs"),
    Peer("fastdup", ("fastdup==2.54",), "run_fastdup.py", about="20 neighbours, telemetry off"),
)


@dataclass(frozen=True, slots=True)
class _Cost:
    images: int
    seconds: float
    megabytes: float


@dataclass(frozen=True, slots=True)
class _Row:
    peer: str
    linkage: Linkage
    point: Point
    oracle: Point
    cost: _Cost
    by_edit: Mapping[str, float]
    has_scores: bool


def main() -> None:
    """Make the sets, run the peers, score what they said, write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--canvases", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("benchmarks/work"))
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--peer", action="append", choices=[peer.name for peer in PEERS])
    arguments = parser.parse_args()
    for name, edits in _SETS.items():
        for split in _SPLITS:
            folder = arguments.work / f"{name}-{split}"
            if not (folder / "labels.csv").exists():
                make_copies(
                    arguments.photos, folder, edits, canvases=arguments.canvases, split=split
                )
    chosen = arguments.peer or [peer.name for peer in PEERS]
    missing = {}
    for peer in PEERS:
        try:
            if peer.name in chosen:
                _measure(peer, arguments.work)
        except _NotMeasuredError as reason:
            missing[peer.name] = str(reason)
            print(f"{peer.name}: not measured: {reason}", flush=True)
    rows = {name: _rows(name, arguments.work) for name in _SETS}
    lines = [_ABOUT, "", *_tables(rows, arguments.work, missing), *_notes(rows, chosen)]
    command, headline = this_command(__spec__.name), _headline(rows[_HEADLINE])
    result = Result("peers", "Peers on the same files", headline, command, lines)
    print(f"written: {write_result(arguments.out, result)}")


def usable_python(version: str) -> str:
    """An interpreter of a version, this one for any: ``PEERS_PYTHON`` or what is on the path.

    Args:
        version: such as ``3.12``; empty for any.

    Returns:
        The interpreter; empty where there is none.
    """
    if not version or version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    asked = "import sys; print('%d.%d' % sys.version_info[:2])"
    for name in (os.environ.get("PEERS_PYTHON"), shutil.which(f"python{version}")):
        if name:
            try:
                said = subprocess.run([name, "-c", asked], capture_output=True, text=True)
            except OSError:
                continue
            # a version manager's stand-in may be on the path without the version behind it
            if said.stdout.strip() == version:
                return name
    return ""


def _home(peer: Peer, work: Path) -> Path:
    return work / "peers" / "".join(c if c.isalnum() else "-" for c in peer.name)


def _measure(peer: Peer, work: Path) -> None:
    """Run a peer over the sets: pairs and cost of each to files."""
    home = _home(peer, work)
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    interpreter = _environment(peer, work) if peer.packages else sys.executable
    for name in _SETS:
        for split in _SPLITS if peer.has_scores else _SPLITS[1:]:
            folder = work / f"{name}-{split}"
            out = home / f"{name}-{split}.csv"
            if peer.packages:
                cost = _run_script(peer, interpreter, folder, out)
            else:
                cost = _run_lookalike(peer, folder, out, home / "collection")
            out.with_suffix(".json").write_text(json.dumps(asdict(cost)), encoding="utf-8")
            print(f"{peer.name}, {folder.name}: {cost.seconds:.1f} s", flush=True)


def _environment(peer: Peer, work: Path) -> Path:
    """Interpreter of an environment that has a peer's packages, made where it is missing.

    Raises:
        _NotMeasuredError: no Python of that version, or the packages cannot be had.
    """
    base = usable_python(peer.python)
    if not base:
        raise _NotMeasuredError(f"no Python {peer.python}")
    folder = work / "peers" / "environments" / "".join(c for c in peer.packages[0] if c.isalnum())
    interpreter = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    if (folder / "installed").exists():
        return interpreter
    shutil.rmtree(folder, ignore_errors=True)
    if base == sys.executable:
        venv.create(folder, with_pip=True)
    else:
        subprocess.run([base, "-m", "venv", str(folder)], check=True)
    done = subprocess.run(
        [str(interpreter), "-m", "pip", "install", "--quiet", *peer.packages],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["pip said nothing"]
        raise _NotMeasuredError(f"cannot be installed: {said[-1]}")
    (folder / "installed").touch()
    return interpreter


def _run_script(peer: Peer, interpreter: Path | str, folder: Path, out: Path) -> _Cost:
    script = [str(interpreter), str(SCRIPTS / peer.script), str(folder), str(out), *peer.options]
    done = subprocess.run(
        [sys.executable, "-c", TIMER, *script], capture_output=True, text=True, check=True
    )
    code, seconds, kilobytes = done.stderr.split()[-3:]
    if code != "0" or not out.is_file():
        said = done.stderr.strip().splitlines()[:-1] or [f"exit code {code}"]
        raise _NotMeasuredError(f"failed: {said[-1][-200:]}")
    return _Cost(len(read_labels(folder)), float(seconds), int(kilobytes) / 1024)


def _run_lookalike(peer: Peer, folder: Path, out: Path, collection: Path) -> _Cost:
    shutil.rmtree(collection, ignore_errors=True)
    try:
        report, seconds, megabytes = measured_find([folder], peer.options[0], collection)
    except LookalikeError as error:
        raise _NotMeasuredError(f"failed: {error}") from error
    shutil.rmtree(collection, ignore_errors=True)
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("first", "second", "score"))
        for cluster in report.clusters:
            paths = [Path(report.images[member].path).resolve() for member in cluster.members]
            names = sorted(path.relative_to(folder.resolve()).as_posix() for path in paths)
            writer.writerows((*pair, 1) for pair in combinations(names, 2))
    return _Cost(len(read_labels(folder)), seconds, megabytes)


def _rows(name: str, work: Path) -> list[_Row]:
    """Of every peer that was measured on a set, in this run or an earlier one."""
    there = [peer for peer in PEERS if (_home(peer, work) / f"{name}-held-back.json").exists()]
    return [_row(peer, name, work) for peer in there]


def _tables(
    rows: Mapping[str, Sequence[_Row]], work: Path, missing: Mapping[str, str]
) -> list[str]:
    lines = []
    for name, edits in _SETS.items():
        own, images = rows[name], len(read_labels(work / f"{name}-held-back"))
        lines += [f"## {len(edits)} edits of the held-back half, {images:,} images", ""]
        lines += [*_main_table(own), *_absent(own, missing), "", *_edit_table(edits, own), ""]
    return lines


def _notes(rows: Mapping[str, Sequence[_Row]], chosen: Sequence[str]) -> list[str]:
    """What was run, and whose rows are of an earlier day than the heading says."""
    about = [f"{peer.name}: {peer.packages[0]}, {peer.about}" for peer in PEERS if peer.about]
    lines = [f"{'; '.join(about)}."]
    there = dict.fromkeys(row.peer for own in rows.values() for row in own)
    earlier = [name for name in there if name not in chosen]
    if earlier:
        lines += ["", f"Of an earlier run than the heading says: {', '.join(earlier)}."]
    return lines


def _headline(rows: Sequence[_Row]) -> str:
    """The best recall of another program beside ours."""
    ours = {peer.name for peer in PEERS if not peer.packages}
    recall = {row.peer: row.point.counts.recall for row in rows}
    best = max((name for name in recall if name not in ours), key=recall.__getitem__, default="")
    told = [f"{name} {recall[name]:.4f}" for name in recall if name in ours][:1]
    told += [f"best peer ({best}) {recall[best]:.4f}"] if best else []
    edits = len(_SETS[_HEADLINE])
    return f"{edits} edits of the held-back half, recall: {', '.join(told)}"


def _row(peer: Peer, name: str, work: Path) -> _Row:
    home = _home(peer, work)
    labels = read_labels(work / f"{name}-held-back")
    pairs = read_scored_pairs(home / f"{name}-held-back.csv", labels)
    linkage, threshold = _chosen(home / f"{name}-development.csv", work, peer)
    cost = _Cost(**json.loads((home / f"{name}-held-back.json").read_text(encoding="utf-8")))
    return _Row(
        peer=peer.name,
        linkage=linkage,
        point=point_at(pairs, linkage, threshold),
        oracle=_oracle(pairs),
        cost=cost,
        by_edit=recall_of_edits(pairs, labels, linkage, threshold),
        has_scores=peer.has_scores,
    )


def _chosen(path: Path, work: Path, peer: Peer) -> tuple[Linkage, float]:
    """Linkage and threshold from the development half; a peer without scores has its own."""
    if not peer.has_scores:
        return "pairs", 0.0
    labels: Sequence[Label] = read_labels(work / path.stem)
    pairs = read_scored_pairs(path, labels)
    points = [(best_point(pairs, linkage), linkage) for linkage in LINKAGES]
    best, linkage = max(points, key=lambda point: point[0].counts.tp)
    return linkage, best.threshold


def _oracle(pairs: ScoredPairs) -> Point:
    return max((best_point(pairs, one) for one in LINKAGES), key=lambda point: point.counts.tp)


def _main_table(rows: Sequence[_Row]) -> list[str]:
    lines = [
        "| peer | as | threshold | precision | recall | oracle | images/s | MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        threshold = f"{row.point.threshold:.3f}" if row.has_scores else "its own"
        counts = row.point.counts
        lines.append(
            f"| {row.peer} | {row.linkage if row.has_scores else 'clusters'} | {threshold} | "
            f"{counts.precision:.5f} | {counts.recall:.4f} | "
            f"{f'{row.oracle.counts.recall:.4f}' if row.has_scores else '–'} | "
            f"{row.cost.images / row.cost.seconds:.0f} | {row.cost.megabytes:.0f} |"
        )
    return lines


def _absent(rows: Sequence[_Row], missing: Mapping[str, str]) -> list[str]:
    there = {row.peer for row in rows}
    return [
        f"| {peer.name} | not measured: {missing.get(peer.name, 'not part of this run')} |||||||"
        for peer in PEERS
        if peer.name not in there
    ]


def _edit_table(edits: Sequence[str], rows: Sequence[_Row]) -> list[str]:
    return [
        "Copies that are paired with their source:",
        "",
        "| edit | " + " | ".join(row.peer for row in rows) + " |",
        "|---|" + "---|" * len(rows),
        *(
            f"| {edit} | " + " | ".join(f"{row.by_edit[edit]:.3f}" for row in rows) + " |"
            for edit in edits
        ),
    ]


if __name__ == "__main__":
    main()
