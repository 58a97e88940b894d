"""Decoding: right pixels or a reason, never an exception, never half a picture."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile
from tiff_files import tiff

from conftest import BROKEN, PICTURES, scene
from lookalike.config import DecodeConfig
from lookalike.evaluation.edits import encode_jpeg
from lookalike.images.decode import decode, pixel_digest
from lookalike.images.headers import parse_jpeg, sniff
from lookalike.model.files import Failure
from lookalike.model.image import Picture

CONFIG = DecodeConfig()
FULL = DecodeConfig(min_side=100_000)


def encoded(rgb: np.ndarray, form: str, **options: object) -> bytes:
    """A picture in some container."""
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, form, **options)
    return out.getvalue()


def seen(data: bytes, config: DecodeConfig = CONFIG) -> Picture:
    """The picture, or the failure as an assertion."""
    picture = decode("x", data, config)
    assert isinstance(picture, Picture), picture
    return picture


def reason(data: bytes) -> str:
    """Why there is no picture."""
    failure = decode("x", data, CONFIG)
    assert isinstance(failure, Failure)
    assert failure.stage == "decode"
    return failure.message


@pytest.mark.parametrize(
    "form", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "HEIF", "AVIF", "JXL"]
)
def test_every_container(form: str) -> None:
    """Each container is sniffed from its content and decodes to the same picture."""
    import pillow_heif
    import pillow_jxl  # noqa: F401

    pillow_heif.register_heif_opener()
    rgb = scene(1)
    data = encoded(rgb, form)
    picture = seen(data)
    assert sniff(data[:64]) == form == picture.format
    assert (picture.width, picture.height) == (640, 480)
    assert picture.rgb.shape == (120, 160, 3)
    small = np.asarray(Image.fromarray(rgb).reduce(4)).astype(int)
    assert np.abs(picture.rgb - small).mean() < 12
    assert picture.lossless == (form in ("PNG", "GIF", "BMP", "TIFF"))


@pytest.mark.parametrize(
    ("folder", "count", "broken"),
    [("shipped", 22, BROKEN), ("shared", 421, {"corrupt-header.jpg", "truncated.png"})],
    indirect=["folder"],
    ids=["shipped", "shared"],
)
def test_all_formats_decode_or_fail_with_a_reason(
    folder: Path,
    count: int,
    broken: set[str],
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each of the fixtures ends as a picture or a reason, opened at most thrice and quietly."""
    failures, opened, open_it = {}, [], Image.open
    monkeypatch.setattr(Image, "open", lambda *a, **b: (opened.append(a), open_it(*a, **b))[1])
    paths = sorted((folder / "formats").iterdir())
    assert len(paths) == count
    for path in paths:
        opened.clear()
        outcome = decode(str(path), path.read_bytes(), CONFIG)
        assert len(opened) <= 3, path.name
        if isinstance(outcome, Failure):
            failures[path.name] = outcome.message
    assert set(failures) == broken
    assert all(failures.values())
    assert capfd.readouterr().err == ""


