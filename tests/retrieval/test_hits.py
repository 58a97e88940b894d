"""What a search says of the nearest: evidence, metrics and parts of a query, made by hand."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from conftest import save, scene
from evidence import WHOLE, image
from lookalike import find, search
from lookalike.config import DecodeConfig, FindConfig, SystemConfig, ViewConfig
from lookalike.evaluation.edits import encode_jpeg
from lookalike.images.decode import pixel_digest
from lookalike.ingest.describe import Describer
from lookalike.matching.judge import pair_config
from lookalike.methods import method_of
from lookalike.model.answer import Hit
from lookalike.model.errors import ConfigError
from lookalike.model.image import Picture
from lookalike.model.match import Verification
from lookalike.retrieval import hits
from lookalike.retrieval.focus import Focus, focused
from lookalike.retrieval.query import Query, Question, read_query
from lookalike.retrieval.rank import Near, metrics
from lookalike.runtime.progress import silent
from lookalike.store import EmbeddedCollection

RGB = scene(3, 640, 480)
DATA = encode_jpeg(RGB)
QUERY = Query(
    "query.jpg", DATA, "q", Picture(RGB, 640, 480, "JPEG", False, 0), True, DecodeConfig()
)
#: much agrees, and yet few keypoints correspond; and what is thinner
ALONE = replace(WHOLE, agreement=0.8, inliers=8, support=0.01)
WEAK = replace(ALONE, inliers=7)


class Evidence:
    """Keypoint evidence that is known beforehand; notes of whom it was asked."""

    def __init__(self, known: dict[str, Verification]) -> None:
        self.known = known
        self.asked: list[str] = []

    def verify_query(self, side: Any, shas: Sequence[str], kind: Any) -> dict[str, Verification]:
        """What is known of those asked about."""
        self.asked = list(shas)
        return {sha: self.known[sha] for sha in shas if sha in self.known}


def near(sha: str, distance: float = 0.25) -> Near:
    """One that a descriptor ranked."""
    return Near(sha, distance, "net", {})


def test_weak_evidence_is_no_copy_for_a_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole frames first; the rest by keypoints, if these count for a pair that is alone."""
    frame = hits._Judged(WHOLE, 12.0)
    monkeypatch.setattr(hits, "_whole_frames", lambda *asked: {"frame": frame})
    evidence = Evidence({"frame": WEAK, "alone": ALONE, "weak": WEAK})
    names = ["frame", "alone", "weak", "nothing"]
    asked: Any = evidence
    none: Any = None
    found = hits.judged([near(name) for name in names], QUERY, asked, none, FindConfig())
    assert found == {"frame": frame, "alone": hits._Judged(ALONE)}
    assert evidence.asked == ["alone", "weak", "nothing"]


def test_a_pair_that_is_asked_about_alone_counts_by_any_evidence() -> None:
    """No threshold of agreement or support; what is no copy stays none."""
    settle = pair_config(FindConfig(effort="fast")).settle
    assert (settle.strong_agreement, settle.moved_agreement, settle.strong_support) == (0, 0, 0)
    assert settle.copy_likeness == FindConfig().settle.copy_likeness
    assert pair_config(FindConfig()).effort == "thorough"


def test_tiers_of_hits(tmp_path: Path) -> None:
    """Bytes, then pixels, then evidence, then nearness alone; only a whole query equals a file."""
    config = FindConfig()
    same = tmp_path / "same.jpg"
    same.write_bytes(DATA)
    other = tmp_path / "other.jpg"
    other.write_bytes(encode_jpeg(scene(4, 640, 480)))
    seen = hits._Judged(WHOLE, 4.0)

    def told(name: str, path: Path, judged: Any, query: Query = QUERY) -> Hit:
        with EmbeddedCollection(None) as collection:
            images = {name: image(name, path=str(path))}
            describer = Describer(images, collection, config, silent)
            return hits.hit(near(name, 0.1234567), judged, query, describer)

    assert told("q", same, seen).tier == "exact" and told("q", same, None).verification is None
    assert told("a", same, seen).tier == "pixel" and told("a", same, None).tier == "similar"
    assert isinstance(pixel_digest("same.jpg", DATA, config.decode), str)
    copy = told("a", other, seen)
    assert (copy.tier, copy.verification, copy.distance) == ("copy", WHOLE, 0.123457)
    assert told("a", tmp_path / "gone.jpg", seen).tier == "copy"
    assert told("a", same, seen, replace(QUERY, sha256="")).tier == "copy"
    assert told("q", same, seen).confidence == 1.0
    assert copy.confidence is not None and 0.5 < copy.confidence < 1
    assert told("a", other, None).confidence is None


def test_what_shows_little_is_known_by_its_whole_frame(tmp_path: Path, db: Path) -> None:
    """A soft picture has no keypoints, and its smaller copy is a copy all the same."""
    soft = cv2.GaussianBlur(RGB, (0, 0), 14)
    save(tmp_path / "in" / "soft.jpg", soft)
    save(tmp_path / "in" / "other.jpg", cv2.GaussianBlur(scene(4), (0, 0), 14))
    find(tmp_path / "in", db=db, config=FindConfig(effort="fast"))
    half = save(tmp_path / "half.jpg", cv2.resize(soft, (320, 240)))
    found = search(Question(half), db=db).hits
    assert [(Path(hit.image.id).name, hit.tier) for hit in found] == [
        ("soft.jpg", "copy"),
        ("other.jpg", "similar"),
    ]
    assert found[0].verification is not None and found[0].verification.inliers == 0


