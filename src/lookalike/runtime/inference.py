"""Run ONNX graphs, on ONNX Runtime by default, OpenVINO or a GPU on request; nothing else does.

Each inference uses one thread, and several run at once, so a result depends neither on its batch
nor on the number of threads. Nothing is sent: engines whose telemetry is on by default are loaded
only here, with it off, in every process.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lookalike.model.errors import ModelError

__all__ = [
    "ENGINES",
    "EngineName",
    "Graph",
    "Input",
    "byte_product",
    "onnx_runtime",
    "open_graph",
    "shipped",
]

_LOG = logging.getLogger(__name__)
EngineName = Literal["onnxruntime", "openvino", "cuda"]
ENGINES: tuple[EngineName, ...] = ("onnxruntime", "openvino", "cuda")
_SILENT = "ORT_DISABLE_TELEMETRY"


@dataclass(frozen=True, slots=True)
class Input:
    """A graph's first input.

    Attributes:
        shape: fixed sizes, None where free.
        dtype: NumPy name.
    """

    shape: tuple[int | None, ...]
    dtype: str


class Graph:
    """A loaded ONNX graph; call it from any thread.

    Args:
        input: shape and type of its first input.
        run: does one inference; gives the first output.
    """

    def __init__(
        self, graph_input: Input, run: Callable[[dict[str, Any]], NDArray[Any]], names: list[str]
    ) -> None:
        self.input = graph_input
        self._run = run
        self._names = names

    def __call__(self, *values: NDArray[Any]) -> NDArray[Any]:
        """Compute the first output for the inputs in order."""
        return self._run(dict(zip(self._names, values, strict=True)))


def shipped(name: str) -> Path:
    """Find a model file of the package."""
    return Path(str(resources.files("lookalike.models").joinpath(name)))


def open_graph(path: Path, engine: EngineName = "onnxruntime", *, threads: int = 1) -> Graph:
    """Load a graph.

    Args:
        path: ONNX file.
        engine: ``onnxruntime``, ``openvino`` (extra ``openvino``), or ``cuda``: ONNX Runtime on an
            NVIDIA GPU (the package ``onnxruntime-gpu``).
        threads: inferences that will run at once.

    Raises:
        ModelError: missing or unreadable file, unknown or missing engine.
    """
    if engine not in ENGINES:
        raise ModelError("unknown engine", got=repr(engine), expected=" or ".join(ENGINES))
    if not os.path.isfile(path):  # noqa: PTH113
        raise ModelError(
            "a model file does not exist",
            got=str(path),
            expected="an ONNX file or the name of a shipped model",
            remedy="check the spelling, and the rights",
        )
    _LOG.info("loading %s on %s", path.name, engine)
    try:
        if engine == "openvino":
            return _open_openvino(path, threads)
        return _open_onnxruntime(path, "CUDA" if engine == "cuda" else "CPU")
    except ImportError as error:
        raise ModelError(
            f"the engine {engine} is not installed", remedy=f"pip install 'lookalike[{engine}]'"
        ) from error
    except ModelError:
        raise
    except Exception as error:  # engines raise unrelated types
        raise ModelError(
            "a model file cannot be loaded",
            got=f"{path}: {str(error).splitlines()[0] if str(error) else type(error).__name__}",
            expected="a readable ONNX file",
            remedy="download or export it again",
        ) from error


@lru_cache(maxsize=1)
def byte_product() -> Graph:
    """Load the product of ``(n, d)`` uint8 and ``(d, m)`` int8 as ``(n, m)`` int32.

    Processors multiply bytes several times faster than floats; NumPy has no such product.
    """
    return open_graph(shipped("int8_product.onnx"))


def onnx_runtime() -> Any:
    """Import ONNX Runtime with its telemetry off; nothing else may import it.

    Since 1.29 it opens a cache in the home folder and looks up a host of Microsoft while it loads,
    unless an environment variable is set before; no later call stops it. The variable is set
    whatever it was, and stays, so processes that are started from here inherit it.

    Warns:
        RuntimeWarning: the program loaded it before with telemetry on; then only those events are
            stopped that can be.
    """
    if "onnxruntime" in sys.modules and os.environ.get(_SILENT) != "1":
        warnings.warn(
            "onnxruntime was imported before lookalike could switch its telemetry off, and may send"
            f" some; to prevent it, set {_SILENT}=1 in the environment of this program",
            RuntimeWarning,
            stacklevel=2,
        )
    os.environ[_SILENT] = "1"
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    return onnxruntime


def _open_onnxruntime(path: Path, processor: str) -> Graph:
    onnxruntime = onnx_runtime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.enable_cpu_mem_arena = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    provider = f"{processor}ExecutionProvider"
    session = None
    if provider in onnxruntime.get_available_providers():
        session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=[provider])
    # where a GPU cannot be used it silently falls back to the processor
    if session is None or provider not in session.get_providers():
        raise ModelError(
            "the engine cuda needs an NVIDIA GPU and its own build of ONNX Runtime",
            got=", ".join(onnxruntime.get_available_providers()),
            remedy="pip install onnxruntime-gpu in place of onnxruntime",
        )
    first = session.get_inputs()[0]
    kinds = {"tensor(uint8)": "uint8", "tensor(float)": "float32", "tensor(float16)": "float16"}
    shape = tuple(size if isinstance(size, int) else None for size in first.shape)

    def run(feed: dict[str, Any]) -> NDArray[Any]:
        return np.asarray(session.run(None, feed)[0])

    names = [item.name for item in session.get_inputs()]
    return Graph(Input(shape, kinds.get(first.type, first.type)), run, names)


def _open_openvino(path: Path, threads: int) -> Graph:
    # hide its telemetry package: without it, openvino sends nothing
    hidden = "openvino_telemetry" not in sys.modules
    if hidden:
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    try:
        import openvino
    finally:
        if hidden:
            del sys.modules["openvino_telemetry"]

    core = openvino.Core()
    settings = {
        "INFERENCE_PRECISION_HINT": "f32",  # it would silently run in bf16
        "LP_TRANSFORMS_MODE": "NO",  # without VNNI its products of bytes saturate
        "NUM_STREAMS": threads,
        "INFERENCE_NUM_THREADS": threads,
    }
    compiled = core.compile_model(core.read_model(path), "CPU", settings)
    local = threading.local()
    first = compiled.inputs[0]
    shape = tuple(
        None if size.is_dynamic else size.get_length() for size in first.get_partial_shape()
    )

    def run(feed: dict[str, Any]) -> NDArray[Any]:
        if not hasattr(local, "request"):
            local.request = compiled.create_infer_request()
        local.request.infer(feed)
        return np.array(local.request.get_output_tensor(0).data)

    kind = np.dtype(first.get_element_type().to_dtype()).name
    return Graph(Input(shape, kind), run, [item.get_any_name() for item in compiled.inputs])
