"""What lies far away: object stores, web servers and memory, listed, read, cached, and failing."""

from __future__ import annotations

import http.server
import io
import logging
import os
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import fsspec
import loky
import pytest
from test_archives import FAST, jpeg, scanned, tarred, zipped

import lookalike
from conftest import save, scene
from lookalike.actions import make_plan
from lookalike.config import FindConfig, PlanConfig, ReadConfig
from lookalike.model.errors import ConfigError
from lookalike.sources import open_source
from lookalike.sources.reading import (
    archives,
    cache,
    is_there,
    read_again,
    read_bytes,
    read_start,
    remote,
)

pytestmark = pytest.mark.slow

KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}


class Counted:
    """A WSGI application and what was asked of it."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.gets: Counter[str] = Counter()
        self.asked = 0
        self.sent = 0
        self.trouble: dict[str, list[str]] = {}

    def __call__(self, environ: dict[str, Any], start: Any) -> Any:
        """Answer, and count."""
        self.asked += 1
        if environ["REQUEST_METHOD"] == "GET":
            self.gets[environ["PATH_INFO"]] += 1
            answers = self.trouble.get(environ["PATH_INFO"].rpartition("/")[2])
            if answers:
                start(answers.pop(0), [])
                return [b""]
        body = b"".join(self.inner(environ, start))
        self.sent += len(body)
        return [body]


@pytest.fixture(scope="module")
def store() -> Iterator[tuple[Any, Counted]]:
    """A real S3 server on loopback, its client, and what is asked of it."""
    import boto3
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    counted = Counted(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, counted, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    place = f"http://127.0.0.1:{server.server_port}"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**KEYS, "AWS_ENDPOINT_URL": place}.items():
            patch.setenv(name, value)
        client = boto3.client("s3")
        yield client, counted
        client.close()
    # fsspec would go on asking this server wherever another test names a bucket
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    server.shutdown()
    server.server_close()


@pytest.fixture
def bucket(store: tuple[Any, Counted], request: pytest.FixtureRequest) -> tuple[Any, str, Counted]:
    """A new bucket: ``put``, its address, and what is asked."""
    client, counted = store
    name = f"bucket-{abs(hash(request.node.name)):x}"[:30]
    client.create_bucket(Bucket=name)

    def put(key: str, data: bytes | None) -> None:
        if data is None:
            client.delete_object(Bucket=name, Key=key)
        else:
            client.put_object(Bucket=name, Key=key, Body=data)

    counted.gets.clear()
    counted.trouble.clear()
    return put, f"s3://{name}", counted


def test_a_bucket_is_searched_like_a_folder(bucket: Any, tmp_path: Path, db: Path) -> None:
    """Copies in a bucket are found, at every depth; a second run fetches nothing."""
    put, address, counted = bucket
    for n in range(5):
        put(f"set/deep/{n}.jpg", jpeg(n))
    put("set/copy of 1.jpg", jpeg(1, 50))
    put("set/odd::name [x].jpg", jpeg(9))
    put("set/notes.txt", b"no picture " * 1000)
    put("set2/1.jpg", jpeg(1))
    put("set//deep/1.jpg", jpeg(11))
    report = lookalike.find(f"{address}/set", db=db, config=FAST)
    assert [(m.query, m.ref) for m in report.matches] == [("copy of 1.jpg", "deep/1.jpg")]
    assert report.funnel["images"] == 8 and not report.failures
    assert report.images["odd::name [x].jpg"].path == f"{address}/set/odd::name [x].jpg"
    assert all(count == 1 for path, count in counted.gets.items() if path.endswith(".jpg"))
    counted.gets.clear()
    put("set/deep/5.jpg", jpeg(5))
    again = lookalike.find(f"{address}/set/", db=db, config=FAST)
    assert again.funnel["decoded"] == 1 and again.funnel["images"] == 9
    assert [path[-5:] for path in counted.gets if path.endswith("g")] == ["5.jpg"]


def test_a_changed_object_is_read_again_and_one_that_went_is_forgotten(
    bucket: Any, db: Path
) -> None:
    """ETags tell what changed; a search never asks for every object."""
    put, address, counted = bucket
    for n in range(6):
        put(f"{n}.jpg", jpeg(n))
    assert lookalike.update(address, db=db, config=FAST).described == 6
    put("0.jpg", jpeg(10))
    put("1.jpg", None)
    done = lookalike.update(f"{address}/", db=db, config=FAST)
    assert (done.images, done.described, done.forgotten, done.total) == (5, 1, 1, 5)
    before = counted.asked
    answer = lookalike.search(f"{address}/0.jpg", db=db, config=FAST)
    assert answer.searched == 5 and answer.in_set == (f"{address}/0.jpg",)
    assert counted.asked - before <= 3


def test_later_stages_fetch_nothing_again(bucket: Any, tmp_path: Path, db: Path) -> None:
    """Keypoints and thumbnails come from the cache: every byte is sent once."""
    from lookalike.report.as_html import write_html

    put, address, counted = bucket
    data = {f"{n}.jpg": jpeg(n) for n in range(12)}
    data["crop.jpg"] = _crop(3)
    for name, some in data.items():
        put(name, some)
    sent = counted.sent
    report = lookalike.find(address, db=db, config=FindConfig())
    assert [(m.query, m.ref) for m in report.matches] == [("3.jpg", "crop.jpg")]
    page = write_html(report, tmp_path / "r.html").read_text()
    assert page.count("data:image/jpeg;base64,/9j") >= 2
    assert counted.sent - sent < sum(map(len, data.values())) + 20_000


def _crop(seed: int) -> bytes:
    from lookalike.evaluation.edits import encode_jpeg

    return encode_jpeg(scene(seed, 320, 240)[20:220, 30:280], 90)


def test_archives_in_a_bucket(bucket: Any, tmp_path: Path, db: Path) -> None:
    """Shards are fetched once, whatever their kind; members are read in other processes too."""
    put, address, counted = bucket
    members = {f"{n}.jpg": jpeg(n) for n in range(4)}
    put("s/a.zip", zipped(tmp_path / "a.zip", members).read_bytes())
    put("s/b.tar", tarred(tmp_path / "b.tar", {"x.jpg": jpeg(1, 50)}).read_bytes())
    put("s/c.tar.gz", tarred(tmp_path / "c.tgz", {"y.jpg": jpeg(7)}, "w:gz").read_bytes())
    told: list[tuple[str, int, int]] = []
    report = lookalike.find(
        [f"{address}/s/*.tar*", f"{address}/s/a.zip"],
        db=db,
        config=FAST,
        progress=lambda *step: told.append(step),
    )
    assert ("archives", 2, 2) in told
    assert report.funnel["images"] == 6 and len(report.matches) == 1
    assert all(count == 1 for path, count in counted.gets.items() if "/s/" in path)
    counted.gets.clear()
    again = lookalike.find([f"{address}/s/*.tar*", f"{address}/s/a.zip"], db=db, config=FAST)
    assert again.funnel["decoded"] == 0 and not any("/s/" in path for path in counted.gets)
    # what the cache let go is fetched when it is wanted, not when it is listed
    for path in cache.folder().glob("??/*"):
        if not path.read_bytes().startswith(b"[["):
            path.unlink()
    archives._held.clear()
    again = lookalike.find([f"{address}/s/*.tar*", f"{address}/s/a.zip"], db=db, config=FAST)
    assert again.funnel["decoded"] == 0 and not any("/s/" in path for path in counted.gets)
    assert read_bytes(f"tar://y.jpg::{address}/s/c.tar.gz") == jpeg(7)
    one = f"tar://x.jpg::{address}/s/b.tar"
    assert read_bytes(one) == jpeg(1, 50)
    with loky.ProcessPoolExecutor(1) as apart:
        assert apart.submit(read_bytes, one).result() == jpeg(1, 50)
    assert lookalike.search(one, db=db, config=FAST).hits[0].tier == "exact"


def test_archives_too_large_for_the_cache_are_read_in_parts(
    bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without room for a copy, members are fetched by their offsets."""
    put, address, counted = bucket
    monkeypatch.setenv("LOOKALIKE_CACHE_MB", "0")
    members = {f"{n}.jpg": bytes([n]) * 5000 for n in range(20)}
    for name, make in (("a.zip", zipped), ("b.tar", tarred)):
        put(name, make(tmp_path / name, members).read_bytes())
        entries, failures = scanned(f"{address}/{name}")
        assert not failures
        sent = counted.sent
        assert {id_: read_bytes(entry.path) for id_, entry in entries.items()} == members
        assert counted.sent - sent < 20 * 7000


