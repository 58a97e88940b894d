"""The main job: every defect that users of other tools report has a test here."""

from __future__ import annotations

import io
import os
import random
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from conftest import BROKEN, PICTURES, save, scene
from lookalike import FindConfig, InsideConfig, Report, find, search
from lookalike.config import (
    ClusterConfig,
    EmbeddingConfig,
    KeepConfig,
    Linkage,
)
from lookalike.evaluation.edits import edit_picture
from lookalike.model.errors import ConfigError
from lookalike.report import from_json, to_dict, to_json


def joined(report: Report) -> list[list[str]]:
    """Members' ids of every cluster."""
    return [list(cluster.members) for cluster in report.clusters]


def answer(report: Report) -> dict[str, object]:
    """All of a report that must not depend on how the work was cut."""
    plain = to_dict(report)
    del plain["timings"]
    return plain


def make_copies(folder: Path, sources: int = 4) -> Path:
    """Some pictures, each with a mirrored, cropped, grey and twin copy."""
    for number in range(sources):
        rgb = scene(100 + number)
        save(folder / f"{number}.jpg", rgb)
        for edit in ("mirror", "crop_87", "grey", "screenshot"):
            copy = edit_picture(rgb, edit, source=str(number), other=scene(9))
            save(folder / "copies" / f"{number}_{edit}.jpg", copy)
        shutil.copy(folder / f"{number}.jpg", folder / "copies" / f"{number}_twin.jpg")
    save(folder / "alone.jpg", scene(999))
    return folder


def test_copies_are_found_each_with_its_tier(tmp_path: Path, db: Path) -> None:
    """One cluster a picture, twins exact, edits named, the bare full picture kept."""
    report = find(make_copies(tmp_path / "in"), db=db)
    assert len(report.clusters) == 4 and len(report.images) == 25
    assert all(len(cluster.members) == 6 for cluster in report.clusters)
    assert {match.tier for match in report.matches} == {"exact", "copy"}
    assert all(report.keeper_of(c) in ("0.jpg", "copies/0_twin.jpg") for c in report.clusters[:1])
    keepers = {report.keeper_of(cluster) for cluster in report.clusters}
    assert keepers == {f"{number}.jpg" for number in range(4)}
    for cluster in report.clusters:
        tied = {m.query for m in cluster.matches} | {m.ref for m in cluster.matches}
        assert set(cluster.members) == tied


def test_plain_pictures_match_only_what_looks_the_same(tmp_path: Path, db: Path) -> None:
    """White, black, green and transparent pictures are nobody's copies but their own."""
    folder = tmp_path / "in"
    folder.mkdir()
    plain = {
        "white": Image.new("RGB", (400, 300), "white"),
        "black": Image.new("RGB", (400, 300), "black"),
        "green": Image.new("RGB", (400, 300), "green"),
        "clear": Image.new("RGBA", (400, 300), (0, 0, 0, 0)),
        "clear2": Image.new("RGBA", (400, 300), (255, 0, 0, 0)),
    }
    for name, image in plain.items():
        image.save(folder / f"{name}.png")
    plain["white"].save(folder / "white.jpg")
    shutil.copy(folder / "white.png", folder / "white again.png")
    report = find(folder, db=db)
    assert joined(report) == [["white again.png", "white.jpg", "white.png"]]
    assert {match.tier for match in report.matches} == {"exact", "pixel"}
    assert report.funnel["low_information"] == 7


def test_same_pixels_in_other_files(tmp_path: Path, db: Path) -> None:
    """Containers and metadata differ, pixels do not: tier pixel."""
    folder = tmp_path / "in"
    save(folder / "a.jpg", scene(1))
    decoded = Image.open(folder / "a.jpg")
    decoded.save(folder / "b.png")
    decoded.save(folder / "c.webp", lossless=True)
    data = (folder / "a.jpg").read_bytes()
    (folder / "d.jpg").write_bytes(data[:2] + b"\xff\xfe\x00\x07hello" + data[2:])
    report = find(folder, db=db)
    assert joined(report) == [["a.jpg", "b.png", "c.webp", "d.jpg"]]
    assert {match.tier for match in report.matches} == {"pixel"}


