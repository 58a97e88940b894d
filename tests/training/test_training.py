"""Training: it learns, resumes to the same end, and what it writes describes pictures."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from conftest import save, scene
from lookalike.descriptors import load_embedding
from lookalike.model.errors import ConfigError, ModelError
from lookalike.model.image import Picture
from lookalike.runtime.progress import silent
from lookalike.training.settings import TRAINING, TrainConfig, TrainKind

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from lookalike.training.photos import Photos

torch = pytest.importorskip("torch", reason="the extra train is not installed")
KINDS: tuple[TrainKind, ...] = ("copy", "rotation", "vae")


def small(kind: TrainKind, epochs: int, seed: int = 0) -> TrainConfig:
    """A training of seconds."""
    usual = replace(TRAINING[kind], epochs=epochs, batch=8, side=64, graph_side=64)
    return replace(usual, start="random", rate=3e-4, seed=seed)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """16 pictures and a file that is none."""
    folder = tmp_path_factory.mktemp("photos")
    for seed in range(16):
        save(folder / f"{seed:02d}.jpg", scene(seed, 160, 120))
    (folder / "broken.jpg").write_bytes(b"not a picture")
    return folder


@pytest.fixture(autouse=True)
def _arithmetic() -> Iterator[None]:
    """One thread, whole float32, and nothing that a test sets outlives it."""
    from lookalike.training.arithmetic import plain_arithmetic

    with plain_arithmetic(1):
        yield


def picture(rgb: np.ndarray) -> Picture:
    """As decoding gives it."""
    return Picture(rgb, rgb.shape[1], rgb.shape[0], "PNG", True, 0)


def missed(task: Any, photos: Photos, epochs: int) -> float:
    """What the network still loses over the very views of its training."""
    from lookalike.training.copy import CopyTask
    from lookalike.training.tensors import normalised

    task, numbers, losses = deepcopy(task), list(range(len(photos))), []
    for epoch in range(epochs):
        if isinstance(task, CopyTask):
            # its loss also grows with the memory: ask which light view each strong one finds
            pairs = [task._views(n, (n + 1) % len(photos), epoch) for n in numbers]
            light, strong = (
                task.embed(normalised([pair[side].rgb for pair in pairs])) for side in (0, 1)
            )
            cosines = strong @ light.T
            loss = torch.nn.functional.cross_entropy(cosines / 0.05, torch.tensor(numbers))
        else:
            loss = task.loss(numbers, epoch)
        losses.append(float(loss.detach()))
    return float(np.mean(losses))


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("kind", KINDS)
def test_training_learns(kind: TrainKind, seed: int, photos: Path, tmp_path: Path) -> None:
    """Views of the training are told better than before it, and every value stays finite."""
    from lookalike.training.loop import fit
    from lookalike.training.photos import read_photos
    from lookalike.training.run import _start, _task

    config = small(kind, 4, seed)
    pictures = read_photos(photos, silent)
    task = _task(pictures, _start(config), config)
    if kind == "copy":
        task.whiten(silent)
    before = missed(task, pictures, config.epochs)
    records = fit(
        task, 16, config, tmp_path / "checkpoint", progress=silent, line=lambda text: None
    )
    assert missed(task, pictures, config.epochs) < before
    assert max(record.loss for record in records) < 15  # alike embeddings alone cost over 30
    assert all(value.isfinite().all() for value in task.state_dict().values())


def test_a_random_start_sees_the_picture() -> None:
    """Differences between pictures reach the last layer, far above the rounding of float32."""
    from lookalike.descriptors.networks import seeded_weights
    from lookalike.training.networks import Lite0
    from lookalike.training.tensors import normalised

    pictures = normalised([scene(seed, 64, 64) for seed in range(8)])
    for seed in range(4):
        with torch.no_grad():
            features = Lite0(seeded_weights("efficientnet-lite0-last", seed))(pictures)
        assert features.std(0).norm() > 0.1


def test_pictures_that_are_all_alike_do_no_harm(photos: Path, tmp_path: Path) -> None:
    """Where nothing varies there is nothing to whiten, and still every value is finite."""
    from lookalike.training import train_network

    for number in range(8):
        save(tmp_path / "alike" / f"{number}.jpg", scene(1, 160, 120))
    train_network(tmp_path / "alike", tmp_path / "net.onnx", small("copy", 2))
    saved = torch.load(tmp_path / "net.checkpoint", weights_only=True)["task"]
    assert len(saved) > 10 and all(value.isfinite().all() for value in saved.values())


def test_the_rate_warms_up_in_short_trainings_too() -> None:
    """It rises over at most half of a run, by even steps, and then falls to nothing."""
    from lookalike.training.loop import _rate

    for steps, top in ((8, 4), (30, 15), (200, 20), (2000, 100)):
        rates = np.array([_rate(step, steps) for step in range(steps + 1)])
        assert rates[0] == pytest.approx(1 / (top + 1)) and rates.argmax() == top
        assert np.diff(rates[: top + 1]) == pytest.approx(1 / (top + 1))
        assert rates[-1] == pytest.approx(0) and (np.diff(rates[top:]) < 0).all()


class Slope(torch.nn.Module):  # type: ignore[misc]
    """One value on a slope that may be different in every epoch."""

    views, steepest = 1, 2.0

    def __init__(self, slopes: Sequence[float]) -> None:
        super().__init__()
        self.slopes, self.value = slopes, torch.nn.Parameter(torch.zeros(1))

    def groups(self) -> list[dict[str, Any]]:
        """The value."""
        return [{"params": [self.value], "lr": 1e-3}]

    def loss(self, numbers: Sequence[int], epoch: int) -> torch.Tensor:
        """As steep as this epoch is."""
        return (self.value * self.slopes[epoch]).sum()


def test_a_gradient_is_bounded_and_has_to_be_a_number(tmp_path: Path) -> None:
    """A steep batch is followed as far as any; one without a number ends the training, told."""
    from lookalike.training.loop import fit

    def trained(*slopes: float) -> torch.Tensor:
        task, config = Slope(slopes), replace(small("vae", len(slopes)), batch=2)
        place = tmp_path / f"{slopes}.checkpoint"
        fit(task, 2, config, place, progress=silent, line=lambda text: None)
        return task.value.detach()

    assert torch.allclose(trained(1.0, 2.0, 1.0), trained(1.0, 1e9, 1.0))
    with pytest.raises(ConfigError, match=r"diverged.*lower --rate"):
        trained(1.0, float("nan"))
    assert torch.load(tmp_path / "(1.0, nan).checkpoint", weights_only=True)["records"]


def test_arithmetic_is_float32_whatever_was_set_before() -> None:
    """Short formats that the program around allowed are not used, and are back behind."""
    from torch.backends import mkldnn

    from lookalike.training.arithmetic import plain_arithmetic

    def state() -> tuple[object, ...]:
        formats = mkldnn.conv.fp32_precision, mkldnn.matmul.fp32_precision
        return (*formats, torch.get_float32_matmul_precision(), (torch.ones(2, 2) * 0.5).dtype)

    torch.set_float32_matmul_precision("medium")
    mkldnn.conv.fp32_precision = "bf16"
    torch.set_default_dtype(torch.float64)
    around = state()
    with torch.autocast("cpu"), plain_arithmetic(1):
        assert state() == ("ieee", "ieee", "highest", torch.float32)
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
    assert state() == around == ("bf16", "bf16", "medium", torch.float64)


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_trained_describes(kind: TrainKind, photos: Path, tmp_path: Path) -> None:
    """The graph and its int8 form work as descriptor files and agree."""
    from lookalike.training import train_network

    done = train_network(photos, tmp_path / "net.onnx", small(kind, 4))
    assert done.photos == 16 and [item.path for item in done.failures] != []
    card = json.loads((tmp_path / "net.json").read_text())
    assert card["config"]["kind"] == kind and len(card["epochs"]) == 4
    plain, int8 = (load_embedding(str(tmp_path / f"net{end}")) for end in (".onnx", ".int8.onnx"))
    assert plain.spec.dim == {"copy": 256, "rotation": 128, "vae": 64}[kind]
    for seed in (0, 99):
        one, two = (d.describe(picture(scene(seed))).astype(np.float32) for d in (plain, int8))
        assert np.isclose(np.linalg.norm(one), 1, atol=1e-2)
        assert one @ two > 0.85  # whitening that few pictures fitted stretches int8's rounding


@pytest.mark.parametrize("kind", KINDS)
def test_a_resumed_training_ends_as_an_uninterrupted_one(
    kind: TrainKind, photos: Path, tmp_path: Path
) -> None:
    """An interrupt in the second epoch loses that epoch alone, and changes no value."""
    from lookalike.training.loop import fit
    from lookalike.training.photos import read_photos
    from lookalike.training.run import _start, _task

    config = small(kind, 2)
    pictures = read_photos(photos, silent)
    ends = []
    for number, interrupted in enumerate((False, True)):
        checkpoint = tmp_path / f"{number}.checkpoint"

        def stop(stage: str, done: int, total: int, armed: bool = interrupted) -> None:
            if armed and done == 3:
                raise KeyboardInterrupt

        if interrupted:
            task = _task(pictures, _start(config), config)
            with pytest.raises(KeyboardInterrupt):
                fit(task, 16, config, checkpoint, progress=stop, line=lambda text: None)
            assert checkpoint.is_file()
        task = _task(pictures, _start(config), config)
        fit(task, 16, config, checkpoint, progress=silent, line=lambda text: None)
        ends.append(task.state_dict())
    assert ends[0].keys() == ends[1].keys() and len(ends[0]) > 10
    assert all(torch.equal(value, ends[1][name]) for name, value in ends[0].items())
    with pytest.raises(ConfigError, match="other settings"):
        fit(task, 16, replace(config, rate=0.5), checkpoint, progress=stop, line=print)


def test_the_trained_network_starts_as_the_published_one() -> None:
    """Our EfficientNet-Lite0 with frozen norms equals the graph built of the same weights."""
    import tempfile

    from lookalike.descriptors.networks import build_graph, seeded_weights
    from lookalike.runtime.inference import open_graph
    from lookalike.training.networks import Lite0
    from lookalike.training.tensors import normalised

    weights = seeded_weights("efficientnet-lite0-last", 3)
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
    from lookalike.runtime.inference import open_graph
    from lookalike.training.export import CopyGraph, export_float
    from lookalike.training.photos import read_photos
    from lookalike.training.run import _start, _task
    from lookalike.training.tensors import normalised

    config = small("copy", 1)
    pictures = read_photos(photos, silent)
    task = _task(pictures, _start(config), config)
    # whitening of 16 pictures would blow up the last digits
    rows = np.random.default_rng(0).standard_normal(task.whitening.shape)
    task.whitening.copy_(torch.from_numpy(rows))
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
