"""Export trained networks as ONNX graphs from bytes to descriptor, in float32 and int8."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path

import onnx
import torch
import torch.nn.functional as F  # noqa: N812
from onnx import helper
from torch import Tensor, nn

from lookalike.descriptors.networks import STRIDE_16_BLOCK
from lookalike.model.arrays import UInt8Array
from lookalike.runtime.inference import onnx_runtime
from lookalike.training.copy import CopyTask
from lookalike.training.networks import Inverted, NormedConv, gem
from lookalike.training.tensors import MEAN, STD

__all__ = ["CopyGraph", "export_float", "export_int8"]

_OPSET = 17
_QUANTISED = ("Conv", "Add", "Clip", "Relu", "MaxPool")


def export_float(net: nn.Module, side: int, path: Path, about: Mapping[str, str]) -> None:
    """Write a graph of input ``rgb`` ``(1, side, side, 3)`` uint8.

    Args:
        net: takes that input and gives ``(1, dim)``.
        side: of the square input.
        path: written completely or not at all.
        about: metadata of the file.
    """
    partial = path.with_name(f"{path.name}.part")
    with warnings.catch_warnings():
        # the TorchScript exporter needs no further package
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net.eval(),
            (torch.zeros(1, side, side, 3, dtype=torch.uint8),),
            str(partial),
            input_names=["rgb"],
            output_names=["descriptor"],
            opset_version=_OPSET,
            dynamo=False,
        )
    model = onnx.load(partial)
    _fuse_pads(model.graph)
    helper.set_model_props(model, dict(about))
    onnx.save(model, partial)
    partial.replace(path)


def export_int8(plain: Path, path: Path, squares: Iterable[UInt8Array]) -> None:
    """Quantise the convolutions of a graph to 8 bits, weights by channel.

    Args:
        plain: what ``export_float`` wrote.
        path: written completely or not at all.
        squares: ``(side, side, 3)`` pictures, which set the ranges of activations.
    """
    onnx_runtime()  # before any of its parts is imported
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as folder:
        prepared, done = Path(folder) / "prepared.onnx", Path(folder) / "int8.onnx"
        quant_pre_process(str(plain), str(prepared))
        nodes = onnx.load(prepared).graph.node
        quantize_static(
            str(prepared),
            str(done),
            _Reader(squares),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=list(_QUANTISED),
            nodes_to_exclude=[node.name for node in nodes if node.op_type not in _QUANTISED],
        )
        partial = path.with_name(f"{path.name}.part")
        partial.write_bytes(done.read_bytes())
        partial.replace(path)


class _Reader:
    """Reads calibration pictures one by one."""

    def __init__(self, squares: Iterable[UInt8Array]) -> None:
        self._items = iter(squares)

    def get_next(self) -> dict[str, UInt8Array] | None:
        """The next feed, None after the last."""
        square = next(self._items, None)
        return None if square is None else {"rgb": square[None]}


class CopyGraph(nn.Module):
    """The copy detector as plain convolutions from bytes.

    Norms are folded into convolutions, the pictures' normalisation into the stem (padded with one
    row and column of the mean colour, which is zero after it), and centring, whitening and
    projection into one matrix.

    Args:
        task: trained.
        side: of the square input; may differ from that of the training.
    """

    row: Tensor
    column: Tensor
    mean: Tensor
    matrix: Tensor

    def __init__(self, task: CopyTask, side: int) -> None:
        super().__init__()
        net = task.net
        self.stem = _stem_for_bytes(net.stem)
        self.blocks = nn.ModuleList([_FoldedBlock(block) for block in net.blocks])
        self.head = _FoldedConv(net.head)
        colour = torch.tensor(MEAN).round().to(torch.uint8)
        self.register_buffer("row", colour.expand(1, 1, side, 3).clone())
        self.register_buffer("column", colour.expand(1, side + 1, 1, 3).clone())
        self.register_buffer("mean", task.mean)
        self.register_buffer("matrix", (task.whitening @ task.project.weight.T).detach())

    def forward(self, rgb: Tensor) -> Tensor:
        """Map ``(1, side, side, 3)`` uint8 to a unit vector ``(1, 256)``."""
        padded = torch.cat([torch.cat([rgb, self.row], 1), self.column], 2)
        x = self.stem(padded.permute(0, 3, 1, 2).float()).clamp(0, 6)
        middle = x
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number == STRIDE_16_BLOCK:
                middle = x
        parts = (middle.mean((2, 3)), gem(middle), gem(self.head(x)))
        pooled = torch.cat([part / part.norm(dim=1, keepdim=True) for part in parts], dim=1)
        return F.normalize((pooled - self.mean) @ self.matrix)


class _FoldedConv(nn.Module):
    def __init__(self, source: NormedConv) -> None:
        super().__init__()
        self.conv = source.plain()
        self._pads, self._clipped = source.pads, source.clipped
        if self._pads[0] == self._pads[1]:
            self.conv.padding = (self._pads[0], self._pads[0])

    def forward(self, x: Tensor) -> Tensor:
        before, after = self._pads
        if before != after:
            x = F.pad(x, (before, after, before, after))
        x = self.conv(x)
        return x.clamp(0, 6) if self._clipped else x


class _FoldedBlock(nn.Module):
    def __init__(self, block: Inverted) -> None:
        super().__init__()
        self.steps = nn.Sequential(*[_FoldedConv(step) for step in block.steps])
        self._residual = block.residual

    def forward(self, x: Tensor) -> Tensor:
        return x + self.steps(x) if self._residual else self.steps(x)


def _stem_for_bytes(stem: NormedConv) -> nn.Conv2d:
    """Put mean and deviation into the weights and bias of the first convolution."""
    conv = stem.plain()
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    conv.weight.data /= std
    conv.bias.data -= (conv.weight.data * mean).sum((1, 2, 3))
    return conv


def _fuse_pads(graph: onnx.GraphProto) -> None:
    """Make TensorFlow's SAME padding an attribute of the convolution behind it: one pass less."""
    pads = {node.output[0]: node for node in graph.node if node.op_type == "Pad"}
    for node in graph.node:
        if node.op_type != "Conv" or node.input[0] not in pads:
            continue
        attributes = {item.name: item.ints for item in node.attribute}
        total = attributes["kernel_shape"][0] - attributes["strides"][0]
        before, after = total // 2, total - total // 2
        attributes["pads"][:] = [before, before, after, after]
        node.input[0] = pads[node.input[0]].input[0]
    used = {item.name for item in graph.output}
    kept = []
    for node in reversed(graph.node):
        if used.intersection(node.output):
            used.update(node.input)
            kept.append(node)
    del graph.node[:]
    graph.node.extend(reversed(kept))
