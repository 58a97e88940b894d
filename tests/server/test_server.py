"""The HTTP service: its answers follow its OpenAPI document, and it is careful whom it answers."""

from __future__ import annotations

import base64
import http.client
import json
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from conftest import save, scene
from lookalike.config import FindConfig
from lookalike.evaluation.edits import encode_jpeg
from lookalike.http.patience import Patience
from lookalike.model.errors import CollectionError, ConfigError
from lookalike.run.collapse import collapse
from lookalike.server import ServeConfig
from lookalike.store import open_collection

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from starlette.applications import Starlette
from starlette.testclient import TestClient

from lookalike.server.app import create_app, server_of
from lookalike.server.document import openapi

pytestmark = pytest.mark.slow

BASE = "http://127.0.0.1:8765"


def upload(rgb: Any) -> dict[str, str]:
    """A picture as a request carries it."""
    data = rgb if isinstance(rgb, bytes) else encode_jpeg(rgb, 90)
    return {"data": base64.b64encode(data).decode()}


def schema_of(path: str, status: int) -> dict[str, Any]:
    """What the document says of an answer, with its components."""
    operation = next(iter(openapi()["paths"][path].values()))
    schema = operation["responses"][str(status)]["content"]["application/json"]["schema"]
    return {**schema, "components": openapi()["components"]}


