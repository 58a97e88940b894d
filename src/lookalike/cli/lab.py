"""Published systems and their comparison: recipes, models, evaluate, edits, calibrate."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from lookalike.cli.progress import show_progress
from lookalike.cli.saying import say

__all__ = ["calibrate", "edits", "evaluate", "models", "recipes"]


@click.command()
def recipes() -> None:
    """List the recipes: ours, and every published system."""
    from lookalike.config.recipes import load_recipe, recipe_names

    for name in recipe_names():
        recipe = load_recipe(name)
        say(f"{name:20} {recipe.about}")
        if recipe.published:
            say(f"{'':20} {recipe.published}")


@click.group()
def models() -> None:
    """Published weights: what there is, fetch one, where it lies."""


@models.command("list")
def list_models() -> None:
    """List models, whether they are here, and what they are for."""
    from lookalike.descriptors.zoo import MODELS, model_file

    for model in MODELS:
        here = "here" if model_file(model) else "not here"
        say(f"{model.name:20} {here:9} {model.about}")
        say(f"{'':30} licence {model.licence}; from {model.source}")
        say(f"{'':30} SHA-256 {model.sha256}; gives {', '.join(model.descriptors)}")


@models.command("get")
@click.argument("name")
@click.option("--from", "local", type=click.Path(), help="A file of yours instead of a download.")
def get_model(name: str, local: str | None) -> None:
    """Fetch the weights of model NAME, resumed if interrupted and checked by SHA-256."""
    from lookalike.descriptors.zoo import get_model as get

    with show_progress() as progress:
        say(str(get(name, local=Path(local) if local else None, progress=progress)))


@models.command("path")
@click.argument("name")
def model_path(name: str) -> None:
    """Print where the weights of model NAME lie."""
    from lookalike.descriptors.zoo import find_model, model_file
    from lookalike.model.errors import ModelError

    path = model_file(find_model(name))
    if path is None:
        raise ModelError(f"model {name!r} is not here", remedy=f"lookalike models get {name}")
    say(str(path))


@click.command()
@click.option("--recipe", "names", multiple=True, required=True, help="Name or TOML; repeatable.")
@click.option("--dataset", required=True, help="Folder, CSV, or LAYOUT:PATH of a labelled set.")
@click.option("--out", type=click.Path(file_okay=False), required=True, help="Run folder.")
@click.option(
    "--sample",
    type=click.IntRange(0),
    default=200,
    show_default=True,
    help="Images of the cold run that gives images/s; 0 for none.",
)
@click.option("--overwrite", is_flag=True, help="Drop predictions of other settings.")
def evaluate(names: tuple[str, ...], **options: Any) -> None:
    """Compare recipes on a labelled set: figures, curves and plots."""
    from lookalike.evaluation.run import compare_recipes

    with show_progress() as progress:
        done = compare_recipes(
            names,
            options["dataset"],
            Path(options["out"]),
            sample=options["sample"],
            overwrite=options["overwrite"],
            progress=progress,
        )
    say(*(done.folder / "results.md").read_text(encoding="utf-8").split("\n"))
    for name, reason in done.missing.items():
        say(f"not measured: {name}: {reason}")
    say(f"written: {done.folder / 'results.html'}")


@click.command()
@click.argument("photos", type=click.Path())
@click.argument("out", type=click.Path(file_okay=False))
@click.option("--edit", "chosen", multiple=True, help="Name of an edit, or a set of them.")
@click.option("--canvases", type=click.Path(), help="Pictures to paste on and cover with.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--list",
    "listing",
    is_flag=True,
    help="List the edits and stop.",
    is_eager=True,
    expose_value=False,
    callback=lambda c, p, v: _list_edits(c, v),
)
def edits(photos: str, out: str, chosen: tuple[str, ...], **options: Any) -> None:
    """Make seeded edited copies of PHOTOS in OUT, with labels.csv."""
    from lookalike.evaluation.datasets import make_copies
    from lookalike.evaluation.edits import chosen_edits

    canvases = Path(options["canvases"]) if options["canvases"] else None
    names = chosen_edits(chosen or ("all",))
    labels = make_copies(
        Path(photos), Path(out), names, canvases=canvases, split="all", seed=options["seed"]
    )
    say(f"{len(labels):,} images of {len(names)} edits in {out}, labels in labels.csv")


def _list_edits(context: click.Context, wanted: bool) -> None:
    if not wanted:
        return
    from lookalike.evaluation.edits import EDITS

    for name in EDITS:
        say(name)
    context.exit(0)


@click.command()
@click.argument("examples", nargs=-1, type=click.Path())
@click.option("--recipe", default="default", show_default=True, help="Whose distance.")
@click.option("--dataset", help="Labelled set to learn from.")
@click.option("--precision", type=float, default=0.999, show_default=True)
@click.option(
    "--against",
    type=click.Path(exists=True, file_okay=False),
    help="Folder whose pairs show what else the threshold would accept.",
)
def calibrate(examples: tuple[str, ...], **options: Any) -> None:
    """Advise a threshold, from a labelled set or from two EXAMPLES that are the same picture."""
    from lookalike.evaluation.calibrate import advise_from_examples, advise_from_labels

    if (len(examples) != 2) == (not options["dataset"]):
        raise click.UsageError("give either --dataset or two example photos")
    with show_progress() as progress:
        if examples:
            against = Path(options["against"]) if options["against"] else None
            first, second = map(Path, examples)
            advice = advise_from_examples(options["recipe"], first, second, against, progress)
        else:
            advice = advise_from_labels(
                options["recipe"], options["dataset"], options["precision"], progress
            )
    if advice.threshold != advice.threshold:
        say(f"no threshold: {advice.evidence}")
        sys.exit(1)
    say(f"max_distance = {advice.threshold:.6g}")
    say(advice.evidence)
    if advice.recall == advice.recall:
        say(f"recall {advice.recall:.4f} at precision {advice.precision:.5f}")
