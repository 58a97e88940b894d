"""Zip, tar and WebDataset shards are read in place, and nothing in them breaks a run."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import loky
import pytest

import lookalike
from conftest import save, scene
from lookalike.actions import How, Step, apply_plan, make_plan
from lookalike.config import FindConfig, PlanConfig, ReadConfig
from lookalike.datasets import write_unique
from lookalike.evaluation.edits import encode_jpeg
from lookalike.model.errors import ConfigError
from lookalike.model.files import Failure
from lookalike.model.image import FileEntry
from lookalike.sources import ListForm, open_source
from lookalike.sources.reading import (
    archives,
    cache,
    is_there,
    read_again,
    read_bytes,
    read_start,
)
from lookalike.sources.reading.addresses import (
    absolute,
    archive_kind,
    is_address,
    is_far,
    is_pattern,
    member_of,
)
from lookalike.sources.reading.contents import contents_of, from_text, to_text

FAST = FindConfig(effort="fast")


def jpeg(seed: int, quality: int = 90) -> bytes:
    """A small picture."""
    return encode_jpeg(scene(seed, 320, 240), quality)


def zipped(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    """A zip of some members."""
    with zipfile.ZipFile(path, "w", method) as file:
        for name, data in members.items():
            file.writestr(zipfile.ZipInfo(name, (2020, 1, 2, 3, 4, 6)), data, method)
    return path


def tarred(path: Path, members: dict[str, bytes], mode: str = "w") -> Path:
    """A tar of some members."""
    with tarfile.open(path, mode) as file:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), 1_600_000_000
            file.addfile(info, io.BytesIO(data))
    return path


def scanned(
    *names: str | Path, read: ReadConfig | None = None
) -> tuple[dict[str, FileEntry], list[Failure]]:
    """Entries by id, and failures."""
    form = ListForm(read=read or ReadConfig())
    items = list(open_source([str(name) for name in names], form).scan())
    entries = {item.id: item for item in items if isinstance(item, FileEntry)}
    return entries, [item for item in items if isinstance(item, Failure)]


MEMBERS = {"a.jpg": b"first", "sub/b c.jpg": b"second", "sub/ü.jpg": b"third", "x::y.jpg": b"4"}


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("a.zip", ""),
        ("a.tar", "w"),
        ("a.tar.gz", "w:gz"),
        ("a.tgz", "w:gz"),
        ("a.txz", "w:xz"),
        ("a.tar.bz2", "w:bz2"),
    ],
)
def test_members_are_listed_and_read(tmp_path: Path, name: str, mode: str) -> None:
    """Every member has an id, an address that opens it here, and its own inode."""
    path = tmp_path / name
    tarred(path, MEMBERS, mode) if mode else zipped(path, MEMBERS, zipfile.ZIP_DEFLATED)
    entries, failures = scanned(path)
    assert not failures and set(entries) == set(MEMBERS)
    for id_, entry in entries.items():
        assert read_bytes(entry.path) == MEMBERS[id_] == read_again(entry.key)
        assert entry.n_bytes == len(MEMBERS[id_]) and is_there(entry.key)
        assert member_of(entry.path) == (archive_kind(name), id_, str(path))
        assert read_start(entry.path, 2)[:2] == MEMBERS[id_][:2]
    assert len({entry.inode for entry in entries.values()}) == len(MEMBERS)
    assert [p.name for p in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["a.zip", "a.tar"])
def test_addresses_are_those_of_fsspec(tmp_path: Path, name: str) -> None:
    """The package fsspec opens the same address and gives the same bytes."""
    fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed (extra remote)")
    members = {"a.jpg": b"first", "sub/b c.jpg": b"second"}
    (zipped if name.endswith("zip") else tarred)(tmp_path / name, members)
    read = {}
    for id_, entry in scanned(tmp_path / name)[0].items():
        with fsspec.open(entry.path, "rb") as file:
            read[id_] = file.read()
    assert read == members


def test_addresses() -> None:
    """Addresses are told from paths, taken apart, and made absolute."""
    assert [is_address(n) for n in ("s3://b/k", "zip://m::a", "a/b.jpg", "C://x", "/x")] == [
        True, True, False, False, False,
    ]  # fmt: skip
    assert [is_far(n) for n in ("s3://b/k", "zip://m::/a.zip", "tar://m::s3://b/a.tar", "/x")] == [
        True, False, True, False,
    ]  # fmt: skip
    assert [is_pattern(n) for n in ("a/*.jpg", "http://h/x?y=1", "http://h/*", "a/b")] == [
        True, False, True, False,
    ]  # fmt: skip
    assert archive_kind("s3://b/X.TAR") == "tar" and archive_kind("http://h/a.zip?v=1") == "zip"
    here = Path.cwd()
    assert absolute("zip://m.jpg::a.zip") == f"zip://m.jpg::{here}/a.zip"
    assert absolute("s3://b/k") == "s3://b/k" and absolute("x.jpg") == f"{here}/x.jpg"


def test_find_reads_archives_once(tmp_path: Path, db: Path) -> None:
    """Copies are found across a folder, a zip and a tar; a second run decodes nothing."""
    save(tmp_path / "photos" / "1.jpg", scene(1))
    zipped(tmp_path / "a.zip", {"x/one.jpg": jpeg(2), "notes.txt": b"no picture"})
    tarred(tmp_path / "b.tar", {"./two.jpg": jpeg(2, 60), "three.jpg": jpeg(3)})
    inputs = [tmp_path / "photos", tmp_path / "a.zip", tmp_path / "b.tar"]
    report = lookalike.find(inputs, db=db, config=FAST)
    assert [(m.query, m.ref, m.tier) for m in report.matches] == [
        ("a.zip/x/one.jpg", "b.tar/two.jpg", "copy")
    ]
    assert report.funnel["images"] == 4 and report.funnel["not_images"] == 1
    again = lookalike.find([*inputs[:2], str(inputs[2])], db=db, config=FAST)
    assert again.funnel["decoded"] == 0 and not again.failures


def test_only_what_changed_in_a_zip_is_read_again(
    tmp_path: Path, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A zip tells which members are new; those that went are forgotten."""
    members = {f"{n}.jpg": jpeg(n) for n in range(3)}
    path = zipped(tmp_path / "a.zip", members)
    lookalike.update(path, db=db, config=FAST)
    read: list[str] = []
    inner = archives.Archive.read
    monkeypatch.setattr(
        archives.Archive, "read", lambda s, n, how: (read.append(n), inner(s, n, how))[1]
    )
    del members["0.jpg"]
    zipped(path, members | {"9.jpg": jpeg(9)})
    done = lookalike.update(path, db=db, config=FAST)
    assert read == ["9.jpg"]
    assert (done.images, done.described, done.forgotten, done.total) == (3, 1, 1, 3)