def test_a_part_of_a_query_is_no_file(tmp_path: Path) -> None:
    """Only what is searched with whole has the digest of its bytes; it is read finely."""
    path = tmp_path / "query.jpg"
    path.write_bytes(encode_jpeg(scene(3, 1800, 1800)))
    mask = np.full((8, 8), 255, np.uint8)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    for focus, whole, plain in (
        (None, True, True),
        (Focus(), True, False),
        (Focus(ignore_overlays=False), True, False),
        (Focus(box=(0, 0, 900, 900)), False, False),
        (Focus(mask=mask), False, False),
    ):
        query = read_query(Question(path, focus=focus), FindConfig())
        assert query.sha256 == (digest if whole else "") and query.is_plain == plain
    # of 1800 pixels a quarter is 450, the least that is not under 448
    assert read_query(Question(path), FindConfig()).picture.rgb.shape == (450, 450, 3)
    smaller = tmp_path / "smaller.jpg"
    smaller.write_bytes(encode_jpeg(scene(3, 1400, 1400)))
    assert read_query(Question(smaller), FindConfig()).picture.rgb.shape == (700, 700, 3)
    part = read_query(Question(path, focus=Focus(box=(0, 0, 896, 896))), FindConfig())
    assert part.reduced(112).rgb.shape[:2] == (112, 112)
    assert part.reduced(113).rgb.shape[:2] == (224, 224)
    assert Question(path).k == 6
    with pytest.raises(ConfigError, match="cannot be read"):
        read_query(Question(tmp_path / "none.jpg"), FindConfig())


def test_copies_come_before_what_is_only_near() -> None:
    """The order of tiers."""
    ranks = [hits.RANK[tier] for tier in ("exact", "pixel", "copy", "similar")]
    assert ranks == sorted(set(ranks)) and len(ranks) == len(hits.RANK)


def test_every_file_of_a_content_takes_its_place() -> None:
    """In the order of the hits; files of other contents are left out."""
    files = [image("x1", sha256="x"), image("y1", sha256="y"), image("x2", sha256="x"), image("z")]
    some = [
        Hit(files[1], "copy", 0.1, "net"),
        Hit(files[0], "similar", 0.2, "net"),
    ]
    found = hits.with_twins(some, files)
    assert [(hit.image.id, hit.tier) for hit in found] == [
        ("y1", "copy"),
        ("x1", "similar"),
        ("x2", "similar"),
    ]


def test_which_metrics_rank() -> None:
    """Those named; several only by vote; a recipe's; five where a vote names none."""
    plain, own = (
        method_of(FindConfig()).ranking,
        SystemConfig(views=(ViewConfig("colour", 1.0),), metrics=("cosine",)),
    )
    assert metrics(plain, Question("q")) == ()
    assert metrics(own, Question("q")) == ("cosine",)
    assert metrics(own, Question("q", metrics=("dice",))) == ("dice",)
    assert metrics(plain, Question("q", metrics=("dice", "cosine"), voting=True)) == (
        "dice",
        "cosine",
    )
    assert len(metrics(plain, Question("q", voting=True))) == 5
    assert metrics(plain, Question("q", k=1)) == ()
    for wrong in (Question("q", k=0), Question("q", metrics=("dice", "cosine"))):
        with pytest.raises(ConfigError):
            metrics(plain, wrong)


@pytest.mark.parametrize(
    ("box", "fits"),
    [
        ((0, 0, 640, 480), True),
        ((0, 0, 641, 480), False),
        ((0, 0, 640, 481), False),
        ((632, 472, 8, 8), True),
        ((633, 472, 8, 8), False),
        ((0, 0, 7, 8), False),
        ((0, 0, 8, 7), False),
        ((-1, 0, 20, 20), False),
        ((0, -1, 20, 20), False),
    ],
)
def test_a_box_lies_in_the_picture(box: tuple[int, int, int, int], fits: bool) -> None:
    """From 8 pixels a side; what counts is that part, at full size."""
    half = Picture(RGB[::2, ::2].copy(), 640, 480, "JPEG", False, 0)
    if not fits:
        with pytest.raises(ConfigError, match=r"within 640×480, sides from 8"):
            focused(half, Focus(box=box))
        return
    part = focused(half, Focus(box=box))
    x, y, width, height = (value // 2 for value in box)
    assert (part.width, part.height) == box[2:]
    assert (part.rgb == half.rgb[y : y + height, x : x + width]).all()


@pytest.mark.parametrize(
    ("size", "level", "fits"),
    [((8, 8), 255, True), ((8, 8), 128, True), ((8, 8), 127, False), ((7, 8), 255, False)],
)
def test_a_mask_leaves_something(size: tuple[int, int], level: int, fits: bool) -> None:
    """Above 127 counts, from 8 pixels a side; cropped to it, the rest of that filled in."""
    mask = np.zeros((480, 640), np.uint8)
    mask[10 : 10 + size[1], 20 : 20 + size[0]] = level
    if not fits:
        with pytest.raises(ConfigError, match="the mask leaves nothing"):
            focused(QUERY.picture, Focus(mask=mask))
        return
    part = focused(QUERY.picture, Focus(mask=mask))
    assert (part.width, part.height) == size and (part.rgb == RGB[10:18, 20:28]).all()
    round_mask = np.zeros((480, 640), np.uint8)
    y, x = np.mgrid[:480, :640]
    round_mask[(y - 200) ** 2 + (x - 300) ** 2 < 100**2] = 255
    disc = focused(QUERY.picture, Focus(mask=round_mask))
    inside = round_mask[101:300, 201:400] > 0
    assert disc.rgb.shape[:2] == inside.shape
    assert (disc.rgb[inside] == RGB[101:300, 201:400][inside]).all()
    assert (disc.rgb[~inside] != RGB[101:300, 201:400][~inside]).any()


def test_nothing_asked_leaves_the_picture() -> None:
    """No box, no mask, no lines to find."""
    assert focused(QUERY.picture, Focus()) is QUERY.picture
