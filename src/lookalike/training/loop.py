"""The training loop that all kinds share: seeded, resumable, reporting as it goes.

The order of the pictures, their edits and every other random number follow from the seed, the epoch
and the picture, so a run that was interrupted and resumed ends like one that was not.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from lookalike.model.errors import ConfigError
from lookalike.runtime.progress import Progress
from lookalike.training.settings import TrainConfig

__all__ = ["EpochRecord", "Trainable", "fit"]

# share of the run; short runs warm up over more of it, as Adam's first steps are as long as the
# rate whatever the gradient
_WARM_UP, _WARM_UP_STEPS = 0.05, 20


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """The figures of one pass over the pictures.

    Attributes:
        epoch: from 1.
        loss: mean over its steps.
        seconds: wall time.
        images: pictures per second, every view counted once.
    """

    epoch: int
    loss: float
    seconds: float
    images: float


class Trainable(Protocol):
    """What the loop needs of a kind of training, which is a ``torch.nn.Module``."""

    views: int
    steepest: float  # length of a gradient above which it is shortened

    def groups(self) -> list[dict[str, Any]]:
        """List parameter groups for the optimiser, each with its own largest ``lr``."""

    def loss(self, numbers: Sequence[int], epoch: int) -> Tensor:
        """Compute the scalar loss of some pictures."""

    def state_dict(self) -> dict[str, Any]:
        """Save everything that the next epoch depends on."""

    def load_state_dict(self, state: dict[str, Any]) -> Any:
        """Restore ``state_dict``."""


def fit(
    task: Trainable,
    count: int,
    config: TrainConfig,
    checkpoint: Path,
    *,
    progress: Progress,
    line: Callable[[str], None],
) -> tuple[EpochRecord, ...]:
    """Train, continuing from a checkpoint if there is one.

    Args:
        task: network and loss.
        count: number of pictures.
        config: epochs, batch, seed.
        checkpoint: written after every epoch, complete or not at all.
        progress: called with ("train", step, steps).
        line: called with one sentence after every epoch.

    Returns:
        One record for every epoch, earlier runs included.

    Raises:
        ConfigError: the checkpoint has other settings, or the loss is no longer a number.
    """
    batch = min(config.batch, count)
    steps = count // batch  # pictures that are left over come in another epoch
    optimiser = torch.optim.AdamW(task.groups(), weight_decay=1e-4)
    peaks = [group["lr"] for group in optimiser.param_groups]
    records = _resumed(task, optimiser, config, checkpoint)
    if records:
        line(f"going on after epoch {len(records)} of {config.epochs} ({checkpoint})")
    for epoch in range(len(records), config.epochs):
        order = np.random.default_rng([config.seed, epoch]).permutation(count)
        losses, started = [], time.monotonic()
        for step in range(steps):
            rate = _rate(epoch * steps + step, config.epochs * steps)
            for group, peak in zip(optimiser.param_groups, peaks, strict=True):
                group["lr"] = peak * rate
            loss = task.loss(order[step * batch : (step + 1) * batch].tolist(), epoch)
            losses.append(_follow(loss, optimiser, task.steepest))
            progress("train", epoch * steps + step + 1, config.epochs * steps)
        seconds = time.monotonic() - started
        images = steps * batch * task.views / max(seconds, 1e-9)
        records.append(EpochRecord(epoch + 1, float(np.mean(losses)), seconds, images))
        _save(task, optimiser, config, records, checkpoint)
        line(_in_words(records, config.epochs))
    return tuple(records)


def _follow(loss: Tensor, optimiser: torch.optim.Optimizer, steepest: float) -> float:
    """Make one step along a gradient of bounded length; returns the loss, a number."""
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    learning = [value for group in optimiser.param_groups for value in group["params"]]
    slope = torch.nn.utils.clip_grad_norm_(learning, steepest)
    if not (loss.isfinite() and slope.isfinite()):
        raise ConfigError(
            "the training diverged",
            got=f"a loss of {float(loss.detach())}, a gradient of length {float(slope)}",
            expected="finite numbers",
            remedy="begin anew, without the checkpoint, with a lower --rate",
        )
    optimiser.step()
    return float(loss.detach())


def _rate(step: int, steps: int) -> float:
    """Compute the share of the largest rate: linear warm-up, then half a cosine to zero."""
    warm = max(_WARM_UP * steps, min(_WARM_UP_STEPS, steps / 2))
    if step < warm:
        return (step + 1) / (warm + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / (steps - warm)))


def _in_words(records: Sequence[EpochRecord], epochs: int) -> str:
    last = records[-1]
    left = (epochs - last.epoch) * last.seconds / 60
    return (
        f"epoch {last.epoch} of {epochs}: loss {last.loss:.4f}, "
        f"{last.images:.1f} images/s, {left:.1f} min left"
    )


def _save(
    task: Trainable,
    optimiser: torch.optim.Optimizer,
    config: TrainConfig,
    records: Sequence[EpochRecord],
    path: Path,
) -> None:
    partial = path.with_name(f"{path.name}.part")
    torch.save(
        {
            "config": json.dumps(asdict(config)),
            "records": json.dumps([asdict(record) for record in records]),
            "task": task.state_dict(),
            "optimiser": optimiser.state_dict(),
        },
        partial,
    )
    partial.replace(path)


def _resumed(
    task: Trainable, optimiser: torch.optim.Optimizer, config: TrainConfig, path: Path
) -> list[EpochRecord]:
    if not path.is_file():
        return []
    saved = torch.load(path, weights_only=True)
    before, now = json.loads(saved["config"]), asdict(config)
    differing = [key for key in now if key != "threads" and before.get(key) != now[key]]
    if differing:
        raise ConfigError(
            f"the checkpoint {path} is of other settings",
            got=", ".join(f"{key} {now[key]}" for key in differing),
            expected=", ".join(f"{key} {before.get(key)}" for key in differing),
            remedy="repeat those settings, delete the checkpoint, or choose another -o",
        )
    task.load_state_dict(saved["task"])
    optimiser.load_state_dict(saved["optimiser"])
    return [EpochRecord(**record) for record in json.loads(saved["records"])]
