"""Tables and lists: what is written is read again, and a list is a source like a folder."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from conftest import save, scene
from lookalike import find
from lookalike.model.errors import ConfigError
from lookalike.model.files import Failure
from lookalike.model.image import FileEntry
from lookalike.sources import FolderSource, JoinedSource, ListForm, ListSource, open_source
from lookalike.sources.tables import Table, is_table, read_table, write_table


def put(path: Path, data: bytes = b"x") -> Path:
    """A small file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def ids(source: object) -> list[str]:
    """Ids that a scan offers."""
    return [item.id for item in source.scan() if isinstance(item, FileEntry)]  # type: ignore[attr-defined]


@pytest.fixture
def parquet() -> str:
    """The ending of Parquet files, or a skip where they cannot be read."""
    pytest.importorskip("pyarrow", reason="pyarrow is not installed (extra tables)")
    return ".parquet"


@pytest.fixture(params=[".csv", ".tsv", ".jsonl", "parquet"])
def suffix(request: pytest.FixtureRequest) -> str:
    """Of every form in turn."""
    form: str = request.param
    return form if form.startswith(".") else request.getfixturevalue(form)


def test_tables_survive(tmp_path: Path, suffix: str) -> None:
    """Written and read again, in every form; quotes, commas and other scripts are kept."""
    table = Table(("path", "label"), (('a, "b"\n.jpg', "猫"), ("ü.jpg", "dog")))
    assert read_table(write_table(tmp_path / f"t{suffix}", table)) == table


def test_values_keep_their_types_where_the_form_has_types(tmp_path: Path, parquet: str) -> None:
    """Numbers, flags, nothing and lists in JSON Lines and Parquet."""
    table = Table(("path", "n", "ok", "of"), (("a", 1.5, True, ["x", "y"]), ("b", None, False, [])))
    for suffix in (".jsonl", parquet):
        assert read_table(write_table(tmp_path / f"t{suffix}", table)) == table


def test_lists_of_lines_and_of_nul(tmp_path: Path) -> None:
    """One path a line, or ended by NUL, where names may hold line ends; bytes survive."""
    lines = put(tmp_path / "a.txt", b"x.jpg\r\n\nodd \xff.jpg\n")
    assert read_table(lines).column("path") == ("x.jpg", "odd \udcff.jpg")
    nul = put(tmp_path / "b.txt", b"x\ny.jpg\0z.jpg\0")
    assert read_table(nul).column("path") == ("x\ny.jpg", "z.jpg")
    with pytest.raises(ConfigError, match="a list of lines cannot hold"):
        write_table(tmp_path / "c.txt", read_table(nul))
    assert is_table("-") and is_table("A.CSV") and not is_table("folder")


def test_bad_tables_are_refused_with_a_reason(tmp_path: Path) -> None:
    """No such file, no such column, not JSON."""
    with pytest.raises(ConfigError, match="does not exist"):
        ListSource(tmp_path / "gone.csv")
    with pytest.raises(ConfigError, match=r"lacks a column.*got name.*--path-column"):
        list(ListSource(put(tmp_path / "a.csv", b"name\nx.jpg\n")).scan())
    with pytest.raises(ConfigError, match="line 2"):
        read_table(put(tmp_path / "a.jsonl", b'{"path": "x"}\n[1]\n'))


def test_bad_parquet_is_refused_with_a_reason(tmp_path: Path, parquet: str) -> None:
    """Not Parquet, and names that are no text."""
    with pytest.raises(ConfigError, match="not a Parquet file"):
        read_table(put(tmp_path / f"a{parquet}", b"no"))
    with pytest.raises(ConfigError, match="write CSV or JSON Lines"):
        write_table(tmp_path / f"b{parquet}", Table(("path",), (("\udcff.jpg",),)))