def test_a_changed_tar_is_read_anew(tmp_path: Path, db: Path) -> None:
    """A tar has no checksums, so that equal names, sizes and times in another tar prove nothing."""
    path = tarred(tmp_path / "a.tar", {"a.jpg": b"x" * 10})
    before = scanned(path)[0]["a.jpg"]
    tarred(path, {"a.jpg": b"y" * 10})
    os.utime(path, ns=(1, 1))
    after = scanned(path)[0]["a.jpg"]
    assert before.inode != after.inode and read_bytes(after.path) == b"y" * 10


@pytest.mark.slow
def test_many_threads_and_processes_read_one_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address alone is enough, in any thread and any process; every byte is read about once."""
    members = {f"{n:04}.bin": bytes([n % 256]) * 2000 for n in range(3000)}
    paths = [zipped(tmp_path / "a.zip", members), tarred(tmp_path / "a.tar", members)]
    listed: list[str] = []
    pieces: list[int] = []
    list_it, read = archives.contents_of, archives._File.read
    monkeypatch.setattr(
        archives, "contents_of", lambda f, kind, at: (listed.append(at), list_it(f, kind, at))[1]
    )
    monkeypatch.setattr(
        archives._File, "read", lambda s, a, b: (pieces.append(b - a), read(s, a, b))[1]
    )
    for path in paths:
        entries = scanned(path)[0]
        pieces.clear()
        with ThreadPoolExecutor(8) as pool:
            data = list(pool.map(read_bytes, [entry.path for entry in entries.values()]))
        assert data == list(members.values())
        assert len(pieces) == 3000 and sum(pieces) < 3000 * (2000 + 1200)
    assert listed == [str(path) for path in paths]
    addresses = pickle.loads(pickle.dumps([entry.path for entry in entries.values()][:50]))
    with loky.ProcessPoolExecutor(2) as apart:
        assert list(apart.map(read_bytes, addresses)) == list(members.values())[:50]


def test_encrypted_and_huge_members_are_failures(tmp_path: Path) -> None:
    """What needs a password, or claims too many bytes, is listed and never read."""
    path = zipped(tmp_path / "a.zip", {"a.jpg": b"x" * 100, "good.jpg": b"good"})
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(raw)
    entries, failures = scanned(path)
    assert set(entries) == {"good.jpg"} and "encrypted" in failures[0].message
    for name, make in (("b.zip", zipped), ("b.tar", tarred)):
        path = make(tmp_path / name, {"a.jpg": b"x" * 2_000_000, "b.jpg": b"x"})
        entries, failures = scanned(path, read=ReadConfig(max_mb=1))
        assert set(entries) == {"b.jpg"} and "at once is 1,048,576" in failures[0].message


def test_a_zip_bomb_grows_no_further_than_it_says(tmp_path: Path) -> None:
    """A member that decompresses to more than its directory claims is a failure."""
    path = zipped(tmp_path / "a.zip", {"a.jpg": b"\0" * 5_000_000}, zipfile.ZIP_DEFLATED)
    raw = bytearray(path.read_bytes())
    place = raw.index(b"PK\x01\x02") + 24
    raw[place : place + 4] = struct.pack("<I", 1000)
    path.write_bytes(raw)
    with pytest.raises(OSError, match="1,001 of 1,000"):
        read_bytes(f"zip://a.jpg::{path}")


def test_overlapping_members_are_failures(tmp_path: Path) -> None:
    """Members that share their bytes, as in a zip bomb of many, are listed, not read."""
    path = zipped(tmp_path / "a.zip", {"a.jpg": b"x" * 100, "b.jpg": b"y" * 100})
    raw = bytearray(path.read_bytes())
    second = raw.rindex(b"PK\x01\x02") + 42
    raw[second : second + 4] = struct.pack("<I", 0)
    path.write_bytes(raw)
    entries, failures = scanned(path)
    assert not entries and all("overlaps" in failure.message for failure in failures)


def test_damaged_members_are_failures(tmp_path: Path, db: Path) -> None:
    """A wrong checksum, or bytes that do not decompress, fail that one member."""
    path = zipped(tmp_path / "a.zip", {"a.jpg": jpeg(1), "b.jpg": jpeg(2)}, zipfile.ZIP_STORED)
    raw = bytearray(path.read_bytes())
    raw[200] ^= 255
    path.write_bytes(raw)
    report = lookalike.find(path, db=db, config=FAST)
    assert [*report.images] == ["b.jpg"] and "checksum" in report.failures[0].message
    path = zipped(tmp_path / "b.zip", {"a.jpg": b"abc" * 999}, zipfile.ZIP_DEFLATED)
    raw = bytearray(path.read_bytes())
    raw[36:40] = b"\xff\xff\xff\xff"
    path.write_bytes(raw)
    with pytest.raises(OSError, match="decompress"):
        read_bytes(f"zip://a.jpg::{path}")


def test_truncated_archives_give_what_is_left(tmp_path: Path) -> None:
    """The members before the end of a cut tar are read, and the cut is told; so of a tar.gz."""
    members = {f"{n}.jpg": os.urandom(5000) for n in range(4)}
    whole = tarred(tmp_path / "a.tar", members).read_bytes()
    for cut in (3 * 5632 + 100, 3 * 5632, 3 * 5632 + 3000):
        (tmp_path / "cut.tar").write_bytes(whole[:cut])
        entries, failures = scanned(tmp_path / "cut.tar")
        assert set(entries) >= {"0.jpg", "1.jpg", "2.jpg"} and len(failures) == 1
        assert read_bytes(entries["2.jpg"].path) == members["2.jpg"]
    packed = tarred(tmp_path / "a.tar.gz", members, "w:gz").read_bytes()
    (tmp_path / "cut.tar.gz").write_bytes(packed[: len(packed) // 2])
    entries, failures = scanned(tmp_path / "cut.tar.gz")
    assert "0.jpg" in entries and "truncated" in failures[0].message
    raw = bytearray(whole)
    raw[5632 : 5632 + 512] = b"\x07" * 512
    (tmp_path / "bad.tar").write_bytes(raw)
    entries, failures = scanned(tmp_path / "bad.tar")
    assert set(entries) == {"0.jpg"} and "damaged at byte 5,632" in failures[0].message


def test_what_is_no_archive_is_one_failure(tmp_path: Path, db: Path) -> None:
    """A zip or tar by name alone fails as a whole, and the run goes on."""
    save(tmp_path / "p" / "1.jpg", scene(1))
    for name in ("a.zip", "a.tar", "a.tar.gz", "empty.zip", "empty.tar"):
        (tmp_path / name).write_bytes(b"" if "empty" in name else b"no archive" * 100)
    report = lookalike.find([tmp_path / "p", *sorted(tmp_path.glob("*.*"))], db=db, config=FAST)
    assert len(report.images) == 1 and len(report.failures) == 5
    with pytest.raises(ConfigError, match="does not exist"):
        open_source(tmp_path / "none.zip")
    with pytest.raises(ConfigError, match="::"):
        open_source(zipped(tmp_path / "a::b.zip", {}))


def test_zstandard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A .tar.zst is read too, cut ones as far as they go; without the extra it says which."""
    import sys

    zstandard = pytest.importorskip("zstandard", reason="zstandard is not installed (extra zstd)")
    members = {f"{n}.jpg": os.urandom(200_000) for n in range(4)}
    packed = zstandard.compress(tarred(tmp_path / "a.tar", members).read_bytes())
    path = tmp_path / "a.tar.zst"
    path.write_bytes(packed)
    entries, failures = scanned(path)
    assert not failures and {id_: read_bytes(e.path) for id_, e in entries.items()} == members
    (tmp_path / "cut.tar.zst").write_bytes(packed[: len(packed) // 2])
    entries, failures = scanned(tmp_path / "cut.tar.zst")
    assert "0.jpg" in entries and len(failures) == 1
    monkeypatch.setitem(sys.modules, "zstandard", None)
    (tmp_path / "b.tar.zst").write_bytes(packed)
    assert "lookalike[zstd]" in scanned(tmp_path / "b.tar.zst")[1][0].message


def test_names_that_lead_out_stay_inside(tmp_path: Path, db: Path) -> None:
    """``..`` and absolute names are read, and their ids lead out of no folder."""
    members = {"../up.jpg": jpeg(1), "/root.jpg": jpeg(2), "a/../../b.jpg": jpeg(3)}
    path = tarred(tmp_path / "a.tar", members)
    entries, failures = scanned(path)
    assert set(entries) == {"%2E%2E/up.jpg", "root.jpg", "a/%2E%2E/%2E%2E/b.jpg"} and not failures
    report = lookalike.find(path, db=db, config=FAST)
    write_unique(report, tmp_path / "out", open_source(path))
    outside = {p.name for p in tmp_path.iterdir()} - {"a.tar", "out", "collection"}
    assert not outside and len(list((tmp_path / "out").rglob("*.jpg"))) == 3


def test_equal_names_and_odd_names(tmp_path: Path) -> None:
    """Of equal names the last is read and the other listed; names that are no UTF-8 work."""
    with tarfile.open(tmp_path / "a.tar", "w") as file:
        for name, data in (("a.jpg", b"1"), ("./a.jpg", b"2"), ("b.jpg", b"3"), ("b.jpg", b"4")):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))
        info = tarfile.TarInfo("caf\udce9.jpg")
        info.size = 1
        file.addfile(info, io.BytesIO(b"5"))
    entries, failures = scanned(tmp_path / "a.tar")
    assert {id_: read_bytes(e.path) for id_, e in entries.items()} == {
        "a.jpg": b"2", "b.jpg": b"4", "caf\udce9.jpg": b"5",
    }  # fmt: skip
    assert [f.message for f in failures] == ["a later member of the same name hides it"] * 2
    with (
        pytest.warns(UserWarning, match="Duplicate"),
        zipfile.ZipFile(tmp_path / "a.zip", "w") as file,
    ):
        file.writestr("a.jpg", b"1")
        file.writestr("a.jpg", b"22")
    entries, failures = scanned(tmp_path / "a.zip")
    assert read_bytes(entries["a.jpg"].path) == b"22" and len(failures) == 1