@pytest.mark.slow
def test_same_pixels_however_a_decoder_reduced_them(tmp_path: Path, db: Path) -> None:
    """Fine grain of every size, some of it symmetric: a JPEG and what it decodes to are pixel."""
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(24):
        grain = np.random.default_rng(number)
        width, height = (int(side) for side in grain.integers(64, 1400, 2))
        rgb = scene(200 + number, width, height)
        rgb = np.clip(rgb + grain.normal(0, 40, rgb.shape), 0, 255).astype(np.uint8)
        if number % 4 == 0:
            rgb = np.maximum(rgb, rgb[:, ::-1])
        image = Image.open(save(folder / f"{number}.jpg", rgb, 75 + number))
        form = ("png", "webp", "tiff", "bmp")[number // 4 % 4]
        quickly = {"webp": {"lossless": True, "method": 0}, "png": {"compress_level": 1}}
        image.save(folder / f"{number}.{form}", **quickly.get(form, {}))  # type: ignore[arg-type]
    report = find(folder, db=db, config=FindConfig(effort="fast"))
    assert len(report.clusters) == len(report.matches) == 24
    assert {match.tier for match in report.matches} == {"pixel"}
    assert all(len({Path(m).stem for m in cluster.members}) == 1 for cluster in report.clusters)


def test_bad_files_are_listed_and_the_run_goes_on(tmp_path: Path, db: Path) -> None:
    """Truncated, empty, foreign and unreadable files end in the list, each with its reason."""
    folder = make_copies(tmp_path / "in", 1)
    data = (folder / "0.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(data[: len(data) // 2])
    (folder / "cut again.jpg").write_bytes(data[: len(data) // 2])
    (folder / "empty.png").touch()
    (folder / "text.jpg").write_text("hello")
    (folder / "notes.txt").write_text("not claimed to be an image")
    (folder / "mislabelled.txt").write_bytes(save(tmp_path / "m.jpg", scene(100)).read_bytes())
    report = find(folder, db=db)
    reasons = {Path(item.path).name: item.message for item in report.failures}
    assert set(reasons) == {"cut.jpg", "cut again.jpg", "empty.png", "text.jpg"}
    assert "truncated" in reasons["cut.jpg"] and "empty" in reasons["empty.png"]
    assert report.funnel["not_images"] == 1
    assert len(report.clusters) == 1 and "mislabelled.txt" in report.clusters[0].members
    counts = report.funnel
    assert counts["files"] == counts["images"] + counts["failed"] + counts["not_images"]
    again = find(folder, db=db)
    assert again.failures == report.failures and again.funnel["decoded"] == 0


def test_links_are_no_duplicates(tmp_path: Path, db: Path) -> None:
    """One inode under three names is one image."""
    path = save(tmp_path / "in" / "a.jpg", scene(1))
    os.link(path, tmp_path / "in" / "b.jpg")
    (tmp_path / "in" / "c.jpg").symlink_to(path)
    report = find(tmp_path / "in", db=db)
    assert list(report.images) == ["a.jpg"] and not report.clusters


def test_exif_orientations_are_one_picture(db: Path) -> None:
    """Turned by EXIF or by pixels, each photo is one cluster."""
    clusters = find(PICTURES / "orientations", db=db).clusters
    assert {cluster.members for cluster in clusters} == {
        tuple(f"coffee_{number}.jpg" for number in range(9)),
        ("moose_1.jpg", "moose_6.jpg"),
    }


def test_all_formats(db: Path) -> None:
    """Every fixture is an image or a listed failure; one photo is known in every format."""
    report = find(PICTURES / "formats", db=db)
    assert {Path(failure.path).name for failure in report.failures} == BROKEN
    (cluster,) = report.clusters
    # what is half transparent looks like nothing on any one backdrop
    assert set(report.images) - set(cluster.members) == {"alpha.png"}
    assert (report.funnel["files"], len(cluster.members)) == (22, 16)


@pytest.mark.parametrize("effort", ["fast", "standard"])
def test_order_threads_and_batches_change_nothing(tmp_path: Path, effort: str) -> None:
    """The report is a function of the set of files."""
    folder = make_copies(tmp_path / "in", 3)
    plain = FindConfig(effort=effort, threads=1, batch=1024)  # type: ignore[arg-type]
    first = answer(find(folder, db=tmp_path / "1", config=plain))
    cut = FindConfig(effort=effort, threads=2, batch=3)  # type: ignore[arg-type]
    assert answer(find(folder, db=tmp_path / "2", config=cut)) == first
    files = sorted(folder.rglob("*.jpg"))
    random.Random(1).shuffle(files)
    shuffled = find(files, db=tmp_path / "3", config=plain)
    again = find(sorted(files), db=tmp_path / "4", config=plain)
    assert joined(shuffled) == joined(again)


def test_a_collection_grows_to_the_same_answer(tmp_path: Path, any_db: Path | str) -> None:
    """Files added later give the report of a fresh run, moved ones are not decoded again."""
    folder = make_copies(tmp_path / "in", 3)
    late = tmp_path / "late"
    (folder / "copies").rename(late)
    find(folder, db=any_db)
    late.rename(folder / "copies")
    grown = find(folder, db=any_db)
    fresh = find(folder, db=tmp_path / "fresh")
    keep = ("clusters", "matches")
    assert [answer(grown)[k] for k in keep] == [answer(fresh)[k] for k in keep]
    (folder / "copies").rename(folder / "moved")
    moved = find(folder, db=any_db)
    assert moved.funnel["decoded"] == 0 and len(moved.clusters) == 3


def test_second_run_decodes_nothing_and_changes_are_noticed(
    tmp_path: Path, any_db: Path | str
) -> None:
    """Unchanged files are not opened; a changed, removed or new one is seen."""
    folder = make_copies(tmp_path / "in", 2)
    first = find(folder, db=any_db)
    again = find(folder, db=any_db)
    assert again.funnel["decoded"] == 0
    assert (again.clusters, again.matches) == (first.clusters, first.matches)
    save(folder / "0.jpg", scene(555))
    (folder / "copies" / "1_grey.jpg").unlink()
    changed = find(folder, db=any_db)
    assert changed.funnel["decoded"] == 1
    assert "0.jpg" not in {m for c in changed.clusters for m in c.members}
    assert "copies/1_grey.jpg" not in changed.images


@pytest.mark.slow
def test_lost_rows_are_described_again(tmp_path: Path, db: Path) -> None:
    """Without its row files a collection gives the answers of a fresh one, and so does a search."""
    folder = make_copies(tmp_path / "in", 2)
    cut = Image.fromarray(np.dstack([scene(77), scene(78)[..., 0] // 128 * 255]))
    cut.save(folder / "cut.png")
    cut_on_black = Image.new("RGB", cut.size)
    cut_on_black.paste(cut, mask=cut.getchannel("A"))
    cut_on_black.save(folder / "cut on black.png")
    find(folder, db=db)
    query = folder / "0.jpg"
    before = [(hit.image.id, hit.tier) for hit in search(query, db=db).hits]
    late = save(folder / "late.jpg", edit_picture(scene(100), "blur", source="0", other=scene(9)))
    fresh = find(folder, db=tmp_path / "fresh")
    late.rename(tmp_path / "late.jpg")
    files = sorted((db / "rows").glob("*.bin"))
    assert len(files) >= 4
    for file in files:
        file.unlink()
    assert [(hit.image.id, hit.tier) for hit in search(query, db=db).hits] == before
    found = search(folder / "cut on black.png", db=db).hits
    assert {Path(hit.image.id).name: hit.tier for hit in found}["cut.png"] == "copy"
    (tmp_path / "late.jpg").rename(late)
    for victim in files:
        victim.write_bytes(victim.read_bytes()[:-3])
        late.touch()
        again = find(folder, db=db)
        assert (again.clusters, again.matches) == (fresh.clusters, fresh.matches)


def test_a_broken_run_continues(tmp_path: Path, any_db: Path | str) -> None:
    """Ctrl-C keeps the batches that were done."""
    folder = make_copies(tmp_path / "in", 4)

    def stop(stage: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        find(folder, db=any_db, config=FindConfig(batch=8), progress=stop)
    report = find(folder, db=any_db)
    assert 0 < report.funnel["decoded"] <= 17 and len(report.clusters) == 4


@pytest.mark.parametrize("linkage", ["complete", "average", "single", "star"])
def test_every_linkage_finds_all_copies(tmp_path: Path, db: Path, linkage: Linkage) -> None:
    """What the cascade need not look at for one linkage is looked at for another."""
    folder = make_copies(tmp_path / "in", 2)
    config = FindConfig(cluster=ClusterConfig(linkage=linkage))
    report = find(folder, db=db, config=config)
    assert [len(cluster.members) for cluster in report.clusters] == [6, 6]
    for cluster in report.clusters:
        contents = {report.images[member].sha256 for member in cluster.members}
        every = len(contents) * (len(contents) - 1) // 2
        matched = sum(match.tier != "exact" for match in cluster.matches)
        if linkage in ("complete", "average"):
            assert matched >= {"complete": 1.0, "average": 0.5}[linkage] * every


def test_every_pair_of_a_component_is_verified_once_for_complete_linkage(
    tmp_path: Path, db: Path
) -> None:
    """Mirrored copies are looked at mirrored, told-apart pairs never, strangers never."""
    folder = make_copies(tmp_path / "in", 3)
    star = find(folder, db=db)
    asked = FindConfig(cluster=ClusterConfig(linkage="complete"))
    complete = find(folder, db=db, config=asked)
    pairs = {frozenset((m.query, m.ref)) for m in complete.matches if m.tier == "copy"}
    assert {frozenset((m.query, m.ref)) for m in star.matches if m.tier == "copy"} < pairs
    for n in range(3):
        assert frozenset((f"copies/{n}_mirror.jpg", f"copies/{n}_crop_87.jpg")) in pairs
    # 5 contents in each of 3 components, some pairs of which hashes decide
    assert star.funnel["verified"] < complete.funnel["verified"] <= star.funnel["verified"] + 30


@pytest.mark.slow
def test_a_report_is_the_same_fresh_kept_and_as_text(tmp_path: Path, db: Path) -> None:
    """As an object that the run made, as one read from what it kept, and as JSON."""
    folder = make_copies(tmp_path / "in", 2)
    fresh = find(folder, db=db, config=FindConfig(inside=InsideConfig(wanted=True)))
    kept = find(folder, db=db, config=FindConfig(inside=InsideConfig(wanted=True)))
    counts = {"decoded": 0, "remembered": 13}
    assert fresh.funnel["decoded"] == 11 and kept.funnel == {**fresh.funnel, **counts}
    timings = fresh.timings
    assert replace(kept, funnel=fresh.funnel, timings=timings) == fresh
    assert from_json(to_json(fresh)) == fresh


def test_a_kept_report_of_older_answers_is_not_shown(
    tmp_path: Path, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another version of the answers finds anew, and decodes nothing for it."""
    folder = make_copies(tmp_path / "in", 1)
    find(folder, db=db)
    monkeypatch.setattr("lookalike.report.build._ANSWERS", "later")
    again = find(folder, db=db)
    assert again.versions["answers"] == "later" and again.funnel["decoded"] == 0


def test_another_shot_is_similar_only_on_request(tmp_path: Path, db: Path) -> None:
    """What the network finds near and no keypoint confirms is a tier of its own, and asked for."""
    rgb = scene(31)
    height, width = rgb.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    bent = cv2.remap(rgb, x + 8 * np.sin(y / 17), y + 8 * np.sin(x / 13), cv2.INTER_LINEAR)
    folder = tmp_path / "in"
    save(folder / "first.jpg", rgb)
    save(folder / "second.jpg", bent)
    save(folder / "plain.jpg", cv2.GaussianBlur(scene(40)[::-1], (0, 0), 25))
    assert find(folder, db=db).matches == ()
    asked = FindConfig(
        cluster=ClusterConfig(similar=True), embedding=EmbeddingConfig(similar_distance=0.45)
    )
    report = find(folder, db=db, config=asked)
    assert [m.tier for m in report.matches] == ["similar"]
    assert sorted(Path(m).stem for m in report.clusters[0].members) == ["first", "second"]


def test_wrong_settings_stop_before_any_work(tmp_path: Path, db: Path) -> None:
    """Unknown rules, efforts and missing folders, with no collection made."""
    folder = make_copies(tmp_path / "in", 1)
    with pytest.raises(ConfigError, match="unknown keep rule"):
        find(folder, db=db, config=FindConfig(keep=KeepConfig(("pretty",))))
    with pytest.raises(ConfigError, match="unknown effort"):
        FindConfig(effort="heroic")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="unknown linkage"):
        ClusterConfig(linkage="chain")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="ward needs distances"):
        FindConfig(cluster=ClusterConfig(linkage="ward"))
    with pytest.raises(ConfigError, match="does not exist"):
        find(tmp_path / "nowhere", db=db)
    assert not db.exists()


def test_text_pages_with_other_words_do_not_match(tmp_path: Path, db: Path) -> None:
    """Pages of text share a layout, not a picture."""
    chance = random.Random(0)
    folder = tmp_path / "in"
    for page in range(12):
        sheet = np.full((800, 600, 3), 255, np.uint8)
        for line in range(22):
            words = "".join(chance.choice("abcdefghijk lmnop qrstuv wxyz") for _ in range(34))
            cv2.putText(sheet, words, (20, 40 + 34 * line), 0, 0.7, (0, 0, 0), 1, cv2.LINE_AA)
        save(folder / f"{page}.jpg", sheet)
    assert find(folder, db=db).matches == ()


@pytest.mark.parametrize(
    ("folder", "every", "count"),
    [("shipped", 1, 24), ("shared", 6, 96)],
    indirect=["folder"],
    ids=["shipped", "shared"],
)
def test_real_photos_have_no_false_matches(
    folder: Path, every: int, count: int, db: Path, tmp_path: Path
) -> None:
    """Different photographs, with one edited copy of every fifth: those match, nothing else."""
    photos = sorted((folder / "photos").iterdir())[::every][:count]
    assert len(photos) == count
    place = tmp_path / "in"
    place.mkdir()
    for photo in photos:
        shutil.copy(photo, place)
    copied = photos[:: count // 5]
    for photo in copied:
        rgb = np.asarray(Image.open(io.BytesIO(photo.read_bytes())).convert("RGB"))
        copy = edit_picture(rgb, "rotate_25", source=photo.stem, other=rgb)
        save(place / f"{photo.stem}__copy.jpg", copy)
    report = find(place, db=db)
    matched = {(Path(one.query).stem, Path(one.ref).stem) for one in report.matches}
    assert {(a.split("__")[0], b.split("__")[0]) for a, b in matched} <= {
        (photo.stem, photo.stem) for photo in copied
    }
    assert len(report.clusters) >= len(copied) - 1


@pytest.mark.slow
def test_thorough_finds_pictures_inside_others(tmp_path: Path, db: Path) -> None:
    """Pasted at half the side on strangers, and half covered by them: keypoints propose them."""
    for seed in range(6):
        rgb, other = scene(seed), scene(100 + seed)
        save(tmp_path / "in" / f"{seed}.jpg", rgb)
        for edit in ("pasted", "sticker"):
            copy = edit_picture(rgb, edit, source=str(seed), other=other)
            save(tmp_path / "in" / f"{seed}_{edit}.jpg", copy)
    report = find(tmp_path / "in", db=db, config=FindConfig(effort="thorough"))
    joined = {m for cluster in report.clusters for m in cluster.members}
    assert all(len({Path(m).stem[0] for m in c.members}) == 1 for c in report.clusters)
    assert len(joined) >= 16 and report.funnel["local_candidates"] > 10
