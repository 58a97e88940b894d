"""Load descriptors by name."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.derived import Derived, hyperplane_bits, part_of
from lookalike.descriptors.filters import FILTERS, FilterDescriptor
from lookalike.descriptors.hashes import PDQ_SPEC, describe_hashes
from lookalike.descriptors.hashing import HASHES, HashDescriptor
from lookalike.descriptors.networks import ARCHITECTURES
from lookalike.descriptors.neural import SHIPPED, load_embedding
from lookalike.descriptors.plugged import plugged_descriptor
from lookalike.descriptors.zoo import graph_file
from lookalike.model.arrays import UInt8Array
from lookalike.model.errors import ConfigError, ModelError
from lookalike.model.image import DescriptorSpec, Picture
from lookalike.model.protocols import Descriptor
from lookalike.runtime.inference import EngineName, Graph, open_graph
from lookalike.runtime.plugins import DESCRIPTORS, plugin_names

__all__ = ["descriptor_names", "load_descriptor"]

_POOL5_START = 128 * 7 * 7
_POOL5 = 512 * 7 * 7
_OWN = ("pdq", *HASHES, *FILTERS, SHIPPED, *ARCHITECTURES, "vgg16-pool5")


def descriptor_names() -> tuple[str, ...]:
    """List every name that ``load_descriptor`` knows, those of plug-ins last."""
    return (*_OWN, *plugin_names(DESCRIPTORS))


def load_descriptor(
    name: str, engine: EngineName = "onnxruntime", *, threads: int = 1
) -> Descriptor:
    """Load a descriptor by name.

    Args:
        name: one of ``descriptor_names``, or the path of an ONNX file; with ``#BITS`` or
            ``#BITS.SEED`` behind it, hyperplane bits of that.
        engine: for networks.
        threads: pictures described at once.

    Raises:
        ConfigError: an unknown name, bits that cannot be, or a plug-in that cannot be used.
        ModelError: the weights of a network are not here.
    """
    plain, _, bits = name.partition("#")
    if bits:
        count, _, seed = bits.partition(".")
        if not count.isdigit() or int(count) % 8 or not int(count) or (seed and not seed.isdigit()):
            raise ConfigError(
                "these hyperplane bits cannot be",
                got=repr(name),
                expected="NAME#BITS or NAME#BITS.SEED with a multiple of 8, for example #96",
            )
        base = load_descriptor(plain, engine, threads=threads)
        if base.spec.metric == "hamming":
            raise ConfigError("hyperplanes need floats", got=f"{plain}, which is bits already")
        return hyperplane_bits(base, int(count), int(seed or 0))
    if plain in plugin_names(DESCRIPTORS):
        return plugged_descriptor(plain, taken=_OWN)
    return _plain(plain, engine, threads)


def _plain(name: str, engine: EngineName, threads: int) -> Descriptor:
    if name == "pdq":
        return part_of(_PdqDescriptor(), "pdq upright", slice(0, 32), 256)
    if name in HASHES:
        return HashDescriptor(name)
    if name in FILTERS:
        return FilterDescriptor(name)
    if name == "vgg16-pool5":
        whole = PublishedNetwork("vgg16-composite", engine, threads=threads)
        return part_of(whole, name, slice(_POOL5_START, None), _POOL5)
    if name in ARCHITECTURES:
        return PublishedNetwork(name, engine, threads=threads)
    if name == SHIPPED or Path(name).suffix == ".onnx":
        return load_embedding(name, engine, threads=threads)
    raise ConfigError(
        "unknown descriptor",
        got=repr(name),
        expected=f"an ONNX file or one of {', '.join(descriptor_names())}",
    )


class _PdqDescriptor:
    """Describes by PDQ in 8 orientations, which every run stores anyway."""

    spec = PDQ_SPEC
    min_side = 112

    def describe(self, picture: Picture) -> UInt8Array:
        return describe_hashes(picture).pdq


class PublishedNetwork:
    """Describes by a network of ``ARCHITECTURES`` with published weights.

    Args:
        name: key of ``ARCHITECTURES``.
        engine: ``onnxruntime`` or ``openvino``.
        threads: pictures described at once.

    Raises:
        ModelError: the weights are not here.
    """

    min_side = 224

    def __init__(self, name: str, engine: EngineName = "onnxruntime", *, threads: int = 1) -> None:
        self._path, version = graph_file(name)
        self._engine = engine
        self._threads = threads
        architecture = ARCHITECTURES[name]
        self._side = architecture.side
        self.spec = DescriptorSpec(
            name,
            version,
            architecture.metric,
            architecture.dim,
            "float16",
            f"squashed to {self._side}x{self._side} by area, {engine}",
        )

    @cached_property
    def _graph(self) -> Graph:
        return open_graph(self._path, self._engine, threads=self._threads)

    def describe(self, picture: Picture) -> NDArray[Any]:
        """Compute ``(dim,)`` float16 as the network gives it."""
        size = (self._side, self._side)
        square = cv2.resize(picture.rgb, size, interpolation=cv2.INTER_AREA)
        row = self._graph(square[None])[0]
        if not np.isfinite(row).all():
            raise ModelError("a network gave no numbers", got=str(self._path))
        return np.clip(row, -65_504, 65_504).astype(np.float16)


def base_of(descriptor: Descriptor) -> Descriptor:
    """The descriptor whose rows must be stored for another: itself, or the one it is made from."""
    return base_of(descriptor.base) if isinstance(descriptor, Derived) else descriptor
