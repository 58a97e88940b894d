"""Convert pictures to the tensors that networks take."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from lookalike.model.arrays import UInt8Array

__all__ = ["MEAN", "STD", "FromBytes", "normalised"]

MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


def normalised(squares: Sequence[UInt8Array]) -> Tensor:
    """Turn ``(side, side, 3)`` uint8 RGB pictures into ``(n, 3, side, side)`` as for ImageNet."""
    batch = torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2).float()
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    return ((batch - mean) / std).contiguous(memory_format=torch.channels_last)


class FromBytes(nn.Module):
    """A network with its normalisation in front, for a graph that takes bytes.

    Args:
        net: takes ``(n, 3, side, side)``, normalised by ImageNet's mean and deviation.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1))

    def forward(self, rgb: Tensor) -> Tensor:
        """Map ``(1, side, side, 3)`` uint8 to the network's output."""
        return self.net((rgb.permute(0, 3, 1, 2).float() - self.mean) / self.std)
