"""``lookalike search``: one picture against a collection."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click

from lookalike.cli.lists import check_lists
from lookalike.cli.options import asked_inputs, db_option, list_options
from lookalike.cli.progress import show_progress
from lookalike.cli.saying import say, say_json

__all__ = ["buckets", "search"]

FOUND = 11


@click.command()
@click.argument("query", type=click.Path())
@db_option
@click.option("-k", "count", type=click.IntRange(1), default=6, show_default=True)
@click.option("--recipe", default="default", show_default=True, help="Name or TOML file.")
@click.option("--metrics", help="Distances to rank by, with commas.")
@click.option("--vote", is_flag=True, help="Let the metrics vote (without --metrics: five).")
@click.option("--mask", type=click.Path(), help="Picture that is white where the query counts.")
@click.option("--box", help="x,y,w,h in pixels: the part of the query that counts.")
@click.option("--ignore-overlays", is_flag=True, help="Fill in lines drawn over the query.")
@click.option("--inside", is_flag=True, help="Also look in larger pictures, and in QUERY.")
@click.option("--threads", type=click.IntRange(1), help="Default: as many as processors.")
@list_options
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON, nothing else.")
@click.option("--html", type=click.Path(dir_okay=False), help="Write a page with the hits.")
@click.option("--png", type=click.Path(dir_okay=False), help="Write a sheet with the hits.")
def search(query: str, **options: Any) -> None:
    """Find the images of a collection that are nearest to QUERY: a picture, or a list of many."""
    from lookalike.config.recipes import load_recipe
    from lookalike.retrieval.query import Question
    from lookalike.run.search import search as search_for
    from lookalike.sources.tables import is_table

    config = load_recipe(options["recipe"]).config
    config = replace(config, threads=options["threads"] or config.threads)
    with show_progress() as progress:
        options["progress"] = progress
        question = Question(
            query,
            options["count"],
            tuple(options["metrics"].split(",")) if options["metrics"] else (),
            options["vote"],
            _focus(options),
            options["inside"],
        )
        if is_table(query):
            found = _each(query, question, config, options)
        else:
            check_lists([query], options)
            answer = search_for(question, db=options["db"], config=config, progress=progress)
    if is_table(query):
        sys.exit(FOUND if found else 0)
    if options["as_json"]:
        say_json(json.dumps(asdict(answer)))
    else:
        _print(answer, _written(answer, options))
    sys.exit(FOUND if _is_found(answer) else 0)


def _each(query: str, question: Any, config: Any, options: dict[str, Any]) -> bool:
    """Search with every picture of a list; returns whether any had a copy."""
    from lookalike.model.answer import Answer
    from lookalike.run.search_many import search_each

    if options["html"] or options["png"]:
        raise click.UsageError("--html and --png show one query, not those of a list")
    source = asked_inputs([query], **options)
    found = [
        *search_each(
            source, question, db=options["db"], config=config, progress=options["progress"]
        )
    ]
    answers = [one for one in found if isinstance(one, Answer)]
    failures = [one for one in found if not isinstance(one, Answer)]
    if options["as_json"]:
        plain = {"answers": [*map(asdict, answers)], "failures": [*map(asdict, failures)]}
        say_json(json.dumps(plain))
    else:
        for answer in answers:
            say(f"{answer.query}:")
            _print(answer, [])
        for failure in failures:
            say(f"{failure.path}: {failure.message}")
    return any(map(_is_found, answers))


def _is_found(answer: Any) -> bool:
    return bool(answer.containments) or any(hit.tier != "similar" for hit in answer.hits)


def _focus(options: dict[str, Any]) -> Any:
    from lookalike.retrieval.focus import Focus, read_mask

    box = None
    if options["box"]:
        parts = options["box"].split(",")
        if len(parts) != 4 or not all(part.strip().isdigit() for part in parts):
            raise click.UsageError(f"--box wants x,y,w,h in pixels, got {options['box']!r}")
        box = tuple(map(int, parts))
    mask = read_mask(Path(options["mask"])) if options["mask"] else None
    if box is None and mask is None and not options["ignore_overlays"]:
        return None
    return Focus(box, mask, options["ignore_overlays"])  # type: ignore[arg-type]


def _written(answer: Any, options: dict[str, Any]) -> list[Path]:
    from lookalike.report.as_sheet import write_answer_page, write_sheet

    written = []
    if options["html"]:
        written.append(write_answer_page(answer, Path(options["html"])))
    if options["png"]:
        written.append(write_sheet(answer, Path(options["png"])))
    return written


def _print(answer: Any, written: list[Path]) -> None:
    from lookalike.report.as_sheet import hit_in_words
    from lookalike.report.containments import containment_in_words

    say(
        f"the query is in the set: {', '.join(answer.in_set)}"
        if answer.in_set
        else "the query itself is not in the set"
    )
    for place, hit in enumerate(answer.hits, start=1):
        say(f"{place}. {hit.image.shown}", f"   {hit_in_words(hit)}")
    for item in answer.containments:
        say(containment_in_words(item))
    for path in written:
        say(f"written: {path}")


@click.command()
@db_option
@click.option("--descriptor", default="dhash", show_default=True, help="A hash, or NAME#BITS.")
@click.option("--all", "everything", is_flag=True, help="Also hashes that one image has.")
def buckets(db: str | None, descriptor: str, everything: bool) -> None:
    """List the images of a collection that share a hash."""
    from lookalike.run.buckets import buckets as bucket

    with show_progress() as progress:
        found = bucket(descriptor, db=db, progress=progress)
    shown = {bits: paths for bits, paths in found.items() if everything or len(paths) > 1}
    for bits, paths in shown.items():
        say(f"{bits}  {len(paths)}")
        for path in paths:
            say(f"  {path}")
    sys.exit(FOUND if any(len(paths) > 1 for paths in shown.values()) else 0)
