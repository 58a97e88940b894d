"""Settings of a training, with the defaults of every kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from lookalike.model.errors import ConfigError

__all__ = ["TRAINING", "TrainConfig", "TrainKind", "TrainStart"]

TrainKind = Literal["copy", "rotation", "vae"]
TrainStart = Literal["imagenet", "random"]


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """How a network is trained; the other defaults depend on ``kind``.

    Attributes:
        kind: ``copy``, ``rotation`` or ``vae``.
        epochs: passes over the pictures; 0 exports the start as it is.
        batch: pictures in a step.
        side: pixels of the square that training sees.
        graph_side: pixels of the square that the finished graph takes.
        rate: largest learning rate of the network.
        start: ``imagenet`` for the published weights, ``random``.
        seed: of all random numbers.
        threads: processors to use.
        frozen: blocks of EfficientNet-Lite0, from the first, that are not trained.
    """

    kind: TrainKind
    epochs: int
    batch: int
    side: int
    graph_side: int
    rate: float
    start: TrainStart = "random"
    seed: int = 0
    threads: int = 1
    frozen: int = 0

    def __post_init__(self) -> None:
        if min(self.epochs, self.batch - 2, self.threads - 1, self.seed) < 0:
            raise ConfigError(
                "a count is out of range",
                got=f"epochs {self.epochs}, batch {self.batch}, threads {self.threads}, "
                f"seed {self.seed}",
                expected="epochs and seed from 0, threads from 1, batch from 2",
            )
        for side in (self.side, self.graph_side):
            if side < 32 or side % 32:
                raise ConfigError(
                    "no network takes pictures of this side",
                    got=str(side),
                    expected="a multiple of 32 from 32",
                )
        if self.kind == "vae" and (self.start, self.graph_side) != ("random", self.side):
            raise ConfigError(
                "a VAE starts at random and describes pictures of the side it learnt on",
                got=f"start {self.start}, side {self.side}, graph side {self.graph_side}",
            )


TRAINING: Mapping[TrainKind, TrainConfig] = {
    "copy": TrainConfig("copy", 11, 48, 160, 192, 2e-4, "imagenet", frozen=5),
    "rotation": TrainConfig("rotation", 6, 64, 96, 224, 1e-3),
    "vae": TrainConfig("vae", 20, 64, 64, 64, 1e-3),
}
