"""A collection at a server: the same answers, many clients at once, and errors in words."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.request import HTTPCookieProcessor, build_opener

import numpy as np
import psycopg
import pytest
from test_store import RAGGED, SPEC, batch, entry, sha

import postgres_server
from conftest import save, scene
from lookalike import find
from lookalike.config import (
    ClusterConfig,
    FindConfig,
    SystemConfig,
    ViewConfig,
)
from lookalike.decisions.choices import place_of
from lookalike.evaluation.edits import edit_picture
from lookalike.index.distances import cosine
from lookalike.model.errors import CollectionError, ConfigError, SpecMismatchError
from lookalike.model.image import DescriptorSpec
from lookalike.model.report import Report
from lookalike.report import to_dict
from lookalike.retrieval.query import Question
from lookalike.run.buckets import buckets
from lookalike.run.search import search
from lookalike.store import (
    Batch,
    Change,
    Ranking,
    folder_of,
    locate,
    name_of,
    open_collection,
    open_decisions,
)
from lookalike.store.location import Server, is_everywhere

pytestmark = pytest.mark.slow

ROWS = DescriptorSpec("rows", "1", "cosine", 48, "float16", "none")


@pytest.fixture
def at_server(new_server_db: Callable[[], str]) -> str:
    """Address of a collection that is not there yet."""
    return new_server_db()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Textured pictures, edited copies of some, a twin, a plain one and a broken file."""
    folder = tmp_path / "photos"
    for seed in range(5):
        rgb = scene(seed, 480, 360)
        save(folder / f"{seed}.jpg", rgb)
        for edit in ("crop_87", "mirror", "caption_bar")[: seed % 4]:
            other = scene(99, 480, 360)
            save(folder / f"{seed}_{edit}.jpg", edit_picture(rgb, edit, source="a", other=other))
    shutil.copy(folder / "1.jpg", folder / "twin.jpg")
    save(folder / "white.jpg", np.full((200, 300, 3), 255, np.uint8))
    (folder / "broken.jpg").write_bytes((folder / "2.jpg").read_bytes()[:2000])
    return folder


def told(report: Report) -> dict[str, Any]:
    """The whole report as plain values, but how long it took."""
    plain = to_dict(report)
    del plain["timings"]
    return plain


def psql(address: str, statement: str) -> list[tuple[Any, ...]]:
    """What an administrator would run in a collection's schema."""
    place = locate(address)
    assert isinstance(place, Server)
    with psycopg.connect(place.conninfo, autocommit=True) as connection:
        connection.execute(f"SET search_path = {place.schema}, public")
        done = connection.execute(statement)
        return done.fetchall() if done.description else []


@pytest.mark.parametrize(
    "config",
    [
        FindConfig(threads=2, batch=5),
        FindConfig(effort="thorough", threads=2, cluster=ClusterConfig(similar=True)),
        SystemConfig(views=(ViewConfig("luminance", 0.2, scale="standard", components=6),)),
    ],
    ids=["standard", "thorough", "recipe"],
)
def test_reports_are_those_of_a_folder(photos: Path, at_server: str, db: Path, config: Any) -> None:
    """In every value but timings: at first, again, and after a picture was added."""
    for number in range(3):
        ours = find(photos, db=at_server, config=config)
        theirs = find(photos, db=db, config=config)
        assert told(ours) == told(theirs)
        assert ours.clusters and ours.failures
        assert (ours.funnel["decoded"] == 0) == (number == 1)
        if number == 1:
            save(photos / "late.jpg", scene(0, 480, 360)[:, ::-1])


