"""Train a variational autoencoder on one's own pictures (Kingma and Welling 2014).

The mean of the latent distribution describes a picture: it is what a small decoder needs to redraw
it, so layout and colours rather than content.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from lookalike.training.augment import squared
from lookalike.training.photos import Photos
from lookalike.training.settings import TrainConfig
from lookalike.training.tensors import normalised

__all__ = ["Encoder", "VaeTask"]

_WIDTHS = (3, 32, 64, 128, 256)
_LATENT = 64
_KL_WEIGHT = 2.0


class Encoder(nn.Module):
    """Four strided convolutions and a dense layer to the latent mean.

    Args:
        side: pixels of the square input, a multiple of 32.
    """

    def __init__(self, side: int) -> None:
        super().__init__()
        steps: list[nn.Module] = []
        for channels, width in pairwise(_WIDTHS):
            steps += [nn.Conv2d(channels, width, 4, 2, 1), nn.ReLU()]
        self.steps = nn.Sequential(*steps)
        self.mean = nn.Linear(_WIDTHS[-1] * (side // 16) ** 2, _LATENT)

    def forward(self, x: Tensor) -> Tensor:
        """Map normalised pictures ``(n, 3, side, side)`` to latent means ``(n, 64)``."""
        return self.mean(self.steps(x).flatten(1))


class VaeTask(nn.Module):
    """Encoder, decoder and their loss.

    Args:
        photos: to learn from.
        config: side, rate, seed.
    """

    views = 1
    steepest = 2.0

    def __init__(self, photos: Photos, config: TrainConfig) -> None:
        super().__init__()
        self._photos, self._config = photos, config
        torch.manual_seed(config.seed)
        self.encoder = Encoder(config.side)
        self._cells = config.side // 16
        self.spread = nn.Linear(_WIDTHS[-1] * self._cells**2, _LATENT)
        self.unfold = nn.Linear(_LATENT, _WIDTHS[-1] * self._cells**2)
        steps: list[nn.Module] = []
        for channels, width in pairwise(reversed(_WIDTHS)):
            steps += [nn.ReLU(), nn.ConvTranspose2d(channels, width, 4, 2, 1)]
        self.decoder = nn.Sequential(*steps)

    def groups(self) -> list[dict[str, Any]]:
        """List one parameter group: all values learn at one rate."""
        return [{"params": list(self.parameters()), "lr": self._config.rate}]

    def loss(self, numbers: Sequence[int], epoch: int) -> Tensor:
        """Compute the squared error of the redrawn picture plus the latents' divergence."""
        squares, noise = [], []
        for number in numbers:
            random = np.random.default_rng([self._config.seed, epoch, number])
            square = squared(self._photos.picture(number), self._config.side)
            squares.append(square[:, ::-1] if random.random() < 0.5 else square)
            noise.append(random.standard_normal(_LATENT, np.float32))
        x = normalised(squares)
        seen = self.encoder.steps(x).flatten(1)
        mean, log_variance = self.encoder.mean(seen), self.spread(seen)
        latent = mean + torch.from_numpy(np.stack(noise)) * torch.exp(0.5 * log_variance)
        planes = self.unfold(latent).view(-1, _WIDTHS[-1], self._cells, self._cells)
        error = F.mse_loss(self.decoder(planes), x, reduction="sum") / len(squares)
        divergence = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(1).mean()
        return (error + _KL_WEIGHT * divergence) / x[0].numel()
