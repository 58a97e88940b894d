"""Build the networks that are trained: EfficientNet-Lite0 and ResNet-18, by published names.

Batch norms keep the statistics of the published weights: batches of one's own photographs on a
laptop are too small and too unlike ImageNet to estimate better ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from lookalike.descriptors.networks import LITE0_STAGES, STRIDE_16_BLOCK
from lookalike.descriptors.weights import Weights

__all__ = [
    "Inverted",
    "Lite0",
    "NormedConv",
    "ResNet18",
    "gem",
    "load_exactly",
]


class NormedConv(nn.Module):
    """Convolution with TensorFlow's SAME padding for even inputs and a fixed batch norm.

    Only the convolution and the shift are trained; the norm's gain multiplies the weights, which
    costs nothing per pixel.

    Args:
        weights: by published names.
        names: of the convolution's weight and of its batch norm.
        stride: of the convolution.
        clipped: ReLU6 behind it.
    """

    gain: Tensor

    def __init__(
        self, weights: Weights, names: tuple[str, str], *, stride: int, clipped: bool
    ) -> None:
        super().__init__()
        scale, shift, mean, variance = (
            torch.from_numpy(weights[f"{names[1]}.{part}"].copy())
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        gain = scale / torch.sqrt(variance + 1e-3)
        self.weight = nn.Parameter(torch.from_numpy(weights[names[0]].copy()))
        self.shift = nn.Parameter(shift - mean * gain)
        self.register_buffer("gain", gain[:, None, None, None])
        kernel = self.weight.shape[2]
        total = kernel - stride if stride == 2 else kernel - 1
        self.pads = (total // 2, total - total // 2)
        self._groups = self.weight.shape[0] if self.weight.shape[1] == 1 else 1
        self._stride, self.clipped = stride, clipped

    def folded(self) -> tuple[Tensor, Tensor]:
        """Compute weight and bias of the equivalent plain convolution."""
        return self.weight * self.gain, self.shift

    def plain(self) -> nn.Conv2d:
        """Make the equivalent plain convolution, without padding and ReLU6."""
        out, channels, kernel, _ = self.weight.shape
        channels *= self._groups
        conv = nn.Conv2d(channels, out, kernel, self._stride, groups=self._groups)
        weight, bias = self.folded()
        conv.weight.data, conv.bias.data = weight.detach().clone(), bias.detach().clone()
        return conv

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, c, h, w)`` to ``(n, c', h / stride, w / stride)``."""
        before, after = self.pads
        if before != after:
            x = F.pad(x, (before, after, before, after))
        weight, bias = self.folded()
        padding = before if before == after else 0
        x = F.conv2d(x, weight, bias, self._stride, padding, groups=self._groups)
        return x.clamp(0, 6) if self.clipped else x