def test_links_in_a_tar(tmp_path: Path) -> None:
    """A link is its target and no second picture; one that leads nowhere is a failure."""
    with tarfile.open(tmp_path / "a.tar", "w") as file:
        info = tarfile.TarInfo("a/1.jpg")
        info.size = 3
        file.addfile(info, io.BytesIO(b"abc"))
        for name, target, kind in (
            ("b/sym.jpg", "../a/1.jpg", tarfile.SYMTYPE),
            ("b/hard.jpg", "a/1.jpg", tarfile.LNKTYPE),
            ("b/broken.jpg", "/etc/passwd", tarfile.SYMTYPE),
            ("b/loop.jpg", "loop.jpg", tarfile.SYMTYPE),
            ("b/pipe.jpg", "", tarfile.FIFOTYPE),
        ):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = kind, target
            file.addfile(link)
        folder = tarfile.TarInfo("b")
        folder.type = tarfile.DIRTYPE
        file.addfile(folder)
    entries, failures = scanned(tmp_path / "a.tar")
    assert set(entries) == {"a/1.jpg"} and len(failures) == 2
    assert all("target is not in the archive" in failure.message for failure in failures)
    assert read_bytes(f"tar://b/sym.jpg::{tmp_path}/a.tar") == b"abc"


def test_hidden_members_and_webdataset_labels(tmp_path: Path, db: Path) -> None:
    """Hidden names are left out; a label beside a picture is no file, and says what it shows."""
    one, two = jpeg(1), jpeg(1, 60)
    path = tarred(
        tmp_path / "shard-0.tar",
        {
            "000.jpg": one, "000.cls": b"7", "001.jpg": two, "001.json": b'{"label": "cat"}',
            "002.jpg": jpeg(2), "002.cls": b"7", "alone.txt": b"x", "._000.jpg": b"x",
        },
    )  # fmt: skip
    entries, failures = scanned(path)
    assert set(entries) == {"000.jpg", "001.jpg", "002.jpg", "alone.txt"} and not failures
    found = lookalike.conflicts(path, db=db)
    assert [(c.first_labels, c.second_labels) for c in found.conflicts] == [({"7"}, {"cat"})]
    assert found.unlabelled == 0
    other = tarred(tmp_path / "shard-1.tar", {"x.jpg": one})
    assert not lookalike.conflicts(
        [other, tarred(tmp_path / "s2.tar", {"y.jpg": one})], db=db
    ).conflicts
    leak = lookalike.leaks({"train": path, "test": other}, db=db)
    assert {leak_.pair.second for leak_ in leak.leaks} == {"test/x.jpg"}


