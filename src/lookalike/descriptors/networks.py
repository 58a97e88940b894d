"""Build published architectures as ONNX graphs from named weights; bytes in, descriptor out.

The adapter of the ``onnx`` package (extra ``lab``). Every graph takes ``(1, side, side, 3)`` uint8
RGB and includes its normalisation, so that a descriptor is one inference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.weights import Weights
from lookalike.model.errors import ModelError

__all__ = [
    "ARCHITECTURES",
    "LITE0_STAGES",
    "STRIDE_16_BLOCK",
    "Architecture",
    "build_graph",
    "read_onnx_weights",
    "seeded_weights",
]

_OPSET, _IR = 13, 8
_VGG16 = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0)
_VGG19 = (64, 64, 0, 128, 128, 0, *(256,) * 4, 0, *(512,) * 4, 0, *(512,) * 4, 0)
# repeats, kernel, stride, expansion, output channels (tf.keras EfficientNet-Lite0)
LITE0_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
_STRIDE_8, STRIDE_16_BLOCK = 4, 10
_TORCH_MEAN, _TORCH_STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
_CAFFE_MEAN = (123.68, 116.779, 103.939)


class _Builder:
    """Collects nodes and weights; shapes alone suffice to learn which weights are needed."""

    def __init__(self, weights: Weights | None) -> None:
        self.weights = weights
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.nodes: list[Any] = []
        self.arrays: dict[str, NDArray[np.float32]] = {}

    def take(self, name: str, *shape: int) -> NDArray[np.float32]:
        """Take a named weight of a shape; zeros where only shapes are asked for."""
        self.shapes[name] = shape
        if self.weights is None:
            return np.zeros(shape, np.float32) if np.prod(shape) < 1e6 else _nothing(shape)
        if name not in self.weights or self.weights[name].shape != shape:
            got = self.weights[name].shape if name in self.weights else "nothing"
            raise ModelError(
                f"weights do not fit the architecture: {name}",
                got=str(got),
                expected=str(shape),
                remedy="use the file that the registry names",
            )
        return self.weights[name]

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node; returns the name of its output."""
        name = f"v{len(self.nodes)}"
        if self.weights is not None:
            from onnx import helper

            self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        else:
            self.nodes.append(kind)
        return name

    def constant(self, array: NDArray[Any]) -> str:
        """Add a weight; returns its name."""
        name = f"w{len(self.arrays)}"
        self.arrays[name] = np.asarray(array, np.float32, order="C")
        return name

    def convolution(
        self, x: str, weight: NDArray[np.float32], bias: NDArray[np.float32], **options: Any
    ) -> str:
        return self.node("Conv", x, self.constant(weight), self.constant(bias), **options)

    def relu6(self, x: str) -> str:
        low, high = self.constant(np.array(0)), self.constant(np.array(6))
        return self.node("Clip", x, low, high)

    def folded(
        self, weight: str, shape: tuple[int, int, int], norm: str, eps: float
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Fold the batch norm into a square convolution (out, in, kernel)."""
        out, _, side = shape
        plain = self.take(weight, out, shape[1], side, side)
        scale, shift, mean, variance = (
            self.take(f"{norm}.{part}", out)
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        gain = scale / np.sqrt(variance + eps)
        return plain * gain[:, None, None, None], shift - mean * gain

    def average(self, x: str) -> str:
        return self.node("Flatten", self.node("GlobalAveragePool", x))


def _nothing(shape: tuple[int, ...]) -> NDArray[np.float32]:
    return np.broadcast_to(np.float32(0), shape)


@dataclass(frozen=True, slots=True)
class Architecture:
    """How one descriptor is computed by a network.

    Attributes:
        build: adds nodes to a builder after the normalised input; gives the name of the output.
        dim: values of the descriptor.
        side: pixels of the square input.
        metric: the one that its authors used.
    """

    build: Callable[[_Builder, str], str]
    dim: int
    side: int = 224
    metric: str = "cosine"


def _vgg(plan: tuple[int, ...], tap: str) -> Callable[[_Builder, str], str]:
    """Build VGG (Simonyan and Zisserman 2015) up to ``composite`` (pool2 and pool5) or ``fc2``."""

    def build(net: _Builder, x: str) -> str:
        channels, position, pools = 3, 0, []
        for width in plan:
            if width == 0:
                x = net.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
                pools.append(x)
                position += 1
                continue
            weight = net.take(f"features.{position}.weight", width, channels, 3, 3)
            bias = net.take(f"features.{position}.bias", width)
            x = net.node("Relu", net.convolution(x, weight, bias, pads=[1, 1, 1, 1]))
            channels, position = width, position + 2
        last = net.node("Flatten", x)
        if tap == "composite":
            second = net.node("AveragePool", pools[1], kernel_shape=[8, 8], strides=[8, 8])
            return net.node("Concat", net.node("Flatten", second), last, axis=1)
        for layer, size in ((0, 25_088), (3, 4096)):
            weight = net.take(f"classifier.{layer}.weight", 4096, size)
            bias = net.take(f"classifier.{layer}.bias", 4096)
            names = net.constant(weight), net.constant(bias)
            last = net.node("Relu", net.node("Gemm", last, *names, transB=1))
        return last

    return build


def _resnet18(layers: int) -> Callable[[_Builder, str], str]:
    """Build ResNet-18 (He et al. 2016) up to one of its four layers, averaged over the plane."""

    def build(net: _Builder, x: str) -> str:
        weight, bias = net.folded("conv1.weight", (64, 3, 7), "bn1", 1e-5)
        x = net.node("Relu", net.convolution(x, weight, bias, strides=[2, 2], pads=[3] * 4))
        x = net.node("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
        channels = 64
        for layer in range(1, layers + 1):
            width = 32 << layer
            for block in (0, 1):
                stride = 2 if block == 0 and layer > 1 else 1
                x = _basic_block(net, x, f"layer{layer}.{block}", (channels, width, stride))
                channels = width
        return net.average(x)

    return build


def _basic_block(net: _Builder, x: str, name: str, size: tuple[int, int, int]) -> str:
    channels, width, stride = size
    first = net.folded(f"{name}.conv1.weight", (width, channels, 3), f"{name}.bn1", 1e-5)
    second = net.folded(f"{name}.conv2.weight", (width, width, 3), f"{name}.bn2", 1e-5)
    inner = net.node("Relu", net.convolution(x, *first, strides=[stride] * 2, pads=[1] * 4))
    inner = net.convolution(inner, *second, pads=[1] * 4)
    if stride == 2:
        down = f"{name}.downsample"
        weights = net.folded(f"{down}.0.weight", (width, channels, 1), f"{down}.1", 1e-5)
        x = net.convolution(x, *weights, strides=[2, 2])
    return net.node("Relu", net.node("Add", inner, x))


def _lite0(depth: str) -> Callable[[_Builder, str], str]:
    """Build EfficientNet-Lite0 (Google 2020) at three depths, averaged over the plane."""

    def build(net: _Builder, x: str) -> str:
        x = _same(net, x, ("_conv_stem.weight", "_bn0"), (32, 3, 3, 2, 1), clipped=True)
        channels, number = 32, 0
        for repeats, kernel, stride, expansion, width in LITE0_STAGES:
            for repeat in range(repeats):
                step = stride if repeat == 0 else 1
                shape = (channels, width, kernel, step, expansion)
                x = _inverted(net, x, f"_blocks.{number}", shape)
                if depth == "early" and number == _STRIDE_8:
                    return net.average(x)
                if depth == "middle" and number == STRIDE_16_BLOCK:
                    return net.average(x)
                channels, number = width, number + 1
        x = _same(net, x, ("_conv_head.weight", "_bn1"), (1280, 320, 1, 1, 1), clipped=True)
        return net.average(x)

    return build


def _inverted(net: _Builder, x: str, name: str, shape: tuple[int, int, int, int, int]) -> str:
    channels, width, kernel, stride, expansion = shape
    inner, wide = x, channels * expansion
    if expansion > 1:
        names = f"{name}._expand_conv.weight", f"{name}._bn0"
        inner = _same(net, inner, names, (wide, channels, 1, 1, 1), clipped=True)
    names = f"{name}._depthwise_conv.weight", f"{name}._bn1"
    inner = _same(net, inner, names, (wide, 1, kernel, stride, wide), clipped=True)
    names = f"{name}._project_conv.weight", f"{name}._bn2"
    inner = _same(net, inner, names, (width, wide, 1, 1, 1), clipped=False)
    return net.node("Add", x, inner) if stride == 1 and channels == width else inner


def _same(
    net: _Builder,
    x: str,
    names: tuple[str, str],
    shape: tuple[int, int, int, int, int],
    *,
    clipped: bool,
) -> str:
    """Add convolution and batch norm with TensorFlow's SAME padding for even inputs."""
    out, channels, kernel, stride, group = shape
    weight, bias = net.folded(names[0], (out, channels, kernel), names[1], 1e-3)
    total = kernel - stride if stride == 2 else kernel - 1
    pads = [total // 2] * 2 + [total - total // 2] * 2
    x = net.convolution(x, weight, bias, strides=[stride] * 2, pads=pads, group=group)
    return net.relu6(x) if clipped else x


ARCHITECTURES: Mapping[str, Architecture] = {
    "vgg16-composite": Architecture(_vgg(_VGG16, "composite"), 31_360),
    "vgg16-fc2": Architecture(_vgg(_VGG16, "fc2"), 4096, metric="euclidean"),
    "vgg19-composite": Architecture(_vgg(_VGG19, "composite"), 31_360),
    "resnet18-layer2": Architecture(_resnet18(2), 128),
    "resnet18": Architecture(_resnet18(4), 512),
    "efficientnet-lite0-early": Architecture(_lite0("early"), 40),
    "efficientnet-lite0-middle": Architecture(_lite0("middle"), 112),
    "efficientnet-lite0-last": Architecture(_lite0("last"), 1280),
}


def build_graph(name: str, weights: Weights, path: Path, *, caffe: bool = False) -> None:
    """Write the ONNX graph of a descriptor.

    Args:
        name: key of ``ARCHITECTURES``.
        weights: by torchvision's (or the EfficientNet package's) names.
        path: where to write; complete or not at all.
        caffe: whether the first convolution takes BGR bytes less their mean, instead of RGB with
            ImageNet's mean and deviation.

    Raises:
        ModelError: weights that do not fit, or the extra ``lab`` is missing.
    """
    try:
        import onnx
        from onnx import TensorProto, helper, numpy_helper
    except ImportError as error:
        raise ModelError(
            "building a network needs the onnx package", remedy="pip install 'lookalike[lab]'"
        ) from error
    architecture = ARCHITECTURES[name]
    if caffe:
        # the first convolution in RGB order, so that only the mean differs
        weights = dict(weights)
        weights["features.0.weight"] = weights["features.0.weight"][:, ::-1]
    net = _Builder(weights)
    x = net.node("Cast", "rgb", to=TensorProto.FLOAT)
    x = net.node("Transpose", x, perm=[0, 3, 1, 2])
    mean, deviation = (_CAFFE_MEAN, (1.0,) * 3) if caffe else (_TORCH_MEAN, _TORCH_STD)
    x = net.node("Sub", x, net.constant(np.array(mean, np.float32).reshape(1, 3, 1, 1)))
    x = net.node("Div", x, net.constant(np.array(deviation, np.float32).reshape(1, 3, 1, 1)))
    x = net.node("Identity", architecture.build(net, x))
    net.nodes[-1].output[0] = "descriptor"
    side = architecture.side
    graph = helper.make_graph(
        net.nodes,
        name,
        [helper.make_tensor_value_info("rgb", TensorProto.UINT8, [1, side, side, 3])],
        [helper.make_tensor_value_info("descriptor", TensorProto.FLOAT, [1, architecture.dim])],
        [numpy_helper.from_array(array, key) for key, array in net.arrays.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)])
    model.ir_version = _IR
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    onnx.save(model, str(partial))
    partial.replace(path)


def weight_shapes(name: str) -> dict[str, tuple[int, ...]]:
    """List names and shapes of every weight that a descriptor needs."""
    net = _Builder(None)
    ARCHITECTURES[name].build(net, "x")
    return net.shapes


def seeded_weights(name: str, seed: int = 0) -> Weights:
    """Make random weights of the right shapes, to check or train an architecture.

    Norms have gains around one, so that signals reach the last layer.
    """
    random = np.random.default_rng(seed)
    made = {}
    for key, shape in weight_shapes(name).items():
        if key.endswith("running_var"):
            made[key] = random.uniform(0.5, 1.5, shape).astype(np.float32)
            continue
        spread = np.sqrt(2.0 / max(1, int(np.prod(shape[1:])))) if len(shape) > 1 else 0.1
        centre = 1.0 if len(shape) == 1 and key.endswith(".weight") else 0.0
        values = centre + random.standard_normal(shape, np.float32) * spread
        made[key] = values.astype(np.float32)
    return made


def read_onnx_weights(data: bytes) -> Weights:
    """Read the convolutions of a VGG16 from an ONNX file, under torchvision's names.

    Raises:
        ModelError: other convolutions than VGG16's.
    """
    import onnx
    from onnx import numpy_helper

    graph = onnx.load_from_string(data).graph
    arrays = {item.name: item for item in graph.initializer}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    positions = [n for n, width in enumerate(_vgg_positions()) if width]
    if len(convolutions) != len(positions):
        raise ModelError("this is no VGG16", got=f"{len(convolutions)} convolutions", expected="13")
    weights: Weights = {}
    for position, node in zip(positions, convolutions, strict=True):
        weights[f"features.{position}.weight"] = numpy_helper.to_array(arrays[node.input[1]])
        weights[f"features.{position}.bias"] = numpy_helper.to_array(arrays[node.input[2]])
    return weights


def _vgg_positions() -> list[int]:
    """List the width of each convolution in torchvision's list of layers, 0 for other layers."""
    places: list[int] = []
    for width in _VGG16:
        places += [width, 0] if width else [0]
    return places
