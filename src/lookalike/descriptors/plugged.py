"""Descriptors that plug-ins add, checked when they are loaded and with every row."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.model.errors import ConfigError, ModelError
from lookalike.model.image import DescriptorSpec, Picture
from lookalike.model.protocols import Descriptor
from lookalike.runtime.plugins import DESCRIPTORS, load_plugin

__all__ = ["plugged_descriptor"]


def plugged_descriptor(name: str, *, taken: Container[str] = ()) -> Descriptor:
    """Load the descriptor that a plug-in offers under a name.

    Args:
        name: one of ``plugin_names(DESCRIPTORS)``.
        taken: names of descriptors that are there without plug-ins.

    Raises:
        ConfigError: the name is taken, the plug-in cannot be loaded or is no descriptor, or its
            spec is of another name.
    """
    if name in taken:
        raise ConfigError(
            "a plug-in claims a descriptor's name that is taken",
            got=f"{name!r} in the group {DESCRIPTORS}",
            remedy="uninstall its package",
        )
    descriptor = load_plugin(DESCRIPTORS, name, Descriptor)
    if not isinstance(descriptor.spec, DescriptorSpec) or descriptor.spec.name != name:
        raise ConfigError(
            "a plug-in's descriptor has no spec of its name",
            got=f"{name!r}: {descriptor.spec!r}",
            expected=f"a DescriptorSpec with the name {name!r}",
        )
    return _Checked(descriptor)


class _Checked:
    """Wraps a plug-in's descriptor; its mistakes become errors that name it."""

    def __init__(self, inner: Descriptor) -> None:
        self._inner = inner
        self.spec = inner.spec
        self.min_side = inner.min_side

    def describe(self, picture: Picture) -> NDArray[Any]:
        """Compute ``(spec.row_width,)`` of ``spec.dtype``; anything else is a ``ModelError``."""
        spec = self.spec
        try:
            row = self._inner.describe(picture)
        except MemoryError:
            raise
        except Exception as error:  # foreign code fails in any way
            raise ModelError(
                "a plug-in's descriptor fails",
                got=f"{spec.name!r}: {type(error).__name__}: {error}",
            ) from error
        if not isinstance(row, np.ndarray) or (row.shape, row.dtype) != (
            (spec.row_width,),
            np.dtype(spec.dtype),
        ):
            shape = getattr(row, "shape", type(row).__name__)
            raise ModelError(
                "a plug-in's descriptor gives another row than it says",
                got=f"{spec.name!r}: {shape} {getattr(row, 'dtype', '')}".rstrip(),
                expected=f"({spec.row_width},) {spec.dtype}",
            )
        return row
