"""``lookalike train``: train networks on one's own pictures."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from lookalike.cli.progress import show_progress
from lookalike.cli.saying import say, warn
from lookalike.training.settings import TRAINING, TrainKind

__all__ = ["train"]

_START = click.Choice(("imagenet", "random"))


@click.group()
def train() -> None:
    """Train a network on a folder of pictures; the result is for find --descriptor."""


def _trainer(kind: TrainKind, about: str) -> None:
    """Make one command below ``train``; they differ in their defaults."""
    usual = TRAINING[kind]

    def command(data: str, **options: Any) -> None:
        _train(kind, data, **options)

    number = click.IntRange
    options = (
        click.option("--threads", type=number(1), help="Default: as many as processors."),
        click.option("--seed", type=number(0), default=0, show_default=True),
        click.option("--start", type=_START, default=usual.start, show_default=True),
        click.option("--rate", type=float, default=usual.rate, show_default=True),
        click.option("--graph-side", type=number(32), help="Pixels that the ONNX file takes."),
        click.option("--side", type=number(32), default=usual.side, show_default=True),
        click.option("--batch", type=number(2), default=usual.batch, show_default=True),
        click.option("--epochs", type=number(0), default=usual.epochs, show_default=True),
        click.option("-o", "out", type=click.Path(dir_okay=False), required=True, help="ONNX."),
        click.argument("data", type=click.Path()),
    )
    made: Any = command
    for option in options:
        made = option(made)
    train.command(kind, help=about)(made)


def _train(kind: TrainKind, data: str, **options: Any) -> None:
    from lookalike.training import train_network

    usual = TRAINING[kind]
    own = {name: options[name] for name in ("epochs", "batch", "side", "rate", "start", "seed")}
    graph_side = options["graph_side"] or (own["side"] if kind == "vae" else usual.graph_side)
    threads = options["threads"] or os.cpu_count() or 1
    config = replace(usual, graph_side=graph_side, threads=threads, **own)
    with show_progress() as progress:
        done = train_network(
            Path(data),
            Path(options["out"]),
            config,
            progress=progress,
            line=warn,
        )
    say(f"learnt from {done.photos:,} pictures; {len(done.failures):,} could not be read")
    for path in done.files:
        say(f"written: {path}")


_trainer("copy", "Copy detection without labels: edits of a picture in DATA are near each other.")
_trainer("rotation", "ResNet-18 that tells turned pictures in DATA, cut off behind layer 2.")
_trainer("vae", "Variational autoencoder of the pictures in DATA; its latent mean describes.")