class Inverted(nn.Module):
    """Inverted residual block (Sandler et al. 2018) without squeeze-and-excitation."""

    def __init__(self, weights: Weights, name: str, stride: int, *, expanded: bool) -> None:
        super().__init__()
        steps = []
        if expanded:
            names = f"{name}._expand_conv.weight", f"{name}._bn0"
            steps.append(NormedConv(weights, names, stride=1, clipped=True))
        names = f"{name}._depthwise_conv.weight", f"{name}._bn1"
        steps.append(NormedConv(weights, names, stride=stride, clipped=True))
        names = f"{name}._project_conv.weight", f"{name}._bn2"
        steps.append(NormedConv(weights, names, stride=1, clipped=False))
        self.steps = nn.Sequential(*steps)
        channels = steps[0].weight.shape[1 if expanded else 0]
        self.residual = stride == 1 and channels == steps[-1].weight.shape[0]

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, c, h, w)`` to ``(n, c', h / stride, w / stride)``."""
        return x + self.steps(x) if self.residual else self.steps(x)


class Lite0(nn.Module):
    """EfficientNet-Lite0 (Google 2020) up to its last convolution, pooled three ways.

    Args:
        weights: by the names of the package ``efficientnet-lite-pytorch``; all of them are needed.
        frozen: blocks, from the first, that are not trained (nor is the stem); they cost no
            backward pass.
    """

    dim = 112 + 112 + 1280

    def __init__(self, weights: Weights, *, frozen: int = 0) -> None:
        super().__init__()
        self.stem = NormedConv(weights, ("_conv_stem.weight", "_bn0"), stride=2, clipped=True)
        self.blocks = nn.ModuleList()
        for repeats, _, stride, expansion, _ in LITE0_STAGES:
            for repeat in range(repeats):
                name, step = f"_blocks.{len(self.blocks)}", stride if repeat == 0 else 1
                self.blocks.append(Inverted(weights, name, step, expanded=expansion > 1))
        self.head = NormedConv(weights, ("_conv_head.weight", "_bn1"), stride=1, clipped=True)
        self._frozen = frozen
        if frozen:
            for part in (self.stem, *self.blocks[:frozen]):
                part.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        """Map normalised pictures ``(n, 3, h, w)`` to pooled features ``(n, 1504)``."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self._frozen):
            x = self.stem(x)
        return self.pooled(x)

    def pooled(self, x: Tensor) -> Tensor:
        """Pool the stem's output: average and GeM of stride 16, and GeM of the last layer."""
        middle, learning = x, torch.is_grad_enabled()
        for number, block in enumerate(self.blocks):
            with torch.set_grad_enabled(learning and number >= self._frozen):
                x = block(x)
            if number == STRIDE_16_BLOCK:
                middle = x
        parts = (middle.mean((2, 3)), gem(middle), gem(self.head(x)))
        return torch.cat([part / part.norm(dim=1, keepdim=True) for part in parts], dim=1)


def gem(x: Tensor) -> Tensor:
    """Compute the generalised mean over the plane with p = 3 (Radenović et al. 2018)."""
    return x.clamp(min=1e-6).pow(3).mean((2, 3)).pow(1 / 3)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut (He et al. 2016), by torchvision's names."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample: nn.Module | None = None
        if stride == 2:
            shortcut = nn.Conv2d(channels, width, 1, 2, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, c, h, w)`` to ``(n, width, h / stride, w / stride)``."""
        inner = F.relu(self.bn1(self.conv1(x)))
        inner = self.bn2(self.conv2(inner))
        return F.relu(inner + (self.downsample(x) if self.downsample is not None else x))


class ResNet18(nn.Module):
    """ResNet-18 (He et al. 2016) by torchvision's names, cut behind any of its four layers.

    Args:
        layers: how many of the four to keep.
    """

    def __init__(self, layers: int = 4) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layers = layers
        self.dim = 32 << layers
        for layer, (channels, width) in enumerate(pairwise((64, 64, 128, 256, 512)), start=1):
            if layer <= layers:
                first = BasicBlock(channels, width, 2 if layer > 1 else 1)
                self.add_module(f"layer{layer}", nn.Sequential(first, BasicBlock(width, width, 1)))

    def forward(self, x: Tensor) -> Tensor:
        """Map normalised pictures ``(n, 3, h, w)`` to the last layer's average, ``(n, dim)``."""
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.max_pool2d(x, 3, 2, 1)
        for layer in range(1, self.layers + 1):
            x = getattr(self, f"layer{layer}")(x)
        return x.mean((2, 3))


def load_exactly(net: nn.Module, weights: Mapping[str, Tensor], *, beyond: Sequence[str]) -> None:
    """Load every weight of a network; a missing one is an error.

    Args:
        net: the network.
        weights: by name.
        beyond: prefixes of names of the layers that were cut off, which may be left over.

    Raises:
        RuntimeError: a missing or unknown name, or another shape.
    """
    kept = {
        name: value
        for name, value in weights.items()
        if not any(name.startswith(prefix) for prefix in beyond)
    }
    net.load_state_dict(kept, strict=True)
