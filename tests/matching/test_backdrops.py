"""Pictures with transparent parts are known by what is opaque, whatever was put behind them."""

from __future__ import annotations

import io
import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from conftest import scene
from lookalike import FindConfig, Report, find
from lookalike.config import DecodeConfig
from lookalike.descriptors.hashes import BACKDROPS, PDQ_SPEC, describe_backdrops, describe_hashes
from lookalike.images.decode import decode
from lookalike.ingest.contents import shade_names
from lookalike.model.image import Picture
from lookalike.retrieval.query import Question
from lookalike.run.collapse import collapse
from lookalike.run.compare import compare
from lookalike.run.search import search
from lookalike.store import open_collection

BEHIND = {
    "white": (255, 255, 255),
    "black": (0, 0, 0),
    "grey": (128, 128, 128),
    "red": (200, 30, 60),
    "blue": (30, 90, 200),
    "sand": (235, 200, 120),
}


def cutout(seed: int, outline: str = "ellipse", hidden: int = 0) -> np.ndarray:
    """A scene ``(h, w, 4)`` cut out, with a colour of its own where nothing shows."""
    rgb = scene(seed, 400, 300)
    alpha = np.zeros((600, 800), np.uint8)
    if outline == "ellipse":
        cv2.ellipse(alpha, (400, 300), (360, 260), 0, 0, 360, 255, -1)
    elif outline == "star":
        turn = np.arange(10) * np.pi / 5 - np.pi / 2
        reach = np.where(np.arange(10) % 2, 0.27, 0.49)[:, None]
        spots = (0.5 + reach * np.stack([np.cos(turn), np.sin(turn)], 1)) * (800, 600)
        cv2.fillPoly(alpha, [spots.astype(np.int32)], 255)
    else:
        cv2.ellipse(alpha, (400, 300), (280, 200), 0, 0, 360, 255, -1)
        alpha = cv2.GaussianBlur(alpha, (0, 0), 24)
    alpha = cv2.resize(alpha, (400, 300), interpolation=cv2.INTER_AREA)
    rgb[alpha == 0] = (hidden, 255 - hidden, hidden)
    return np.dstack([rgb, alpha])


def flattened(clear: np.ndarray, behind: tuple[int, int, int]) -> np.ndarray:
    """Laid over one colour."""
    share = clear[..., 3:] / 255.0
    return np.rint(clear[..., :3] * share + np.array(behind) * (1 - share)).astype(np.uint8)


def png(pixels: np.ndarray) -> bytes:
    """As a PNG."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=1)
    return out.getvalue()


def seen(data: bytes) -> Picture:
    """As pictures are decoded for their hashes."""
    picture = decode("x", data, DecodeConfig())
    assert isinstance(picture, Picture)
    return picture


def mates(report: Report, name: str) -> set[str]:
    """The others of a picture's cluster."""
    found = [set(c.members) for c in report.clusters if name in c.members]
    return found[0] - {name} if found else set()


@pytest.mark.parametrize("outline", ["ellipse", "star", "soft"])
def test_hashes_over_backdrops_are_those_of_flattened_files(outline: str) -> None:
    """Of every grey, to a level; an opaque picture has none."""
    clear = cutout(1, outline)
    shades = describe_backdrops(seen(png(clear)))
    assert len(shades) == len(BACKDROPS)
    for grey, shade in zip(BACKDROPS, shades, strict=True):
        flat = describe_hashes(seen(png(flattened(clear, (grey, grey, grey)))))
        bits = np.unpackbits(shade.pdq ^ flat.pdq)
        assert bits.reshape(8, 256).sum(axis=1).max() <= 4
        assert np.abs(shade.thumb.astype(int) - flat.thumb).max() <= 2
    assert describe_backdrops(seen(png(clear[..., :3].copy()))) == ()


@pytest.mark.parametrize("effort", ["fast", "standard"])
def test_a_flattened_picture_is_found_whatever_lies_behind_it(
    tmp_path: Path, db: Path, effort: str
) -> None:
    """On white, black, grey and colours, smaller and as a JPEG, turned and mirrored too."""
    folder, kinds = tmp_path / "in", ("ellipse", "star", "soft")
    folder.mkdir()
    for seed in range(6):
        clear = cutout(seed, kinds[seed % 3])
        # names decide which of two is the query
        (folder / f"{seed}.{'am'[seed % 2]}.png").write_bytes(png(clear))
        for name, behind in BEHIND.items():
            flat = Image.fromarray(flattened(clear, behind)).resize((320, 240))
            flat.save(folder / f"{seed}.h {name}.jpg", quality=80)
        black = cv2.resize(flattened(clear, (0, 0, 0)), (320, 240), interpolation=cv2.INTER_AREA)
        Image.fromarray(np.rot90(black)).save(folder / f"{seed}.h turned.png")
        Image.fromarray(np.rot90(black)[:, ::-1]).save(folder / f"{seed}.h mirrored.png")
    report = find(folder, db=db, config=FindConfig(effort=effort))  # type: ignore[arg-type]
    for seed in range(6):
        found = {name[4:] for name in mates(report, f"{seed}.{'am'[seed % 2]}.png")}
        wanted = {f"{name}.jpg" for name in BEHIND} | {"turned.png", "mirrored.png"}
        assert found == wanted, seed
    assert len(report.matches) > 6 * len(BEHIND)
    for match in report.matches:
        assert match.query[0] == match.ref[0]
        if {match.query[2], match.ref[2]} == {"a", "h"} and match.verification:
            text = "turned" in match.ref or "mirrored" in match.ref
            assert (match.verification.angle != 0) == text, match