def test_an_overloaded_store_is_asked_again(bucket: Any, db: Path) -> None:
    """What may pass is asked for four times; what does not pass is a failure until the next run."""
    put, address, counted = bucket
    config = replace(FAST, read=ReadConfig(first_wait=0.01))
    for n in range(4):
        put(f"{n}.jpg", jpeg(n))
    counted.trouble = {"1.jpg": ["503 Slow Down"] * 2, "2.jpg": ["500 Internal"] * 9}
    report = lookalike.find(address, db=db, config=config)
    assert [*report.images] == ["0.jpg", "1.jpg", "3.jpg"]
    assert [failure.path for failure in report.failures] == [f"{address}/2.jpg"]
    counts = {path[-5:]: count for path, count in counted.gets.items() if path.endswith("jpg")}
    assert counts == {"0.jpg": 1, "1.jpg": 3, "2.jpg": 4, "3.jpg": 1}
    counted.trouble.clear()
    again = lookalike.find(address, db=db, config=config)
    assert len(again.images) == 4 and again.funnel["decoded"] == 1


def test_plans_leave_far_pictures_alone(bucket: Any, tmp_path: Path, db: Path) -> None:
    """What is not on this machine is never acted on."""
    put, address, _ = bucket
    put("1.jpg", jpeg(1))
    put("2.jpg", jpeg(1))
    save(tmp_path / "p" / "1.jpg", scene(1, 320, 240))
    report = lookalike.find([address, tmp_path / "p"], db=db, config=FAST)
    plan = make_plan(report, PlanConfig())
    assert not plan.steps and len(plan.refused) == 2
    assert all("only plain files" in one.reason for one in plan.refused)


