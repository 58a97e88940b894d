"""Read published weights without the framework that wrote them.

PyTorch files, both the zipped and the older form, are pickles: only the names that tensors need
are allowed, so a file cannot run code.
"""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from lookalike.model.errors import ModelError

__all__ = ["Weights", "read_torch"]

Weights = dict[str, NDArray[np.float32]]
_MAGIC = 0x1950A86A20F9469CFC6C
_TYPES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ByteStorage": "<u1",
}


def read_torch(path: Path, data: bytes | None = None) -> Weights:
    """Read the named tensors of a state dict as float32.

    Args:
        path: file, or only its name where ``data`` is given.
        data: the file's bytes.

    Raises:
        ModelError: not a state dict of plain tensors.
    """
    stream = io.BytesIO(data if data is not None else path.read_bytes())
    try:
        loaded = _zipped(stream) if zipfile.is_zipfile(stream) else _older(stream)
        return {
            name: value.array().astype(np.float32)
            for name, value in loaded.items()
            if isinstance(value, _Tensor)
        }
    except (pickle.UnpicklingError, KeyError, EOFError, ValueError, AttributeError) as error:
        raise ModelError(
            "a weights file cannot be read",
            got=f"{path}: {error}",
            expected="a PyTorch state dict of plain tensors",
            remedy="download it again",
        ) from error


@dataclass(slots=True)
class _Storage:
    key: str
    dtype: str
    data: bytes = b""


@dataclass(slots=True)
class _Tensor:
    storage: _Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]

    def array(self) -> NDArray[np.generic]:
        flat = np.frombuffer(self.storage.data, self.storage.dtype)[self.offset :]
        if int(np.prod(self.size)) > len(flat):
            raise ValueError(f"{len(flat)} values for a tensor of {self.size}")
        steps = tuple(step * flat.itemsize for step in self.stride)
        return np.lib.stride_tricks.as_strided(flat, self.size, steps).copy()


class _Restricted(pickle.Unpickler):
    """An unpickler that allows tensors, dictionaries and nothing else."""

    def __init__(self, file: BinaryIO, storages: dict[str, _Storage]) -> None:
        super().__init__(file)
        self._storages = storages

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch._utils" and name == "_rebuild_tensor_v2":
            return _tensor
        if module == "torch._utils" and name == "_rebuild_parameter":
            return lambda tensor, *rest: tensor
        if module == "torch" and name in _TYPES:
            return _TYPES[name]
        raise pickle.UnpicklingError(f"the name {module}.{name} is not allowed")

    def persistent_load(self, pid: Any) -> _Storage:
        _, dtype, key = pid[:3]
        return self._storages.setdefault(key, _Storage(key, dtype))


def _tensor(
    storage: _Storage, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *rest: Any
) -> _Tensor:
    return _Tensor(storage, offset, tuple(size), tuple(stride))


def _zipped(stream: io.BytesIO) -> dict[str, Any]:
    storages: dict[str, _Storage] = {}
    with zipfile.ZipFile(stream) as archive:
        pickled = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
        loaded = _Restricted(io.BytesIO(archive.read(pickled)), storages).load()
        for storage in storages.values():
            storage.data = archive.read(pickled.replace("data.pkl", f"data/{storage.key}"))
    return dict(loaded)


def _older(stream: io.BytesIO) -> dict[str, Any]:
    stream.seek(0)
    storages: dict[str, _Storage] = {}
    if _Restricted(stream, storages).load() != _MAGIC:
        raise ValueError("not a PyTorch file")
    for _ in ("protocol", "system"):
        _Restricted(stream, storages).load()
    loaded = _Restricted(stream, storages).load()
    for key in _Restricted(stream, storages).load():
        (count,) = struct.unpack("<q", stream.read(8))
        storage = storages[key]
        storage.data = stream.read(count * np.dtype(storage.dtype).itemsize)
    return dict(loaded)