def test_pictures_of_one_outline_stay_apart(tmp_path: Path, db: Path) -> None:
    """Neither their outline nor what lies behind them joins two; hidden colours part none."""
    folder = tmp_path / "in"
    folder.mkdir()
    for seed, (name, behind) in itertools.product(range(5), BEHIND.items()):
        clear = cutout(seed, hidden=50 * seed)
        (folder / f"{seed} {name}.png").write_bytes(png(flattened(clear, behind)))
        (folder / f"{seed} clear.png").write_bytes(png(clear))
    (folder / "0 hides other colours.png").write_bytes(png(cutout(0, hidden=200)))
    report = find(folder, db=db, config=FindConfig(effort="fast"))
    assert {match.query[0] == match.ref[0] for match in report.matches} == {True}
    assert sorted(len(cluster.members) for cluster in report.clusters) == [7, 7, 7, 7, 8]


def glyph(shape: str, ink: int) -> np.ndarray:
    """A flat sign on nothing."""
    alpha = np.zeros((128, 128), np.uint8)
    cv2.putText(alpha, shape, (22, 104), cv2.FONT_HERSHEY_DUPLEX, 4, 255, 14, cv2.LINE_AA)
    return np.dstack([np.full((128, 128, 3), ink, np.uint8), alpha])


def test_signs_on_nothing_are_told_by_their_shape(tmp_path: Path, db: Path) -> None:
    """White ones, which over white are blank, match what they are flattened to, and no other."""
    folder = tmp_path / "in"
    folder.mkdir()
    for shape in "ABKRTXZ":
        for ink in (0, 255):
            sign = glyph(shape, ink)
            (folder / f"{shape}{ink}.png").write_bytes(png(sign))
            behind = (255 - ink,) * 3
            (folder / f"{shape}{ink} flat.png").write_bytes(png(flattened(sign, behind)))
    (folder / "nothing.png").write_bytes(png(np.zeros((128, 128, 4), np.uint8)))
    report = find(folder, db=db, config=FindConfig(effort="fast"))
    for shape, ink in itertools.product("ABKRTXZ", (0, 255)):
        assert mates(report, f"{shape}{ink}.png") == {f"{shape}{ink} flat.png"}
    assert not mates(report, "nothing.png")


def test_every_verb_sees_through(tmp_path: Path, db: Path) -> None:
    """Comparing two, searching with either, and result lists agree with finding."""
    folder = tmp_path / "in"
    folder.mkdir()
    for seed in range(4):
        (folder / f"{seed} clear.png").write_bytes(png(cutout(seed, "star")))
        (folder / f"{seed} black.png").write_bytes(png(flattened(cutout(seed, "star"), (0, 0, 0))))
    blue, clear = flattened(cutout(2, "star"), BEHIND["blue"]), cutout(3, "star", hidden=9)
    (tmp_path / "blue.png").write_bytes(png(blue))
    (tmp_path / "clear.png").write_bytes(png(clear))
    match, _ = compare(tmp_path / "blue.png", folder / "2 clear.png")
    assert match is not None and match.tier == "copy"
    config = FindConfig(effort="fast")
    find(folder, db=db, config=config)
    for query, other in (("blue", "2 clear.png"), ("clear", "3 black.png")):
        answer = search(Question(tmp_path / f"{query}.png", 3), db=db, config=config)
        copies = {Path(hit.image.path).name for hit in answer.hits if hit.tier == "copy"}
        assert other in copies and {name[0] for name in copies} == {other[0]}
    listed = [png(blue), png(cutout(2, "star")), png(clear), png(flattened(clear, (0, 0, 0)))]
    assert collapse(listed, config=config).indexes == (0, 2)


def test_only_pictures_with_transparent_parts_are_described_over_backdrops(
    tmp_path: Path, db: Path
) -> None:
    """They say so in reports; others have one hash, and an alpha plane that is full is none."""
    folder = tmp_path / "in"
    folder.mkdir()
    full = np.dstack([scene(1, 200, 150), np.full((150, 200), 255, np.uint8)])
    for name, pixels in (("clear", cutout(1)), ("full", full), ("opaque", scene(2, 200, 150))):
        (folder / f"{name}.png").write_bytes(png(pixels))
    images = find(folder, db=db).images
    assert [name for name, image in images.items() if image.transparent] == ["clear.png"]
    with open_collection(db) as collection:
        for image in images.values():
            missing = collection.missing(PDQ_SPEC, shade_names(image.sha256))
            assert (missing == []) == image.transparent
