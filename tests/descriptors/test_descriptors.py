"""Descriptors of published systems: equal to the libraries they follow, and to each other."""

from __future__ import annotations

import http.server
import pickle
import threading
from pathlib import Path

import cv2
import imagehash
import numpy as np
import pytest
from PIL import Image

from conftest import PICTURES, scene
from lookalike.descriptors import zoo
from lookalike.descriptors.derived import TurnedDescriptor
from lookalike.descriptors.filters import FILTERS
from lookalike.descriptors.hashing import FINGERPRINT_BITS, HASHES
from lookalike.descriptors.networks import (
    ARCHITECTURES,
    build_graph,
    seeded_weights,
    weight_shapes,
)
from lookalike.descriptors.registry import descriptor_names, load_descriptor
from lookalike.descriptors.weights import read_torch
from lookalike.model.errors import ConfigError, ModelError
from lookalike.model.image import Picture
from lookalike.runtime.inference import open_graph

DATA = Path(__file__).parent / "data"
OWN = ["pdq", *HASHES, *FILTERS, "copy-lite0", "colour#96", "luminance#64.1"]


def picture(seed: int = 1, width: int = 300, height: int = 210) -> Picture:
    """A textured picture as a decoder gives it."""
    return Picture(scene(seed, width, height), width, height, "PNG", True, 0)


def shots() -> list[Picture]:
    """Pictures of several shapes."""
    return [picture(n, 200 + 37 * n, 180 + 23 * n) for n in range(4)]


@pytest.mark.parametrize("name", OWN)
def test_contract(name: str) -> None:
    """Every descriptor gives the row its spec promises, always the same."""
    descriptor = load_descriptor(name)
    row = descriptor.describe(picture())
    assert row.shape == (descriptor.spec.row_width,)
    assert row.dtype == np.dtype(descriptor.spec.dtype)
    assert (row == load_descriptor(name).describe(picture())).all()
    assert (row != descriptor.describe(picture(2))).any()
    assert descriptor.spec == load_descriptor(name).spec


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("ahash", imagehash.average_hash),
        ("dhash", imagehash.dhash),
        ("dhash16", lambda image: imagehash.dhash(image, hash_size=4)),
        ("phash", imagehash.phash),
    ],
)
def test_hashes_equal_imagehash(name: str, theirs) -> None:  # type: ignore[no-untyped-def]
    """Bit for bit, for pictures of any shape."""
    assert len(shots()) == 4
    for shot in shots():
        want = np.packbits(theirs(Image.fromarray(shot.rgb)).hash.reshape(-1))
        assert (load_descriptor(name).describe(shot) == want).all()


def test_hashes_equal_imagehash_on_photos() -> None:
    """Also on real photos."""
    paths = sorted((PICTURES / "photos").iterdir())[::2]
    assert len(paths) == 12
    for path in paths:
        rgb = np.asarray(Image.open(path).convert("RGB"))
        shot = Picture(rgb, rgb.shape[1], rgb.shape[0], "JPEG", False, 0)
        for name in ("ahash", "dhash", "phash", "whash"):
            theirs = {"ahash": imagehash.average_hash}.get(name) or getattr(imagehash, name)
            want = np.packbits(theirs(Image.fromarray(rgb)).hash.reshape(-1))
            assert (load_descriptor(name).describe(shot) == want).all(), (path.name, name)


def test_blockhash_by_hand() -> None:
    """A band that is half dark, half bright; even sizes agree with plain sums."""
    rgb = np.zeros((64, 64, 3), np.uint8)
    rgb[:, 32:] = 255
    bits = np.unpackbits(load_descriptor("blockhash").describe(Picture(rgb, 64, 64, "", True, 0)))
    assert (bits.reshape(16, 16)[:, :8] == 0).all() and (bits.reshape(16, 16)[:, 8:] == 1).all()


@pytest.mark.parametrize(
    ("shot", "want"),
    [
        ((1, 160, 128), "ff83ff87ff86ffc0ffc8fe00fe00fe00f60f007f807f007f007f003f003f003f"),
        ((2, 211, 173), "f007f7037f010f030fc01f400f3cfe3ef87f007c00fc04ff067e1c7e0efc0af0"),
        ((3, 300, 207), "f80f7847706760c7e0cff1cff007f001f98f310f3107b907f0007804798efbef"),
    ],
)
def test_blockhash_equals_its_reference(shot: tuple[int, int, int], want: str) -> None:
    """Values of commonsmachinery's program, for sizes that 16 divides and others."""
    assert load_descriptor("blockhash").describe(picture(*shot)).tobytes().hex() == want