def test_orientations_decode_upright() -> None:
    """All EXIF orientations of one photo are the same upright picture."""
    names = [PICTURES / "orientations" / f"coffee_{number}.jpg" for number in range(9)]
    pictures = [seen(name.read_bytes()) for name in names]
    assert {(picture.width, picture.height) for picture in pictures} == {(256, 171)}
    first = pictures[1].rgb.astype(int)
    assert all(np.abs(picture.rgb - first).mean() < 12 for picture in pictures)


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_truncated_is_a_failure(form: str) -> None:
    """A picture cut anywhere is listed, not half decoded."""
    data = encoded(scene(2), form)
    cuts = range(20, len(data) - 2, len(data) // 40)
    assert len(cuts) >= 40
    for cut in cuts:
        assert isinstance(decode("x", data[:cut], CONFIG), Failure), cut


def test_reasons_say_what_is_wrong() -> None:
    """Empty, foreign and truncated files are told apart."""
    assert "empty" in reason(b"")
    assert "text" in reason(b"hello world, this is text")
    assert "HTML" in reason(b"<!DOCTYPE html><html></html>")
    assert "PDF" in reason(b"%PDF-1.7 ...")
    assert "zip" in reason(b"PK\x03\x04....")
    assert "truncated" in reason(encoded(scene(3), "JPEG")[:9000])


def bomb(width: int, height: int) -> bytes:
    """A PNG whose header claims a huge size."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        check = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 100_000)
    start = b"\x89PNG\r\n\x1a\n"
    return start + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def test_bombs_are_refused_by_their_header(monkeypatch: pytest.MonkeyPatch) -> None:
    """A claimed gigapixel costs neither time nor memory: no pixel of it is decoded."""
    decoded: list[object] = []
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda image: decoded.append(image))
    monkeypatch.setattr("simplejpeg.decode_jpeg", lambda *a, **b: decoded.append(a))
    jpeg = bytearray(encoded(scene(4), "JPEG"))
    at = jpeg.index(b"\xff\xc0")
    jpeg[at + 5 : at + 9] = struct.pack(">HH", 65_000, 65_000)
    for data in (bomb(60_000, 60_000), bytes(jpeg)):
        assert "megapixels" in reason(data) and decoded == []


def test_deep_grey_is_scaled_not_clipped() -> None:
    """16 bits become 8 by scale."""
    ramp = np.linspace(0, 65535, 256, dtype=np.uint16)[None].repeat(64, 0)
    out = io.BytesIO()
    Image.fromarray(ramp).save(out, "PNG")
    assert abs(int(seen(out.getvalue(), FULL).rgb[0, 128, 0]) - 128) <= 1


def deep(levels: np.ndarray, kind: str) -> np.ndarray:
    """Grey levels 0..255 as samples of another type, white as its white."""
    if np.dtype(kind).kind == "f":
        return (levels / 255).astype(kind)
    return levels.astype(kind) * np.array(np.iinfo(kind).max // 255, kind)


@pytest.mark.parametrize(
    ("kind", "predictor"),
    # floats alone are predicted by their bytes
    [(k, p) for k in ("u1", "u2", "u4", "f2", "f4", "f8") for p in range(4) if p < 3 or "f" in k],
)
@pytest.mark.parametrize("extra", [(), (0,), (999,), (0, 999), (2,), (1,)])
def test_tiffs_of_any_planes(kind: str, extra: tuple[int, ...], predictor: int) -> None:
    """Grey, colour and inks of any depth decode alike, with planes of unknown meaning left out.

    Whatever the order of bytes, planes and tiles; a known alpha plane that is full hides nothing.
    """
    grey = scene(11, 45, 33)[..., :1]
    rgb = scene(12, 45, 33)
    inks = np.dstack([rgb // 2, grey // 2])
    wanted = {0: 255 - np.repeat(grey, 3, 2), 1: np.repeat(grey, 3, 2), 2: rgb}
    wanted[5] = np.asarray(Image.frombytes("CMYK", (45, 33), inks.tobytes()).convert("RGB"))
    full = np.full((33, 45, len(extra)), 255, np.uint8)
    for colours, levels in ((0, grey), (1, grey), (2, rgb), (5, inks)):
        planes = deep(np.dstack([levels, full]) if extra else levels, kind)
        for order in "<>":
            for split in (False, True):
                for tile in (0, 16):
                    data = tiff(
                        planes,
                        colours,
                        extra,
                        order=order,
                        split=split,
                        predictor=predictor,
                        tile=tile,
                    )
                    off = np.abs(seen(data, FULL).rgb.astype(int) - wanted[colours]).max()
                    assert off <= 1, (colours, order, split, tile)


def test_tiffs_that_are_not_read_say_what_they_are() -> None:
    """A TIFF without a way to read it is unsupported, by its kind; a cut one is truncated."""
    rgb = deep(scene(13, 45, 33), "f4")
    whole, cut = (struct.pack("<HHII", 257, 4, 1, height) for height in (33, 36))
    assert "truncated" in reason(tiff(rgb, 2).replace(whole, cut))
    many = np.zeros((8, 8, 40), np.float32)
    assert reason(tiff(many, 1, (0,) * 39)) == (
        "unsupported: a TIFF of 40 planes of 32 bits (floating point), colours BlackIsZero, "
        "compression none"
    )
    assert reason(tiff(rgb, 8)).startswith("unsupported: a TIFF of 3 planes of 32 bits")


def test_alpha_lies_over_white_and_counts_as_pixels() -> None:
    """Transparent looks white but is not the same pixels as white."""
    clear = np.zeros((64, 64, 4), np.uint8)
    white = np.full((64, 64, 3), 255, np.uint8)
    assert seen(encoded(clear, "PNG")).rgb.min() == 255
    assert pixel_digest("a", encoded(clear, "PNG"), CONFIG) != pixel_digest(
        "b", encoded(white, "PNG"), CONFIG
    )


def test_cmyk_palette_and_animation() -> None:
    """Other modes give natural colours; of an animation, the first frame."""
    red = Image.new("RGB", (200, 150), (220, 30, 30))
    blue = Image.new("RGB", (200, 150), (20, 30, 220))
    out = io.BytesIO()
    red.convert("CMYK").save(out, "JPEG")
    cmyk = seen(out.getvalue()).rgb.mean(axis=(0, 1))
    assert cmyk[0] > 180 and cmyk[2] < 80
    out = io.BytesIO()
    red.convert("P").save(out, "GIF", save_all=True, append_images=[blue.convert("P")])
    assert np.abs(seen(out.getvalue()).rgb.mean(axis=(0, 1)) - (220, 30, 30)).max() < 8


def test_pixel_digest_is_of_pixels() -> None:
    """Lossless containers agree; a JPEG agrees with a PNG made of it; others do not."""
    rgb = scene(5)
    digests = {pixel_digest("x", encoded(rgb, form), CONFIG) for form in ("PNG", "BMP", "TIFF")}
    digests.add(pixel_digest("x", encoded(rgb, "WEBP", lossless=True), CONFIG))
    assert len(digests) == 1
    jpeg = encode_jpeg(rgb)
    png = encoded(np.asarray(Image.open(io.BytesIO(jpeg))), "PNG")
    assert pixel_digest("x", jpeg, CONFIG) == pixel_digest("x", png, CONFIG)
    assert pixel_digest("x", jpeg, CONFIG) not in digests
    assert isinstance(pixel_digest("x", jpeg[:500], CONFIG), Failure)


def test_exif_is_counted_and_broken_exif_is_harmless() -> None:
    """Tags are counted on the fast path; nonsense in them loses nothing."""
    image = Image.fromarray(scene(6))
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "maker", 6
    out = io.BytesIO()
    image.save(out, "JPEG", exif=exif)
    data = out.getvalue()
    picture = seen(data)
    assert (picture.width, picture.height, picture.exif_fields) == (480, 640, 2)
    header = parse_jpeg(data)
    assert header is not None and header.orientation == 6
    broken = data.replace(b"Exif\0\0MM", b"Exif\0\0XX").replace(b"Exif\0\0II", b"Exif\0\0XX")
    assert seen(broken).exif_fields == 0


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_bytes_never_raise(data: st.DataObject) -> None:
    """Whatever the bytes, the outcome is a picture or a reason."""
    form = data.draw(st.sampled_from(["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"]))
    content = bytearray(encoded(scene(7, 96, 64), form))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, min(len(content), 400) - 1))
        content[at] = data.draw(st.integers(0, 255))
    assert isinstance(decode("x", bytes(content), CONFIG), Picture | Failure)
    pixel_digest("x", bytes(content), CONFIG)


_BROKEN = """
import sys
from lookalike.config import DecodeConfig
from lookalike.images.decode import decode, pixel_digest
for path in sys.argv[1:]:
    data = open(path, "rb").read()
    for outcome in (decode("x", data, DecodeConfig()), pixel_digest("x", data, DecodeConfig())):
        print(path, getattr(outcome, "message", "readable"))
"""


@pytest.mark.slow
def test_reasons_are_the_same_in_every_run(tmp_path: Path) -> None:
    """No reason holds an address of memory: two processes word every broken file alike."""
    import pillow_heif
    import pillow_jxl  # noqa: F401

    pillow_heif.register_heif_opener()
    forms = ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "HEIF", "AVIF", "JXL"]
    paths = []
    for form in forms:
        whole = encoded(scene(8, 96, 64), form)
        signature = 16 if form in ("HEIF", "AVIF", "WEBP") else 8 if form == "PNG" else 4
        spoilt = [whole[:signature], whole[:24], whole[: len(whole) // 2]]
        spoilt += [whole[:signature] + filler * 200 for filler in (b"\0", b"\xff", b"\x21\x9a")]
        for number, data in enumerate(spoilt):
            path = tmp_path / f"{form}{number}"
            path.write_bytes(data)
            paths.append(str(path))
    command = [sys.executable, "-c", _BROKEN, *paths]
    runs = [
        subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(2)
    ]
    assert runs[0] == runs[1]
    assert runs[0].count("\n") == 2 * len(paths)
    assert "0x" not in runs[0] and "object at" not in runs[0]


def test_a_failure_holds_no_address() -> None:
    """Whoever words a failure, from whichever library, it is the same in every run."""
    told = Failure("x", "read", f"cannot be read: {object()}, {io.BytesIO()} and {reason}")
    assert told.message == ("cannot be read: <object>, <_io.BytesIO> and <function reason>")
    assert Failure("x", "scan", "no 0x1f.jpg at 0x1f").message == "no 0x1f.jpg at 0x1f"


@pytest.mark.slow
def test_random_bytes_are_no_image() -> None:
    """Noise is refused."""
    assert isinstance(decode("x", os.urandom(5000), CONFIG), Failure)