def test_what_is_not_there_is_said(bucket: Any) -> None:
    """An empty prefix, a bucket that does not exist, and an unknown scheme stop before work."""
    put, address, _ = bucket
    put("1.jpg", b"x")
    for name in (
        f"{address}/none",
        f"{address}/*.png",
        "s3://no-such-bucket-at-all",
        "nothing://x",
        f"{address}/list.csv",
    ):
        with pytest.raises(ConfigError):
            list(open_source(name).scan())
    with pytest.raises(OSError, match="not there"):
        read_bytes(f"{address}/none.jpg")


def test_memory(db: Path) -> None:
    """Any file system of fsspec will do; a folder marker is no picture."""
    files = fsspec.filesystem("memory")
    files.pipe({"/t1/a/1.jpg": jpeg(1), "/t1/2.jpg": jpeg(1, 50), "/t1/.hidden.jpg": b"x"})
    report = lookalike.find("memory://t1", db=db, config=FAST)
    assert set(report.images) == {"a/1.jpg", "2.jpg"} and len(report.matches) == 1
    assert set(scanned("memory://t1/**/*.jpg")[0]) == {"a/1.jpg", "2.jpg"}
    match, _ = lookalike.compare("memory://t1/2.jpg", "memory://t1/a/1.jpg")
    assert match is not None
    assert lookalike.explain_pair("memory://t1/2.jpg", "memory://t1/a/1.jpg") is not None