def test_fingerprint_by_hand() -> None:
    """51,198 signs: a ramp to the right rises along every row."""
    ramp = np.repeat(np.linspace(0, 250, 200).astype(np.uint8)[None], 128, axis=0)
    rgb = np.repeat(ramp[..., None], 3, axis=2)
    bits = np.unpackbits(load_descriptor("fingerprint").describe(Picture(rgb, 200, 128, "", 1, 0)))
    along = bits[: 200 * 128 - 1]
    steps = np.diff(ramp.reshape(-1).astype(int)) > 0
    assert (along == steps).all()
    assert FINGERPRINT_BITS == 51_198 and not bits[FINGERPRINT_BITS:].any()


def test_raw_pixels_are_transposed_not_scrambled() -> None:
    """Channels first: the red plane comes first, row by row."""
    rgb = np.zeros((224, 224, 3), np.uint8)
    rgb[0, 1] = (9, 8, 7)
    row = load_descriptor("raw").describe(Picture(rgb, 224, 224, "", True, 0))
    assert row[1] == 9 and row[224 * 224 + 1] == 8 and row[2 * 224 * 224 + 1] == 7


def test_turned_descriptors_hold_all_orientations() -> None:
    """The first is upright, and turning the picture permutes them."""
    plain = load_descriptor("luminance")
    turned = TurnedDescriptor(plain).describe(picture()).reshape(8, -1)
    assert (turned[0] == plain.describe(picture())).all()
    flipped = picture()
    mirrored = Picture(np.ascontiguousarray(flipped.rgb[:, ::-1]), 300, 210, "PNG", True, 0)
    near = np.abs(turned.astype(float) - plain.describe(mirrored)).max(axis=1)
    assert near.argmin() == 1


def test_hyperplane_bits_estimate_the_angle_and_differ_by_seed() -> None:
    """Near rows share most bits; another seed asks other questions."""
    one, other = load_descriptor("luminance#512"), load_descriptor("luminance#512.1")
    rgb = picture().rgb
    soft = Picture(cv2.GaussianBlur(rgb, (0, 0), 2), 300, 210, "PNG", True, 0)

    def bits(shot: Picture) -> np.ndarray:
        return np.unpackbits(one.describe(shot))

    assert (bits(picture()) != bits(soft)).mean() < 0.1
    assert 0.3 < (bits(picture()) != bits(picture(5))).mean() < 0.7
    assert 0.3 < (bits(picture()) != np.unpackbits(other.describe(picture()))).mean() < 0.7


@pytest.mark.parametrize("name", ["nope", "luminance#95", "luminance#0", "phash#64", "raw#8.x"])
def test_unknown_descriptors_are_named(name: str) -> None:
    """Before any work."""
    with pytest.raises(ConfigError, match=r"got"):
        load_descriptor(name)
    assert "vgg16-composite" in descriptor_names()


@pytest.mark.slow
def test_parameter_counts_are_the_published_ones() -> None:
    """ResNet-18 through layer 2 has exactly 683,072 parameters; the others as published."""
    published = {
        "resnet18-layer2": 683_072,
        "resnet18": 11_176_512,
        "vgg16-composite": 14_714_688,
        "vgg16-fc2": 134_260_544,
        "vgg19-composite": 20_024_384,
        "efficientnet-lite0-last": 3_371_008,
    }
    for name, count in published.items():
        shapes = weight_shapes(name)
        assert sum(np.prod(s) for n, s in shapes.items() if "running" not in n) == count, name


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "dim"),
    [
        ("vgg16-composite", 31_360),
        ("vgg19-composite", 31_360),
        ("resnet18-layer2", 128),
        ("resnet18", 512),
        ("efficientnet-lite0-middle", 112),
        ("efficientnet-lite0-last", 1280),
    ],
)
def test_architectures_run_with_seeded_weights(name: str, dim: int, tmp_path: Path) -> None:
    """Built, loaded and run; every value finite, of the published dimension."""
    path = tmp_path / "graph.onnx"
    build_graph(name, seeded_weights(name), path)
    square = cv2.resize(scene(1), (224, 224))
    row = open_graph(path)(square[None])[0]
    assert row.shape == (dim,) == (ARCHITECTURES[name].dim,)
    assert np.isfinite(row).all() and row.std() > 0