def test_searches_find_what_a_folder_finds(photos: Path, at_server: str, db: Path) -> None:
    """Hits, distances and evidence, ranked by the server or here; buckets of hashes too."""
    query = save(photos.parent / "query.jpg", scene(3, 480, 360)[20:300, 30:400])
    find(photos, db=at_server)
    find(photos, db=db)
    recipe = SystemConfig(views=(ViewConfig("luminance", 0.2),))
    asked: list[tuple[Question, Any]] = [
        (Question(query, 4), FindConfig()),
        (Question(query, 4), FindConfig(effort="fast")),
        (Question(query, 3, voting=True), recipe),
        (Question(photos / "2.jpg", 40), recipe),
    ]
    for question, config in asked:
        ours = search(question, db=at_server, config=config)
        assert ours == search(question, db=db, config=config)
        assert Path(ours.hits[0].image.path).name[0] in "23"
    assert buckets("dhash", db=at_server) == buckets("dhash", db=db)


def test_the_nearest_are_those_of_an_exact_search(at_server: str) -> None:
    """Nearest first; half precision swaps what is all but equally far; rows of 0 are left out."""
    random = np.random.default_rng(3)
    rows = random.normal(size=(1500, 48)) + random.normal(size=(150, 48)).repeat(10, 0) * 2
    rows[7] = 0
    rows = (rows * random.uniform(0.1, 9, (1500, 1))).astype(np.float16)
    names = [sha(n) for n in range(1500)]
    with open_collection(at_server) as collection:
        assert isinstance(collection, Ranking)
        assert collection.nearest(ROWS, rows[0], 3) is None, "nothing is known of such rows"
        some = batch(*range(1500))
        collection.commit(replace(some, rows={ROWS: (tuple(names), rows)}, ragged={}))
        with open_collection(f"{at_server}&machine=other") as elsewhere:
            assert isinstance(elsewhere, Ranking)
            assert elsewhere.nearest(ROWS, rows[0], 3) == [], "none of its files"
        for query in rows[::100].astype(np.float32):
            near = collection.nearest(ROWS, query, 32)
            assert near is not None and len(set(near)) == 32
            far = cosine(query[None], rows.astype(np.float32))[0]
            told = far[[names.index(name) for name in near]]
            assert np.abs(told - np.sort(far)[:32]).max() < 1e-3
        everything = collection.nearest(ROWS, rows[0], 5000)
        assert everything is not None and {*everything} == {*names} - {sha(7)}
        assert collection.nearest(ROWS, rows[7], 3) is None
        wide = replace(ROWS, name="wide", dim=2000)
        values = random.normal(size=(1, 2000)).astype(np.float16)
        collection.commit(Batch(rows={wide: ((sha(1),), values)}))
        assert collection.nearest(wide, values[0], 1) is None


_FINDER = """
import sys
import traceback
from lookalike import find
from lookalike.config import FindConfig
from lookalike.report import to_json
print("go", flush=True); sys.stdin.readline()
print(to_json(find(sys.argv[1], db=sys.argv[2], config=FindConfig(threads=1, batch=3))))
"""


