"""Hashes, embeddings and exact search against their oracles."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from conftest import scene
from lookalike.descriptors import SHIPPED, load_embedding
from lookalike.descriptors.hashes import (
    ORIENTATIONS,
    describe_hashes,
    orient_thumbs,
    pdq_coefficients,
    pdq_hashes,
)
from lookalike.descriptors.keypoints import ROW
from lookalike.index import distances
from lookalike.index.flat import CosineIndex
from lookalike.index.hamming import HammingIndex
from lookalike.index.local import Features, VoteSettings, features_of, vote_pairs
from lookalike.model.errors import ModelError
from lookalike.model.image import Picture


def picture(rgb: np.ndarray) -> Picture:
    """A picture as decoding gives it."""
    return Picture(np.ascontiguousarray(rgb), rgb.shape[1], rgb.shape[0], "PNG", True, 0)


def bits(hashes: np.ndarray) -> np.ndarray:
    """(8, 256) bits of the orientations."""
    return np.unpackbits(hashes).reshape(8, 256)


@pytest.mark.parametrize("seed", range(6))
def test_pdq_equals_the_reference(seed: int) -> None:
    """At 512×512 the hash is that of Meta's own code, in all orientations."""
    pdqhash = pytest.importorskip("pdqhash", reason="pdqhash is not installed")
    rgb = scene(seed, 512, 512)
    luma = rgb.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    ours = bits(pdq_hashes(pdq_coefficients(luma)))
    theirs, _ = pdqhash.compute(rgb)
    assert (ours[0] != theirs[::-1]).sum() <= 2  # the package lists bits from the last
    turns, _ = pdqhash.compute_dihedral(rgb)
    assert len(turns) == 8
    for turn in turns:
        assert min((one != turn[::-1]).sum() for one in ours) <= 2


@pytest.mark.parametrize("size", [(640, 480), (150, 150), (161, 97), (1200, 800)])
def test_orientations_hash_like_turned_pictures(size: tuple[int, int]) -> None:
    """The hash of an orientation is that of the picture turned into it, at every size."""
    rgb = scene(11, *size)
    rows = bits(describe_hashes(picture(rgb)).pdq)
    assert len(rows) == len(ORIENTATIONS) == 8
    for turn in range(len(ORIENTATIONS)):
        turned = np.stack([orient_thumbs(rgb[None, ..., c], turn)[0] for c in range(3)], axis=2)
        other = bits(describe_hashes(picture(turned)).pdq)[0]
        assert (rows[turn] != other).sum() <= 24