def test_patterns(tmp_path: Path, db: Path) -> None:
    """``**`` reaches every depth; folders and archives that fit are looked into; each file once."""
    save(tmp_path / "p" / "1.jpg", scene(1))
    save(tmp_path / "p" / "deep" / "er" / "2.jpg", scene(2))
    save(tmp_path / "p" / ".hidden" / "3.jpg", scene(3))
    (tmp_path / "p" / "x.txt").write_text("x")
    zipped(tmp_path / "p" / "a.zip", {"4.jpg": b"x"})
    assert set(scanned(f"{tmp_path}/p/**/*.jpg")[0]) == {"1.jpg", "deep/er/2.jpg"}
    assert set(scanned(f"{tmp_path}/p/*")[0]) == {"1.jpg", "deep/er/2.jpg", "x.txt", "a.zip/4.jpg"}
    assert set(scanned(f"{tmp_path}/p/**")[0]) == {"1.jpg", "deep/er/2.jpg", "x.txt", "a.zip/4.jpg"}
    assert set(scanned(f"{tmp_path}/p/*.zip")[0]) == {"a.zip/4.jpg"}
    assert set(scanned(f"{tmp_path}/p/**/e?")[0]) == {"deep/er/2.jpg"}
    assert set(scanned(f"{tmp_path}/p/**/deep/**/[!1].jpg")[0]) == {"deep/er/2.jpg"}
    for loop in ("one", "two"):
        (tmp_path / "p" / "deep" / loop).symlink_to(tmp_path / "p")
    assert set(scanned(f"{tmp_path}/p/**/*.jpg")[0]) == {"1.jpg", "deep/er/2.jpg"}
    entry = scanned(f"{tmp_path}/p/*.jpg")[0]["1.jpg"]
    assert entry.key == scanned(tmp_path / "p")[0]["1.jpg"].key
    for nothing in (f"{tmp_path}/*.png", f"{tmp_path}/**/*.png", f"{tmp_path}/none/*"):
        with pytest.raises(ConfigError, match="nothing fits"):
            list(open_source(nothing).scan())
    odd = save(tmp_path / "odd[1].jpg", scene(4))
    assert set(scanned(odd)[0]) == {"odd[1].jpg"}