def test_objects_that_vanish_are_failures(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is gone between the list and the reading is listed, and the run goes on."""
    files = fsspec.filesystem("memory")
    files.pipe({f"/t2/{n}.jpg": jpeg(n) for n in range(3)})
    inner = remote.read_far

    def read(address: str, *span: Any, **told: Any) -> bytes:
        if address.endswith("1.jpg"):
            raise FileNotFoundError("it is not there")
        return inner(address, *span, **told)

    monkeypatch.setattr(remote, "read_far", read)
    report = lookalike.find("memory://t2", db=db, config=FAST)
    assert len(report.images) == 2 and "not there" in report.failures[0].message
    monkeypatch.undo()
    assert len(lookalike.find("memory://t2", db=db, config=FAST).images) == 3


def test_read_again_is_what_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Later stages see the bytes that were described; a new reading sees the new ones."""
    files = fsspec.filesystem("memory")
    files.pipe("/t3/a.jpg", b"old")
    assert read_bytes("memory://t3/a.jpg") == b"old"
    files.pipe("/t3/a.jpg", b"new")
    assert read_again("memory://t3/a.jpg") == b"old" and is_there("memory://t3/a.jpg")
    assert read_bytes("memory://t3/a.jpg") == b"new" == read_again("memory://t3/a.jpg")


def test_large_objects_are_failures() -> None:
    """What is too large is listed with its size, and not fetched."""
    fsspec.filesystem("memory").pipe({"/t4/a.jpg": b"x" * 2_000_000, "/t4/b.jpg": b"x"})
    entries, failures = scanned("memory://t4", read=ReadConfig(max_mb=1))
    assert set(entries) == {"b.jpg"} and "2,000,000 bytes" in failures[0].message


@contextmanager
def web(folder: Path, behave: Any = None) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """A web server of a folder on loopback; ``behave`` may answer first."""
    asked: list[tuple[str, str]] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(folder))

        def _answer(self, inner: Any) -> None:
            asked.append((self.command, unquote(self.path)))
            if behave is None or not behave(self, len(asked)):
                inner()

        def do_GET(self) -> None:
            self._answer(super().do_GET)

        def do_HEAD(self) -> None:
            self._answer(super().do_HEAD)

        def log_message(self, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def test_a_web_folder(tmp_path: Path, db: Path) -> None:
    """A page of links is a folder, at every depth; what did not change is not fetched again."""
    save(tmp_path / "w" / "a b.jpg", scene(1))
    save(tmp_path / "w" / "deep" / "2.jpg", scene(1), quality=50)
    zipped(tmp_path / "w" / "z.zip", {"3.jpg": jpeg(3)})
    with web(tmp_path / "w") as (address, asked):
        report = lookalike.find(f"{address}/", db=db, config=FAST)
        assert len(report.images) == 2 and len(report.matches) == 1
        assert report.funnel["not_images"] == 1
        del asked[:]
        again = lookalike.find(f"{address}/", db=db, config=FAST)
        assert again.funnel["decoded"] == 0
        assert not [path for kind, path in asked if kind == "GET" and path.endswith("jpg")]
        assert set(scanned(f"{address}/deep/2.jpg")[0]) == {"2.jpg"}
        assert set(scanned(f"{address}/z.zip")[0]) == {"3.jpg"}
        assert len(lookalike.search(f"{address}/a%20b.jpg", db=db, config=FAST).in_set) == 1
        with pytest.raises(ConfigError, match="not there"):
            list(open_source(f"{address}/none.jpg").scan())
    with pytest.raises(ConfigError, match=r"nothing is there.*cannot be listed"):
        list(open_source(f"{address}/").scan())

    def without_deep(request: Any, number: int) -> bool:
        if request.path == "/deep/":
            request.send_error(404)
        return bool(request.path == "/deep/")

    with web(tmp_path / "w", without_deep) as (address, _):
        entries, failures = scanned(f"{address}/")
        assert set(entries) == {"a%20b.jpg", "z.zip"} and failures[0].path == f"{address}/deep/"


def test_passing_trouble_is_waited_for(tmp_path: Path) -> None:
    """An overloaded or silent server is asked again; a refusal is final."""
    save(tmp_path / "w" / "a.jpg", scene(1))
    config = ReadConfig(first_wait=0.01, read_timeout=1.0)

    def overloaded(request: Any, number: int) -> bool:
        if number == 1:
            request.send_error(503)
        elif number == 2:
            time.sleep(2)
        return number < 3

    with web(tmp_path / "w", overloaded) as (address, asked):
        assert read_bytes(f"{address}/a.jpg", config) == (tmp_path / "w" / "a.jpg").read_bytes()
        assert len(asked) >= 3

    def refusing(request: Any, number: int) -> bool:
        request.send_error(403)
        return True

    with web(tmp_path / "w", refusing) as (address, asked):
        with pytest.raises(OSError, match="403"):
            read_bytes(f"{address}/a.jpg", config)
        assert len(asked) == 1

    def cut(request: Any, number: int) -> bool:
        request.send_response(200)
        request.send_header("Content-Length", "1000")
        request.end_headers()
        request.wfile.write(b"x" * 10)
        return True

    with web(tmp_path / "w", cut) as (address, asked):
        with pytest.raises(OSError):
            read_bytes(f"{address}/a.jpg", config)
        assert len(asked) == config.attempts


def test_web_pages_without_end_are_cut_off(tmp_path: Path) -> None:
    """A server that does not say how much it sends is not listened to for ever."""
    config = ReadConfig(max_mb=1, cache_mb=2, attempts=1)

    def endless(request: Any, number: int) -> bool:
        request.send_response(200)
        request.end_headers()
        try:
            for _ in range(10_000):
                request.wfile.write(b"x" * 65536)
        except OSError:
            pass
        request.close_connection = True
        return True

    with web(tmp_path, endless) as (address, _):
        with pytest.raises(OSError, match=r"at least 1,.* bytes; the most"):
            read_bytes(f"{address}/a.jpg", config)
        assert read_start(f"{address}/a.mov", 64, config) == b"x" * 64
        assert remote.read_far(f"{address}/a", config, 100_000, 200_000) == b"x" * 100_000
        entries, failures = scanned(f"{address}/a.tar", read=config)
        assert not entries and len(failures) == 1


def test_reads_wait_together(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many slow objects are asked for at once, whatever the number of threads."""
    files = fsspec.filesystem("memory")
    files.pipe({f"/t5/{n:03}.jpg": jpeg(n) for n in range(40)})
    inner, busy, most = remote.read_far, [0], [0]
    guard = threading.Lock()

    def slow(address: str, *span: Any, **told: Any) -> bytes:
        with guard:
            busy[0] += 1
            most[0] = max(most[0], busy[0])
        time.sleep(0.05)
        with guard:
            busy[0] -= 1
        return inner(address, *span, **told)

    monkeypatch.setattr(remote, "read_far", slow)
    lookalike.update("memory://t5", db=db, config=FindConfig(effort="fast", threads=1))
    assert 8 < most[0] <= ReadConfig().at_once


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, the error says which one; plain files and archives need none."""
    import sys

    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(ConfigError, match=r"lookalike\[remote\]"):
        list(open_source("s3://bucket/x").scan())
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, "s3", raising=False)
    with pytest.raises(ConfigError, match=r"lookalike\[s3\]"):
        list(open_source("s3://bucket/x").scan())


def test_file_addresses_are_paths(tmp_path: Path) -> None:
    """``file://`` means the plain file."""
    path = save(tmp_path / "a b.jpg", scene(1))
    entry = scanned(path.as_uri())[0]["a b.jpg"]
    assert entry.path == str(path) and not cache.load("x")
    assert os.fspath(entry.path) == str(path)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.write(path, "a.jpg")
    (tmp_path / "a.zip").write_bytes(buffer.getvalue())
    assert set(scanned((tmp_path / "a.zip").as_uri())[0]) == {"a.jpg"}
