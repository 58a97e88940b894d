"""A run over 10^8 and 10^9 pictures on paper: plan, cells, buckets, stragglers, into docs/scale.md.

    python -m lookalike_bench.simulate_scale [--photos DIR --canvases DIR [--synthetic N]]

With folders the distributions are measured first; otherwise those measured last are used. Costs are
those that ``scale_costs`` measured. Replaces the parts of the document between
``<!-- scale:NAME -->`` and ``<!-- end scale:NAME -->``; the same figures give the same document.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path

import numpy as np

from lookalike.runtime.workers import one_core_each
from lookalike_bench.scale_cluster import Timeline, run_tasks
from lookalike_bench.scale_costs import Costs, read_costs
from lookalike_bench.scale_distributions import (
    PROBES,
    cells_for,
    describe_all,
    distributions,
)
from lookalike_bench.scale_fits import (
    Distributions,
    Fits,
    checks,
    substring_width,
)
from lookalike_bench.scale_plan import (
    Assumptions,
    Plan,
    Stage,
    hash_options,
    plan,
)
from lookalike_bench.scale_plots import plot_scale
from lookalike_bench.scale_synthetic import synthetic_figures
from lookalike_bench.scale_tasks import (
    bucket_seconds,
    cell_seconds,
    even_seconds,
    machines_of,
    split_seconds,
)

__all__ = ["main", "sections", "with_section"]

_SIZES = (1e8, 1e9)
_CORES = (1000, 10_000)
_HERE = Path("benchmarks/scale")
_FRAIL_HOURS = 5.0


def main() -> None:
    """Measure where asked, simulate, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--canvases", type=Path)
    parser.add_argument("--synthetic", type=int, default=0, help="made-up vectors, at most")
    parser.add_argument("--costs", type=Path, default=_HERE / "costs.json")
    parser.add_argument("--distributions", type=Path, default=_HERE / "distributions.json")
    parser.add_argument("--assumptions", type=Path, default=_HERE / "assumptions.toml")
    parser.add_argument("--doc", type=Path, default=Path("docs/scale.md"))
    arguments = parser.parse_args()
    if arguments.photos and arguments.canvases:
        with one_core_each():
            _measure(arguments)
    found: Distributions = json.loads(arguments.distributions.read_bytes())
    assumed = Assumptions.read(arguments.assumptions)
    costs = read_costs(arguments.costs)
    text = arguments.doc.read_text(encoding="utf-8")
    for name, lines in sections(costs, found, assumed).items():
        marks = f"<!-- scale:{name} -->", f"<!-- end scale:{name} -->"
        text = with_section(text, ["", *lines, ""], *marks)
    arguments.doc.write_text(text, encoding="utf-8")
    plot_scale(found, Fits(found), arguments.doc.with_name("scale.png"))
    print(f"written: {arguments.doc}")


def with_section(text: str, lines: Sequence[str], start: str, end: str) -> str:
    """A document with the part between two marks replaced, or added at the end."""
    section = "\n".join([start, *lines, end])
    if start not in text:
        return f"{text.rstrip()}\n\n{section}\n"
    before, _, rest = text.partition(start)
    return before + section + rest.partition(end)[2]


def _measure(arguments: argparse.Namespace) -> None:
    before = arguments.distributions
    held = json.loads(before.read_bytes()) if before.exists() else {}
    described = describe_all(arguments.photos, arguments.canvases)
    found = distributions(described)
    found["synthetic"] = held.get("synthetic", [])
    if arguments.synthetic:
        counts = [arguments.synthetic // 10**power for power in (3, 2, 1, 0)]
        found["synthetic"] = list(synthetic_figures(described, counts))
    before.parent.mkdir(parents=True, exist_ok=True)
    before.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def sections(costs: Costs, found: Distributions, assumed: Assumptions) -> dict[str, list[str]]:
    """Lines of each generated part of the document."""
    fits = Fits(found)
    plans = {images: plan(images, costs, fits, assumed) for images in _SIZES}
    parts = {
        "costs": _costs(costs),
        "assumptions": _assumed(assumed),
        "checks": _checked(found),
        "probes": _probes(fits),
        "hashes": _hashes(costs, found, fits),
        "keypoints": _keypoints(costs, found, fits),
        "stragglers": _stragglers(costs, plans, assumed),
        "limits": _limits(plans),
        "camera": _camera(costs),
    }
    for images, made in plans.items():
        parts[f"plan-{images:.0e}".replace("+0", "")] = _planned(made, assumed)
    return parts


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def _number(value: float) -> str:
    """Three digits, with commas; small ones as powers."""
    if value == 0 or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _size(count: float) -> str:
    for unit, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= unit:
            return f"{_number(count / unit)} {name}"
    return f"{count:.0f} B"


def _images(count: float) -> str:
    return f"10^{np.log10(count):.0f}"


def _costs(costs: Costs) -> list[str]:
    rows = [
        [name, cost.unit, _time(cost.mean), _time(cost.median), f"{cost.measured:,}"]
        for name, cost in costs.seconds.items()
    ]
    kept = [[name, _number(size)] for name, size in costs.bytes.items()]
    return [
        f"Processor time of one thread, {costs.images} photos.",
        "",
        *_table(["work", "for one", "mean", "median", "measured"], rows),
        "",
        *_table(["size", "bytes (or number), mean"], kept),
    ]


def _time(seconds: float) -> str:
    for unit, name in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")):
        if seconds >= unit:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds * 1e12:.3g} ps"