def test_search_compare_and_collapse_take_addresses(tmp_path: Path, db: Path) -> None:
    """One picture may be named by its address wherever one by its path may."""
    path = zipped(tmp_path / "a.zip", {"a.jpg": jpeg(1), "b.jpg": jpeg(2)})
    single = save(tmp_path / "c.jpg", scene(1, 320, 240), quality=50)
    lookalike.update(path, db=db, config=FAST)
    answer = lookalike.search(str(single), db=db, config=FAST)
    assert answer.hits[0].image.path == f"zip://a.jpg::{path}" and answer.hits[0].tier == "copy"
    answer = lookalike.search(f"zip://b.jpg::{path}", db=db, config=FAST)
    assert answer.in_set == (f"zip://b.jpg::{path}",) == (answer.query,)
    match, _ = lookalike.compare(f"zip://a.jpg::{path}", single)
    assert match is not None and match.tier == "copy"
    found = lookalike.explain_pair(single, f"zip://a.jpg::{path}")
    assert found is not None
    with pytest.raises(ConfigError, match="nothing to compare"):
        lookalike.compare(f"zip://a.jpg::{path}", f"zip://a.jpg::{path}")
    kept = lookalike.collapse([str(single), f"zip://a.jpg::{path}", f"zip://b.jpg::{path}"])
    assert kept.indexes == (0, 2)
    path.unlink()
    with pytest.raises(ConfigError, match="no images"):
        lookalike.search(str(single), db=db, config=FAST)
    with pytest.raises(ConfigError, match="cannot be read"):
        lookalike.search(f"zip://a.jpg::{path}", db=db, config=FAST)