@pytest.mark.slow
def test_composite_is_pool2_then_pool5(tmp_path: Path) -> None:
    """6,272 values that depend on the first two blocks only, then 25,088."""
    weights = seeded_weights("vgg16-composite")
    changed = {**weights, "features.28.weight": weights["features.28.weight"] * 2}
    square = cv2.resize(scene(1), (224, 224))[None]
    rows = []
    for number, some in enumerate((weights, changed)):
        build_graph("vgg16-composite", some, tmp_path / f"{number}.onnx")
        rows.append(open_graph(tmp_path / f"{number}.onnx")(square)[0])
    assert (rows[0][:6272] == rows[1][:6272]).all()
    assert (rows[0][6272:] != rows[1][6272:]).any()


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    """Loading is strict: a missing or misshapen tensor is named."""
    weights = seeded_weights("resnet18-layer2")
    del weights["layer2.1.bn2.running_var"]
    with pytest.raises(ModelError, match=r"layer2.1.bn2.running_var.*nothing"):
        build_graph("resnet18-layer2", weights, tmp_path / "g.onnx")
    weights = seeded_weights("resnet18-layer2")
    weights["conv1.weight"] = weights["conv1.weight"][:32]
    with pytest.raises(ModelError, match=r"\(32, 3, 7, 7\); expected \(64, 3, 7, 7\)"):
        build_graph("resnet18-layer2", weights, tmp_path / "g.onnx")


@pytest.mark.parametrize("file", ["zipped.pth", "older.pth"])
def test_torch_files_are_read_without_torch(file: str) -> None:
    """Both forms, strides and half precision included."""
    weights = read_torch(DATA / file)
    assert (weights["a"] == np.arange(6).reshape(2, 3)).all()
    assert (weights["b"] == np.arange(12).reshape(3, 4).T).all()
    assert weights["h"].tolist() == [1.5, 2.5] and weights["n"] == 7


def test_a_weights_file_cannot_run_code(tmp_path: Path) -> None:
    """A pickle that names anything else is refused."""

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (print, ("ran",))

    path = tmp_path / "evil.pth"
    path.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(ModelError, match="not allowed"):
        read_torch(path)


class _Server(http.server.BaseHTTPRequestHandler):
    """Serves bytes by ranges, and breaks off the first time."""

    payload = bytes(range(256)) * 4000
    broken = True
    ranges: list[str] = []  # noqa: RUF012

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        if self.path == "/gone":
            self.send_error(404)
            return
        _Server.ranges.append(asked or "")
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        body = self.payload[start:]
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if _Server.broken:
            _Server.broken = False
            body = body[: len(body) // 2]
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


def test_downloads_go_on_where_they_broke_off(tmp_path: Path) -> None:
    """A cut connection keeps what came; the next attempt asks for the rest only."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    part = tmp_path / "weights.part"
    seen: list[int] = []
    with pytest.raises(ModelError, match=r"a download failed.*go on"):
        zoo.download(f"{url}/weights", part, lambda stage, done, total: None)
    have = part.stat().st_size
    assert 0 < have < len(_Server.payload)
    zoo.download(f"{url}/weights", part, lambda stage, done, total: seen.append(done))
    assert part.read_bytes() == _Server.payload
    assert _Server.ranges == ["", f"bytes={have}-"] and seen[-1] == len(_Server.payload)
    with pytest.raises(ModelError, match="404"):
        zoo.download(f"{url}/gone", tmp_path / "other.part", lambda *_: None)
    server.shutdown()
    server.server_close()


def test_models_are_checked_by_their_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another file is refused; a missing model says how to get it."""
    monkeypatch.setenv("LOOKALIKE_MODELS", str(tmp_path / "models"))
    wrong = tmp_path / "resnet18.pth"
    wrong.write_bytes(b"not it")
    with pytest.raises(ModelError, match=r"not the file of model 'resnet18'.*f37072fd"):
        zoo.get_model("resnet18", local=wrong)
    with pytest.raises(ModelError, match=r"lookalike models get resnet18"):
        load_descriptor("resnet18-layer2")
    with pytest.raises(ModelError, match="unknown model"):
        zoo.get_model("resnet99")


def test_a_local_file_becomes_a_descriptor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a weights file to rows: registered, converted and run."""
    monkeypatch.setenv("LOOKALIKE_MODELS", str(tmp_path / "models"))
    weights = seeded_weights("resnet18-layer2")
    monkeypatch.setattr(zoo, "read_torch", lambda path: weights)
    local = tmp_path / "resnet18-f37072fd.pth"
    local.write_bytes(b"weights")
    import hashlib

    digest = hashlib.sha256(b"weights").hexdigest()
    model = zoo.Model("seeded", "", "", "file:resnet18-f37072fd.pth", digest, ("resnet18-layer2",))
    monkeypatch.setattr(zoo, "MODELS", (model,))
    zoo.get_model("seeded", local=local)
    descriptor = load_descriptor("resnet18-layer2")
    assert descriptor.spec.version == f"seeded-{digest[:12]}"
    assert descriptor.describe(picture()).shape == (128,)
