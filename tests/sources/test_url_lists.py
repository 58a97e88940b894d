"""Lists: which rows, which URLs of them; and what every command makes of downloaded pictures."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from website import Site, serve

from conftest import scene
from lookalike import find, search
from lookalike.actions import make_plan
from lookalike.config import DownloadConfig, FindConfig, PlanConfig
from lookalike.datasets import clean_table, conflicts, describe_list, leaks, read_labels
from lookalike.datasets.listing import Spread
from lookalike.evaluation.edits import edit_picture, encode_jpeg
from lookalike.model.errors import ConfigError
from lookalike.model.files import Failure
from lookalike.model.image import FileEntry
from lookalike.report.as_folder import write_kept
from lookalike.sources import (
    ListForm,
    ListSource,
    RowChoice,
    UrlCells,
    WebAddress,
    open_source,
    urls_in_cell,
    web_address,
)
from lookalike.sources.downloads import Downloads
from lookalike.sources.tables import Table, read_table, write_table

pytestmark = pytest.mark.slow

RGB = scene(1, 320, 240)


@pytest.fixture
def site() -> Iterator[Site]:
    """A shop: one picture, a copy of it, another one, and what is no picture."""
    with serve() as started:
        started.offer("/a.jpg", encode_jpeg(RGB, 90))
        flipped = edit_picture(RGB, "mirror", source="a", other=RGB)
        started.offer("/copy.jpg?size=2", encode_jpeg(flipped, 80))
        started.offer("/other.jpg", encode_jpeg(scene(2, 320, 240), 90))
        started.offer("/page.jpg", b"<html>sold out")
        started.offer("/half.jpg", encode_jpeg(RGB, 70)[:3000])
        yield started


def put(path: Path, text: str) -> Path:
    """A list."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def shop(site: Site, folder: Path, name: str = "shop.csv") -> Path:
    """Rows of products with one or two URLs; one of them is in two rows."""
    a, copy, other, page, half = (
        site.url(path)
        for path in ("/a.jpg", "/copy.jpg?size=2", "/other.jpg", "/page.jpg", "/half.jpg")
    )
    return put(
        folder / name,
        "id;kind;images;more\n"
        f"1;Shoes;{a} , {copy};\n"
        f"2; shoes ;{other};{a}#top\n"
        f"3;Hats;{page};\n"
        f"4;hats;{half};no url\n"
        "5;;;\n",
    )


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The command as users run it."""
    command = [sys.executable, "-m", "lookalike", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def form(folder: Path, *columns: str, number: int | None = None, **named: Any) -> ListForm:
    """A form that downloads into a folder."""
    fetch = Downloads(folder / "downloads", DownloadConfig(allow_private=True, backoff=0.01))
    return ListForm(separator=";", urls=UrlCells(columns, fetch, number), **named)


@pytest.mark.parametrize(
    ("cell", "urls"),
    [
        (None, []),
        ("", []),
        (" http://a/1.jpg ", ["http://a/1.jpg"]),
        ("http://a/1,2.jpg;v=1|2", ["http://a/1,2.jpg;v=1|2"]),
        ("http://a/1.jpg, https://a/2.jpg;http://a/3|//a/4", None),
        ("http://a/1.jpg\nhttps://a/2.jpg HTTP://a/3 , //a/4,", None),
        ('["http://a/1.jpg", "https://a/2.jpg", "http://a/3", "//a/4"]', None),
        (["http://a/1.jpg", "https://a/2.jpg http://a/3", None, "//a/4"], None),
        ({"url": "http://a/1.jpg"}, ["http://a/1.jpg"]),
        ({"bytes": None, "path": "http://a/1.jpg"}, ["http://a/1.jpg"]),
        ("[not json", ["[not json"]),
    ],
)
def test_urls_of_a_cell(cell: object, urls: list[str] | None) -> None:
    """As a list, as JSON, as an object, or as text with something in front of each next one."""
    found = urls_in_cell(cell)
    if urls is None:
        assert [url.lower() for url in found] == [
            "http://a/1.jpg",
            "https://a/2.jpg",
            "http://a/3",
            "//a/4",
        ]
    else:
        assert found == urls


def test_urls_of_one_name_are_one_picture() -> None:
    """Scheme and host in small letters; no fragment, user or password; else as written."""
    same = ("HTTP://Shop.Example/A.jpg?x=1#top", "http://me:pw@shop.example/A.jpg?x=1")
    names = {one.name for url in same if (one := web_address(url))}
    assert names == {"http://shop.example/A.jpg?x=1"}
    assert web_address(same[1]) == WebAddress(
        "http://shop.example/A.jpg?x=1", "http://me:pw@shop.example/A.jpg?x=1"
    )
    assert web_address("//shop.example") == WebAddress(*["https://shop.example/"] * 2)
    assert web_address("http://[::1]:8080/a") == WebAddress(*["http://[::1]:8080/a"] * 2)
    for wrong in (
        "",
        "a.jpg",
        "ftp://a/b.jpg",
        "http://",
        "http://a:b/c",
        "http://a/\udcff",
        "http://a/\x1b[2J",
    ):
        assert web_address(wrong) is None, wrong


def chosen(table: Table, folder: Path, *where: tuple[str, str], limit: int | None = None) -> str:
    """Ids of the rows taken, together."""
    path = write_table(folder / "t.jsonl", table)
    source = ListSource(path, ListForm(choice=RowChoice(where, limit)))
    return "".join(source.table.column("id"))


def test_where_filters(tmp_path: Path) -> None:
    """Of one column any value, of several all; case and white space do not count."""
    table = Table(
        ("id", "kind", "size", "path"),
        (
            ("a", "Running  Shoes", 40, "p"),
            ("b", " running shoes", 41, "p"),
            ("c", ["hats", "Shoes"], 40, "p"),
            ("d", "hats|caps", None, "p"),
            ("e", None, True, "p"),
            ("f", {"label": "cat"}, 1.5, "p"),
        ),
    )
    assert chosen(table, tmp_path, ("kind", "RUNNING SHOES ")) == "ab"
    assert chosen(table, tmp_path, ("kind", "hats")) == "cd"
    assert chosen(table, tmp_path, ("kind", "hats|caps")) == "d"
    assert chosen(table, tmp_path, ("kind", "hats"), ("kind", "running shoes")) == "abcd"
    assert chosen(table, tmp_path, ("kind", "shoes"), ("size", "40")) == "c"
    assert chosen(table, tmp_path, ("kind", "")) == "e" and chosen(table, tmp_path) == "abcdef"
    assert chosen(table, tmp_path, ("kind", "cat"), ("size", "1.5")) == "f"
    assert chosen(table, tmp_path, ("size", "true")) == "e"
    assert chosen(table, tmp_path, limit=2) == "ab"
    assert chosen(table, tmp_path, ("kind", "hats"), limit=1) == "c"
    # a part of a value is another value
    with pytest.raises(ConfigError, match=r"kind=shoe; expected kind is one of .*hats \| Shoes"):
        chosen(table, tmp_path, ("kind", "shoe"))
    with pytest.raises(ConfigError, match=r"got id, kind, size, path; expected colour.*--where"):
        chosen(table, tmp_path, ("colour", "red"))
    with pytest.raises(ConfigError):
        RowChoice(limit=0)


def test_separators(tmp_path: Path) -> None:
    """Any one character, of any text; without it the suffix says."""
    listing = put(tmp_path / "a.txt", "path;kind\na,b.jpg;x\n")
    assert read_table(listing, ";").rows == (("a,b.jpg", "x"),)
    assert read_table(put(tmp_path / "a.csv", "path|n\nx|1\n"), "|").columns == ("path", "n")
    with pytest.raises(ConfigError, match="one character"):
        read_table(listing, "::")
    with pytest.raises(ConfigError, match=r"lacks a column.*got path;kind.*--separator"):
        list(ListSource(put(tmp_path / "b.csv", "path;kind\na.jpg;x\n")).scan())
    with pytest.raises(ConfigError, match="line 2 of"):
        read_table(put(tmp_path / "c.csv", f'path\n"{"x" * 200_000}"\n'))


def test_which_urls_of_a_row(tmp_path: Path) -> None:
    """Every column in turn, every URL of its cell; or the one of a number."""
    asked: list[str] = []

    def fetch(wanted: Sequence[WebAddress]) -> Mapping[str, str | Failure]:
        asked.extend(one.name for one in wanted)
        return {one.name: Failure(one.name, "download", "no") for one in wanted}

    listing = put(tmp_path / "l.csv", "a,b\nhttp://h/1 http://h/2,http://h/3\nx,\n,\nhttp://h/2,\n")

    def of(*columns: str, number: int | None = None) -> tuple[list[str], list[str]]:
        asked.clear()
        cells = UrlCells(columns, fetch, number)
        items = list(ListSource(listing, ListForm(urls=cells)).scan())
        return list(asked), [item.message for item in items if isinstance(item, Failure)]

    row = f"of {listing}"
    urls, said = of("a")
    assert urls == ["http://h/1", "http://h/2"]
    assert said == ["no", "no", f"row 2 {row}: not a URL of http or https", "has no URL"]
    assert of("b", "a")[0] == ["http://h/3", "http://h/1", "http://h/2"]
    urls, said = of("a", "b", number=3)
    assert urls == ["http://h/3"] and said == ["no", *["has no URL number 3"] * 3]
    with pytest.raises(ConfigError, match=r"expected c"):
        of("c")
    for wrong in ((), ("a",)):
        with pytest.raises(ConfigError):
            UrlCells(wrong, fetch, 0)


def test_urls_are_not_fetched_unasked(site: Site, tmp_path: Path) -> None:
    """In a column of paths they are failures that say what to do."""
    listing = put(tmp_path / "l.txt", site.url("/a.jpg") + "\n")
    (item,) = ListSource(listing).scan()
    assert isinstance(item, Failure) and "--url-column" in item.message
    assert item.path == site.url("/a.jpg") and site.count() == 0


def test_a_list_of_urls_is_a_source(site: Site, tmp_path: Path) -> None:
    """Ids are URLs, a URL of two rows is one image, rows without a picture are failures."""
    source = ListSource(shop(site, tmp_path), form(tmp_path, "images", "more"))
    items = list(source.scan())
    entries = [item for item in items if isinstance(item, FileEntry)]
    assert [item.id for item in entries] == [
        site.url(path) for path in ("/a.jpg", "/copy.jpg?size=2", "/half.jpg", "/other.jpg")
    ]
    assert all(Path(item.path).is_file() and item.shown == item.id for item in entries)
    said = {item.path: item.message for item in items if isinstance(item, Failure)}
    assert said == {
        site.url("/page.jpg"): "not an image: the content looks like HTML "
        "(the server says image/jpeg)",
        "no url": f"row 4 of {source.name}: not a URL of http or https",
        f"row 5 of {source.name}": "has no URL",
    }
    assert site.count() == 5 and site.count("/a.jpg") == 1
    assert [len(paths) for paths in source.paths()] == [2, 2, 0, 1, 0]


def test_find_says_urls_and_asks_once(site: Site, tmp_path: Path) -> None:
    """Ids, tables and failures name URLs; the second run makes no request, and says the same."""
    listing, db, tables = shop(site, tmp_path), tmp_path / "db", tmp_path / "tables"
    options = ("--separator", ";", "--url-column", "images", "--allow-private", "--db", db)
    done = run("find", listing, *options, "--csv", tables)
    assert done.returncode == 11, done.stderr
    assert "failures" in done.stdout and site.count() == 5
    with (tables / "clusters.csv").open(newline="") as file:
        named = {row["path"]: row["action"] for row in csv.DictReader(file)}
    assert set(named) == {site.url("/a.jpg"), site.url("/copy.jpg?size=2")}
    with (tables / "failures.csv").open(newline="") as file:
        failed = {row["path"]: row["stage"] for row in csv.DictReader(file)}
    assert failed == {
        site.url("/half.jpg"): "decode",
        site.url("/page.jpg"): "download",
        f"row 5 of {listing}": "scan",
    }
    with (db / "downloads" / "failures.csv").open(newline="") as file:
        assert [row["url"] for row in csv.DictReader(file)] == [site.url("/page.jpg")]
    again = json.loads(run("find", listing, *options, "--json").stdout)
    assert site.count() == 5 and again["funnel"]["decoded"] == 0
    assert {m["id"] for m in again["clusters"][0]["members"]} == set(named)
    assert len(again["failures"]) == 3


def test_chosen_rows_are_in_the_report(site: Site, tmp_path: Path) -> None:
    """What was left out is said; another choice is another report."""
    listing, db = shop(site, tmp_path), tmp_path / "db"
    options = ("--separator", ";", "--url-column", "images", "--allow-private", "--db", db)
    done = run("find", listing, *options, "--where", "kind=SHOES", "--limit", 1, "--url-number", 2)
    assert done.returncode == 0, done.stderr
    assert "1 of 5 rows: kind=SHOES, limit 1" in done.stdout.replace("\n", "")
    assert site.asked == ["/copy.jpg?size=2"]
    plain = json.loads(run("find", listing, *options, "--where", "kind=shoes", "--json").stdout)
    assert plain["config"]["rows"] == {str(listing): "2 of 5 rows: kind=shoes"}
    assert len(plain["images"]) == 3
    assert "rows" not in json.loads(run("find", listing, *options, "--json").stdout)["config"]


def test_options_that_cannot_be_used_are_said(site: Site, tmp_path: Path) -> None:
    """Not passed over in silence."""
    listing = shop(site, tmp_path)
    for options in (
        (tmp_path, "--where", "kind=shoes"),
        (tmp_path, "--limit", 3),
        (tmp_path, "--url-column", "images"),
        (listing, "--url-number", 1),
        (listing, "--where", "kind"),
        (listing, "--limit", 0),
    ):
        assert run("find", *options, "--db", tmp_path / "db").returncode == 2, options
    assert run("leaks", tmp_path, tmp_path, "--where", "a=b").returncode == 2
    done = run(
        "find", listing, "--separator", ";", "--url-column", "images", "--db", tmp_path / "e"
    )
    assert done.returncode == 0 and "--allow-private" in done.stdout and site.count() == 0


def test_leaks_of_lists_of_urls(site: Site, tmp_path: Path) -> None:
    """A URL in two lists leaks; clean lists keep whole rows with their URLs."""
    a, copy, other = (site.url(path) for path in ("/a.jpg", "/copy.jpg?size=2", "/other.jpg"))
    train = put(tmp_path / "train.csv", f"url;kind\n{a};x\n{other};y\n")
    test = put(tmp_path / "test.csv", f"url;kind\n{a};x\n{copy};z\n")
    shape = form(tmp_path, "url")
    config = FindConfig(effort="fast")
    found = leaks({"train": train, "test": test}, db=tmp_path / "db", config=config, form=shape)
    pairs = {(leak.pair.first, leak.pair.second) for leak in found.leaks}
    assert pairs == {(f"train/{a}", f"test/{a}"), (f"train/{a}", f"test/{copy}")}
    assert found.report.images[f"train/{a}"].shown == a and site.count() == 3
    options = ("--separator", ";", "--url-column", "url", "--allow-private", "--effort", "fast")
    clean = tmp_path / "clean"
    done = run("leaks", train, test, *options, "--db", tmp_path / "db2", "--clean", clean)
    assert done.returncode == 11 and f"train: {a}" in done.stdout, done.stderr
    assert read_table(clean / "train.csv").rows == ((other, "y"),)
    assert sorted(read_table(clean / "test.csv").rows) == sorted([(a, "x"), (copy, "z")])


def test_conflicts_and_unique_of_lists_of_urls(site: Site, tmp_path: Path) -> None:
    """Labels stand beside URLs, several rows of a URL give it several; rows come back whole."""
    a, copy, other = (site.url(path) for path in ("/a.jpg", "/copy.jpg?size=2", "/other.jpg"))
    text = f"url;label\n{a};cat\n{other};dog\n{copy};dog\n{a};pet\n"
    listing = put(tmp_path / "all.csv", text)
    shape = form(tmp_path, "url")
    labels = read_labels(listing, form=shape)
    config = FindConfig(effort="fast")
    found = conflicts(listing, labels=labels, db=tmp_path / "db", config=config, form=shape)
    (conflict,) = found.conflicts
    assert {frozenset(conflict.first_labels), frozenset(conflict.second_labels)} == {
        frozenset({"cat", "pet"}),
        frozenset({"dog"}),
    }
    assert found.unseen == ()
    source = open_source(listing, shape)
    report = find(source, db=tmp_path / "db", config=config)
    stay = {
        image
        for image in report.images
        if image
        not in {decision.image for decision in report.decisions if decision.action == "drop"}
    }
    kept = clean_table([report.images[image] for image in stay], tmp_path, source)
    assert {row[0] for row in kept.rows} == stay and kept.columns == ("url", "label")
    out = tmp_path / "copies"
    assert write_kept(report, out) == 2
    assert all(path.parent == out for path in out.rglob("*.jpg"))


def test_rows_of_several_urls_keep_those_that_stay(site: Site, tmp_path: Path) -> None:
    """What goes leaves its cell; a row of which nothing stays goes; the rest is as it was."""
    a, copy, other = (site.url(path) for path in ("/a.jpg", "/copy.jpg?size=2", "/other.jpg"))
    listing = put(
        tmp_path / "l.jsonl",
        "".join(
            json.dumps(row) + "\n"
            for row in (
                {"n": 1, "urls": [a, copy], "more": f"{other},{copy}"},
                {"n": 2, "urls": [], "more": copy},
                {"n": 3, "urls": f"{a}|{other}", "more": "none"},
            )
        ),
    )
    out = tmp_path / "out.jsonl"
    options = ("--url-column", "urls", "--url-column", "more", "--allow-private")
    done = run("unique", listing, out, *options, "--db", tmp_path / "db")
    assert done.returncode == 11, done.stderr
    assert read_table(out).rows == ((1, [a], other), (3, f"{a}|{other}", "none"))
    options = ("--url-column", "urls", "--url-number", 1, "--allow-private")
    done = run("unique", listing, out, *options, "--db", tmp_path / "db")
    assert read_table(out).rows == ((1, [a, copy], f"{other},{copy}"), (3, f"{a}|{other}", "none"))


def test_nothing_that_was_downloaded_goes(site: Site, tmp_path: Path) -> None:
    """A plan touches neither downloads nor files for which only a download would stay."""
    mine = tmp_path / "mine" / "small.jpg"
    mine.parent.mkdir()
    mine.write_bytes(encode_jpeg(RGB[::2, ::2], 60))
    report = find(
        open_source([mine.parent, shop(site, tmp_path)], form(tmp_path, "images")),
        db=tmp_path / "db",
    )
    dropped = {d.image for d in report.decisions if d.action == "drop"}
    assert len(dropped) == 2 and any(image.endswith("small.jpg") for image in dropped)
    plan = make_plan(report, PlanConfig())
    assert plan.steps == ()
    said = {one.path: one.reason for one in plan.refused}
    assert set(said) == {str(mine), site.url("/copy.jpg?size=2")}
    assert (
        "was downloaded" in said[str(mine)]
        and "from the list" in said[site.url("/copy.jpg?size=2")]
    )


def test_search_says_urls(site: Site, tmp_path: Path) -> None:
    """Hits that were downloaded are known by where they came from."""
    listing, db = shop(site, tmp_path), tmp_path / "db"
    report = find(open_source(listing, form(db, "images")), db=db, config=FindConfig(effort="fast"))
    query = tmp_path / "query.jpg"
    query.write_bytes(Path(report.images[site.url("/a.jpg")].path).read_bytes())
    answer = search(query, db=db)
    assert answer.in_set == (site.url("/a.jpg"),)
    assert [hit.image.shown for hit in answer.hits[:2]] == [
        site.url("/a.jpg"),
        site.url("/copy.jpg?size=2"),
    ]


def test_describe_list_counts_and_looks(site: Site, tmp_path: Path) -> None:
    """Rows, categories, URLs by column and row, and the pictures; nothing is asked unasked."""
    listing = shop(site, tmp_path)
    options = ("--separator", ";", "--url-column", "images", "--url-column", "more")
    options = (*options, "--allow-private", "--db", tmp_path / "db", "--category", "kind")
    done = run("describe-list", listing, *options, "--json")
    assert done.returncode == 0 and site.count() == 0, done.stderr
    plain = json.loads(done.stdout)
    assert (plain["rows"], plain["rows_in_all"], plain["chosen"]) == (5, 5, "")
    assert plain["columns"]["kind"] == {"filled": 4, "empty": 1, "distinct": 4}
    assert plain["categories"] == {"kind": {"": 1, "Hats": 1, "Shoes": 1, "hats": 1, "shoes": 1}}
    named = plain["named"]
    assert named["column_cells"] == {
        "images": {"one": 3, "several": 1, "empty": 1},
        "more": {"one": 2, "several": 0, "empty": 3},
    }
    assert named["per_row"] == {"0": 1, "1": 1, "2": 3}
    assert (named["names"], named["distinct"], named["repeated"]) == (7, 6, 1)
    assert named["not_urls"] == 1 and named["hosts"] == {f"127.0.0.1:{site.port}": 5}
    assert plain["pictures"]["readable"] == 0 and plain["pictures"]["not_here"] == 5
    shown = run("describe-list", listing, *options, "--download").stdout
    assert site.count() == 5
    for words in (
        "Shoes",
        "20.0%",
        "7 URLs: 1 rows with 0, 1 rows with 1, 3 rows with 2",
        "6 distinct, 1 of them more than once",
        "3 pictures are here and readable",
        "width: median 320 (320 to 320)",
        "channels: 3 3",
        "formats: JPEG 3",
        "4 failures (decode 1, download 1, scan 2):",
        f"  {site.url('/half.jpg')}: truncated",
    ):
        assert words in shown, (words, shown)
    run("describe-list", listing, *options, "--where", "kind=hats")
    assert site.count() == 5


def test_describe_list_of_paths(tmp_path: Path) -> None:
    """Files of this machine: sizes, channels and formats as they are; usual columns are found."""
    import cv2
    import numpy as np

    grey = np.zeros((10, 20), np.uint8)
    clear = np.zeros((30, 40, 4), np.uint8)
    cv2.imwrite(str(tmp_path / "g.png"), grey)
    cv2.imwrite(str(tmp_path / "c.png"), clear)
    (tmp_path / "a.jpg").write_bytes(encode_jpeg(RGB, 90))
    listing = put(tmp_path / "l.csv", "path,label\ng.png,x\nc.png,y|x\na.jpg,\na.jpg,x\nno.jpg,x\n")
    found = describe_list(ListSource(listing))
    assert found.categories == {"label": {"x": 4, "": 1, "y": 1}}
    assert (found.named.names, found.named.distinct, found.named.repeated) == (5, 4, 1)
    assert not found.named.hosts and found.named.not_urls == 0
    pictures = found.pictures
    assert pictures.readable == 3 and pictures.channels == {1: 1, 3: 1, 4: 1}
    assert pictures.formats == {"PNG": 2, "JPEG": 1}
    assert pictures.width == Spread(20, 40, 320) and pictures.height == Spread(10, 30, 240)
    assert [failure.path for failure in pictures.failures] == [str(tmp_path / "no.jpg")]
    with pytest.raises(ConfigError, match="of categories"):
        describe_list(ListSource(listing), categories=("kind",))
    assert (
        "1 [b]"
        in run(
            "describe-list", put(tmp_path / "m.csv", "path,kind\nx,1 [b]\n"), "--category", "kind"
        ).stdout
    )


def test_search_with_lists(site: Site, tmp_path: Path) -> None:
    """Every picture of a list is a query; one that cannot be had is told, the others are asked."""
    db = tmp_path / "db"
    copy, other = site.url("/copy.jpg?size=2"), site.url("/other.jpg")
    find(open_source(shop(site, tmp_path), form(db, "images")), db=db)
    listing = put(tmp_path / "q.csv", f"n,url\n1,{copy}\n2,{site.url('/half.jpg')}\n3,{other}\n")
    options = ("--url-column", "url", "--allow-private", "--db", db, "-k", 1)
    before = site.count()
    done = run("search", listing, *options)
    assert done.returncode == 11 and site.count() == before, done.stderr
    assert f"{copy}:\nthe query is in the set: {copy}\n1. {copy}\n   exact" in done.stdout
    assert f"{site.url('/half.jpg')}: the query is not a picture" in done.stdout
    plain = json.loads(run("search", listing, *options, "--limit", 1, "--json").stdout)
    assert [answer["query"] for answer in plain["answers"]] == [copy] and not plain["failures"]
    assert run("search", tmp_path / "a.jpg", "--where", "a=b", "--db", db).returncode == 2
    assert run("search", listing, *options, "--html", tmp_path / "x.html").returncode == 2


def test_index_takes_urls(site: Site, tmp_path: Path) -> None:
    """A collection is filled from a list; searches then find by URLs, and ask for nothing."""
    db = tmp_path / "db"
    options = ("--separator", ";", "--url-column", "images", "--allow-private", "--db", db)
    done = run("index", shop(site, tmp_path), *options, "--where", "kind=shoes")
    assert done.returncode == 0 and "3 images, 3 of them described" in done.stdout, done.stderr
    query = tmp_path / "q.jpg"
    query.write_bytes(encode_jpeg(RGB, 60))
    done = run("search", query, "--db", db, "-k", 1)
    assert done.returncode == 11 and f"1. {site.url('/')}" in done.stdout and site.count() == 3
