"""Learn copy detection without labels: two edits of one picture are near, all others far.

SSCD's recipe (Pizzi et al. 2022, https://arxiv.org/abs/2202.10261) on a small network: InfoNCE over
strong edits and mixed pictures, and an entropy term (KoLeo, Sablayrolles et al. 2019) that spreads
the embeddings. Unlike SSCD, it starts from the ImageNet network with PCA whitening, which already
finds copies, and takes negatives also from a memory of recent batches (Wang et al. 2020), as
batches on a laptop are small. Nothing is learnt from another copy detector's outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from lookalike.descriptors.weights import Weights
from lookalike.runtime.progress import Progress
from lookalike.training.augment import View, light_view, squared, strong_view
from lookalike.training.networks import Lite0
from lookalike.training.photos import Photos
from lookalike.training.settings import TrainConfig
from lookalike.training.tensors import normalised

__all__ = ["CopyTask"]

_WHITENED, _DIM = 512, 256
_TEMPERATURE, _ENTROPY = 0.05, 5.0
_MEMORY = 3072
_MIXED_SHARE, _MIXED_WEIGHT = 0.35, 0.3


class CopyTask(nn.Module):
    """Network, projection and loss of copy detection.

    Args:
        photos: to learn from.
        weights: EfficientNet-Lite0's.
        config: side, rate, seed, threads, frozen blocks.
    """

    views = 2
    steepest = 50.0
    mean: Tensor
    whitening: Tensor
    memory: Tensor
    memory_numbers: Tensor
    remembered: Tensor

    def __init__(self, photos: Photos, weights: Weights, config: TrainConfig) -> None:
        super().__init__()
        self._photos, self._config = photos, config
        self.net = Lite0(weights, frozen=config.frozen).to(memory_format=torch.channels_last)
        self.register_buffer("mean", torch.zeros(Lite0.dim))
        self.register_buffer("whitening", torch.zeros(Lite0.dim, _WHITENED))
        self.project = nn.Linear(_WHITENED, _DIM, bias=False)
        nn.init.eye_(self.project.weight)
        self.register_buffer("memory", torch.zeros(_MEMORY, _DIM))
        self.register_buffer("memory_numbers", torch.zeros(_MEMORY, dtype=torch.long))
        self.register_buffer("remembered", torch.zeros((), dtype=torch.long))

    def whiten(self, progress: Progress) -> None:
        """Start the projection at PCA whitening of the pictures as they are."""
        rows = []
        with torch.no_grad():
            for start in range(0, len(self._photos), 32):
                numbers = range(start, min(start + 32, len(self._photos)))
                squares = [self._photos.square(n, self._config.side) for n in numbers]
                rows.append(self.net(normalised(squares)))
                progress("whiten", numbers.stop, len(self._photos))
        features = torch.cat(rows).double()
        self.mean.copy_(features.mean(0))
        values, vectors = torch.linalg.eigh(torch.cov(features.T))
        order = torch.argsort(values, descending=True)[:_WHITENED]
        spread = torch.sqrt(values[order].clamp(min=0) + 1e-4 * values.max() + 1e-10)
        self.whitening.copy_(vectors[:, order] / spread)

    def groups(self) -> list[dict[str, Any]]:
        """List parameter groups; the projection learns ten times as fast as the network."""
        learning = [value for value in self.net.parameters() if value.requires_grad]
        return [
            {"params": learning, "lr": self._config.rate},
            {"params": [self.project.weight], "lr": 10 * self._config.rate},
        ]

    def embed(self, x: Tensor) -> Tensor:
        """Map normalised pictures to unit vectors ``(n, 256)``."""
        whitened = (self.net(x) - self.mean) @ self.whitening
        return F.normalize(self.project(whitened))

    def loss(self, numbers: Sequence[int], epoch: int) -> Tensor:
        """Compute InfoNCE of strong against light views, both ways, and the entropy term."""
        others = [*numbers[1:], numbers[0]]
        with ThreadPoolExecutor(self._config.threads) as pool:
            pairs = list(pool.map(self._views, numbers, others, repeat(epoch)))
        light = normalised([pair[0].rgb for pair in pairs])
        strong = normalised([pair[1].rgb for pair in pairs])
        shares = torch.tensor([pair[1].other_share for pair in pairs])
        rows = self.embed(torch.cat([light, strong]).contiguous(memory_format=torch.channels_last))
        light, strong = rows.chunk(2)
        loss = self._contrast(light, strong, shares, torch.tensor(numbers))
        loss = loss + _ENTROPY * _crowding(light, strong)
        self._remember(light.detach(), numbers)
        return loss

    def _views(self, number: int, other: int, epoch: int) -> tuple[View, View]:
        side, seed = self._config.side, self._config.seed
        random = np.random.default_rng([seed, epoch, number])
        rgb = self._photos.picture(number)
        light = light_view(rgb, random)
        strong = strong_view(rgb, self._photos.picture(other), random)
        return (
            View(squared(light.rgb, side), light.other_share),
            View(squared(strong.rgb, side), strong.other_share),
        )

    def _contrast(self, light: Tensor, strong: Tensor, shares: Tensor, numbers: Tensor) -> Tensor:
        """Compute the contrast: a strong view must find its own light view, and vice versa."""
        count = len(light)
        own = torch.eye(count)
        mixed = own.roll(1, dims=1)  # the next picture of the batch is part of this one's view
        weight = _MIXED_WEIGHT * (shares > _MIXED_SHARE).float()[:, None]
        filled = int(self.remembered.clamp(max=_MEMORY))
        memory, known = self.memory[:filled].clone(), self.memory_numbers[:filled]
        following = numbers.roll(-1)
        shown = (shares > 0)[:, None]
        same = (known == numbers[:, None]) | ((known == following[:, None]) & shown)
        logits = torch.cat([strong @ light.T, strong @ memory.T, strong @ strong.T], 1)
        hidden_light = (mixed > 0) & shown & (weight == 0)
        hidden = torch.cat([hidden_light, same, _overlapping(own, mixed, shown)], 1)
        targets = own * (1 - weight) + mixed * weight
        targets = F.pad(targets, (0, filled + count))
        forward = _cross_entropy(logits, hidden, targets)
        # the next picture is part of this one's strong view, so its light view is no negative
        back_hidden = torch.cat([((mixed > 0) & shown).T, own > 0, known == numbers[:, None]], 1)
        back = torch.cat([light @ strong.T, light @ light.T, light @ memory.T], 1)
        return forward + 0.5 * _cross_entropy(back, back_hidden, F.pad(own, (0, count + filled)))

    def _remember(self, rows: Tensor, numbers: Sequence[int]) -> None:
        places = (self.remembered + torch.arange(len(rows))) % _MEMORY
        self.memory[places] = rows
        self.memory_numbers[places] = torch.tensor(numbers)
        self.remembered += len(rows)


def _overlapping(own: Tensor, mixed: Tensor, shown: Tensor) -> Tensor:
    """Find which strong views share a picture: themselves and mixed neighbours."""
    next_in_this = (mixed > 0) & shown
    both = next_in_this | next_in_this.T
    return (own > 0) | both


def _cross_entropy(cosines: Tensor, hidden: Tensor, targets: Tensor) -> Tensor:
    logits = (cosines / _TEMPERATURE).masked_fill(hidden, -1e4)
    return -(targets * F.log_softmax(logits, dim=1)).sum(1).mean()


def _crowding(light: Tensor, strong: Tensor) -> Tensor:
    """Compute KoLeo: minus the mean log distance to the nearest embedding of another picture."""
    count = len(light)
    rows = torch.cat([light, strong])
    own = torch.eye(count)
    kin = (own + own.roll(1, dims=1) + own.roll(-1, dims=1)).repeat(2, 2) > 0
    nearest = (rows @ rows.T).masked_fill(kin, -2).max(1).values
    return -0.5 * torch.log((2 - 2 * nearest).clamp(min=1e-6)).mean()
