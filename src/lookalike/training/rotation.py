"""Learn rotation as a pretext (Gidaris et al. 2018, https://arxiv.org/abs/1803.07728).

A network that predicts by how many quarter turns a picture was rotated has to recognise its
content. ResNet-18 learns that on the user's own pictures; then its head and last two layers are cut
off, and the average of the rest describes upright pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from lookalike.descriptors.weights import Weights
from lookalike.model.arrays import UInt8Array
from lookalike.training.augment import squared
from lookalike.training.networks import ResNet18, load_exactly
from lookalike.training.photos import Photos
from lookalike.training.settings import TrainConfig
from lookalike.training.tensors import normalised

__all__ = ["RotationTask", "truncated"]

_TURNS = 4
_KEPT_LAYERS = 2


class RotationTask(nn.Module):
    """ResNet-18 that predicts by how much a picture was rotated.

    Args:
        photos: to learn from.
        weights: ResNet-18's by torchvision's names, or None to start at random.
        config: side, rate, seed.
    """

    views = 1
    steepest = 10.0

    def __init__(self, photos: Photos, weights: Weights | None, config: TrainConfig) -> None:
        super().__init__()
        self._photos, self._config = photos, config
        torch.manual_seed(config.seed)
        net = ResNet18()
        if weights is not None:
            tensors = {name: torch.from_numpy(value) for name, value in weights.items()}
            load_exactly(net, tensors, beyond=("fc.",))
        self.net = net.to(memory_format=torch.channels_last)
        self.head = nn.Linear(net.dim, _TURNS)

    def groups(self) -> list[dict[str, Any]]:
        """List one parameter group: all values learn at one rate."""
        return [{"params": list(self.parameters()), "lr": self._config.rate}]

    def loss(self, numbers: Sequence[int], epoch: int) -> Tensor:
        """Compute the cross-entropy of the number of quarter turns."""
        squares, turns = [], []
        for place, number in enumerate(numbers):
            random = np.random.default_rng([self._config.seed, epoch, number])
            squares.append(self._cut(number, random))
            # every turn equally often in a batch
            turns.append((place + epoch) % _TURNS)
        turned = [np.ascontiguousarray(np.rot90(s, t)) for s, t in zip(squares, turns, strict=True)]
        return F.cross_entropy(self.head(self.net(normalised(turned))), torch.tensor(turns))

    def _cut(self, number: int, random: np.random.Generator) -> UInt8Array:
        """Crop a square of 50–100 % of the short side, mirrored half the time."""
        rgb = self._photos.picture(number)
        height, width = rgb.shape[:2]
        side = max(8, round(min(height, width) * random.uniform(0.5, 1.0)))
        side = min(side, height, width)
        top = int(random.integers(0, height - side + 1))
        left = int(random.integers(0, width - side + 1))
        cut = squared(rgb[top : top + side, left : left + side], self._config.side)
        return cut[:, ::-1] if random.random() < 0.5 else cut


def truncated(task: RotationTask) -> ResNet18:
    """Copy the first two layers of the trained network, weights and running statistics."""
    net = ResNet18(_KEPT_LAYERS)
    load_exactly(net, task.net.state_dict(), beyond=("layer3.", "layer4."))
    return net.eval()
