"""``lookalike leaks``, ``conflicts`` and ``unique``: commands for data sets."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from lookalike.cli.lists import check_lists
from lookalike.cli.options import asked_config, asked_form, asked_inputs, run_options
from lookalike.cli.progress import show_progress
from lookalike.cli.saying import say, say_json

__all__ = ["conflicts", "leaks", "unique"]

FOUND = 11
_SHOWN = 20


@click.command()
@click.argument("splits", nargs=-1, required=True, type=click.Path())
@run_options
@click.option("--names", help="Of the splits, with commas; default: from their paths.")
@click.option(
    "--fix",
    type=click.Choice(("train", "test", "move")),
    default="train",
    show_default=True,
    help="What leaves: pictures of the training split, of the others, or neither.",
)
@click.option("--plan", "plan_to", type=click.Path(dir_okay=False), help="Write the fix: a plan.")
@click.option("--clean", type=click.Path(file_okay=False), help="Write the splits as fixed.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON alone.")
@click.option("--html", type=click.Path(dir_okay=False), help="Write a page with pictures.")
@click.option("--csv", type=click.Path(file_okay=False), help="Write tables into this folder.")
def leaks(splits: tuple[str, ...], **options: Any) -> None:
    """Find pictures that several of SPLITS have: TRAIN TEST [VAL...]."""
    from lookalike import datasets
    from lookalike.datasets import write
    from lookalike.sources import open_source

    names = _names(splits, options["names"])
    if options["plan_to"] and options["fix"] == "move":
        raise click.UsageError("--fix move changes lists alone: --clean DIR writes them")
    check_lists(splits, options)
    with show_progress() as progress:
        form = asked_form(**options, progress=progress)
        sources = {name: open_source(path, form) for name, path in zip(names, splits, strict=True)}
        found = datasets.leaks(
            sources,
            fix=options["fix"],
            db=options["db"],
            config=_careful(options),
            progress=progress,
        )
    plain = write.leaks_to_dict(found)
    if not options["as_json"]:
        _print_rows(found.report)
    written = _written(found, plain, options)
    if options["plan_to"]:
        written.append(_write_plan(found, Path(options["plan_to"]), options["db"]))
    if options["clean"]:
        written += write.write_clean_splits(found, sources, Path(options["clean"]))
    _say(plain, write.leaks_headline(found), plain["leaks"], written, options["as_json"])
    sys.exit(FOUND if found.leaks else 0)


@click.command()
@click.argument("dataset", nargs=-1, required=True, type=click.Path())
@run_options
@click.option("--labels", help="folders, or a table of paths and labels; default: as DATASET is.")
@click.option("--label-column", help="Of the table; default: label, labels, class, category.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON alone.")
@click.option("--html", type=click.Path(dir_okay=False), help="Write a page with pictures.")
@click.option("--csv", type=click.Path(file_okay=False), help="Write tables into this folder.")
def conflicts(dataset: tuple[str, ...], **options: Any) -> None:
    """Find pictures that DATASET has more than once, with different labels."""
    from lookalike import datasets
    from lookalike.datasets import write
    from lookalike.sources.tables import is_table

    table = options["labels"]
    if table is None and len(dataset) == 1 and is_table(dataset[0]):
        table = dataset[0]
    check_lists([*dataset, table], options)
    labels = None
    with show_progress() as progress:
        form = asked_form(**options, progress=progress)
        if table not in (None, "folders"):
            folders = [Path(path) for path in dataset if os.path.isdir(path)]  # noqa: PTH112
            labels = datasets.read_labels(
                table,
                label_column=options["label_column"],
                form=form,
                beside=folders[0] if len(folders) == 1 else None,
            )
        found = datasets.conflicts(
            dataset,
            labels=labels,
            db=options["db"],
            config=_careful(options),
            form=form,
            progress=progress,
        )
    plain = write.conflicts_to_dict(found)
    if not options["as_json"]:
        _print_rows(found.report)
    written = _written(found, plain, options)
    _say(plain, write.conflicts_headline(found), plain["conflicts"], written, options["as_json"])
    if not options["as_json"]:
        if found.unlabelled:
            say(f"{found.unlabelled:,} images have no label")
        if found.unseen:
            say(f"{len(found.unseen):,} labelled paths are not in the data set")
    sys.exit(FOUND if found.conflicts else 0)


@click.command()
@click.argument("dataset", type=click.Path())
@click.argument("out", type=click.Path())
@run_options
@click.option("--keep", help="Keep rules, the most important first, with commas.")
def unique(dataset: str, out: str, **options: Any) -> None:
    """Write DATASET with every picture once to OUT: a list, a table, or a folder of copies."""
    from lookalike.datasets import write_unique
    from lookalike.report.as_text import damaged_images
    from lookalike.run.find import find

    with show_progress() as progress:
        source = asked_inputs([dataset], **options, progress=progress)
        config = asked_config(**options)
        report = find(source, db=options["db"], config=config, progress=progress)
    count = write_unique(report, Path(out), source)
    left = len(report.images) - count
    say(f"{count:,} of {len(report.images):,} images written to {out}, {left:,} copies not")
    _print_rows(report)
    _print_some("files that are damaged", [(i.shown, i.damage) for i in damaged_images(report)])
    _print_some("files that could not be read", [(f.path, f.message) for f in report.failures])
    sys.exit(FOUND if left else 0)


def _careful(options: dict[str, Any]) -> Any:
    """Choose settings: thorough unless told otherwise, as a miss does harm here."""
    usual = None if options["recipe"] else "thorough"
    return asked_config(**{**options, "effort": options["effort"] or usual})


def _names(splits: tuple[str, ...], asked: str | None) -> list[str]:
    """Name the splits: as told, else by the ends of their paths."""
    if len(splits) < 2:
        raise click.UsageError("leaks lie between splits: name two or more")
    if asked:
        names = [name.strip() for name in asked.split(",")]
    else:
        named = [(Path(path), os.path.isfile(path)) for path in splits]  # noqa: PTH113
        names = [path.stem if is_file else path.name for path, is_file in named]
    if len(names) != len(splits) or len(set(names)) < len(names) or not all(names):
        raise click.UsageError(
            f"{len(splits)} splits want as many different names, got {', '.join(names)}; "
            "give them with --names"
        )
    return names


def _written(found: Any, plain: dict[str, Any], options: dict[str, Any]) -> list[Path]:
    from lookalike.datasets import write

    written = []
    if options["html"]:
        written.append(write.write_pairs_html(found, Path(options["html"])))
    if options["csv"]:
        written += write.write_pairs_csv(plain, Path(options["csv"]))
    return written


def _write_plan(found: Any, path: Path, db: str | None) -> Path:
    from lookalike.actions import make_plan
    from lookalike.config import PlanConfig
    from lookalike.runtime.output import writing
    from lookalike.store import name_of
    from lookalike.store.location import default_collection

    # the fix has decided; of what is tied by any tier, one may stand for the other
    config = PlanConfig(
        tiers=("exact", "pixel", "copy", "similar"),
        collection=name_of(db or default_collection()),
    )
    with writing(path) as place:
        place.write_text(make_plan(found.report, config).to_json() + "\n", encoding="utf-8")
    return path


def _say(
    plain: dict[str, Any],
    headline: str,
    pairs: list[dict[str, Any]],
    written: list[Path],
    as_json: bool,
) -> None:
    if as_json:
        say_json(json.dumps(plain))
        return
    say(headline)
    for pair in pairs[:_SHOWN]:
        first, second = (_labelled(pair, end) for end in ("first", "second"))
        say(second, f"  {pair['tier']}: {pair['edit']}", f"  of {first}")
        if pair.get("majority"):
            say(f"  most copies say {' and '.join(pair['majority'])}")
    if len(pairs) > _SHOWN:
        say(f"and {len(pairs) - _SHOWN:,} more pairs: see --html FILE, --csv DIR or --json")
    _print_some("files that are damaged", [(i["path"], i["damage"]) for i in plain["damaged"]])
    _print_some(
        "files that could not be read", [(f["path"], f["message"]) for f in plain["failures"]]
    )
    for path in written:
        say(f"written: {path}")


def _labelled(pair: dict[str, Any], end: str) -> str:
    if f"{end}_split" in pair:
        return f"{pair[f'{end}_split']}: {pair[end]}"
    return f"{pair[end]} [{', '.join(pair[f'{end}_labels'])}]"


def _print_rows(report: Any) -> None:
    from lookalike.report.as_text import chosen_rows_in_words

    for line in chosen_rows_in_words(report):
        say(line)


def _print_some(what: str, files: Sequence[tuple[str, str]]) -> None:
    """Print some files with what is wrong with each."""
    if files:
        say(f"{what}: {len(files):,}")
    for path, wrong in files[:_SHOWN]:
        say(f"  {path}: {wrong}")
    if len(files) > _SHOWN:
        say(f"  and {len(files) - _SHOWN:,} more")
