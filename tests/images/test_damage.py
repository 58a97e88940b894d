"""Damaged files that open: told from whole ones, remembered, shown, never kept for a whole one."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image, ImageCms
from rich.console import Console

from conftest import scene
from lookalike import find
from lookalike.cli.main import commands
from lookalike.config import DecodeConfig, FindConfig, KeepConfig
from lookalike.datasets.exports import export
from lookalike.decisions.choices import place_of, with_choices
from lookalike.images.decode import decode, decode_luma
from lookalike.model.files import Failure
from lookalike.model.image import Picture
from lookalike.report import from_json, to_dict, to_json
from lookalike.report.as_csv import write_csv
from lookalike.report.as_html import write_html
from lookalike.report.as_text import summary
from lookalike.run.collapse import collapse
from lookalike.store import open_collection, open_decisions
from lookalike.store.decisions import Choices
from lookalike.store.location import Server, locate
from lookalike.web.desk import Desk

CONFIG = DecodeConfig()
END = b"\xff\xd9"
CUTS = (10, 20, 30, 45, 60, 75, 90, 95)
LAB = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
KINDS: dict[str, dict[str, Any]] = {
    "baseline": {},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_rows": 1},
    "another profile": {"icc_profile": LAB.tobytes()},
    "grey": {"mode": "L"},
    "inks": {"mode": "CMYK"},
}


def jpeg(seed: int, kind: str = "baseline", quality: int = 85) -> bytes:
    """A whole JPEG of one of the kinds."""
    options = dict(KINDS[kind])
    out = io.BytesIO()
    picture = Image.fromarray(scene(seed)).convert(options.pop("mode", "RGB"))
    picture.save(out, "JPEG", quality=quality, **options)
    return out.getvalue()


def start_of_scan(data: bytes) -> int:
    """Where compressed data begins."""
    at = data.index(b"\xff\xda")
    return at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")


def cut(data: bytes, percent: int) -> bytes:
    """Without the end of its data, but with an end mark."""
    start = start_of_scan(data)
    return data[: start + (len(data) - start) * percent // 100] + END


def damage(data: bytes) -> str:
    """What is damaged in a file that opens."""
    seen = decode("x", data, CONFIG)
    assert isinstance(seen, Picture), seen
    return seen.damage


@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_jpeg_whose_end_mark_is_put_back_is_damaged(kind: str) -> None:
    """Wherever it was cut; whoever asks for its luma alone gets the same picture."""
    whole = jpeg(1, kind)
    assert damage(whole) == ""
    for percent in CUTS:
        data = cut(whole, percent)
        assert "premature end" in damage(data), percent
        assert not isinstance(decode_luma("x", data, CONFIG), Failure)
        assert isinstance(decode("x", data[:-2], CONFIG), Failure), "no end mark: not whole at all"


def test_a_progressive_jpeg_without_its_last_scans_is_damaged() -> None:
    """Also where it was cut between two scans, of which the decoder says nothing."""
    whole = jpeg(2, "progressive")
    scans = [found.start() for found in re.finditer(b"\xff\xda", whole)]
    assert len(scans) == 10
    for at in scans[1:]:
        assert damage(whole[:at] + END) == "cut: its last scans are missing"


@pytest.mark.parametrize("filler", [b"\0", b"\xff", b"\xf8"])
def test_most_holes_in_scans_are_told(filler: bytes) -> None:
    """Where a stretch is overwritten the decoder loses step in nine of ten files."""
    told = 0
    for seed in range(10):
        data = bytearray(jpeg(seed, ("baseline", "restarts")[seed % 2]))
        at = start_of_scan(data) + len(data) // (2 + seed % 5)
        data[at : at + 500] = filler * 500
        told += damage(bytes(data)) != ""
    assert told >= 9


def test_leftovers_and_odd_headers_are_harmless() -> None:
    """Bytes behind the end mark, filler before it, and what applications write are no damage."""
    for kind in ("baseline", "progressive", "restarts", "another profile"):
        whole = jpeg(4, kind)
        odd = whole.replace(b"JFIF\0\x01", b"JFIF\0\x07")
        assert odd != whole
        for filler in (b"\x9a", b"\0" * 300, b"\xff" * 300, b"made by a camera, version 1.2. " * 9):
            assert damage(whole[:-2] + filler + END) == "", (kind, filler[:9])
        for data in (whole + b"junk" * 50, whole + np.random.default_rng(1).bytes(999), odd):
            assert damage(data) == "", kind
        assert "premature end" in damage(cut(odd, 50)), "a harmless complaint hides no other"


def test_animations_and_pages_that_are_cut_are_damaged() -> None:
    """Where frames behind the first are missing, whether or not the end mark was put back."""
    frames = [Image.fromarray(scene(seed, 160, 120)) for seed in range(5)]
    for form in ("GIF", "PNG", "TIFF"):
        out = io.BytesIO()
        some = [frame.quantize(64) for frame in frames] if form == "GIF" else frames
        some[0].save(out, form, save_all=True, append_images=some[1:])
        whole = out.getvalue()
        assert damage(whole) == "", form
        for percent in (85, 90, 95):
            data = whole[: len(whole) * percent // 100]
            for ending in (b"", {"GIF": b";", "PNG": b"\0\0\0\0IEND\xaeB`\x82", "TIFF": b""}[form]):
                assert damage(data + ending) == "cut: frames behind the first are missing", form
    single = io.BytesIO()
    frames[0].quantize(64).save(single, "GIF")
    assert damage(single.getvalue().rstrip(b";")) == "", "nothing of its one frame is missing"


def test_an_animated_png_with_too_few_frames_is_damaged() -> None:
    """Whole chunks and an end do not make up for frames that it says to have."""
    out = io.BytesIO()
    frames = [Image.fromarray(scene(seed, 160, 120)) for seed in range(4)]
    frames[0].save(out, "PNG", save_all=True, append_images=frames[1:])
    whole, at = out.getvalue(), [m.start() - 4 for m in re.finditer(b"fcTL", out.getvalue())]
    end = struct.pack(">I", 0) + b"IEND" + struct.pack(">I", zlib.crc32(b"IEND"))
    assert damage(whole[: at[2]] + end) and not damage(whole[:-12] + end)


def test_a_lossless_jpeg_decodes_at_full_size() -> None:
    """Its decoder ignores reductions: a smaller buffer would be written beyond its end."""

    def segment(marker: int, body: bytes) -> bytes:
        return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body

    side = 1024
    frame = segment(
        0xC3, struct.pack(">BHHB", 8, side, side, 3) + b"\x01\x11\0\x02\x11\0\x03\x11\0"
    )
    table = segment(0xC4, b"\0" + bytes([1, *[0] * 15]) + b"\0")
    scan = segment(0xDA, b"\x03\x01\0\x02\0\x03\0\x01\0\0") + bytes(side * side * 3 // 8)
    seen = decode("x", b"\xff\xd8" + frame + table + scan + END, CONFIG)
    assert isinstance(seen, Picture) and seen.width == side
    assert set(np.unique(seen.rgb)) == {128}


def put_pairs(folder: Path) -> list[str]:
    """Fifteen pictures whole, each with a larger file of it that is cut; names of the latter."""
    folder.mkdir(parents=True)
    for seed in range(15):
        kind = list(KINDS)[seed % 4]
        (folder / f"{seed:02d} whole, by a longer name.jpg").write_bytes(jpeg(seed, kind, 60))
        data = jpeg(seed, kind, 95)
        (folder / f"{seed:02d} cut.jpg").write_bytes(cut(data, 85 + seed))
    return [f"{seed:02d} cut.jpg" for seed in range(15)]


@pytest.mark.parametrize("rules", [None, ("size",), ("medoid", "path"), ("newest", "resolution")])
def test_no_damaged_file_stays_for_a_whole_one(tmp_path: Path, db: Path, rules: Any) -> None:
    """Of 15 pairs, whatever the rules; the reason says so."""
    cuts = put_pairs(tmp_path / "in")
    config = FindConfig(keep=KeepConfig(rules)) if rules else FindConfig()
    report = find(tmp_path / "in", db=db, config=config)
    assert len(report.clusters) == 15
    gone = {decision.image: decision for decision in report.decisions if decision.action == "drop"}
    assert set(gone) == set(cuts)
    assert all(one.reason.startswith("undamaged: damaged (Corrupt") for one in gone.values())
    again = find(tmp_path / "in", db=db, config=config)
    assert again.funnel["decoded"] == 0 and again.images == report.images


def test_result_lists_keep_a_whole_candidate() -> None:
    """The first that is whole represents a picture, at the place of the first of all."""
    whole = jpeg(7)
    for keep in ("rank", "best"):
        found = collapse([cut(jpeg(7, quality=95), 92), jpeg(8), whole], keep=keep)  # type: ignore[arg-type]
        assert [(item.index, item.rank) for item in found.kept] == [(2, 0), (1, 1)]
    assert collapse([cut(whole, 92), cut(whole, 95)]).indexes == (0,)


def test_every_report_shows_damage(tmp_path: Path, db: Path) -> None:
    """Text, JSON, page, tables, exports and the comparison of two say what the decoder said."""
    pytest.importorskip("pyarrow", reason="extra tables is not installed")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "whole.jpg").write_bytes(jpeg(1, quality=60))
    (tmp_path / "in" / "cut.jpg").write_bytes(cut(jpeg(1), 92))
    (tmp_path / "in" / "alone.jpg").write_bytes(cut(jpeg(2), 70))
    report = find(tmp_path / "in", db=db)
    words = "Corrupt JPEG data: premature end of data segment"
    assert {i.id: i.damage for i in report.images.values()} == {
        "alone.jpg": words,
        "cut.jpg": words,
        "whole.jpg": "",
    }
    assert from_json(to_json(report)).images == report.images
    (cluster,) = to_dict(report)["clusters"]
    assert {member["id"]: member["damage"] for member in cluster["members"]} == {
        "cut.jpg": words,
        "whole.jpg": "",
    }
    console = Console(width=200, file=io.StringIO(), record=True)
    console.print(summary(report))
    text = console.export_text()
    assert "2 files are damaged:" in text and f"alone.jpg: {words}" in text
    page = write_html(report, tmp_path / "r.html").read_text()
    assert f"damaged: {words}" in page and "2 files are damaged" in page
    tables = {
        path.name: list(csv.DictReader(path.read_text().splitlines()))
        for path in write_csv(report, tmp_path)
    }
    assert [row["damage"] for row in tables["clusters.csv"]] == [words, ""]
    assert [Path(row["path"]).name for row in tables["damaged.csv"]] == ["alone.jpg", "cut.jpg"]
    lines = next(p for p in export(report, "huggingface", tmp_path) if p.suffix == ".jsonl")
    told = [json.loads(line)["damage"] for line in lines.read_text().splitlines()]
    assert told == [words, words, None]
    folder = tmp_path / "in"
    asked = ["compare", str(folder / "cut.jpg"), str(folder / "whole.jpg")]
    assert f"cut.jpg: {words}" in CliRunner().invoke(commands, asked).output
    plain = json.loads(CliRunner().invoke(commands, [*asked, "--json"]).output)
    assert plain["damage"] == {"query": words, "ref": ""}


def test_reports_of_the_earlier_schema_are_read(tmp_path: Path, db: Path) -> None:
    """A report made before damage was known opens, with none."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "cut.jpg").write_bytes(cut(jpeg(1), 92))
    plain = to_dict(find(tmp_path / "in", db=db))
    plain["schema"] = "lookalike-report/2"
    for image in plain["images"]:
        del image["damage"]
    again = from_json(json.dumps(plain))
    assert [image.damage for image in again.images.values()] == [""]
    assert again.schema == "lookalike-report/3"