def asked(client: TestClient, path: str, body: dict[str, Any], status: int = 200) -> Any:
    """Post, and hold request and answer against the document."""
    response = client.post(path, json=body)
    assert response.status_code == status, response.text
    jsonschema.validate(response.json(), schema_of(path, status))
    if status == 200:
        request = openapi()["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        schema = {**request["schema"], "components": openapi()["components"]}
        jsonschema.validate(body, schema)
    return response.json()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three pictures, and a half of one."""
    for seed in (1, 2, 3):
        save(tmp_path / "photos" / f"{seed}.jpg", scene(seed))
    save(tmp_path / "photos" / "half.jpg", scene(1)[::2, ::2])
    return tmp_path / "photos"


@pytest.fixture
def client(db: Path, photos: Path) -> Iterator[TestClient]:
    """A service on an empty collection, that may open files under ``photos``."""
    settings = ServeConfig(db, roots=(photos,), max_bytes=2_000_000, max_images=30)
    with TestClient(create_app(settings), base_url=BASE) as client:
        yield client


def test_the_document_is_valid() -> None:
    """Every reference resolves, every schema is one, and every route is described."""
    document = openapi()
    assert document["openapi"].startswith("3.1")
    text = json.dumps(document)
    for name, schema in document["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert f"#/components/schemas/{name}" in text
    _, *references = text.split('"$ref": "#/components/schemas/')
    assert len(references) > 10
    for part in references:
        assert part.split('"')[0] in document["components"]["schemas"]
    routes = {route.path for route in create_routes()}
    assert routes == set(document["paths"])


def create_routes() -> list[Any]:
    """Routes of a service."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        app = create_app(ServeConfig(Path(folder)))
        with TestClient(app, base_url=BASE):
            assert isinstance(app.app, Starlette)
            return list(app.app.routes)


def test_add_then_search(client: TestClient, photos: Path, db: Path) -> None:
    """What is added by path or upload is found, also after more was added to a warm service."""
    first = asked(client, "/images", {"images": [{"path": str(photos / "1.jpg")}]})
    assert first["total"] == first["described"] == 1 and not first["failures"]
    found = asked(client, "/search", {"image": upload(scene(1)[::2, ::2]), "k": 3})
    assert [hit["tier"] for hit in found["hits"]] == ["copy"]
    assert found["hits"][0]["path"] == str(photos / "1.jpg") and found["searched"] == 1
    more = asked(client, "/images", {"images": [upload(scene(4)), {"path": str(photos)}]})
    assert more["total"] == 5 and more["described"] == 4
    stored = next(image for image in more["images"] if "uploads" in image["path"])
    assert Path(stored["path"]).parent == (db / "uploads").resolve()
    assert Path(stored["path"]).stem == stored["sha256"]
    found = asked(client, "/search", {"image": upload(scene(4)), "k": 1})
    assert found["searched"] == 5 and found["in_set"] == [stored["path"]]
    assert found["hits"][0]["tier"] == "exact" and found["hits"][0]["confidence"] == 1.0
    by_path = {"image": {"path": str(photos / "half.jpg")}, "box": [0, 0, 300, 200]}
    assert asked(client, "/search", by_path)["hits"][0]["tier"] == "copy"
    again = asked(client, "/images", {"images": [upload(scene(4))]})
    assert again["described"] == 0 and again["total"] == 5


def test_uploads_that_are_no_pictures_are_not_stored(client: TestClient, db: Path) -> None:
    """They are failures with their place; the others are added."""
    added = asked(client, "/images", {"images": [upload(b"text"), upload(scene(1)), upload(b"")]})
    assert [failure["path"] for failure in added["failures"]] == ["images[0]", "images[2]"]
    assert added["total"] == 1
    assert len(list((db / "uploads").iterdir())) == 1


def test_search_in_nothing(client: TestClient) -> None:
    """An empty collection is said, with what to do."""
    told = asked(client, "/search", {"image": upload(scene(1))}, 422)
    assert "no images" in told["error"]["what"]


def test_compare(client: TestClient) -> None:
    """The edit is told from the first to the second, whichever is larger."""
    half = upload(scene(1)[::2, ::2])
    made = asked(client, "/compare", {"first": upload(scene(1)), "second": half})
    assert made["match"]["edit"] == "resized to 50%"
    back = asked(client, "/compare", {"first": half, "second": upload(scene(1))})
    assert back["match"]["edit"] == "resized to 200%"
    strangers = asked(client, "/compare", {"first": half, "second": upload(scene(2))})
    assert strangers == {"match": None}
    told = asked(client, "/compare", {"first": half, "second": upload(b"text")}, 422)
    assert "second" in told["error"]["got"]


def test_collapse(client: TestClient) -> None:
    """The answer is that of the library."""
    pictures = [encode_jpeg(scene(n), 90) for n in (1, 2, 1, 3)]
    pictures[2] = encode_jpeg(scene(1)[::2, ::2], 80)
    body = {"images": [*map(upload, pictures), upload(b"text")], "keep": "best"}
    found = asked(client, "/collapse", body)
    own = collapse(pictures, keep="best")
    assert [kept["index"] for kept in found["kept"]] == list(own.indexes) == [0, 1, 3]
    assert found["kept"][0]["dropped"][0]["edit"] == own.kept[0].dropped[0].edit
    assert found["failures"][0]["index"] == 4
    assert asked(client, "/collapse", {**body, "k": 2})["looked"] == 2


@pytest.mark.parametrize(
    ("path", "body", "status", "word"),
    [
        ("/collapse", {"images": []}, 422, "images = []; expected array of length >= 1"),
        ("/collapse", {"images": [{"data": "%%"}]}, 422, "base64"),
        ("/collapse", {"images": [{"data": 7}]}, 422, "data = 7; expected"),
        ("/collapse", {"images": [{"path": "a", "data": "YQ=="}]}, 422, 'expected {"path"'),
        ("/collapse", {"images": [{"data": ""}], "k": 0}, 422, "k = 0; expected int >= 1"),
        ("/collapse", {"images": [{"data": ""}], "k": True}, 422, "k = True; expected int"),
        (
            "/collapse",
            {"images": [{"data": ""}], "keep": "worst"},
            422,
            "keep = 'worst'; expected 'rank' or 'best'",
        ),
        ("/collapse", {"images": [{"data": ""}] * 31}, 413, "too many"),
        (
            "/collapse",
            {"images": [{"data": ""}], "kk": 2},
            422,
            "unknown key in the request; got kk; expected images, k",
        ),
        (
            "/search",
            {"image": {"data": ""}, "box": [1, 2, 3]},
            422,
            "box = [1, 2, 3]; expected array of length 4",
        ),
        ("/search", {"image": {"path": "/etc/hostname"}}, 403, "outside"),
        ("/search", {"image": {"path": "a\0b"}}, 422, "no path"),
        (
            "/compare",
            {"first": {"data": ""}},
            422,
            "key is missing in the request; got ; expected second",
        ),
        ("/search", {"image": {"data": "A" * 2_100_000}}, 413, "too long"),
    ],
)
def test_wrong_requests_are_told_why(
    client: TestClient, path: str, body: dict[str, Any], status: int, word: str
) -> None:
    """Every refusal has its status and says what, got, expected and remedy."""
    told = asked(client, path, body, status)["error"]
    assert word in f"{told['what']}; got {told['got']}; expected {told['expected']}"


def test_paths_cannot_leave_the_roots(client: TestClient, photos: Path, tmp_path: Path) -> None:
    """Neither dots nor links lead out of the folders that may be opened."""
    save(tmp_path / "secret.jpg", scene(9))
    (photos / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    for name in ("../secret.jpg", "link.jpg"):
        asked(client, "/images", {"images": [{"path": f"{photos}/{name}"}]}, 403)


@pytest.fixture
def outside(tmp_path: Path, photos: Path) -> Path:
    """A folder beside the root, and links in the root that lead there and elsewhere."""
    folder = tmp_path / "outside"
    save(folder / "private.jpg", scene(9))
    (photos / "deep" / "er").mkdir(parents=True)
    (photos / "sub").symlink_to("../outside")
    (photos / "deep" / "er" / "again").symlink_to(photos / "sub")
    (photos / "deep" / "up").symlink_to("../..")
    (photos / "deep" / "innocent.jpg").symlink_to(folder / "private.jpg")
    (photos / "list.csv").write_text(f"path\n{folder / 'private.jpg'}\n")
    save(photos / "deep" / "4.jpg", scene(4))
    (photos / "within").symlink_to("deep/er")
    (photos / "five.jpg").symlink_to("deep/5.real")
    save(photos / "deep" / "5.jpg", scene(5)).rename(photos / "deep" / "5.real")
    return folder


def test_folders_that_are_added_are_not_left_by_links(
    client: TestClient, photos: Path, outside: Path
) -> None:
    """Of links to folders and files those that lead out are failures; nothing behind is named."""
    for named in (photos, photos / "deep", photos / "deep" / ".." / "deep"):
        added = asked(client, "/images", {"images": [{"path": str(named)}]})
        assert "private" not in json.dumps([added["images"], added["failures"]]).replace(
            "innocent", ""
        )
    assert added["total"] == 6
    assert {Path(one["path"]).name for one in added["images"]} == {"4.jpg", "5.real"}
    refused = {one["path"]: one["message"] for one in added["failures"]}
    assert set(refused) == {
        str(photos / "deep" / place) for place in ("up", "innocent.jpg", "er/again")
    }
    assert all("leads out of the folders" in message for message in refused.values())
    found = asked(client, "/search", {"image": upload(scene(9))})
    assert found["searched"] == 6 and not found["in_set"]
    for name in ("sub/private.jpg", "deep/innocent.jpg", "deep/er/again/private.jpg"):
        path = {"path": str(photos / name)}
        asked(client, "/images", {"images": [path]}, 403)
        asked(client, "/search", {"image": path}, 403)
        asked(client, "/compare", {"first": path, "second": path}, 403)
        asked(client, "/collapse", {"images": [path]}, 403)


def test_links_between_roots_are_followed(db: Path, photos: Path, outside: Path) -> None:
    """A link from one folder that may be opened into another one leads nowhere else."""
    with TestClient(create_app(ServeConfig(db, roots=(photos, outside))), base_url=BASE) as client:
        added = asked(client, "/images", {"images": [{"path": str(photos)}]})
        assert any("private.jpg" in image["path"] for image in added["images"])
        assert [Path(one["path"]).name for one in added["failures"]] == ["up"]


def test_files_exchanged_after_they_were_checked_are_not_read(
    client: TestClient, photos: Path, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a file lies is asked of the opened file, whatever was there when it was named."""
    from lookalike.server.library import Library

    asked(client, "/images", {"images": [{"path": str(photos / "3.jpg")}]})
    folder, kept = photos / "deep" / "er", photos / "deep" / "kept"
    named = {"path": str(save(folder / "private.jpg", scene(1)))}

    def exchanged(name: str) -> Any:
        then = getattr(Library, name)

        def after(self: Library, *given: Any) -> Any:
            folder.rename(kept)
            folder.symlink_to(outside)
            try:
                return then(self, *given)
            finally:
                folder.unlink()
                kept.rename(folder)

        return after

    for name in ("_search", "_compare", "_collapse", "_add"):
        monkeypatch.setattr(Library, name, exchanged(name))
    told = asked(client, "/search", {"image": named}, 422)
    assert "leads out of the folders" in told["error"]["got"]
    told = asked(client, "/compare", {"first": upload(scene(9)), "second": named}, 422)
    assert "leads out of the folders" in told["error"]["got"]
    told = asked(client, "/collapse", {"images": [upload(scene(9)), named]})
    assert [kept["index"] for kept in told["kept"]] == [0]
    assert "leads out of the folders" in told["failures"][0]["message"]
    told = asked(client, "/images", {"images": [named]})
    assert told["total"] == 1 and "leads out" in told["failures"][0]["message"]


def test_files_exchanged_after_they_were_listed_are_not_read(
    client: TestClient, photos: Path, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the listing of a folder and the reading of its files nothing can be slipped in."""
    from lookalike.server import library

    class Exchanging(library.FolderSource):
        def scan(self) -> Any:
            listed = list(super().scan())
            (photos / "1.jpg").unlink()
            (photos / "1.jpg").symlink_to(outside / "private.jpg")
            return iter(listed)

    monkeypatch.setattr(library, "FolderSource", Exchanging)
    told = asked(client, "/images", {"images": [{"path": str(photos)}]})
    assert str(photos / "1.jpg") not in {image["path"] for image in told["images"]}
    failed = next(one for one in told["failures"] if one["path"].endswith("/1.jpg"))
    assert "leads out of the folders" in failed["message"]


def test_bodies_must_be_json(client: TestClient) -> None:
    """Other types are refused, so that no form of a foreign page is taken."""
    for body, kind, status in (
        ("{}", "text/plain", 415),
        ("{", "application/json", 400),
        ("[]", "application/json", 400),
        ("[" * 100_000, "application/json", 400),
    ):
        response = client.post("/collapse", content=body, headers={"content-type": kind})
        assert response.status_code == status
        jsonschema.validate(response.json(), schema_of("/collapse", status))


def test_foreign_names_are_refused(client: TestClient) -> None:
    """A Host or Origin of another site is refused everywhere, ours is not."""
    other_port = {"host": "localhost:8765", "origin": "http://localhost:8766"}
    for headers in ({"host": "evil.example"}, {"origin": "http://evil.example"}, other_port):
        assert client.get("/health", headers=headers).status_code == 403
        assert client.post("/collapse", json={}, headers=headers).status_code == 403
    own = {"host": "localhost:8765", "origin": "http://localhost:8765"}
    assert client.get("/health", headers=own).json()["status"] == "ok"
    assert client.get("/openapi.json").json() == openapi()
    assert client.get("/nothing").json()["error"]["got"] == "GET /nothing"
    assert client.get("/search").status_code == 405


def test_a_token_is_wanted(db: Path) -> None:
    """With a token, requests without it are told so; other hosts cannot do without one."""
    with TestClient(create_app(ServeConfig(db, token="secret")), base_url=BASE) as client:
        body = {"images": [upload(scene(1))]}
        assert client.post("/collapse", json=body).status_code == 401
        for shown in ("Bearer wrong", "Bearer secretly", "Bearer", "Bearer \u00e9"):
            headers = {"authorization": shown.encode()}
            assert client.post("/collapse", json=body, headers=headers).status_code == 401
        headers = {"authorization": "Bearer secret"}
        assert client.post("/collapse", json=body, headers=headers).status_code == 200
        assert client.get("/health").status_code == 200
    for host in ("0.0.0.0", "192.168.0.7", "example.org"):
        with pytest.raises(ConfigError, match="token"):
            ServeConfig(db, host=host)
        assert ServeConfig(db, host=host, token="t").is_own_name("evil.example") == (
            host == "0.0.0.0"
        )


def test_without_roots_no_path_is_opened(db: Path, photos: Path) -> None:
    """A service is only sent pictures, unless it is told which folders it may open."""
    with TestClient(create_app(ServeConfig(db)), base_url=BASE) as client:
        asked(client, "/images", {"images": [{"path": str(photos / "1.jpg")}]}, 403)


def test_requests_at_once(client: TestClient) -> None:
    """Additions, searches and result lists that come together are all answered, each rightly."""
    asked(client, "/images", {"images": [upload(scene(1))]})
    lists = {"images": [upload(scene(n)) for n in (1, 2, 1)]}

    def one(number: int) -> bool:
        if number % 3 == 0:
            body = {"images": [upload(scene(10 + number))]}
            return bool(asked(client, "/images", body)["described"] == 1)
        if number % 3 == 1:
            found = asked(client, "/search", {"image": upload(scene(1))})
            return bool(found["hits"][0]["tier"] == "exact")
        return [kept["index"] for kept in asked(client, "/collapse", lists)["kept"]] == [0, 1]

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(one, range(12)))
    assert asked(client, "/images", {"images": [upload(scene(1))]})["total"] == 5


def test_too_many_waiting_are_sent_away(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit the answer is 503 with Retry-After; health is answered meanwhile."""
    from lookalike.server import library

    go = threading.Event()

    def slow(*args: Any, **named: Any) -> Any:
        assert go.wait(30)
        return collapse([], config=FindConfig())

    monkeypatch.setattr(library, "collapse", slow)
    settings = ServeConfig(db, workers=1, waiting=1)

    def patient() -> Any:
        # the looks below take a place too, for a moment
        while (told := client.post("/collapse", json=body)).status_code == 503:
            time.sleep(0.02)
        return told

    body = {"images": [upload(scene(1))]}
    with TestClient(create_app(settings), base_url=BASE) as client, ThreadPoolExecutor(2) as pool:
        inside = [pool.submit(patient) for _ in range(2)]
        until = time.monotonic() + 60
        while time.monotonic() < until:
            told = client.post("/compare", json={})
            if told.status_code == 503:
                break
            time.sleep(0.02)
        assert told.status_code == 503 and told.headers["retry-after"] == "1"
        assert client.get("/health").status_code == 200
        go.set()
        assert [one.result().status_code for one in inside] == [200, 200]


@contextmanager
def running(settings: ServeConfig) -> Iterator[tuple[str, int]]:
    """The service on a port of this machine, in a thread; its address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        server = server_of(settings)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield listener.getsockname()
        finally:
            server.should_exit = True
            thread.join()


def begun(where: tuple[str, int], path: str, length: int = 100, body: bytes = b"{") -> Any:
    """A connection that sent the headers of a request and only the beginning of its body."""
    connection = socket.create_connection(where, timeout=30)
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    connection.sendall(f"{head}Content-Length: {length}\r\n\r\n".encode() + body)
    return connection


def post(where: tuple[str, int], path: str, body: Any) -> tuple[int, Any]:
    """Status and answer of one plain request."""
    connection = http.client.HTTPConnection(*where, timeout=60)
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    told = answer.status, json.loads(answer.read())
    connection.close()
    return told


def rest_of(connection: socket.socket) -> bytes:
    """Everything that comes until the other side closes."""
    with closing(connection):
        received = b""
        while part := connection.recv(65536):
            received += part
        return received


def test_half_sent_bodies_hold_no_place(db: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Forty of them keep nobody waiting, and when they go away nothing is printed."""
    with running(ServeConfig(db, workers=1, waiting=1)) as where:
        waiting = [begun(where, path) for path in ("/search", "/compare", "/images", "/x") * 10]
        for _ in range(3):
            status, told = post(where, "/collapse", {"images": [upload(scene(1))]})
            assert status == 200 and told["looked"] == 1
        for connection in waiting:
            connection.close()
        assert post(where, "/collapse", {"images": [upload(scene(1))]})[0] == 200
    assert capfd.readouterr() == ("", "")


def test_bodies_that_stay_away_are_refused(db: Path) -> None:
    """After the time for bodies the answer is 408, as documented, and the connection ends."""
    paths = ("/search", "/compare", "/images", "/collapse")
    with running(ServeConfig(db, patience=Patience(body_seconds=0.5))) as where:
        waiting = {path: begun(where, path) for path in paths}
        for path, connection in waiting.items():
            head, _, body = rest_of(connection).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 408 ") and b"connection: close" in head.lower()
            jsonschema.validate(json.loads(body), schema_of(path, 408))
        assert post(where, "/collapse", {"images": [upload(scene(1))]})[0] == 200


def test_bodies_that_arrive_at_once_are_bounded(db: Path) -> None:
    """What is held in memory of bodies that are not whole is no more than places could hold."""
    settings = ServeConfig(db, workers=1, waiting=1, max_bytes=100_000)
    with running(settings) as where:
        half = b"{" + b" " * 89_999
        waiting = [begun(where, "/search", 100_000, half) for _ in range(2)]
        statuses = set()
        until = time.monotonic() + 60
        while 503 not in statuses and time.monotonic() < until:
            statuses.add(post(where, "/collapse", {"images": [{"data": "A" * 80_000}]})[0])
        assert 503 in statuses
        for connection in waiting:
            connection.close()
        while time.monotonic() < until:
            status, _ = post(where, "/collapse", {"images": [{"data": "A" * 80_000}]})
            if status == 200:
                break
        assert status == 200


def test_headers_that_stay_away_end_the_connection(db: Path) -> None:
    """Nothing sent, half a line, half the headers, also after an answer or a refused body."""
    with running(ServeConfig(db, patience=Patience(header_seconds=1.0))) as where:
        starts = (b"", b"POST /sea", b"POST /search HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        waiting = [socket.create_connection(where, timeout=30) for _ in starts]
        for connection, start in zip(waiting, starts, strict=True):
            connection.sendall(start)
        kept = socket.create_connection(where, timeout=30)
        kept.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert kept.recv(65536).startswith(b"HTTP/1.1 200")
        kept.sendall(b"GET /health HTTP/1.1\r\n")
        refused = begun(where, "/nothing", 100_000)
        assert refused.recv(65536).startswith(b"HTTP/1.1 404")
        assert [rest_of(connection) for connection in waiting] == [b""] * 3
        assert b"HTTP" not in rest_of(kept)
        with closing(refused), pytest.raises(OSError):
            while True:
                # a byte now and then does not keep it open
                refused.sendall(b" ")
                time.sleep(0.01)


def test_clients_that_leave_are_no_fault(
    db: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Gone while a body comes, or while an answer is made: nothing is printed."""
    from lookalike.server import library

    came, go = threading.Semaphore(0), threading.Event()

    def slow(*args: Any, **named: Any) -> Any:
        came.release()
        assert go.wait(30)
        return collapse([], config=FindConfig())

    monkeypatch.setattr(library, "collapse", slow)
    body = json.dumps({"images": [upload(scene(1))]}).encode()
    with running(ServeConfig(db, workers=4)) as where:
        begun(where, "/collapse").close()
        for reset in (False, True):
            connection = begun(where, "/collapse", len(body), body)
            assert came.acquire(timeout=30)
            if reset:
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            connection.close()
        go.set()
        assert post(where, "/collapse", {"images": [upload(scene(1))]})[0] == 200
    assert capfd.readouterr() == ("", "")


def test_the_collection_is_held_and_released(db: Path) -> None:
    """No one else may write while the service runs; afterwards anyone may."""
    held = TestClient(create_app(ServeConfig(db)), base_url=BASE)
    with held, pytest.raises(CollectionError, match="in use"):
        create_app(ServeConfig(db))
    open_collection(db).close()


def test_the_command_serves_and_stops(db: Path) -> None:
    """``lookalike serve`` says where it is, answers, and ends well on SIGTERM."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "lookalike", "serve", "--db", str(db), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert f"http://127.0.0.1:{port}" in process.stdout.readline()
            for _ in range(100):
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health") as answer:
                        assert json.load(answer)["status"] == "ok"
                        break
                except OSError:
                    time.sleep(0.1)
            else:
                pytest.fail("no answer")
            process.send_signal(signal.SIGTERM)
            process.wait(30)
        finally:
            process.kill()
    open_collection(db).close()