def _assumed(assumed: Assumptions) -> list[str]:
    rows = [[field.name, _number(getattr(assumed, field.name))] for field in fields(assumed)]
    return _table(["assumption", "value"], rows)


def _checked(found: Distributions) -> list[str]:
    rows = [
        [
            check.what,
            check.source,
            f"{check.foretold:.3g}",
            f"{check.measured:.3g}",
            f"{check.foretold / check.measured - 1:+.0%}",
        ]
        for check in checks(found)
    ]
    return _table(["figure", "foretold from", "foretold", "measured", "off by"], rows)


def _probes(fits: Fits) -> list[str]:
    rows = []
    for images in (1e6, 1e7, 1e8, 1e9):
        cells = cells_for(int(images))
        recalls = [f"{fits.recall(probes, cells):.3f}" for probes in PROBES]
        skew = fits.skew
        largest = images / cells * fits.largest(cells)
        figures = [f"{cells:,}", _number(images / cells), f"{skew:.2f}", _number(largest)]
        rows.append([_images(images), *figures, *recalls])
    head = ["images", "cells", "mean size", "skew", "largest"]
    return _table([*head, *(f"{probes} probes" for probes in PROBES)], rows)


def _hashes(costs: Costs, found: Distributions, fits: Fits) -> list[str]:
    recall = {f["width"]: f for f in found["piece recall"]}
    rows = []
    options = [hash_options(images, costs, fits) for images in _SIZES]
    for (width, meetings, hours), (_, more, longer) in zip(*options, strict=True):
        shares = [f"{recall[width][f'within {flips}']:.3f}" for flips in (0, 1)]
        figures = [_number(value) for value in (meetings, hours, more, longer)]
        rows.append([f"{width} bits", *shares, *figures])
    head = ["pieces of", "recall", "with one bit flipped"]
    for images in _SIZES:
        head += [f"strangers met at {_images(images)}, each", "core hours"]
    return _table(head, rows)


def _keypoints(costs: Costs, found: Distributions, fits: Fits) -> list[str]:
    rows = []
    for images in (1e6, 1e7, 1e8, 1e9):
        keypoints = 2 * images * costs.bytes["orb keypoints"]
        width = substring_width(keypoints / 2)
        shares = [f"{fits.dropped(keypoints, bits):.3f}" for bits in (width, 56, 60)]
        rows.append([_images(images), f"{width}", *shares])
    recall = [
        [f"{f['width']:.0f}", f"{f['tables']:.0f}", f"{f['kept']:.0%}", f"{f['recall']:.3f}"]
        for f in found["vote recall"]
    ]
    head = ["images", "bits, as chosen", "keypoints dropped, foretold", "with 56 bits", "60 bits"]
    return [
        *_table(head, rows),
        "",
        *_table(["bits", "tables", "keypoints that vote", "true pairs with 3 votes"], recall),
    ]


def _dollars(stage: Stage, assumed: Assumptions) -> float:
    hours = even_seconds(stage, assumed).sum() / 3600
    requests = stage.requests / 1e6 * assumed.get_million
    objects = stage.kept / 64e6 / 1e6 * assumed.put_million
    return (
        hours * assumed.vcpu_hour
        + requests
        + objects
        + stage.kept / 1e12 * assumed.tb_month * assumed.months
    )