def test_plain_pictures_and_slopes_tell_nothing() -> None:
    """A wall, a clear sky; clouds that are hardly there do."""
    ramp = np.linspace(0, 60, 640).astype(np.uint8)[None, :, None].repeat(480, 0).repeat(3, 2)
    assert describe_hashes(picture(np.full((480, 640, 3), 255, np.uint8))).telling == 0
    assert describe_hashes(picture(ramp)).telling == 0
    assert describe_hashes(picture(scene(1))).telling > 50
    assert describe_hashes(picture(200 + scene(1) // 12)).telling > 20


@settings(max_examples=40, deadline=None)
@given(hnp.arrays(np.uint8, st.tuples(st.integers(2, 40), st.just(32))), st.integers(0, 256))
def test_hamming_equals_the_oracle(hashes: np.ndarray, limit: int) -> None:
    """Range search finds exactly the pairs that brute force finds, limits inclusive."""
    oracle = distances.hamming(hashes, hashes)
    left, right, distance = HammingIndex(hashes).pairs_within(limit)
    i, j = np.nonzero(np.triu(oracle <= limit, 1))
    assert left.tolist() == i.tolist() and right.tolist() == j.tolist()
    assert np.array_equal(distance, oracle[i, j])


@pytest.mark.slow
@pytest.mark.parametrize("limit", [0.2, 0.7, 1.0])
@pytest.mark.parametrize("threads", [1, 2])
def test_cosine_equals_the_oracle(limit: float, threads: int) -> None:
    """Range search by bytes with a float check finds exactly the brute-force pairs."""
    random = np.random.default_rng(0)
    rows = random.normal(size=(3000, 64)).astype(np.float32)
    rows[1500:] = rows[:1500] + random.normal(size=(1500, 64)) * 0.6
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    left, right, distance = CosineIndex(rows, threads=threads).pairs_within(limit)
    oracle = distances.cosine(rows, rows)
    found = np.zeros(oracle.shape, bool)
    found[left, right] = True
    assert found[np.triu(oracle <= limit - 1e-5, 1)].all() and found.sum() == len(left) > 1000
    assert np.allclose(distance, oracle[left, right], atol=1e-5)
    assert (distance <= limit).all()


def test_embedding_is_deterministic_and_of_unit_length() -> None:
    """The same row from any thread, of length one, close for copies."""
    network = load_embedding(SHIPPED, threads=2)
    rgb = scene(3)
    with ThreadPoolExecutor(4) as pool:
        rows = list(pool.map(lambda _: network.describe(picture(rgb)), range(8)))
    assert all(np.array_equal(row, rows[0]) for row in rows)
    assert rows[0].shape == (network.spec.dim,) and rows[0].dtype == np.float16
    assert abs(np.linalg.norm(rows[0].astype(float)) - 1) < 1e-2
    copy = network.describe(picture(cv2.resize(rgb, (320, 240), interpolation=cv2.INTER_AREA)))
    other = network.describe(picture(scene(4)))
    near, far = (1 - float(rows[0].astype(float) @ row.astype(float)) for row in (copy, other))
    assert near < 0.1 < far


@pytest.mark.slow
def test_engines_agree_without_instructions_for_bytes() -> None:
    """Products of bytes saturate on processors without VNNI, and the answers were others."""
    if not importlib.util.find_spec("openvino"):
        pytest.skip("extra openvino not installed")
    code = "import test_search; test_search.test_engines_agree()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parent,
        env={
            **os.environ,
            "ONEDNN_MAX_CPU_ISA": "AVX2",
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        },
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()


def test_engines_agree() -> None:
    """OpenVINO gives the same answers as ONNX Runtime within .01 of cosine distance."""
    if not importlib.util.find_spec("openvino"):
        pytest.skip("extra openvino not installed")
    one, two = (load_embedding(SHIPPED, engine) for engine in ("onnxruntime", "openvino"))
    for seed in range(5):
        a, b = (net.describe(picture(scene(seed))).astype(float) for net in (one, two))
        assert 1 - float(a @ b) < 0.01
    assert one.spec != two.spec
    assert sys.modules.get("openvino_telemetry") is None


def test_any_onnx_file_is_a_descriptor(tmp_path: Path) -> None:
    """A foreign network is read for its shapes, pooled if need be, and normalised."""
    onnx = pytest.importorskip("onnx", reason="onnx not installed")
    helper, kinds = onnx.helper, onnx.TensorProto
    graph = helper.make_graph(
        [helper.make_node("AveragePool", ["x"], ["y"], kernel_shape=[8, 8], strides=[8, 8])],
        "pool",
        [helper.make_tensor_value_info("x", kinds.FLOAT, [1, 3, 64, 64])],
        [helper.make_tensor_value_info("y", kinds.FLOAT, [1, 3, 8, 8])],
    )
    path = tmp_path / "tiny.onnx"
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    network = load_embedding(str(path))
    assert network.spec.dim == 3 and network.spec.name == "tiny"
    assert abs(np.linalg.norm(network.describe(picture(scene(1))).astype(float)) - 1) < 1e-2


def test_bad_models_say_what_is_wrong(tmp_path: Path) -> None:
    """Unknown names, broken files and unknown engines stop before any work."""
    with pytest.raises(ModelError, match="unknown network"):
        load_embedding("resnet-9000")
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"not a model")
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_embedding(str(broken)).describe(picture(scene(1)))
    product = Path(load_embedding(SHIPPED)._path).with_name("int8_product.onnx")
    with pytest.raises(ModelError, match="takes no picture"):
        _ = load_embedding(str(product)).spec


def _features(seed: int) -> Features:
    """Keypoints of nine images: half of them repeat others, moved, turned and resized alike."""
    random = np.random.default_rng(seed)
    bits = random.integers(0, 256, (80, 32)).astype(np.uint8)
    image = np.sort(random.integers(0, 9, 80))
    turns = random.uniform(0, 1, 80).astype(np.float32)
    octaves = random.uniform(0, 4, 80).astype(np.float32)
    places = (random.uniform(0, 200, 80) + 1j * random.uniform(0, 200, 80)).astype(np.complex64)
    from_ = random.integers(40, size=40)
    bits[40:] = bits[from_]
    turns[40:] = (turns[from_] + 0.25) % 1
    octaves[40:] = octaves[from_] + 0.5
    places[40:] = places[from_] * np.complex64(1j * 2**0.5) + np.complex64(30)
    return Features(bits, image, turns, octaves, places)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31))
