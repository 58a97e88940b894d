"""Between pictures and what networks take."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from lookalike.model.arrays import UInt8Array

__all__ = ["MEAN", "STD", "FromBytes", "normalised"]

MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


def normalised(squares: Sequence[UInt8Array]) -> Tensor:
    """``(side, side, 3)`` uint8 RGB pictures to ``(n, 3, side, side)`` in ImageNet's statistics."""
    batch = torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2).float()
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    return ((batch - mean) / std).contiguous(memory_format=torch.channels_last)


class FromBytes(nn.Module):
    """A network with its normalisation in front, for a graph that takes pictures as they are.

    Args:
        net: takes ``(n, 3, side, side)`` in ImageNet's statistics.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1))

    def forward(self, rgb: Tensor) -> Tensor:
        """``(1, side, side, 3)`` uint8 to what the network says."""
        return self.net((rgb.permute(0, 3, 1, 2).float() - self.mean) / self.std)