def _planned(made: Plan, assumed: Assumptions) -> list[str]:
    rows = []
    totals = np.zeros(6)
    for stage in made.stages:
        cost = _dollars(stage, assumed)
        seconds = even_seconds(stage, assumed)
        walls = [run_tasks(seconds, machines_of(cores, assumed)).hours for cores in _CORES]
        totals += [stage.core_hours, stage.read, stage.shuffle, stage.kept, stage.requests, cost]
        rows.append(
            [
                stage.name,
                _number(stage.core_hours),
                *(_size(moved) if moved else "" for moved in (stage.read, stage.shuffle)),
                _size(stage.kept) if stage.kept else "",
                _number(stage.requests / 1e6),
                f"{stage.tasks:,}",
                _size(stage.task_bytes),
                _number(cost),
                *(_number(wall) for wall in walls),
            ]
        )
    whole = ["**all**", _number(totals[0]), *(_size(value) for value in totals[1:4])]
    walls = [sum(float(row[place].replace(",", "")) for row in rows) for place in (9, 10)]
    rows.append(
        [*whole, _number(totals[4] / 1e6), "", "", _number(totals[5]), *map(_number, walls)]
    )
    head = ["stage", "core hours", "read", "shuffled", "kept", "million reads", "tasks"]
    head += ["memory of a task", "US$", *(f"hours, {cores:,} cores" for cores in _CORES)]
    return [*_table(head, rows), "", "GPU hours: not measured."]


def _stragglers(costs: Costs, plans: Mapping[float, Plan], assumed: Assumptions) -> list[str]:
    rows = []
    for images, made in plans.items():
        cells, buckets = _by_name(made, "embedding cells"), _by_name(made, "hash buckets")
        even = even_seconds(_by_name(made, "embedding"), assumed)
        whole_cells = cell_seconds(made, costs, assumed)
        popular_cells = cell_seconds(made, costs, assumed, popular=True)
        whole = bucket_seconds(made, buckets, costs, assumed)
        stars = bucket_seconds(made, buckets, costs, assumed, stars=True)
        cases = (
            ("embedding: equal tasks", even),
            (f"{cells.name}", whole_cells),
            (f"{cells.name}, split", split_seconds(whole_cells, assumed)),
            (f"{cells.name}, popular copies in one", popular_cells),
            (f"{cells.name}, likewise, split", split_seconds(popular_cells, assumed)),
            (f"{buckets.name}, every pair", whole),
            (f"{buckets.name}, every pair, split", split_seconds(whole, assumed)),
            (f"{buckets.name}, stars", stars),
        )
        for name, seconds in cases:
            for cores in _CORES:
                line = run_tasks(seconds, machines_of(cores, assumed))
                rows.append([_images(images), name, f"{cores:,}", *_told(line)])
        frail = replace(machines_of(_CORES[0], assumed), hours_to_failure=_FRAIL_HOURS)
        name = f"embedding: nodes lost every {_FRAIL_HOURS:.0f} h"
        rows.append([_images(images), name, f"{_CORES[0]:,}", *_told(run_tasks(even, frail))])
    head = ["images", "tasks", "cores", "number", "median s", "p99 / median", "longest / median"]
    return _table([*head, "ran again", "hours", "hours, if all were even"], rows)


def _by_name(made: Plan, name: str) -> Stage:
    return next(stage for stage in made.stages if stage.name == name)


def _told(line: Timeline) -> list[str]:
    shares = [f"{value / line.median:.1f}" for value in (line.p99, line.longest)]
    ends = [_number(line.hours), _number(line.ideal)]
    return [f"{line.tasks:,}", _number(line.median), *shares, f"{line.lost:,}", *ends]


def _camera(costs: Costs) -> list[str]:
    """What differs where pictures come from cameras."""
    rows = []
    for name, unit in (("photos here", ""), ("12 megapixels", " 12 MP")):
        file = costs.bytes[f"file{unit}"]
        each = [costs.seconds[f"{work}{unit}"].mean for work in ("read", "hash", "orb", "embed")]
        hours = [1e9 / 3600 * seconds for seconds in (each[0] + each[1], each[2], each[3])]
        rows.append([name, _size(file), _size(1e9 * file), *map(_number, hours)])
    head = ["pictures", "one", "10^9 of them", "core hours: read, decode, hash"]
    return _table([*head, "keypoints", "embedding"], rows)


def _limits(plans: Mapping[float, Plan]) -> list[str]:
    rows = []
    for images, made in plans.items():
        work = made.work
        descriptors = sum(stage.kept for stage in made.stages[:4])
        rows.append(
            [
                _images(images),
                _size(made.driver_bytes),
                _number(work.edges),
                _size(made.edge_bytes),
                _number(work.largest),
                f"{work.dropped:.0%}",
                f"{work.verified:.2f}",
                _size(descriptors),
            ]
        )
    head = ["images", "driver", "edges", "of these for components", "copies of the most popular"]
    head += ["keypoints dropped", "verified, each", "descriptors"]
    return _table(head, rows)


if __name__ == "__main__":
    main()