def test_keypoint_votes_equal_brute_force(seed: int) -> None:
    """Keypoints that share a substring in a small group meet; those in one pose are counted."""
    features = _features(seed)
    asked = VoteSettings(tables=3, substring=7, largest_group=6, min_votes=2, seed=1)
    (low, high, votes), turned = vote_pairs(features, asked)
    assert len(turned.low) == 0
    unpacked = np.unpackbits(features.bits, axis=1)
    meetings: set[tuple[int, int]] = set()
    for table in range(3):
        byte = int(np.random.default_rng(1).permutation(32)[table])
        places = np.arange(8 * byte, 8 * byte + 7)
        groups: dict[tuple[int, ...], list[int]] = {}
        for number, key in enumerate(unpacked[:, places]):
            groups.setdefault(tuple(key), []).append(number)
        for members in groups.values():
            if len(members) <= 6:
                meetings |= {tuple(sorted(pair)) for pair in combinations(members, 2)}  # type: ignore[misc]
    by_pair: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for a, b in sorted(meetings):
        first, second = int(features.image[a]), int(features.image[b])
        if first != second:
            by_pair.setdefault((first, second), []).append((a, b))
    truth = {pair: _largest_pose(features, some) for pair, some in by_pair.items()}
    truth = {pair: count for pair, count in truth.items() if count >= 2}
    assert dict(zip(zip(low.tolist(), high.tolist(), strict=True), votes, strict=True)) == truth


def _largest_pose(features: Features, meetings: list[tuple[int, int]]) -> int:
    """Meetings at different places that the similarity of one of them explains, one by one."""

    def similarity(a: int, b: int) -> tuple[float, float, complex, complex]:
        turn = float(features.turns[b] - features.turns[a])
        octave = float(features.octaves[b] - features.octaves[a])
        factor = 2**octave * np.exp(2j * np.pi * turn)
        return turn, octave, factor, features.places[b] - factor * features.places[a]

    best = 0
    for a, b in meetings:
        turn, octave, factor, shift = similarity(a, b)
        count = 0
        for n, (c, d) in enumerate(meetings):
            other_turn, other_octave, *_ = similarity(c, d)
            error = abs(factor * features.places[c] + shift - features.places[d])
            apart = abs((turn - other_turn + 0.5) % 1 - 0.5)
            near = error < 20 * max(1.0, 2**octave) and apart < 0.08
            if not near or abs(octave - other_octave) >= 0.7:
                continue
            count += not _is_repeated(features, meetings, n)
        best = max(best, count)
    return best


def _is_repeated(features: Features, meetings: list[tuple[int, int]], n: int) -> bool:
    """Whether an earlier meeting in the same pose starts at the same place."""
    a, b = meetings[n]
    for c, d in meetings[:n]:
        growth = 2 ** float(features.octaves[b] - features.octaves[a])
        factor = growth * np.exp(2j * np.pi * float(features.turns[b] - features.turns[a]))
        shift = features.places[b] - factor * features.places[a]
        error = abs(factor * features.places[c] + shift - features.places[d])
        turn = float(features.turns[b] - features.turns[a] - features.turns[d] + features.turns[c])
        octave = float(
            features.octaves[b] - features.octaves[a] - features.octaves[d] + features.octaves[c]
        )
        in_pose = error < 20 * max(1.0, growth) and abs((turn + 0.5) % 1 - 0.5) < 0.08
        if in_pose and abs(octave) < 0.7 and abs(features.places[a] - features.places[c]) < 3:
            return True
    return False


def test_no_keypoints_give_no_votes() -> None:
    """Plain pictures have none."""
    upright, mirrored = features_of(np.empty((0, ROW), np.uint8), np.empty(0, np.int64))
    asked = VoteSettings(tables=2, substring=8, largest_group=4, min_votes=1)
    for against in (None, mirrored):
        chunks = list(vote_pairs(upright, asked, mirrored=against))
        assert [len(part) for chunk in chunks for part in chunk] == [0] * 3 * len(chunks)


def test_mirrored_votes_equal_votes_against_mirror_images() -> None:
    """A picture and the mirror image of another meet as if that had been mirrored beforehand."""
    features = _features(3)
    flipped = Features(
        features.bits[::-1].copy(),
        features.image,
        features.turns[::-1].copy(),
        features.octaves[::-1].copy(),
        features.places[::-1].copy(),
    )
    asked = VoteSettings(tables=3, substring=7, largest_group=24, min_votes=2, seed=1)
    upright, turned = vote_pairs(features, asked, mirrored=flipped)
    apart = Features(
        np.concatenate([features.bits, flipped.bits]),
        np.concatenate([features.image, flipped.image + 9]),
        np.concatenate([features.turns, flipped.turns]),
        np.concatenate([features.octaves, flipped.octaves]),
        np.concatenate([features.places, flipped.places]),
    )
    every, _ = vote_pairs(apart, asked)
    truth = {
        (low, high - 9): votes
        for low, high, votes in zip(*(column.tolist() for column in every), strict=True)
        if low < 9 <= high and low < high - 9
    }
    found = zip(*(column.tolist() for column in turned), strict=True)
    assert {(low, high): votes for low, high, votes in found} == truth
    assert len(upright.low)
