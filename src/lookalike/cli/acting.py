"""``lookalike plan``, ``apply`` and ``undo``: plan what goes, apply it, bring it back.

Exit codes: 11 something to do or done, 0 nothing, 1 an error or a picture that failed, 2 usage.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

import click

from lookalike.cli.options import db_option
from lookalike.cli.progress import show_progress
from lookalike.cli.saying import say, say_json

__all__ = ["apply", "plan", "undo"]

FOUND = 11


@click.command()
@click.argument("sources", nargs=-1, required=True, type=click.Path())
@db_option
@click.option("-o", "--out", type=click.Path(dir_okay=False), help="Write the plan here.")
@click.option("--recipe", help="For folders: as of find.")
@click.option("--reference", multiple=True, type=click.Path(), help="Nothing there is touched.")
@click.option("--within", multiple=True, type=click.Path(), help="Only copies in one such folder.")
@click.option("--across", multiple=True, type=click.Path(), help="Only copies in two of these.")
@click.option(
    "--tier",
    "tiers",
    multiple=True,
    type=click.Choice(("exact", "pixel", "copy", "similar")),
    help="Default: exact, pixel and copy.",
)
@click.option("--min-confidence", type=click.FloatRange(0, 1), help="Only from this on.")
@click.option("--keep", help="Keep rules, the most important first, with commas.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON alone.")
def plan(sources: tuple[str, ...], **options: Any) -> None:
    """Say which copies would go, from the folders or the report SOURCES; change nothing."""
    from lookalike.actions import make_plan, preview
    from lookalike.config import PlanConfig
    from lookalike.runtime.output import writing
    from lookalike.store import name_of
    from lookalike.store.location import default_collection

    if options["within"] and options["across"]:
        raise click.UsageError("--within and --across exclude each other")
    scope: Any = "within" if options["within"] else "across" if options["across"] else "any"
    settings: dict[str, Any] = {"tiers": options["tiers"]} if options["tiers"] else {}
    config = PlanConfig(
        protected=options["reference"],
        scope=scope,
        folders=options["within"] or options["across"],
        min_confidence=options["min_confidence"],
        keep=tuple(options["keep"].split(",")) if options["keep"] else (),
        collection=name_of(options["db"] or default_collection()),
        **settings,
    )
    with show_progress() as progress:
        made = make_plan(_report(sources, options, progress), config, progress=progress)
    if options["out"]:
        with writing(Path(options["out"])) as place:
            place.write_text(made.to_json() + "\n", encoding="utf-8")
    if options["as_json"]:
        say_json(made.to_json())
    else:
        say(*preview(made).split("\n"))
        where = f"lookalike apply {options['out']}" if options["out"] else "-o plan.json writes it"
        say("", f"nothing was changed; {where}")
    sys.exit(FOUND if made.steps else 0)


@click.command()
@click.argument("plan_file", metavar="PLAN", type=click.Path(exists=True, dir_okay=False))
@click.option("--yes", is_flag=True, help="Do it; without this, only say what would be done.")
@click.option(
    "--move-to", type=click.Path(file_okay=False), help="Into this folder, not the trash."
)
@click.option("--hardlink", is_flag=True, help="Equal bytes become names of one file.")
@click.option("--reflink", is_flag=True, help="Equal bytes share their blocks.")
@click.option("--delete", is_flag=True, help="For good; wants --really too.")
@click.option("--really", is_flag=True, help="With --delete.")
@click.option("--copy-metadata", is_flag=True, help="What only a copy says, beside its keeper.")
@click.option("--journal", type=click.Path(dir_okay=False), help="Default: in the collection.")
def apply(plan_file: str, yes: bool, journal: str | None, **options: Any) -> None:
    """Let the pictures of PLAN go: into the trash, unless told otherwise."""
    from lookalike.actions import Plan, apply_plan, preview, remember
    from lookalike.actions.preview import outcome_in_words

    how = _how(options)
    text = Path(plan_file).read_text(encoding="utf-8", errors="replace")
    made = Plan.from_json(text)
    if not yes:
        say(*preview(made, how).split("\n"))
        say("", "nothing was changed; --yes does it")
        sys.exit(FOUND if made.steps else 0)
    place = Path(journal) if journal else _journals(made.collection) / f"{_name(made, text)}.jsonl"
    with show_progress() as progress:
        outcome = apply_plan(made, how, place, progress=progress)
    say(*outcome_in_words(outcome, "went").split("\n"))
    say(f"lookalike undo {place} brings them back" if how.kind != "delete" else "")
    remember(place)
    sys.exit(1 if outcome.counts["failed"] else FOUND if outcome.counts["done"] else 0)


@click.command()
@click.argument("journal", required=False, type=click.Path(exists=True, dir_okay=False))
@db_option
def undo(journal: str | None, db: str | None) -> None:
    """Bring back what was applied with JOURNAL, by default what was applied last."""
    from lookalike.actions import open_journals, remember
    from lookalike.actions import undo as bring_back
    from lookalike.actions.preview import outcome_in_words
    from lookalike.store.location import default_collection

    if journal is None:
        journals = open_journals(_journals(db or str(default_collection())))
        if not journals:
            say("nothing was applied with this collection; --db names another one")
            sys.exit(0)
        journal = str(journals[-1])
    with show_progress() as progress:
        outcome = bring_back(Path(journal), progress=progress)
    say(*outcome_in_words(outcome, "brought back").split("\n"))
    remember(Path(journal))
    sys.exit(1 if outcome.counts["failed"] else FOUND if outcome.counts["done"] else 0)


def _report(sources: tuple[str, ...], options: dict[str, Any], progress: Any) -> Any:
    from lookalike.config.recipes import load_recipe
    from lookalike.decisions.choices import with_choices
    from lookalike.model.errors import ConfigError
    from lookalike.report import from_json
    from lookalike.run.find import find
    from lookalike.store import choices_of
    from lookalike.store.location import default_collection

    if len(sources) == 1 and sources[0].endswith(".json"):
        try:
            report = from_json(Path(sources[0]).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigError(
                "cannot read this report",
                got=f"{sources[0]}: {error}",
                remedy="make one with: lookalike find FOLDER --json > report.json",
            ) from error
        # decisions made since the report
        return with_choices(report, choices_of(options["db"] or default_collection()))
    config = load_recipe(options["recipe"] or "default").config
    return find(sources, db=options["db"], config=config, progress=progress)


def _how(options: dict[str, Any]) -> Any:
    from lookalike.actions import How

    named = {
        "move": options["move_to"],
        **{k: options[k] for k in ("hardlink", "reflink", "delete")},
    }
    chosen = [kind for kind, asked in named.items() if asked]
    if len(chosen) > 1:
        raise click.UsageError("--move-to, --hardlink, --reflink and --delete exclude each other")
    if options["really"] != options["delete"]:
        raise click.UsageError("--delete deletes for good, and wants --delete --really")
    kind: Any = chosen[0] if chosen else "trash"
    return How(kind, options["move_to"] or "", options["really"], options["copy_metadata"])


def _journals(collection: str) -> Path:
    from lookalike.store import folder_of
    from lookalike.store.location import default_collection

    return folder_of(collection or default_collection()) / "journals"


def _name(made: Any, text: str) -> str:
    """Name a plan's journal: the same plan has the same one, so applying it again continues."""
    when = "".join(letter for letter in made.made[:19] if letter.isdigit() or letter == "T")
    return f"{when}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
