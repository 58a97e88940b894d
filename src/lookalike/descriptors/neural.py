"""Embeddings by a network: the shipped one, any ONNX file, or a plug-in's."""

from __future__ import annotations

import hashlib
import os
import threading
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.plugged import plugged_descriptor
from lookalike.model.errors import ConfigError, ModelError
from lookalike.model.image import DescriptorSpec, Picture
from lookalike.model.protocols import Descriptor
from lookalike.runtime.inference import EngineName, Graph, open_graph, shipped
from lookalike.runtime.plugins import DESCRIPTORS, plugin_names

__all__ = ["SHIPPED", "NeuralDescriptor", "load_embedding"]

SHIPPED = "copy-lite0"
_SIDE = 192
_SHIPPED_DIM = 256
_MEAN = np.array([0.485, 0.456, 0.406], np.float32) * 255
_STD = np.array([0.229, 0.224, 0.225], np.float32) * 255
_DEFAULT_SIDE = 224
_Order = Literal["planes", "pixels", "bytes"]


def load_embedding(
    model: str, engine: EngineName = "onnxruntime", *, threads: int = 1
) -> Descriptor:
    """Load a network by name or file.

    Args:
        model: name of the shipped network or of a plug-in's descriptor, or path of an ONNX file.
        engine: ``onnxruntime``, ``openvino`` or ``cuda``.
        threads: pictures described at once.

    Raises:
        ModelError: neither a name nor a file.
        ConfigError: a plug-in that cannot be used, or whose rows have another metric than cosine.
    """
    if model in plugin_names(DESCRIPTORS):
        plugged = plugged_descriptor(model, taken=(SHIPPED,))
        if plugged.spec.metric != "cosine":
            raise ConfigError(
                "only embeddings propose pairs",
                got=f"{model!r} of metric {plugged.spec.metric}",
                expected="a descriptor of metric cosine",
                remedy="use it in a recipe, as [[view]]",
            )
        return plugged
    if model == SHIPPED:
        return ShippedDescriptor(engine, threads=threads)
    path = Path(model)
    if not os.path.isfile(path):  # noqa: PTH113
        raise ModelError(
            "unknown network",
            got=repr(model),
            expected=f"{SHIPPED!r} or the path of an ONNX file",
            remedy="check the spelling, and the rights",
        )
    return NeuralDescriptor(path, engine, threads=threads)


class NeuralDescriptor:
    """Describes pictures by an image network: ImageNet preprocessing, L2-normalised output.

    The file's first input is ``(1, 3, h, w)`` or ``(1, h, w, 3)`` float32, 224 px where free, or
    ``(1, h, w, 3)`` uint8 for a graph that normalises by itself, as ``lookalike train`` writes; its
    first output ``(1, d)``, or ``(1, c, h, w)``, which is averaged over the plane. The engine
    starts with the first picture, not before.

    Args:
        path: ONNX file.
        engine: ``onnxruntime``, ``openvino`` or ``cuda``.
        threads: pictures described at once.
    """

    min_side = 224

    def __init__(self, path: Path, engine: EngineName = "onnxruntime", *, threads: int = 1) -> None:
        self._path = path
        self._engine = engine
        self._threads = threads
        self._lock = threading.Lock()
        self._opened: Graph | None = None

    @cached_property
    def spec(self) -> DescriptorSpec:
        """Name and digest of the file; runs the network once to learn the dimension."""
        digest = hashlib.sha256(self._path.read_bytes()).hexdigest()
        height, width, order = self._layout
        blank = Picture(np.zeros((height, width, 3), np.uint8), width, height, "PNG", True, 0)
        return DescriptorSpec(
            name=self._path.stem,
            version=digest[:16],
            metric="cosine",
            dim=len(self._embed(blank)),
            dtype="float16",
            preprocessing=f"{'RGB bytes' if order == 'bytes' else 'ImageNet'}, "
            f"squashed to {width}x{height}, {self._engine}",
        )

    def describe(self, picture: Picture) -> NDArray[np.float16]:
        """Compute ``(dim,)`` float16, L2-normalised."""
        row = self._embed(picture)
        norm = float(np.linalg.norm(row))
        return (row / (norm or 1.0)).astype(np.float16)

    @property
    def _graph(self) -> Graph:
        with self._lock:
            if self._opened is None:
                self._opened = open_graph(self._path, self._engine, threads=self._threads)
            return self._opened

    @cached_property
    def _layout(self) -> tuple[int, int, _Order]:
        """Read height, width, and the order of the values from an input's shape."""
        wanted = self._graph.input
        if len(wanted.shape) == 4 and wanted.dtype == "float32":
            _, a, b, c = wanted.shape
            if a == 3:
                return b or _DEFAULT_SIDE, c or _DEFAULT_SIDE, "planes"
            if c == 3:
                return a or _DEFAULT_SIDE, b or _DEFAULT_SIDE, "pixels"
        if len(wanted.shape) == 4 and wanted.dtype == "uint8" and wanted.shape[3] == 3:
            return wanted.shape[1] or _DEFAULT_SIDE, wanted.shape[2] or _DEFAULT_SIDE, "bytes"
        raise ModelError(
            "this network takes no picture",
            got=f"input {wanted.shape} {wanted.dtype} in {self._path}",
            expected="(1, 3, h, w) or (1, h, w, 3) float32, or (1, h, w, 3) uint8",
            remedy="export it for one RGB picture",
        )

    def _embed(self, picture: Picture) -> NDArray[np.float32]:
        height, width, order = self._layout
        values: NDArray[Any] = cv2.resize(
            picture.rgb, (width, height), interpolation=cv2.INTER_AREA
        )
        if order != "bytes":
            values = (values.astype(np.float32) - _MEAN) / _STD
        if order == "planes":
            values = values.transpose(2, 0, 1)
        output = self._graph(np.ascontiguousarray(values[None]))
        if output.ndim == 4:
            output = output.mean(axis=(2, 3))
        if output.ndim != 2 or output.shape[0] != 1:
            raise ModelError(
                "this network gives no embedding",
                got=f"output {output.shape} of {self._path}",
                expected="(1, d) or (1, c, h, w)",
                remedy="export the layer that describes the picture",
            )
        return output[0].astype(np.float32)


class ShippedDescriptor(NeuralDescriptor):
    """Describes by the network of the package, int8; the graph does all but decoding.

    See ``models/MODEL_CARD.md``: EfficientNet-Lite0, three poolings, trained for copies.
    """

    min_side = 112

    def __init__(self, engine: EngineName = "onnxruntime", *, threads: int = 1) -> None:
        super().__init__(shipped(f"{SHIPPED}.onnx"), engine, threads=threads)

    @cached_property
    def spec(self) -> DescriptorSpec:
        """Known without starting an engine: a run with nothing new never loads one."""
        return DescriptorSpec(
            name=SHIPPED,
            version="1",
            metric="cosine",
            dim=_SHIPPED_DIM,
            dtype="float16",
            preprocessing=f"squashed to {_SIDE}x{_SIDE} by area, int8, {self._engine}",
        )