def test_a_list_is_a_source(tmp_path: Path) -> None:
    """Paths begin at the list's folder or a given root; every file once; ids as in a folder."""
    for name in ("in/b.jpg", "in/sub/a.jpg", "out.jpg"):
        put(tmp_path / name, name.encode())
    (tmp_path / "in" / "link.jpg").symlink_to(tmp_path / "in" / "b.jpg")
    outside = tmp_path / "out.jpg"
    text = f"file_name,label\nsub/a.jpg,x\nb.jpg,y\nlink.jpg,z\n{outside},x\nb.jpg,q\n"
    source = ListSource(put(tmp_path / "in" / "metadata.csv", text.encode()))
    assert ids(source) == [str(outside), "b.jpg", "sub/a.jpg"]
    assert [item.path for item in source.scan()] == [
        str(outside),
        str(tmp_path / "in" / "b.jpg"),
        str(tmp_path / "in" / "sub" / "a.jpg"),
    ]
    elsewhere = put(tmp_path / "lists" / "l.tsv", b"p\tq\n1\tsub/a.jpg\n")
    form = ListForm(path_column="q", root=tmp_path / "in")
    assert ids(ListSource(elsewhere, form)) == ["sub/a.jpg"]
    every = ListSource(tmp_path / "in" / "metadata.csv", ListForm(every_name=True))
    assert ids(every) == [str(outside), "b.jpg", "link.jpg", "sub/a.jpg"]


def test_rows_of_missing_files_are_failures(tmp_path: Path) -> None:
    """With the row and the list in the message; folders and empty cells too."""
    (tmp_path / "folder").mkdir()
    put(tmp_path / "here.jpg")
    listing = put(tmp_path / "l.csv", b"path,n\nhere.jpg,1\ngone.jpg,2\nfolder,3\n,4\n")
    items = list(ListSource(listing).scan())
    assert ids(ListSource(listing)) == ["here.jpg"]
    messages = [item.message for item in items if isinstance(item, Failure)]
    assert messages == [
        f"row 2 of {listing} names it, but there is no such file",
        f"row 3 of {listing} names it, but there is no such file",
        "has no path",
    ]


def test_standard_input_is_a_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``-`` reads paths, which begin at the working folder."""
    put(tmp_path / "a.jpg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a.jpg\0")))
    (entry,) = open_source("-").scan()
    assert isinstance(entry, FileEntry) and (entry.id, entry.path) == ("a.jpg", "a.jpg")


def test_several_inputs_are_one_source(tmp_path: Path) -> None:
    """Folders and lists together: ids start with what tells them apart, a file comes once."""
    a = put(tmp_path / "one" / "a.jpg")
    put(tmp_path / "two" / "b.jpg", b"y")
    listing = put(tmp_path / "l.txt", b"one/a.jpg\ntwo/b.jpg\n")
    source = open_source([tmp_path / "one", listing])
    assert ids(source) == ["l.txt/one/a.jpg", "l.txt/two/b.jpg"]
    parts = {"train": FolderSource([tmp_path / "one"]), "test": ListSource(listing)}
    assert ids(JoinedSource(parts, every_name=True)) == [
        "test/one/a.jpg",
        "test/two/b.jpg",
        "train/a.jpg",
    ]
    with pytest.raises(ConfigError):
        open_source([])
    assert ids(open_source([a])) == ["a.jpg"]


def test_every_name_of_a_file_where_asked(tmp_path: Path) -> None:
    """Links are offered too where a name's folder says something."""
    original = put(tmp_path / "cat" / "1.jpg")
    (tmp_path / "dog").mkdir()
    os.link(original, tmp_path / "dog" / "2.jpg")
    assert ids(FolderSource([tmp_path])) == ["cat/1.jpg"]
    assert ids(FolderSource([tmp_path], every_name=True)) == ["cat/1.jpg", "dog/2.jpg"]


def test_find_takes_lists(tmp_path: Path, db: Path) -> None:
    """Listed files are compared, others beside them are not; missing ones are reported."""
    for name, seed in (("a", 1), ("b", 1), ("c", 1), ("d", 2)):
        save(tmp_path / f"{name}.jpg", scene(seed, 320, 240), quality=80 + ord(name) % 4)
    listing = put(tmp_path / "l.csv", b"image\na.jpg\nb.jpg\nd.jpg\nnone.jpg\n")
    report = find(listing, db=db)
    assert [cluster.members for cluster in report.clusters] == [("a.jpg", "b.jpg")]
    assert sorted(report.images) == ["a.jpg", "b.jpg", "d.jpg"]
    assert [failure.path for failure in report.failures] == [str(tmp_path / "none.jpg")]
