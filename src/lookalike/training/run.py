"""Train a network on a folder of pictures and write its files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import onnx
import torch
from torch import nn

from lookalike.descriptors.networks import seeded_weights
from lookalike.descriptors.weights import Weights, read_torch
from lookalike.descriptors.zoo import find_model, model_file
from lookalike.model.arrays import UInt8Array
from lookalike.model.errors import ModelError
from lookalike.model.files import Failure
from lookalike.runtime.output import writing
from lookalike.runtime.progress import Progress
from lookalike.training.arithmetic import plain_arithmetic
from lookalike.training.copy import CopyTask
from lookalike.training.export import CopyGraph, export_float, export_int8
from lookalike.training.loop import EpochRecord, fit
from lookalike.training.photos import Photos, read_photos
from lookalike.training.rotation import RotationTask, truncated
from lookalike.training.settings import TrainConfig
from lookalike.training.tensors import FromBytes
from lookalike.training.vae import VaeTask

__all__ = ["Trained", "train"]

_CALIBRATION = 192


@dataclass(frozen=True, slots=True)
class Trained:
    """The results of a training.

    Attributes:
        files: float32 graph, int8 graph, the record of what was done, checkpoint.
        photos: pictures learnt from.
        failures: files that could not be read.
        records: one for every epoch.
    """

    files: tuple[Path, ...]
    photos: int
    failures: tuple[Failure, ...]
    records: tuple[EpochRecord, ...]


def train(
    data: Path, out: Path, config: TrainConfig, progress: Progress, line: Callable[[str], None]
) -> Trained:
    """Train a network; all packages are installed."""
    with plain_arithmetic(config.threads):
        return _trained(data, out, config, progress, line)


def _trained(
    data: Path, out: Path, config: TrainConfig, progress: Progress, line: Callable[[str], None]
) -> Trained:
    weights = _start(config)
    out.parent.mkdir(parents=True, exist_ok=True)
    photos = read_photos(data, progress)
    checkpoint = out.with_suffix(".checkpoint")
    task = _task(photos, weights, config)
    if isinstance(task, CopyTask) and not checkpoint.is_file():
        task.whiten(progress)
    records = fit(task, len(photos), config, checkpoint, progress=progress, line=line)
    about = {"name": out.stem, "made_by": "lookalike train", "config": json.dumps(asdict(config))}
    export_float(_graph(task, config), config.graph_side, out, about)
    int8 = out.with_suffix(".int8.onnx")
    export_int8(out, int8, _calibration(photos, config.graph_side))
    card = out.with_suffix(".json")
    with writing(card) as place:
        place.write_text(_card(photos, config, records), encoding="utf-8")
    return Trained((out, int8, card, checkpoint), len(photos), photos.failures, records)


def _start(config: TrainConfig) -> Weights | None:
    """Load the weights to start from; None for a network that starts at random."""
    if config.start == "random":
        name = "efficientnet-lite0-last"
        return seeded_weights(name, config.seed) if config.kind == "copy" else None
    model = find_model("efficientnet-lite0" if config.kind == "copy" else "resnet18")
    path = model_file(model)
    if path is None:
        raise ModelError(
            f"the weights of {model.name!r} to start from are not here",
            remedy=f"run 'lookalike models get {model.name}', or pass --start random",
        )
    return read_torch(path)


def _task(
    photos: Photos, weights: Weights | None, config: TrainConfig
) -> CopyTask | RotationTask | VaeTask:
    if config.kind == "vae":
        return VaeTask(photos, config)
    if config.kind == "rotation":
        return RotationTask(photos, weights, config)
    assert weights is not None
    return CopyTask(photos, weights, config)


def _graph(task: CopyTask | RotationTask | VaeTask, config: TrainConfig) -> nn.Module:
    if isinstance(task, CopyTask):
        return CopyGraph(task, config.graph_side)
    return FromBytes(task.encoder if isinstance(task, VaeTask) else truncated(task))


def _calibration(photos: Photos, side: int) -> Iterator[UInt8Array]:
    """Choose evenly spread pictures for the ranges of the int8 graph."""
    step = max(1, len(photos) // _CALIBRATION)
    return (photos.square(number, side) for number in range(0, len(photos), step))


def _card(photos: Photos, config: TrainConfig, records: tuple[EpochRecord, ...]) -> str:
    """Describe what was done, for whoever wants to repeat it."""
    digest = hashlib.sha256()
    for name, data in zip(photos.names, photos.data, strict=True):
        digest.update(name.encode() + b"\0" + hashlib.sha256(data).digest())
    card = {
        "config": asdict(config),
        "photos": len(photos),
        "data_sha256": digest.hexdigest(),
        "failures": [f"{item.path}: {item.message}" for item in photos.failures],
        "versions": {"torch": torch.__version__, "onnx": onnx.__version__},
        "epochs": [asdict(record) for record in records],
    }
    return json.dumps(card, indent=1, ensure_ascii=False) + "\n"