_EARLIER = (
    "ALTER TABLE content DROP COLUMN damage",
    "ALTER TABLE content DROP COLUMN transparent",
    "DELETE FROM report",
)


def make_earlier(db: Path | str) -> None:
    """Turn a collection into one of the first schema, that knew nothing of damage."""
    if isinstance(db, Path):
        with sqlite3.connect(db / "catalogue.sqlite") as connection:
            for statement in (*_EARLIER, "PRAGMA user_version=1"):
                connection.execute(statement)
        connection.close()
        return
    place = locate(db)
    assert isinstance(place, Server)
    import psycopg

    with psycopg.connect(place.conninfo) as server:
        server.execute(f"SET search_path = {place.schema}, public")
        for statement in (*_EARLIER, "UPDATE about SET schema = 1"):
            server.execute(statement)


def test_an_older_collection_opens_and_looks_again(tmp_path: Path, any_db: Path | str) -> None:
    """Every picture is looked at once more, and what did not decode; what is known else is kept."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "cut.jpg").write_bytes(cut(jpeg(1), 92))
    (folder / "whole.jpg").write_bytes(jpeg(1, quality=60))
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"?" * 50)
    Image.fromarray(scene(3)).save(folder / "third.webp")
    before = find(folder, db=any_db)
    make_earlier(any_db)
    with open_collection(any_db) as collection:
        shas = [image.sha256 for image in before.images.values()]
        assert {content.damage for content in collection.contents(shas).values()} == {""}
        digests = {sha: content.pixel_digest for sha, content in collection.contents(shas).items()}
    after = find(folder, db=any_db)
    assert after.funnel["decoded"] == 3
    plain = [to_dict(report) for report in (before, after)]
    for one in plain:
        del one["timings"], one["funnel"]
    assert plain[0] == plain[1]
    with open_collection(any_db) as collection:
        found = collection.contents(shas)
        assert {sha: content.pixel_digest for sha, content in found.items()} == digests
        assert sorted(content.damage != "" for content in found.values()) == [False, False, True]
    assert find(folder, db=any_db).funnel["decoded"] == 0


def test_the_review_page_shows_damage_and_a_person_outranks_it(tmp_path: Path, db: Path) -> None:
    """Every card of a damaged file says so; whom a person chose stays, damaged or not."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "whole.jpg").write_bytes(jpeg(1, quality=60))
    (tmp_path / "in" / "cut.jpg").write_bytes(cut(jpeg(1), 92))
    report = find(tmp_path / "in", db=db)
    with open_decisions(db) as decisions:
        cards = {card["name"]: card for card in Desk(report, decisions).cluster(0)["members"]}
    assert "premature end" in cards["cut.jpg"]["damage"] and cards["whole.jpg"]["damage"] == ""
    assert cards["whole.jpg"]["action"] == "keeper"
    chosen = Choices(marks={place_of(report.images["cut.jpg"]): "keeper"})
    kept = with_choices(report, chosen)
    assert kept.keeper_of(kept.clusters[0]) == "cut.jpg"