def test_lists_of_addresses(tmp_path: Path, db: Path) -> None:
    """A list may name members and objects; what was written of an archive is read as it was."""
    fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed (extra remote)")
    path = tarred(tmp_path / "a.tar", {"a.jpg": jpeg(1), "b.jpg": jpeg(1, 50), "c.jpg": jpeg(2)})
    fsspec.filesystem("memory").pipe("/list/d.jpg", jpeg(3))
    report = lookalike.find([path, "memory://list/d.jpg"], db=db, config=FAST)
    out = tmp_path / "lists" / "clean.csv"
    assert write_unique(report, out, open_source(path)) == 3
    with out.open("a") as file:
        file.write("memory://list/none.jpg\ntar://none.jpg::/no.tar\n" + f"zip://x::{path}\n")
    again = lookalike.find(out, db=db, config=FAST)
    kept = [f"tar://{name}::{path}" for name in ("a.jpg", "c.jpg")]
    assert sorted(again.images) == ["memory://list/d.jpg", *kept]
    assert again.funnel["decoded"] == 0 and len(again.failures) == 3


def test_plans_leave_archives_alone(tmp_path: Path, db: Path) -> None:
    """Nothing in an archive goes, and nothing goes for a picture in one; each with the reason."""
    path = zipped(tmp_path / "a.zip", {"a.jpg": jpeg(1), "b.jpg": jpeg(1)})
    save(tmp_path / "p" / "1.jpg", scene(1, 320, 240), quality=90)
    report = lookalike.find([tmp_path / "p", path], db=db, config=FAST)
    plan = make_plan(report, PlanConfig(collection=str(db)))
    assert not plan.steps and len(plan.refused) == 2
    assert all("only plain files are acted on" in one.reason for one in plan.refused)
    single = str(tmp_path / "p" / "1.jpg")
    member, sha = f"zip://a.jpg::{path}", report.images["a.zip/a.jpg"].sha256
    steps = [
        Step(one, sha, len(jpeg(1)), other, sha, "", "by hand")
        for one, other in ((member, single), (single, member))
    ]
    for how in (
        How("trash"),
        How("delete", really=True),
        How("move", str(tmp_path / "to")),
        How("hardlink"),
    ):
        made = replace(plan, steps=tuple(steps))
        outcome = apply_plan(made, how, tmp_path / f"{how.kind}.jsonl")
        assert [item.state for item in outcome.items] == ["refused", "refused"]
        assert all("only plain files" in item.message for item in outcome.items)
    assert zipfile.ZipFile(path).namelist() == ["a.jpg", "b.jpg"] and Path(single).exists()