def test_two_finds_at_the_same_time(photos: Path, tmp_path: Path, at_server: str) -> None:
    """Of folders that share pictures: both reports are right, and nothing is there twice."""
    other = tmp_path / "other"
    shutil.copytree(photos, other / "same")
    for seed in range(20, 24):
        save(other / f"{seed}.jpg", scene(seed, 480, 360))
        save(other / f"{seed}_half.jpg", scene(seed, 480, 360)[::2, ::2])
    folders = (photos, other)
    command = [sys.executable, "-c", _FINDER]
    children = [
        subprocess.Popen(
            [*command, str(folder), at_server],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for folder in folders
    ]
    assert len(children) == 2
    for child in children:
        assert child.stdout is not None and child.stdout.readline() == "go\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("\n")
        child.stdin.flush()
    said = [json.loads(child.communicate(timeout=120)[0]) for child in children]
    for number, folder in enumerate(folders):
        alone = json.loads(json.dumps(to_dict(find(folder, db=tmp_path / f"alone{number}"))))
        for name in ("clusters", "matches", "images", "failures"):
            assert said[number][name] == alone[name], name
    counts = psql(at_server, "SELECT count(*), count(DISTINCT sha256) FROM content")
    assert counts == [(len({i["sha256"] for s in said for i in s["images"]}),) * 2]
    again = find(folders, db=at_server)
    assert again.funnel["decoded"] == 0
    assert told(again)["clusters"] == told(find(folders, db=tmp_path / "both"))["clusters"]


def test_a_file_belongs_to_a_machine_and_a_content_to_everyone(at_server: str) -> None:
    """A path on two machines is two files; on machines of one name, and in a bucket, one."""
    bucket = entry(3, key="s3://pictures/3.png")
    with (
        open_collection(f"{at_server}&machine=ann") as ann,
        open_collection(f"{at_server}&machine=bob") as bob,
    ):
        ann.commit(replace(batch(1, 2, 3), files=((entry(1), sha(1)), (bucket, sha(3)))))
        bob.commit(Batch(files=((entry(1), sha(2)),)))
        assert ann.images() == {"/x/1.png": sha(1), "s3://pictures/3.png": sha(3)}
        assert bob.images() == {"/x/1.png": sha(2), "s3://pictures/3.png": sha(3)}
        assert bob.missing(SPEC, [sha(1)]) == [], "what is known of bytes is known to all"
        bob.save_report("b", "of bob")
        assert ann.last_report() == "of bob", "better than none"
        ann.save_report("a", "of ann")
        bob.save_report("c", "of bob again")
        assert ann.last_report() == "of ann"
        bob.forget(["/x/1.png"])
        assert ann.keys() == {"/x/1.png", "s3://pictures/3.png"}
    elsewhere = entry(1, inode=(77, 1))
    with open_collection(f"{at_server}&machine=ann") as other:
        assert other.unchanged([elsewhere]).keys() == {"/x/1.png"}, "device numbers are each one's"
        assert not other.unchanged([entry(1, inode=(1, 9))])
    assert is_everywhere("https://h/a.zip") and is_everywhere("zip://a.jpg::s3://b/a.zip")
    assert not is_everywhere("zip://a.jpg::/home/a.zip") and not is_everywhere("file:///a.jpg")


def test_specs_of_other_versions_are_refused_also_between_clients(at_server: str) -> None:
    """Whoever is first says which version a collection holds."""
    other = replace(SPEC, version="2")
    with open_collection(at_server) as one, open_collection(at_server) as two:
        assert two.missing(SPEC, [sha(1)]) == [sha(1)]
        one.commit(batch(1))
        names, rows = batch(1).rows[SPEC]
        with pytest.raises(SpecMismatchError, match=r"toy\|1\|.*toy\|2\|.*--db"):
            two.commit(replace(batch(5), rows={other: (names, rows)}))
        assert two.missing(SPEC, [sha(1)]) == [] and not two.contents([sha(5)])


def test_foreign_and_newer_schemas_are_refused(at_server: str) -> None:
    """Tables of another program are not touched; a newer collection names its version."""
    place = locate(at_server)
    assert isinstance(place, Server)
    psql(at_server, f"CREATE SCHEMA {place.schema}")
    psql(at_server, "CREATE TABLE theirs(x integer)")
    for opened in (open_collection, open_decisions):
        with pytest.raises(CollectionError, match=r"not a lookalike collection.*schema=NAME"):
            opened(at_server)
    psql(at_server, "DROP TABLE theirs")
    open_collection(at_server).close()
    psql(at_server, "UPDATE about SET schema = 99")
    with pytest.raises(CollectionError, match=r"newer lookalike.*99.*upgrade"):
        open_collection(at_server)


def test_addresses_are_checked_and_passwords_kept_to_themselves(server: str) -> None:
    """No message, name or traceback shows one."""
    host = server.partition("host=")[2]
    bad = f"postgresql://postgres:s3cr3t@/nowhere?host={host}&sslpassword=s3cr3t"
    assert "s3cr3t" not in name_of(bad) + repr(locate(bad)) + str(folder_of(bad))
    assert folder_of(bad) == folder_of(bad.replace(":s3cr3t", ""))
    assert name_of("postgres://u:p@h:5/d?schema=a&password=p") == "postgresql://u@h:5/d?schema=a"
    command = [sys.executable, "-m", "lookalike", "find", ".", "--db"]
    gone = "postgresql://u:s3cr3t@127.0.0.1:1/d"
    unread = "postgresql://u:s3cr3t@h/more@host/d"
    odd = f"postgresql://u:s3cr3t@/postgres?host={host}&nonsense=s3cr3t"
    for address, words in (
        (bad, "cannot reach the collection's server.*nowhere.*does not exist"),
        (gone, "cannot reach the collection's server.*refused.*check the address"),
        (unread, "cannot read the address.*%40"),
        (odd, "not understood"),
    ):
        with pytest.raises((CollectionError, ConfigError), match=words) as caught:
            open_collection(address)
        assert "s3cr3t" not in "".join(traceback.format_exception(caught.value))
        done = subprocess.run([*command, address], capture_output=True, text=True, check=False)
        assert done.returncode == 1 and done.stderr.startswith("lookalike: "), done.stderr
        assert "s3cr3t" not in done.stderr + done.stdout and done.stderr.count("\n") == 1
    for wrong in ("postgresql://u@h", "postgresql://u@h/d?schema=A-b"):
        with pytest.raises(ConfigError):
            locate(wrong)
    with pytest.raises(ConfigError, match="as str"):
        open_collection(Path(gone))


def test_colleagues_without_more_rights_than_they_need(photos: Path, at_server: str) -> None:
    """One makes the schema; another, who owns nothing, uses it once the tables are granted."""
    place = locate(at_server)
    assert isinstance(place, Server)
    for name in ("ann", "bob"):
        psql(at_server, f"DROP ROLE IF EXISTS {name}; CREATE ROLE {name} LOGIN")
    psql(at_server, "CREATE EXTENSION IF NOT EXISTS vector")
    psql(at_server, "GRANT CREATE ON DATABASE postgres TO ann")
    ann, bob = (at_server.replace("postgres@", f"{name}@") for name in ("ann", "bob"))
    open_collection(ann).close()
    with pytest.raises(CollectionError, match=r"may not use.*GRANT USAGE"):
        open_collection(bob)
    for rights in ("USAGE ON SCHEMA {0}", "ALL ON ALL TABLES IN SCHEMA {0}"):
        psql(at_server, f"GRANT {rights.format(place.schema)} TO bob")
    try:
        report = find(photos, db=bob, config=FindConfig(cluster=ClusterConfig(similar=True)))
        assert report.clusters
        assert search(save(photos / "late.jpg", scene(70, 480, 360)), db=bob).hits
    finally:
        psql(at_server, "DROP OWNED BY ann, bob; DROP ROLE ann, bob")


def test_a_lost_connection_is_one_clear_error(photos: Path) -> None:
    """The server stops in the middle of a run; when it is back, the run goes on."""
    with postgres_server.running() as address:
        stopped = False

        def stop(stage: str, done: int, total: int) -> None:
            nonlocal stopped
            if not stopped:
                stopped = True
                psql(
                    address,
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE application_name = 'lookalike'",
                )

        config = FindConfig(batch=4, threads=1)
        with pytest.raises(CollectionError, match=r"connection .* was lost.*run the same command"):
            find(photos, db=address, config=config, progress=stop)
        again = find(photos, db=address, config=config)
        assert 0 < again.funnel["decoded"] < again.funnel["images"]


def test_plans_and_journals_name_the_server_without_its_password(
    photos: Path, at_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan is applied by this machine; its journal lies here, its memory at the server."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    address = at_server.replace("postgres@", "postgres:s3cr3t@")
    file = tmp_path / "plan.json"

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "lookalike", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert run("plan", photos, "--db", address, "-o", file).returncode == 11
    assert json.loads(file.read_text())["collection"] == at_server
    assert run("apply", file, "--yes", "--move-to", tmp_path / "gone").returncode == 11
    journals = list(folder_of(at_server).glob("journals/*.jsonl"))
    assert len(journals) == 1 and "s3cr3t" not in journals[0].read_text()
    assert psql(at_server, "SELECT count(*) > 3 FROM dropped") == [(True,)]
    assert run("undo", "--db", address).returncode == 11
    assert psql(at_server, "SELECT count(*) FROM dropped") == [(0,)]
    held = b"".join(os.fsencode(str(row)) for row in psql(at_server, "SELECT body FROM report"))
    assert b"s3cr3t" not in held
    shutil.copytree(photos, tmp_path / "test")
    leaks = run("leaks", photos, tmp_path / "test", "--db", address, "--json")
    assert leaks.returncode == 11 and "s3cr3t" not in leaks.stdout, leaks.stderr
    unique = run("unique", photos, tmp_path / "kept.txt", "--db", address)
    assert unique.returncode == 11 and (tmp_path / "kept.txt").exists(), unique.stderr


def test_a_service_of_a_shared_collection(photos: Path, at_server: str) -> None:
    """Adds and searches; what another client adds meanwhile is found too."""
    from lookalike.server.library import Library
    from lookalike.server.settings import ServeConfig

    library = Library(ServeConfig(at_server, roots=(photos,)))
    try:
        library.add([photos / "1.jpg", photos / "2.jpg"]).result()
        first = library.search(photos / "1.jpg", 3, None).result()
        assert first.searched == 2 and first.hits[0].tier == "exact"
        find(photos, db=at_server)
        later = library.search(photos / "3_mirror.jpg", 3, None).result()
        assert later.searched > 2 and later.hits[0].path.endswith("3_mirror.jpg")
    finally:
        library.close()


def test_the_review_page_of_a_shared_collection(photos: Path, at_server: str) -> None:
    """It shows the last run and its charts, and what is decided there holds for everyone."""
    pytest.importorskip("uvicorn")
    report = find(photos, db=at_server)
    command = [sys.executable, "-m", "lookalike", "review", "--db", at_server, "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as page:
        assert page.stdout is not None
        try:
            address = page.stdout.readline().split()[-1]
            browser = build_opener(HTTPCookieProcessor())
            browser.open(address).read()
            base = address.partition("/?")[0]
            assert len(json.load(browser.open(f"{base}/api/charts"))["map"]["contents"]) > 8
            with open_decisions(at_server) as decisions:
                place = place_of(report.images[report.clusters[0].members[-1]])
                decisions.change(Change("kept", {place: "keeper"}))
            standing = json.load(browser.open(f"{base}/api/standing"))
            assert standing["undo"]["words"] == "kept"
        finally:
            page.terminate()
    later = find(photos, db=at_server)
    assert later.keeper_of(later.clusters[0]) == report.clusters[0].members[-1]


@pytest.fixture
def without_psycopg(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As where the extra is not installed."""
    for name in [n for n in sys.modules if n.startswith("lookalike.store.postgres")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys.modules["lookalike.store"], "postgres", None, raising=False)
    monkeypatch.delattr(sys.modules["lookalike.store"], "postgres")
    monkeypatch.setitem(sys.modules, "psycopg", None)
    yield


@pytest.mark.usefixtures("without_psycopg")
def test_the_missing_extra_is_named() -> None:
    """Only where a server is asked for."""
    with pytest.raises(ConfigError, match=r"lookalike\[postgres\]"):
        open_collection("postgresql://u@h/d")


def test_points_of_any_number_come_back(at_server: str) -> None:
    """Contents without keypoints, and more contents than one query fetches."""
    with open_collection(at_server) as collection:
        for start in range(0, 600, 200):
            collection.commit(batch(*range(start, start + 200)))
        names = [sha(n) for n in range(599, -1, -1)]
        assert [len(part) for part in collection.ragged(RAGGED, names)] == [
            n % 5 for n in range(599, -1, -1)
        ]
