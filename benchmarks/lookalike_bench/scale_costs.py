"""What one image, one pair, one keypoint costs: processor seconds and bytes, for plans at size.

    python -m lookalike_bench.scale_costs --photos DIR [--out FILE]

Processor time of one thread, not wall time, so that other programs on the machine disturb little.
Writes JSON that ``simulate_scale`` multiplies.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from lookalike import find
from lookalike.clustering.stars import stars
from lookalike.config import DecodeConfig, FindConfig
from lookalike.descriptors import load_embedding
from lookalike.descriptors.hashes import PDQ_SPEC, THUMB_SPEC, describe_hashes
from lookalike.descriptors.keypoints import KINDS, KeypointKind
from lookalike.distributed.components import labels_by_stars
from lookalike.evaluation.datasets import photos_in, read_photo
from lookalike.evaluation.edits import FIVE, FOURTEEN, edit_picture, encode_jpeg
from lookalike.images.decode import decode, decode_luma, pixel_digest
from lookalike.index.local import VoteSettings, features_of, vote_pairs
from lookalike.ingest.contents import describe_content
from lookalike.model.files import Failure
from lookalike.model.image import Picture
from lookalike.report.as_json import to_body
from lookalike.runtime.workers import one_core_each
from lookalike.sources.reading import read_bytes
from lookalike.verification.side import Side, describe_side
from lookalike.verification.verify import verify
from lookalike.verification.whole_frame import agree

__all__ = ["Cost", "Costs", "main", "read_costs"]

_CAMERA = (4000, 3000)
_TABLES = 8


@dataclass(frozen=True, slots=True)
class Cost:
    """Processor time of one thread for one unit of work.

    Attributes:
        unit: what one is.
        mean: seconds.
        median: seconds.
        spread: standard deviation of the natural logarithm of the seconds from unit to unit; 0
            where many were measured together.
        measured: how many.
    """

    unit: str
    mean: float
    median: float
    spread: float
    measured: int


@dataclass(frozen=True, slots=True)
class Costs:
    """Everything that was measured.

    Attributes:
        seconds: by name of the work.
        bytes: mean size by name of what is stored or moved.
        images: photos measured on.
    """

    seconds: dict[str, Cost]
    bytes: dict[str, float]
    images: int


def read_costs(path: Path) -> Costs:
    """What ``main`` wrote."""
    held = json.loads(path.read_bytes())
    seconds = {name: Cost(**cost) for name, cost in held["seconds"].items()}
    return Costs(seconds, held["bytes"], held["images"])


def main() -> None:
    """Measure everything and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--images", type=int, default=300, help="photos measured on, evenly chosen")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/scale/costs.json"))
    arguments = parser.parse_args()
    photos = photos_in(arguments.photos)
    some = photos[:: max(1, len(photos) // arguments.images)][: arguments.images]
    with one_core_each():
        costs = _measure(some)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(asdict(costs), indent=2) + "\n", encoding="utf-8")
    for name, cost in costs.seconds.items():
        print(f"{name:22} {cost.median:.3g} s median, {cost.mean:.3g} s mean, a {cost.unit}")
    print(f"written: {arguments.out}")


def _measure(photos: Sequence[Path]) -> Costs:
    described, sizes = _described(photos)
    keypoints, sides, rows = _sides(photos, sizes)
    seconds = {
        **described,
        **keypoints,
        **_camera(photos[:: max(1, len(photos) // 12)], sizes),
        **_verified(photos[:60], sides),
        "vote": _voted(rows),
        "multiply": _multiplied(),
        "bits": _compared(),
        "sort": _sorted_rows(),
        "component": _tied(),
        "star": _starred(),
        "report": _reported(photos[:40], sizes),
    }
    return Costs(seconds, sizes, len(photos))


def _each(unit: str, work: Callable[[Any], object], items: Sequence[Any]) -> Cost:
    """Time of every item, after one that warms up."""
    work(items[0])
    taken = np.array([_timed(partial(work, item)) for item in items])
    # shorter than the clock can tell
    logs = np.log(np.maximum(taken, 1e-7))
    return Cost(
        unit,
        float(taken.mean()),
        float(np.median(taken)),
        round(float(logs.std()), 4),
        len(items),
    )


def _together(unit: str, work: Callable[[], object], count: int) -> Cost:
    """Time of one of ``count`` units that are worked on together; median of three."""
    taken = float(np.median([_timed(work) for _ in range(3)])) / count
    return Cost(unit, taken, taken, 0.0, count)


def _timed(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _described(photos: Sequence[Path]) -> tuple[dict[str, Cost], dict[str, float]]:
    config = FindConfig(threads=1)
    data = {path: path.read_bytes() for path in photos}
    network = load_embedding(config.embedding.model, config.embedding.engine, threads=1)
    closer = DecodeConfig(min_side=network.min_side)

    def read(path: Path) -> str:
        return hashlib.sha256(read_bytes(str(path))).hexdigest()

    def hashed(path: Path) -> object:
        picture = _picture(path, data[path], config.decode)
        return describe_content("", len(data[path]), picture, config)

    def embedded(path: Path) -> object:
        return network.describe(_picture(path, data[path], closer))

    seconds = {
        "read": _each("image", read, photos),
        "hash": _each("image", hashed, photos),
        "embed": _each("image", embedded, photos),
        "pixels": _each(
            "image", lambda path: pixel_digest(str(path), data[path], config.decode), photos
        ),
        "thumbs": _thumbs(photos),
    }
    sizes = {
        "file": float(np.mean([len(some) for some in data.values()])),
        "pdq": float(PDQ_SPEC.row_width),
        "thumb": float(THUMB_SPEC.row_width),
        "embedding": float(network.spec.row_width * np.dtype(network.spec.dtype).itemsize),
    }
    return seconds, sizes


def _thumbs(photos: Sequence[Path]) -> Cost:
    rows = np.stack([describe_hashes(_picture(path)).thumb for path in photos])
    pairs = np.random.default_rng(0).integers(0, len(rows), (2, 20_000))
    turns = np.arange(20_000) % 8
    return _together("pair", lambda: agree(rows, pairs[0], pairs[1], turns), 20_000)


def _picture(path: Path, data: bytes | None = None, config: DecodeConfig | None = None) -> Picture:
    picture = decode(str(path), data or path.read_bytes(), config or DecodeConfig())
    if isinstance(picture, Failure):
        raise SystemExit(f"{picture.path}: {picture.message}")
    return picture


def _side(data: bytes, kind: KeypointKind) -> tuple[Side, Any]:
    """As ``find`` makes one, luma alone is decoded; and its keypoints as stored."""
    picture = _picture(Path("photo"), data)
    rows, plane = _keypoints(data, (picture.width, picture.height), kind)
    return Side.from_rows(picture.width, picture.height, rows, plane), rows


def _keypoints(data: bytes, size: tuple[int, int], kind: KeypointKind) -> tuple[Any, Any]:
    luma = decode_luma("photo", data, DecodeConfig(min_side=kind.min_side))
    assert not isinstance(luma, Failure)
    return describe_side(luma, size, kind)


def _sides(
    photos: Sequence[Path], sizes: dict[str, float]
) -> tuple[dict[str, Cost], list[Side], list[Any]]:
    """Costs, then sides and stored keypoints of the first kind."""
    items = [(path.read_bytes(), _picture(path)) for path in photos]
    found = {}
    sides: list[tuple[Side, Any]] = []
    for name, kind in KINDS.items():

        def work(item: tuple[bytes, Picture], kind: KeypointKind = kind) -> object:
            return _keypoints(item[0], (item[1].width, item[1].height), kind)

        found[name] = _each("image", work, items)
        made = [_side(data, kind) for data, _ in items]
        sizes[name] = float(np.mean([rows.nbytes for _, rows in made]))
        sizes[f"{name} keypoints"] = float(np.mean([len(rows) for _, rows in made]))
        sides = sides or made
    sizes["plane"] = float(np.mean([side.plane.pixels.size for side, _ in sides]))
    return found, [side for side, _ in sides], [rows for _, rows in sides]


def _camera(photos: Sequence[Path], sizes: dict[str, float]) -> dict[str, Cost]:
    """The same work on JPEGs of 12 megapixels, made by enlarging."""
    config = FindConfig(threads=1)
    data = []
    for path in photos:
        large = cv2.resize(read_photo(path), _CAMERA, interpolation=cv2.INTER_CUBIC)
        data.append(encode_jpeg(np.asarray(large, np.uint8), 90))
    sizes["file 12 MP"] = float(np.mean([len(some) for some in data]))
    network = load_embedding(config.embedding.model, config.embedding.engine, threads=1)

    def hashed(some: bytes) -> object:
        return describe_content("", 0, _picture(Path("photo"), some, config.decode), config)

    def embedded(some: bytes) -> object:
        return network.describe(
            _picture(Path("photo"), some, DecodeConfig(min_side=network.min_side))
        )

    return {
        "read 12 MP": _each("image", lambda some: hashlib.sha256(some).hexdigest(), data),
        "hash 12 MP": _each("image", hashed, data),
        "orb 12 MP": _each("image", lambda d: _keypoints(d, _CAMERA, KINDS["orb"]), data),
        "embed 12 MP": _each("image", embedded, data),
    }


def _copies(photos: Sequence[Path], edits: Sequence[str]) -> Iterator[tuple[int, bytes]]:
    for number, path in enumerate(photos):
        rgb = read_photo(path)
        for edit in edits:
            other = read_photo(photos[(number + 1) % len(photos)])
            yield number, encode_jpeg(edit_picture(rgb, edit, source=path.stem, other=other))


def _verified(photos: Sequence[Path], sides: Sequence[Side]) -> dict[str, Cost]:
    """True pairs of a photo and its edit, and strangers."""
    config = FindConfig().verify
    kind = KINDS["orb"]
    copies = [
        (sides[number], _side(data, kind)[0]) for number, data in _copies(photos, FOURTEEN[:6])
    ]
    pairs = np.random.default_rng(0).integers(0, len(sides), (600, 2)).tolist()
    strangers = [(sides[a], sides[b]) for a, b in pairs if a != b]

    def work(pair: tuple[Side, Side]) -> object:
        return verify(*pair, config, kind)

    return {
        "verify copies": _each("pair", work, copies),
        "verify strangers": _each("pair", work, strangers),
    }


def _voted(rows: Sequence[Any]) -> Cost:
    """Tables, meetings and poses, upright and mirrored together."""
    owner = np.repeat(np.arange(len(rows)), [len(some) for some in rows])
    upright, mirrored = features_of(np.concatenate(rows), owner)
    bits = max(FindConfig().local.least_substring, len(owner).bit_length() + KINDS["orb"].rare_bits)
    settings = VoteSettings(_TABLES, bits, FindConfig().local.largest_group, 3)
    work = partial(vote_pairs, upright, settings, mirrored=mirrored)
    return _together("keypoint and table", work, 2 * _TABLES * len(owner))


def _multiplied() -> Cost:
    """Nearness of rows in a cell is one product of matrices."""
    rows = np.random.default_rng(0).standard_normal((4096, 256), np.float32)
    return _together("multiplication", lambda: rows @ rows.T, 4096 * 4096 * 256)


def _compared(count: int = 200_000) -> Cost:
    """Differing bits of two hashes."""
    rows = np.random.default_rng(0).integers(0, 2**63, (count, 4)).astype(np.uint64)
    shift = rows[::-1].copy()
    return _together("pair", lambda: np.bitwise_count(rows ^ shift).sum(axis=1), count)


def _sorted_rows(count: int = 4_000_000) -> Cost:
    """A row of a shuffle: key and number, sorted."""
    keys = np.random.default_rng(0).integers(0, 2**62, count)
    return _together("row", lambda: np.sort(keys), count)


def _tied(count: int = 2_000_000) -> Cost:
    random = np.random.default_rng(0)
    edges = random.integers(0, count, (count, 2))
    rounds = 0

    def work() -> None:
        nonlocal rounds
        with tempfile.TemporaryDirectory() as folder:
            rounds = labels_by_stars([edges], count, Path(folder)).rounds

    whole = _together("edge and round", work, count)
    each = whole.mean / rounds
    return Cost(whole.unit, each, each, 0.0, count)


def _starred(count: int = 30_000) -> Cost:
    """Clusters of four, every pair matched."""
    groups = [[f"{at:08d}{n}" for n in range(4)] for at in range(count // 6)]
    graph = {node: {*group} - {node} for group in groups for node in group}

    def work() -> None:
        stars(groups, graph, lambda node: (0.0,), lambda unknown: None)

    return _together("match", work, count)


def _reported(photos: Sequence[Path], sizes: dict[str, float]) -> Cost:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "pictures"
        folder.mkdir()
        for place, (number, data) in enumerate(_copies(photos, FIVE)):
            (folder / f"{number:04d}-{place}.jpg").write_bytes(data)
        report = find([folder], db=Path(name) / "db")
    sizes["match"] = len(to_body(report)) / len(report.matches)
    return _together("match", lambda: to_body(report), len(report.matches))


if __name__ == "__main__":
    main()