def test_pages_show_members(tmp_path: Path, db: Path) -> None:
    """Thumbnails of members are in the report's page."""
    from lookalike.report.as_html import write_html

    path = tarred(tmp_path / "a.tar", {"a.jpg": jpeg(1), "b.jpg": jpeg(1, 50)})
    report = lookalike.find(path, db=db, config=FAST)
    page = write_html(report, tmp_path / "r.html").read_text()
    assert page.count("data:image/jpeg;base64,/9j") >= 2 and "tar://a.jpg::" in page


def test_compressed_tars_stay_within_the_cache(tmp_path: Path) -> None:
    """One that would not fit is a failure that says what to do."""
    path = tarred(tmp_path / "a.tar.gz", {"a.jpg": b"\0" * 3_000_000}, "w:gz")
    entries, failures = scanned(path, read=ReadConfig(cache_mb=1))
    assert not entries and "LOOKALIKE_CACHE_MB" in failures[0].message


def test_the_cache_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stays near its size, keeps the same part of a set, and may be turned off."""
    monkeypatch.setenv("LOOKALIKE_CACHE", str(tmp_path))
    names = [cache.name_of(str(n)) for n in range(100)]
    for _ in range(2):
        for name in names:
            if cache.load(name) is None:
                cache.save(name, b"x" * 50_000, 1 << 20)
    held = sum(p.stat().st_size for p in tmp_path.rglob("*") if p.is_file())
    assert held < 1.2 * (1 << 20)
    kept = {name for name in names if cache.load(name) is not None}
    assert 15 <= len(kept) <= 24 and len(kept - set(sorted(names)[75:])) <= 3
    cache.save(names[0], b"x" * 500_000, 1 << 20)
    assert cache.load(names[0]) is None
    cache.save("new", b"x", 0)
    assert cache.load("new") is None


def test_contents_survive_being_kept(tmp_path: Path) -> None:
    """A table of contents is the same after a round trip; nonsense is no table."""
    path = tarred(tmp_path / "a.tar", {"caf\udce9.jpg": b"x", "b.jpg": b"y"})
    with path.open("rb") as file:
        made = contents_of(file, "tar", "a.tar")
    assert from_text(to_text(made), "a.tar") == made
    assert from_text(b"{}", "a.tar") is None


def test_index_on_the_command_line(tmp_path: Path, db: Path) -> None:
    """Counts, failures with their reasons, JSON; what is not there is an error of one line."""
    from click.testing import CliRunner

    from lookalike.cli.main import commands

    path = zipped(tmp_path / "a.zip", {"a.jpg": jpeg(1), "b.jpg": jpeg(1, 50), "c.jpg": b"junk"})
    run = CliRunner().invoke
    done = run(commands, ["index", str(path), "--db", str(db)])
    assert "2 images, 2 of them described now; the collection has 2" in done.output
    assert f"zip://c.jpg::{path}: " in done.output
    done = run(commands, ["index", str(path), "--db", str(db), "--json"])
    assert json.loads(done.stdout)["described"] == 0
    zipped(path, {"a.jpg": jpeg(1)})
    done = run(commands, ["index", str(path), "--db", str(db)])
    assert "2 are not there any more" in done.output and "collection has 1" in done.output
    assert isinstance(run(commands, ["index", str(tmp_path / "no.zip")]).exception, ConfigError)
    assert run(commands, ["index"]).exit_code == 2


def test_the_review_page_shows_members(tmp_path: Path, db: Path) -> None:
    """Thumbnails, two members on each other, and a search by one of them."""
    from lookalike.config import DecodeConfig
    from lookalike.images.decode import decode
    from lookalike.web.pictures import overlay, picture_of, transform_of

    path = zipped(tmp_path / "a.zip", {"a.jpg": jpeg(1), "b.jpg": jpeg(1, 50)})
    report = lookalike.find(path, db=db, config=FAST)
    first, second = report.images.values()
    small = picture_of(first.path, first.sha256, 100)
    assert small is not None
    assert max(decode("", small, DecodeConfig()).rgb.shape) <= 100  # type: ignore[union-attr]
    onto = transform_of(report.matches[0], first, second)
    laid = overlay(second, first, onto)
    assert laid is not None and laid.mean < 10


def test_an_archive_that_changes_while_it_is_read(tmp_path: Path) -> None:
    """Offsets of another archive are never believed; the next reading lists it anew."""
    path = tarred(tmp_path / "a.tar", {"a.jpg": b"1" * 600, "b.jpg": b"2"})
    held = archives.open_archive(str(path), ReadConfig())
    tarred(path, {"b.jpg": b"3", "a.jpg": b"4" * 700})
    with pytest.raises(OSError, match="changed while"):
        held.read("a.jpg", ReadConfig())
    assert read_bytes(f"tar://a.jpg::{path}") == b"4" * 700


def test_only_some_archives_are_held(tmp_path: Path) -> None:
    """Thousands of shards cost no memory: the least used are listed again."""
    few = ReadConfig(held_archives=2)
    paths = [tarred(tmp_path / f"{n}.tar", {"a.jpg": b"%d" % n}) for n in range(5)]
    for _ in range(2):
        read = [read_bytes(f"tar://a.jpg::{path}", few) for path in paths]
        assert read == [b"%d" % n for n in range(5)]
    assert len(archives._held) == 2
