"""Training: it learns, resumes to the same end, and what it writes describes pictures."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from conftest import save, scene
from lookalike.descriptors import load_embedding
from lookalike.errors import ConfigError, ModelError
from lookalike.training.settings import TRAINING, TrainConfig, TrainKind
from lookalike.types import Picture

torch = pytest.importorskip("torch", reason="the extra train is not installed")
KINDS: tuple[TrainKind, ...] = ("copy", "rotation", "vae")


def small(kind: TrainKind, epochs: int) -> TrainConfig:
    """A training of seconds."""
    return replace(
        TRAINING[kind], epochs=epochs, batch=8, side=64, graph_side=64, start="random", rate=1e-3
    )


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """16 pictures and a file that is none."""
    folder = tmp_path_factory.mktemp("photos")
    for seed in range(16):
        save(folder / f"{seed:02d}.jpg", scene(seed, 160, 120))
    (folder / "broken.jpg").write_bytes(b"not a picture")
    return folder


def picture(rgb: np.ndarray) -> Picture:
    """As decoding gives it."""
    return Picture(rgb, rgb.shape[1], rgb.shape[0], "PNG", True, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_training_learns_and_is_described_by(kind: TrainKind, photos: Path, tmp_path: Path) -> None:
    """The loss falls; the graph and its int8 form work as descriptor files and agree."""
    from lookalike.training import train_network

    done = train_network(photos, tmp_path / "net.onnx", small(kind, 4))
    assert done.photos == 16 and [item.path for item in done.failures] != []
    assert done.records[-1].loss < done.records[0].loss
    card = json.loads((tmp_path / "net.json").read_text())
    assert card["config"]["kind"] == kind and len(card["epochs"]) == 4
    plain, int8 = (load_embedding(str(tmp_path / f"net{end}")) for end in (".onnx", ".int8.onnx"))
    assert plain.spec.dim == {"copy": 256, "rotation": 128, "vae": 64}[kind]
    for seed in (0, 99):
        one, two = (d.describe(picture(scene(seed))).astype(np.float32) for d in (plain, int8))
        assert np.isclose(np.linalg.norm(one), 1, atol=1e-2)
        assert one @ two > 0.95


@pytest.mark.parametrize("kind", KINDS)
def test_a_resumed_training_ends_as_an_uninterrupted_one(
    kind: TrainKind, photos: Path, tmp_path: Path
) -> None:
    """An interrupt in the second epoch loses that epoch alone, and changes no value."""
    from lookalike.training.loop import fit
    from lookalike.training.photos import read_photos
    from lookalike.training.run import _start, _task

    config = small(kind, 2)
    pictures = read_photos(photos, lambda stage, done, total: None)
    ends = []
    for number, interrupted in enumerate((False, True)):
        checkpoint = tmp_path / f"{number}.checkpoint"

        def stop(stage: str, done: int, total: int, armed: bool = interrupted) -> None:
            if armed and done == 3:
                raise KeyboardInterrupt

        for progress in (stop, lambda stage, done, total: None)[: 1 + interrupted]:
            task = _task(pictures, _start(config), config)
            try:
                fit(task, 16, config, checkpoint, progress=progress, line=lambda text: None)
            except KeyboardInterrupt:
                assert checkpoint.is_file()
        ends.append(task.state_dict())
    assert all(torch.equal(value, ends[1][name]) for name, value in ends[0].items())
    with pytest.raises(ConfigError, match="other settings"):
        fit(task, 16, replace(config, rate=0.5), checkpoint, progress=stop, line=print)


def test_the_trained_network_starts_as_the_published_one() -> None:
    """Our EfficientNet-Lite0 with frozen norms equals the graph built of the same weights."""
    import tempfile

    from lookalike.descriptors.networks import build_graph, seeded_weights
    from lookalike.engine import open_graph
    from lookalike.training.networks import Lite0
    from lookalike.training.tensors import normalised

    weights = seeded_weights("efficientnet-lite0-last", 3)
    # random norms let activations grow beyond any ReLU6: keep them small
    weights = {k: v * 0.3 if k.endswith("conv.weight") else v for k, v in weights.items()}
    square = scene(5, 224, 224)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "g.onnx"
        build_graph("efficientnet-lite0-middle", weights, path)
        expected = open_graph(path)(square[None])[0]
    with torch.no_grad():
        got = Lite0(weights)(normalised([square]))[0, :112].numpy()
    assert np.allclose(got, expected / np.linalg.norm(expected), atol=1e-4)


def test_the_written_graph_says_what_the_trained_network_says(photos: Path, tmp_path: Path) -> None:
    """Folding norms, normalisation, whitening and projection changes nothing that matters."""
    from lookalike.engine import open_graph
    from lookalike.training.export import CopyGraph, export_float
    from lookalike.training.photos import read_photos
    from lookalike.training.run import _start, _task
    from lookalike.training.tensors import normalised

    config = small("copy", 1)
    pictures = read_photos(photos, lambda stage, done, total: None)
    task = _task(pictures, _start(config), config)
    # whitening of 16 pictures would blow up the last digits
    task.whitening.copy_(torch.randn(task.whitening.shape, generator=torch.manual_seed(0)))
    export_float(CopyGraph(task, 64), 64, tmp_path / "g.onnx", {"name": "g"})
    square = pictures.square(3, 64)
    with torch.no_grad():
        expected = task.embed(normalised([square]))[0].numpy()
    assert expected @ open_graph(tmp_path / "g.onnx")(square[None])[0] > 0.9999


def test_resnet18_through_layer2_has_the_published_size() -> None:
    """683,072 values, as the reference says; a missing weight is an error."""
    from lookalike.training.networks import ResNet18, load_exactly

    net = ResNet18(2)
    assert sum(value.numel() for value in net.parameters()) == 683_072
    state = ResNet18().state_dict()
    load_exactly(net, state, beyond=("layer3.", "layer4."))
    with pytest.raises(RuntimeError, match="layer3"):
        load_exactly(net, state, beyond=())
    del state["layer1.0.conv1.weight"]
    with pytest.raises(RuntimeError, match=r"layer1\.0\.conv1"):
        load_exactly(net, state, beyond=("layer3.", "layer4."))


def test_views_are_seeded_and_say_what_else_they_show() -> None:
    """The same numbers give the same view; a view of two pictures says so."""
    from lookalike.training.augment import light_view, strong_view

    one, other = scene(1, 200, 150), scene(2, 150, 200)
    shares = []
    for seed in range(60):
        first, again = (strong_view(one, other, np.random.default_rng(seed)) for _ in range(2))
        assert np.array_equal(first.rgb, again.rgb) and first.rgb.dtype == np.uint8
        assert min(first.rgb.shape[:2]) >= 8 and 0 <= first.other_share < 1
        assert light_view(one, np.random.default_rng(seed)).other_share == 0
        shares.append(first.other_share)
    assert 5 < sum(share > 0 for share in shares) < 40


def test_wrong_settings_stop_before_any_work(photos: Path, tmp_path: Path) -> None:
    """Sides, file names, empty folders and missing weights are told."""
    from lookalike.training import train_network

    with pytest.raises(ConfigError, match="multiple of 32"):
        replace(TRAINING["copy"], side=100)
    with pytest.raises(ConfigError, match="VAE"):
        replace(TRAINING["vae"], graph_side=96)
    with pytest.raises(ConfigError, match="ONNX"):
        train_network(photos, tmp_path / "net.pth", small("vae", 1))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="too few pictures"):
        train_network(tmp_path / "empty", tmp_path / "net.onnx", small("vae", 1))


def test_weights_to_start_from_are_asked_for(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Training from ImageNet without its weights says how to get them."""
    from lookalike.training import train_network

    monkeypatch.setenv("LOOKALIKE_MODELS", str(tmp_path))
    with pytest.raises(ModelError, match="models get efficientnet-lite0"):
        train_network(photos, tmp_path / "net.onnx", TRAINING["copy"])


def test_missing_torch_names_the_extra(photos: Path, tmp_path: Path) -> None:
    """Without torch there is one line that says what to install."""
    code = "import sys; sys.modules['torch'] = None; from lookalike.cli import main; main()"
    command = ["train", "vae", str(photos), "-o", str(tmp_path / "net.onnx")]
    done = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True)
    assert done.returncode == 1 and "lookalike[train]" in done.stderr


def test_the_command_trains(photos: Path, tmp_path: Path) -> None:
    """``lookalike train vae`` tells of every epoch and names its files."""
    out = tmp_path / "vae.onnx"
    options = ["--epochs", "2", "--batch", "8", "--side", "32", "--seed", "3", "--threads", "1"]
    command = [sys.executable, "-m", "lookalike", "train", "vae", str(photos), "-o", str(out)]
    done = subprocess.run([*command, *options], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "epoch 2 of 2: loss" in done.stderr and "images/s" in done.stderr
    assert f"written: {out}" in done.stdout
    assert "learnt from 16 pictures; 1 could not be read" in done.stdout
