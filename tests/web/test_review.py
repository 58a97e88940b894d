"""The review page in a real browser, and who may talk to it."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import lookalike
from conftest import save, scene
from lookalike.decisions.choices import place_of
from lookalike.http.patience import Patience
from lookalike.model.match import Match
from lookalike.model.report import Report
from lookalike.store import Change, open_decisions

pytest.importorskip("starlette", reason="the extra review is not installed")
pytest.importorskip("uvicorn", reason="the extra review is not installed")

from starlette.concurrency import run_in_threadpool

from lookalike.web import app
from lookalike_bench.review_page import browser, made_report, measure, served

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
CLUSTERS = 5_000
LOADED = "() => [...document.querySelectorAll('.stage img')].every(i => i.naturalWidth)"
COMPLETE = "() => [...document.querySelectorAll('.card img')].every(i => i.naturalWidth)"
NAMELESS = """
() => [...document.querySelectorAll("button, input, select, a, [role=img]")]
  .filter((e) => e.checkVisibility())
  .filter((e) => !(e.textContent.trim() || e.ariaLabel || e.title || e.labels?.length))
  .map((e) => e.outerHTML)
"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A real browser, or a skip that says why there is none."""
    try:
        with browser() as running:
            yield running
    except OSError as error:
        pytest.skip(f"no browser: {error}")


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """A report of 5,000 clusters."""
    return made_report(tmp_path_factory.mktemp("many"), CLUSTERS)


@pytest.fixture
def found(tmp_path: Path, db: Path) -> Report:
    """A report of real copies: two pictures with two copies each, and one alone."""
    folder = tmp_path / "photos"
    for seed in (1, 2):
        picture = scene(seed)
        save(folder / f"{seed}.jpg", picture)
        save(folder / f"{seed}_small.jpg", picture[::2, ::2])
        save(folder / f"{seed}_crop.jpg", picture[20:440, 30:600])
    save(folder / "3.jpg", scene(3))
    return lookalike.find(folder, db=db)


@contextmanager
def opened(chromium: Any, report: Report, db: Path, width: int = 1300) -> Iterator[Any]:
    """The page of a report; anything the console complains of fails the test."""
    with served(report, db) as address:
        context = chromium.new_context(viewport={"width": width, "height": 850})
        page = watched(context)
        try:
            page.goto(address)
            page.wait_for_selector("#list .row[data-number] b")
            # its request would otherwise be among those that a test holds back
            page.wait_for_selector("#detail .bar h2", state="attached")
            page.address = address
            yield page
            assert [each.complaints for each in (page, *page.others)] == [[]] * (
                1 + len(page.others)
            )
        finally:
            context.close()


def watched(context: Any) -> Any:
    """A new page that remembers what its console complains of; refusals are answers, not errors."""
    page = context.new_page()
    page.complaints, page.others = [], []
    page.set_default_timeout(20_000)

    def heard(message: Any) -> None:
        if message.type in ("error", "warning") and "status of 4" not in message.text:
            page.complaints.append(message.text)

    page.on("console", heard)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    return page


def badge(page: Any, picture: str) -> str:
    """What the page says is to become of a picture."""
    return (
        page.locator(".card", has=page.locator(f'b:text-is("{picture}")'))
        .locator(".badge")
        .inner_text()
    )


def open_cluster(page: Any, name: str) -> None:
    """Choose a cluster by its keeper's name."""
    page.locator(".row:not([hidden])", has=page.locator(f'b:text-is("{name}")')).click()
    page.wait_for_selector(f'.bar h2:text-is("{name}")')


def ask(address: str, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes]:
    """One plain request without a browser."""
    where = urlsplit(address)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=20)
    headers.setdefault("Host", where.netloc)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


class Asker:
    """The page's own requests without a browser, as from the page.

    Args:
        address: of the page, token included.
    """

    def __init__(self, address: str) -> None:
        where = urlsplit(address)
        self.port = where.port
        self.headers = {
            "Host": where.netloc,
            "Origin": f"http://{where.netloc}",
            "Content-Type": "application/json",
            "Cookie": f"lookalike-{where.port}={where.query.partition('=')[2]}",
        }

    def raw(self, path: str, body: Any = None) -> tuple[int, Any, bytes]:
        """Status, headers and body of an answer; POST where there is something to say."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        method, data = ("GET", None) if body is None else ("POST", json.dumps(body))
        connection.request(method, path, data, self.headers)
        answer = connection.getresponse()
        told = answer.status, answer.headers, answer.read()
        connection.close()
        return told

    def get(self, path: str) -> Any:
        """What a request is answered with."""
        status, _, body = self.raw(path)
        assert status == 200, body
        return json.loads(body)

    def post(self, path: str, body: Any) -> tuple[int, Any]:
        """Status and answer of something that is to be done."""
        status, _, told = self.raw(path, body)
        return status, json.loads(told)

    def decide(self, number: int, do: str, name: str = "") -> tuple[int, Any]:
        """Decide about a cluster, or a picture of it, as it is shown now."""
        shown = self.get(f"/api/cluster/{number}")
        picture = next((m["picture"] for m in shown["members"] if m["name"] == name), None)
        body = {"version": shown["version"], "do": do, "picture": picture}
        return self.post(f"/api/cluster/{number}", body)


def test_only_the_page_itself_is_answered(found: Report, db: Path) -> None:
    """No other host name, no other origin, no missing token; pictures by content, not by path."""
    with served(found, db) as address:
        where = urlsplit(address)
        token = where.query.partition("=")[2]
        cookie = f"lookalike-{where.port}={token}"
        here = f"http://{where.netloc}"
        assert ask(address, "/")[0] == 403
        assert ask(address, "/?token=guess")[0] == 403
        assert ask(address, "/static/main.js")[0] == 403
        assert ask(address, f"/?token={token}", Host="evil.example")[0] == 403
        assert ask(address, f"/?token={token}")[0] == 303
        assert ask(address, "/api/index", Cookie=cookie)[0] == 200
        assert ask(address, "/api/index", Cookie=cookie, Host="evil.example")[0] == 403
        assert ask(address, "/api/index", Cookie=cookie, Origin="http://evil.example")[0] == 403
        assert ask(address, "/api/undo", "POST", Cookie=cookie)[0] == 403
        assert ask(address, "/api/undo", "POST", Cookie=cookie, Origin=here)[0] == 415
        typed = {"Cookie": cookie, "Origin": here, "Content-Type": "application/json"}
        assert ask(address, "/api/undo", "POST", **typed)[0] == 400
        sha = next(iter(found.images.values())).sha256
        assert ask(address, f"/thumb/{sha}", Cookie=cookie)[1][:2] == b"\xff\xd8"
        for path in ("/thumb/0", f"/thumb/{'0' * 64}", "/thumb/..%2f1.jpg"):
            assert ask(address, path, Cookie=cookie)[0] == 404
        for path in ("/picture/..%2f..%2fetc%2fpasswd", "/picture/%2fetc", "/static/../app.py"):
            assert ask(address, path, Cookie=cookie)[0] == 404


def test_a_stale_decision_is_refused(found: Report, db: Path) -> None:
    """The second of two decisions made on the same view gets 409 and the cluster as it is."""
    with served(found, db) as address:
        asker = Asker(address)
        version = asker.get("/api/cluster/0")["version"]
        statuses = []

        def decide(body: dict[str, Any]) -> None:
            statuses.append(asker.post("/api/cluster/0", body)[0])

        numbers = [list(found.images).index(m) for m in found.clusters[0].members[1:]]
        bodies = [{"version": version, "do": "keeper", "picture": n} for n in numbers]
        threads = [threading.Thread(target=decide, args=(body,)) for body in bodies]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(statuses) == [200, 409]


def refused(asker: Asker, how: str) -> None:
    """Ask for something that is refused, in one of the ways there are."""
    everything = {"numbers": [0, 1], "least": 0.1, "edition": -1}
    if how == "stale":
        status, _ = asker.post("/api/cluster/1", {"version": "old", "do": "accept"})
    elif how == "stale pair":
        status, _ = asker.post(
            "/api/cluster/1", {"version": "old", "do": "pair apart", "pair": [4, 5]}
        )
    elif how == "unknown":
        status, _ = asker.decide(1, "burn", "2.jpg")
    elif how == "foreign":
        status, _ = asker.decide(1, "drop", "1.jpg")
    elif how == "undo":
        status, _ = asker.post("/api/undo", {"step": 4711})
    elif how == "accept many":
        status, _ = asker.post("/api/accept", everything)
    else:
        status, _ = asker.post("/api/rules", {**everything, "rules": ["no such rule"]})
    assert status in (409, 422)


@pytest.mark.parametrize(
    "how",
    ["stale", "stale pair", "unknown", "foreign", "undo", "accept many", "unknown rule"],
)
def test_after_a_refusal_decisions_are_shown_and_kept(found: Report, db: Path, how: str) -> None:
    """Whatever was refused: later decisions are shown, undone, and not overwritten by many."""
    with served(found, db) as address:
        asker = Asker(address)
        refused(asker, how)
        status, body = asker.decide(0, "keeper", "1_crop.jpg")
        assert status == 200
        assert body["cluster"]["members"][0]["name"] == "1_crop.jpg"
        assert asker.get("/api/index")["state"][0] == 2
        refused(asker, how)
        status, body = asker.post("/api/undo", {"step": body["undo"]["step"]})
        assert status == 200 and asker.get("/api/index")["state"][0] == 0
        assert asker.get("/api/cluster/0")["members"][0]["name"] == "1.jpg"
        refused(asker, how)
        assert asker.decide(0, "keeper", "1_crop.jpg")[0] == 200
        assert asker.decide(1, "apart", "2_small.jpg")[0] == 200
        assert asker.get("/api/cluster/1")["members"][-1]["action"] == "apart"
        refused(asker, how)
        seen = asker.post("/api/accept", {"numbers": [0, 1], "least": 0.1})[1]
        asked = {"numbers": [0, 1], "least": 0.1, "edition": seen["edition"]}
        assert asker.post("/api/accept", asked)[0] == 200
        assert asker.get("/api/index")["state"] == [1, 1]
    with open_decisions(db) as decisions:
        marks = {Path(path).name: action for (_, path), action in decisions.choices.marks.items()}
    assert marks["1_crop.jpg"] == "keeper" and marks["1.jpg"] == "drop"
    assert "2_small.jpg" not in marks


def test_decisions_of_another_process_are_shown_after_a_refusal(found: Report, db: Path) -> None:
    """What someone else decides beside the page is shown in it, before and after a refusal."""
    place = place_of(found.images["1_crop.jpg"])
    with served(found, db) as address, open_decisions(db) as other:
        asker = Asker(address)
        for mark in ("keeper", "drop"):
            other.change(Change("elsewhere", {place: mark}))
            cards = {m["name"]: m for m in asker.get("/api/cluster/0")["members"]}
            assert cards["1_crop.jpg"]["marked"] == mark
            refused(asker, "stale")


def test_a_cluster_is_as_sure_as_what_ties_the_dropped_to_the_keeper(
    tmp_path: Path, db: Path
) -> None:
    """Twins on both sides of a doubtful match: list, cluster and Accept many say how doubtful."""
    for name, rgb in (("big", scene(1)), ("small", scene(1)[::2, ::2])):
        for twin in ("", "_twin"):
            save(tmp_path / "photos" / f"{name}{twin}.jpg", rgb)
    report = lookalike.find(tmp_path / "photos", db=db)
    report = doubtful(report, 0.8896)
    with served(report, db) as address:
        asker = Asker(address)
        assert asker.get("/api/index")["confidence"] == [0.8896]
        assert asker.get("/api/cluster/0")["confidence"] == 0.8896
        for least, count in ((0.99, 0), (0.89, 0), (0.88, 1)):
            told = asker.post("/api/accept", {"numbers": [0], "least": least})[1]
            assert told["clusters"] == count
        assert asker.decide(0, "keeper", "small.jpg")[1]["cluster"]["confidence"] == 0.8896
        # two pictures, each in two files
        assert asker.decide(0, "apart", "big.jpg")[1]["cluster"]["confidence"] == 1.0


def test_the_confidence_follows_what_is_decided(found: Report, db: Path) -> None:
    """With another keeper, or without a picture told apart, the weakest tie is another one."""
    ties = {m.ref if m.query == "1.jpg" else m.query: m for m in found.clusters[0].matches}
    assert found.clusters[0].center == "1.jpg"
    changed = {
        match: replace(match, confidence=sure)
        for match, sure in ((ties["1_crop.jpg"], 0.9), (ties["1_small.jpg"], 0.99))
    }
    first = replace(found.clusters[0], matches=tuple(changed.values()))
    report = replace(found, clusters=(first, *found.clusters[1:]))
    with served(report, db) as address:
        asker = Asker(address)
        assert asker.get("/api/index")["confidence"][0] == 0.9
        assert asker.decide(0, "keeper", "1_crop.jpg")[1]["cluster"]["confidence"] == 0.891
        assert asker.get("/api/index")["confidence"][0] == 0.891
        assert asker.post("/api/rows", {"numbers": [0]})[1][0]["confidence"] == 0.891
        told = asker.post("/api/accept", {"numbers": [0], "least": 0.9})[1]
        assert told["clusters"] == 0
        assert asker.decide(0, "apart", "1_crop.jpg")[1]["cluster"]["confidence"] == 0.99
        assert asker.decide(0, "none")[1]["cluster"]["confidence"] is None


def doubtful(report: Report, sure: float) -> Report:
    """The same report, its copies so sure."""

    def less(match: Match) -> Match:
        return replace(match, confidence=sure) if match.tier == "copy" else match

    clusters = (replace(c, matches=tuple(map(less, c.matches))) for c in report.clusters)
    return replace(report, clusters=tuple(clusters), matches=tuple(map(less, report.matches)))


def test_marks_of_a_file_that_moved_are_taken_back(found: Report, db: Path) -> None:
    """A mark made where the file lay before is shown by its bytes, and gone once undone."""
    moved = found.images["1_crop.jpg"].sha256, "/elsewhere/1_crop.jpg"
    with open_decisions(db) as other:
        other.change(Change("elsewhere", {moved: "keeper"}))
    with served(found, db) as address:
        asker = Asker(address)
        assert asker.get("/api/cluster/0")["members"][0]["name"] == "1_crop.jpg"
        step = asker.get("/api/standing")["undo"]["step"]
        assert asker.post("/api/undo", {"step": step})[0] == 200
        assert asker.get("/api/cluster/0")["members"][0]["name"] == "1.jpg"
        assert asker.get("/api/index")["state"] == [0, 0]


def test_another_report_at_the_same_port_shows_its_own_pictures(
    chromium: Any, tmp_path: Path
) -> None:
    """Nothing that a browser kept of one report's pictures stands beside another report's names."""
    port = 0
    context = chromium.new_context()
    for seed, height in ((1, 400), (2, 300)):
        folder = tmp_path / str(seed)
        save(folder / "a.jpg", scene(seed)[:height])
        save(folder / "small.jpg", scene(seed)[:height:2, ::2])
        report = lookalike.find(folder, db=tmp_path / f"db{seed}")
        with served(report, tmp_path / f"db{seed}", port) as address:
            port = urlsplit(address).port or 0
            page = context.new_page()
            page.goto(address)
            page.wait_for_selector(".card img")
            page.wait_for_function(COMPLETE)
            heights = "() => [...document.querySelectorAll('.card img')].map(i => i.naturalHeight)"
            assert page.evaluate(heights) == [height, height // 2]
            page.keyboard.press("c")
            page.wait_for_selector(".compare .why p")
            page.wait_for_function(LOADED)
            stage = "() => document.querySelector('.stage img').naturalHeight"
            assert page.evaluate(stage) == height
            page.close()
    context.close()


def test_a_changed_file_is_not_shown_as_what_it_was(found: Report, db: Path) -> None:
    """An address names bytes: what lies there now is never shown for them."""
    one, two = found.images["1.jpg"], found.images["1_small.jpg"]
    kept = found.images["2.jpg"]
    with served(found, db) as address:
        asker = Asker(address)
        status, headers, before = asker.raw(f"/picture/{kept.sha256}")
        assert status == 200 and "immutable" in headers["Cache-Control"]
        save(Path(one.path), scene(7))
        save(Path(kept.path), scene(8))
        for kind in ("thumb", "picture"):
            assert asker.raw(f"/{kind}/{one.sha256}")[0] == 404
        assert asker.raw(f"/picture/{kept.sha256}")[2] == before
        numbers = [list(found.images).index(image.id) for image in (one, two)]
        pair = f"0/{numbers[0]}/{numbers[1]}"
        key = asker.get(f"/api/pair/{pair}")["overlay"]
        status, headers, _ = asker.raw(f"/overlay/{pair}/{key}/base")
        assert status == 404 and headers["Cache-Control"] == "no-store"
        assert asker.raw(f"/overlay/{pair}/{'0' * 64}/base")[0] == 404
        told = asker.get(f"/api/input/{numbers[0]}")
        assert told["sha256"] != one.sha256
        assert asker.raw(f"/picture/{told['sha256']}")[0] == 200


def test_equal_bytes_are_shown_from_wherever_they_still_lie(tmp_path: Path, db: Path) -> None:
    """Of two equal files one goes: both are still shown."""
    for name in ("a.jpg", "b.jpg"):
        save(tmp_path / "photos" / name, scene(1))
    report = lookalike.find(tmp_path / "photos", db=db)
    (tmp_path / "photos" / "a.jpg").unlink()
    with served(report, db) as address:
        asker = Asker(address)
        assert asker.raw(f"/thumb/{report.images['a.jpg'].sha256}")[0] == 200


def test_bodies_that_stay_away_and_clients_that_leave(
    found: Report, db: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A half-sent decision or upload is refused in time; whoever leaves meanwhile is no fault."""
    monkeypatch.setattr(app, "Patience", lambda: Patience(body_seconds=0.5))
    paths = ("/api/cluster/0", "/api/accept", "/api/undo", "/api/upload", "/api/plan")
    with served(found, db) as address:
        asker = Asker(address)

        def begun(path: str) -> socket.socket:
            connection = socket.create_connection(("127.0.0.1", asker.port or 0), timeout=30)
            headers = "".join(f"{name}: {value}\r\n" for name, value in asker.headers.items())
            head = f"POST {path} HTTP/1.1\r\n{headers}Content-Length: 100\r\n\r\n{{"
            connection.sendall(head.encode())
            return connection

        for path in paths:
            begun(path).close()
        waiting = [begun(path) for path in paths]
        for connection in waiting:
            with connection:
                assert connection.recv(65536).startswith(b"HTTP/1.1 408 ")
        assert asker.decide(0, "accept")[0] == 200
    assert capfd.readouterr() == ("", "")


def test_decides_with_keys_among_thousands(chromium: Any, many: Report, db: Path) -> None:
    """5,000 clusters load, keys decide and undo, and what was decided survives a restart."""
    with opened(chromium, many, db) as page:
        assert f"{CLUSTERS:,} clusters" in page.inner_text("#filtered")
        first = page.inner_text(".bar h2")
        page.keyboard.press("a")
        page.locator(f'.bar h2:not(:text-is("{first}"))').wait_for()
        assert page.locator(".row .mark", has_text="✓").count() == 1
        picture = page.locator(".card").nth(1).locator("b").first.inner_text()
        page.keyboard.press("s")
        page.locator(f'.card:first-child b:text-is("{picture}")').wait_for()
        page.keyboard.press("u")
        page.locator(f'.card:nth-child(2) b:text-is("{picture}")').wait_for()
        page.keyboard.press("d")
        page.locator(".card.picked .badge", has_text="goes").wait_for()
        page.keyboard.press("?")
        page.wait_for_selector("dialog[open]")
        shown = page.inner_text("dialog")
        documented = (ROOT / "docs" / "review.md").read_text(encoding="utf-8")
        words = page.locator("dialog td").all_inner_texts()
        assert len(words) > 20
        assert all(meaning in documented for meaning in words), shown
        page.keyboard.press("Escape")
    with open_decisions(db) as decisions:
        assert "keeper" in decisions.choices.marks.values()
    with opened(chromium, many, db) as page:
        assert page.locator(".row .mark", has_text="✓").count() == 1


class Held:
    """Requests about clusters, which the server holds back until they are let go.

    Args:
        patch: before the page is served.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._go = {method: threading.Event() for method in ("GET", "POST")}
        self._failing = False
        #: methods of requests that came while such were held
        self.kept: list[str] = []
        #: decisions in the order in which they came
        self.posted: list[tuple[int, dict[str, Any]]] = []
        for name in ("_cluster", "_decide"):
            patch.setattr(app, name, self._holding(getattr(app, name)))
        self.go()

    def _holding(self, endpoint: app.Endpoint) -> app.Endpoint:
        async def held(request: Any) -> Any:
            go = self._go[request.method]
            if request.method == "POST":
                self.posted.append((request.path_params["number"], await request.json()))
            if not go.is_set():
                self.kept.append(request.method)
                await run_in_threadpool(go.wait, 60)
                if self._failing:
                    raise app.missing("no")
            return await endpoint(request)

        return held

    def hold(self, method: str) -> None:
        """From now on: GET for clusters that load, POST for decisions."""
        self.kept, self.posted = [], []
        self._go[method].clear()

    def go(self, *, failing: bool = False) -> None:
        """Let go, or fail, what is held, and hold nothing any more."""
        self._failing = failing
        for go in self._go.values():
            go.set()

    def wait(self, page: Any, *, posted: int = 0) -> None:
        """Until a request is held, or so many decisions came."""
        for _ in range(400):
            if len(self.posted) >= posted if posted else self.kept:
                return
            page.wait_for_timeout(25)
        raise AssertionError(f"held {self.kept}, posted {self.posted}")


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Held:
    """Holds requests about clusters back."""
    return Held(monkeypatch)


def numbers_in_order(page: Any) -> list[int]:
    """Numbers of the first clusters of the list, as they stand there."""
    rows = page.locator(".row:not([hidden])").evaluate_all(
        "rows => rows.map(r => [Number(r.dataset.place), Number(r.dataset.number)])"
    )
    return [number for _, number in sorted(rows)]


@pytest.mark.parametrize(
    ("move", "key", "do"),
    [
        ("j", "a", "accept"),
        ("j", "Enter", "accept"),
        ("j", "s", "keeper"),
        ("j", "e", "keep"),
        ("j", "d", "drop"),
        ("j", "n", "apart"),
        ("j", "N", "none"),
        ("j", "b", "pair apart"),
        ("PageDown", "d", "drop"),
        ("G", "n", "apart"),
        ("x", "a", "accept"),
    ],
)
def test_keys_wait_for_the_cluster_they_are_meant_for(
    chromium: Any, many: Report, db: Path, held: Held, move: str, key: str, do: str
) -> None:
    """A decision pressed while the next cluster loads is made about that one, and no other."""
    with opened(chromium, many, db) as page:
        order = numbers_in_order(page)
        held.hold("GET")
        page.keyboard.press(move)
        page.keyboard.press(key)
        held.wait(page)
        page.wait_for_timeout(50)
        assert not held.posted
        held.go()
        held.wait(page, posted=1)
        number, body = held.posted[0]
        assert body["do"] == do
        at = {"j": 1, "x": 1, "PageDown": 10}.get(move)
        expected = order[at] if at else number
        assert number == expected != order[0]
        members = set(many.clusters[number].members)
        names = list(many.images)
        pictures = [body["picture"]] if "picture" in body else body.get("pair", [])
        assert {names[picture] for picture in pictures} <= members


def test_keys_pressed_one_on_the_other_are_all_done_in_turn(
    chromium: Any, many: Report, db: Path, held: Held
) -> None:
    """Keys faster than anything loads: each is done, on what is shown by then."""
    with opened(chromium, many, db) as page:
        order = numbers_in_order(page)
        held.hold("GET")
        for key in ("a", "l", "d", "h", "j", "e", "u", "u"):
            page.keyboard.press(key)
        held.wait(page)
        assert [(number, body["do"]) for number, body in held.posted] == [(order[0], "accept")]
        held.go()
        held.wait(page, posted=3)
        page.locator("#undo[title*=accepted]").wait_for()
        assert [(number, body["do"]) for number, body in held.posted] == [
            (order[0], "accept"),
            (order[1], "drop"),
            (order[2], "keep"),
        ]
        second = [list(many.images)[body["picture"]] for _, body in held.posted[1:2]]
        assert second[0] == max(many.clusters[order[1]].members[:3])
    with open_decisions(db) as decisions:
        last = decisions.last
        assert last is not None and last.words == "accepted a cluster"


def test_keys_after_a_refusal_are_not_done_and_that_is_said(
    chromium: Any, many: Report, db: Path, held: Held
) -> None:
    """What was pressed before a refusal could be seen is named; nothing is decided by it."""
    with opened(chromium, many, db) as page:
        order = numbers_in_order(page)
        held.hold("POST")
        for key in ("d", "a", "j", "n"):
            page.keyboard.press(key)
        held.wait(page)
        place = place_of(many.images[many.clusters[order[0]].members[0]])
        with open_decisions(db) as other:
            other.change(Change("elsewhere", {place: "keep"}))
        held.go()
        page.locator("#toast.bad", has_text="not done after that: a j n").wait_for()
        assert len(held.posted) == 1 and numbers_in_order(page) == order
        with page.expect_response(lambda response: response.request.method == "POST"):
            page.keyboard.press("d")
        page.locator(".card.picked .badge", has_text="goes").wait_for()
    with open_decisions(db) as decisions:
        assert sorted(decisions.choices.marks.values()) == ["drop", "keep"]


def test_a_cluster_that_does_not_load_is_not_decided(
    chromium: Any, many: Report, db: Path, held: Held
) -> None:
    """Keys for a cluster that could not be shown are named, and the earlier one is left alone."""
    with opened(chromium, many, db) as page:
        held.hold("GET")
        for key in ("j", "n", "e"):
            page.keyboard.press(key)
        held.wait(page)
        held.go(failing=True)
        page.locator("#toast.bad", has_text="could not be shown; not done after that: e").wait_for()
        assert not held.posted


def test_a_click_is_about_what_was_shown(chromium: Any, many: Report, db: Path, held: Held) -> None:
    """Decided by hand on the cluster still shown while the next loads: that one, then the next."""
    with opened(chromium, many, db) as page:
        order = numbers_in_order(page)
        held.hold("GET")
        page.keyboard.press("j")
        held.wait(page)
        page.locator(".card").nth(1).locator("button.drop").click()
        held.wait(page, posted=1)
        page.locator(f'.row[data-number="{order[0]}"] .mark', has_text="◐").wait_for()
        held.go()
        name = page.locator(f'.row[data-number="{order[1]}"] b').inner_text()
        page.locator(f'.bar h2:text-is("{name}")').wait_for()
        assert [(number, body["do"]) for number, body in held.posted] == [(order[0], "drop")]
        held.hold("GET")
        page.keyboard.press("j")
        page.keyboard.press("n")
        page.locator(f'.row[data-number="{order[4]}"]').click()
        held.wait(page)
        held.go()
        held.wait(page, posted=1)
        name = page.locator(f'.row[data-number="{order[4]}"] b').inner_text()
        page.locator(f'.bar h2:text-is("{name}")').wait_for()
        assert [(number, body["do"]) for number, body in held.posted] == [(order[2], "apart")]


def test_keys_behind_one_that_opens_something_are_not_taken(
    chromium: Any, many: Report, db: Path, held: Held
) -> None:
    """A dialog, a field or a tab that opens in its turn takes no key of a cluster."""
    with opened(chromium, many, db) as page:
        for key, shown in (("A", "dialog[open]"), ("f", "#sort:focus"), ("]", "#search")):
            held.hold("POST")
            for pressed in ("e", key, "d"):
                page.keyboard.press(pressed)
            held.wait(page)
            held.go()
            page.locator("#toast.bad", has_text="d was not taken").wait_for()
            page.wait_for_selector(shown)
            assert [body["do"] for _, body in held.posted] in (["keep"], ["clear"])
            page.keyboard.press("Escape")
            page.evaluate("document.getElementById('toast').textContent = ''")


def test_not_a_match_persists(chromium: Any, found: Report, tmp_path: Path, db: Path) -> None:
    """The key n tells a picture apart: after a restart, and in later runs, until it is undone."""
    with opened(chromium, found, db) as page:
        open_cluster(page, "1.jpg")
        page.locator('.card b:text-is("1_small.jpg")').locator(
            "xpath=ancestor::article//button[@class='face']"
        ).click()
        page.keyboard.press("n")
        page.locator(".card.apart").wait_for()
        assert badge(page, "1_small.jpg") == "another picture"
    with opened(chromium, found, db) as page:
        open_cluster(page, "1.jpg")
        assert badge(page, "1_small.jpg") == "another picture"
    later = lookalike.find(tmp_path / "photos", db=db)
    assert later.clusters
    assert all("1_small.jpg" not in cluster.members for cluster in later.clusters)
    with opened(chromium, found, db) as page:
        page.keyboard.press("u")
        open_cluster(page, "1.jpg")
        page.locator(".card.apart").wait_for(state="detached")
    assert len(lookalike.find(tmp_path / "photos", db=db).clusters[0].members) == 3


def test_two_tabs_do_not_overwrite_each_other(chromium: Any, found: Report, db: Path) -> None:
    """The tab that looked earlier is shown what the other decided, and decides nothing."""
    with opened(chromium, found, db) as page:
        other = watched(page.context)
        page.others.append(other)
        other.goto(page.address)
        for tab in (page, other):
            open_cluster(tab, "1.jpg")
        page.keyboard.press("s")
        page.locator('.card:first-child b:text-is("1_crop.jpg")').wait_for()
        other.locator(".card").nth(2).locator(".face").click()
        other.keyboard.press("d")
        other.locator("#toast.bad").wait_for()
        other.locator('.card:first-child b:text-is("1_crop.jpg")').wait_for()
    with open_decisions(db) as decisions:
        assert sorted(decisions.choices.marks.values()) == ["keeper"]


def test_many_at_once_with_a_preview(chromium: Any, many: Report, db: Path) -> None:
    """Accepting by confidence and keeping by rules say first what they would do; undo takes all."""
    with opened(chromium, many, db) as page:
        page.keyboard.press("A")
        page.fill("#least", "0.9")
        page.locator("dialog .told", has_text="would go").wait_for()
        told = page.inner_text("dialog .told")
        page.locator("dialog .sample img").first.wait_for()
        page.locator("dialog button.main:not([disabled])").click()
        page.locator("#toast", has_text="decided").wait_for()
        count = int(told.split()[0].replace(",", ""))
        with open_decisions(db) as decisions:
            keepers = [a for a in decisions.choices.marks.values() if a == "keeper"]
            assert len(keepers) == count > 100
        page.keyboard.press("u")
        page.locator("#toast", has_text="undone").wait_for()
        page.keyboard.press("R")
        page.locator("dialog label", has_text="Folders").locator("input").fill("album 3")
        page.locator("dialog .told", has_text="would go").click()
        page.locator("dialog button.main:not([disabled])").wait_for()
        page.keyboard.press("Escape")
    with open_decisions(db) as decisions:
        assert not decisions.choices.marks


def test_filters(chromium: Any, many: Report, db: Path) -> None:
    """Tier, edit, folder, size, confidence and state leave what they say."""
    with opened(chromium, many, db) as page:
        page.keyboard.press("f")
        wanted = {
            "edit": {"label": "mirrored"},
            "size": {"value": "3-5"},
            "confidence": {"value": "0-0.9"},
        }
        for name, choice in wanted.items():
            page.select_option(f"#{name}", **choice)
        page.fill("#folder", "album 5")
        expected = [
            c
            for c in many.clusters
            if c.members[0].startswith("album 5/")
            and 3 <= len(c.members) <= 5
            and c.matches[0].edit == "mirrored"
            and 1 - c.matches[0].distance < 0.9
        ]
        assert page.inner_text("#filtered").startswith(f"{len(expected)} of")
        page.select_option("#state", "done")
        page.locator("#detail", has_text="No cluster matches").wait_for()


def test_compares_two_pictures(chromium: Any, found: Report, db: Path) -> None:
    """Slider, blink and difference of aligned pictures, the crop drawn, and why they match."""
    with opened(chromium, found, db) as page:
        open_cluster(page, "1.jpg")
        page.keyboard.press("c")
        page.locator(".why", has_text="cropped").wait_for()
        points = page.locator(".stage polygon").get_attribute("points")
        sides = [float(value) for pair in points.split() for value in pair.split(",")]
        assert min(sides) > 1 and max(sides) < 99
        for key, mode in (("2", "blink"), ("3", "difference"), ("1", "slider")):
            page.keyboard.press(key)
            page.locator(f".compare.{mode}").wait_for()
        page.wait_for_timeout(500)
        assert page.evaluate(LOADED)


def test_searches_by_upload_and_goes_on_from_a_result(
    chromium: Any, found: Report, tmp_path: Path, db: Path
) -> None:
    """A picture outside the set finds its copies; "Set as input" searches on; a box narrows."""
    query = save(tmp_path / "elsewhere.jpg", scene(2)[:, ::-1])
    with opened(chromium, found, db) as page:
        page.click("#tab-search")
        page.set_input_files("#search-file", str(query))
        page.locator("#search-state", has_text="is not in the collection").wait_for(timeout=60_000)
        hits = page.locator(".hits .card")
        assert hits.count() == 6
        assert hits.nth(0).locator(".badge").inner_text() == "copy"
        names = [hits.nth(n).locator("b").inner_text() for n in range(3)]
        assert {name.partition(".")[0].partition("_")[0] for name in names} == {"2"}
        name = hits.nth(1).locator("b").inner_text()
        hits.nth(1).locator("button", has_text="Set as input").click()
        page.locator("#search-state", has_text="itself is in the collection").wait_for()
        page.locator(".hits .card:first-child b", has_text=name).wait_for()
        frame = page.locator(".hold").bounding_box()
        page.mouse.move(frame["x"] + frame["width"] * 0.2, frame["y"] + frame["height"] * 0.2)
        page.mouse.down()
        page.mouse.move(frame["x"] + frame["width"] * 0.9, frame["y"] + frame["height"] * 0.9)
        page.mouse.up()
        assert page.locator(".focus").is_visible()
        page.locator(".hits:not([aria-busy]) .card").first.wait_for()


def test_applies_with_a_preview_and_takes_it_back(
    chromium: Any, found: Report, tmp_path: Path, db: Path
) -> None:
    """Nothing goes that was not decided and shown; what went comes back with the same bytes."""
    photos, away = tmp_path / "photos", tmp_path / "away"
    before = {path.name: path.read_bytes() for path in photos.iterdir()}
    with opened(chromium, found, db) as page:
        page.click("#tab-apply")
        page.locator("#plan-told", has_text="Nothing is decided yet").wait_for()
        page.click("#tab-review")
        open_cluster(page, "1.jpg")
        page.keyboard.press("a")
        page.locator(".row .mark", has_text="✓").wait_for()
        page.click("#tab-apply")
        page.locator("#plan-told", has_text="2 pictures would go").wait_for()
        assert page.locator(".steps li").count() == 2
        page.select_option("#apply select", "move")
        page.fill("#move-to", str(away))
        page.click("#apply-go")
        assert {path.name for path in photos.iterdir()} == set(before)
        page.click("#apply-go")
        page.locator("#outcome", has_text="2 pictures went").wait_for()
        assert {path.name for path in photos.iterdir()} == set(before) - {
            "1_crop.jpg",
            "1_small.jpg",
        }
        page.locator(".journals button", has_text="Undo").click()
        page.locator("#outcome", has_text="2 pictures came back").wait_for()
    assert {path.name: path.read_bytes() for path in photos.iterdir()} == before


def test_charts(chromium: Any, found: Report, db: Path) -> None:
    """A map with thumbnails, histograms with the threshold, the funnel and a cluster's tree."""
    pytest.importorskip("scipy", reason="the tree needs SciPy (extra lab)")
    with opened(chromium, found, db) as page:
        page.click("#tab-charts")
        page.locator("#tree .leaves img").first.wait_for()
        assert page.locator("#charts .threshold").count() >= 2
        assert page.locator(".funnel tr").count() > 5
        page.locator(".map canvas").focus()
        page.keyboard.press("ArrowRight")
        page.locator(".hover img").wait_for()


def test_narrow_and_dark_and_named(chromium: Any, found: Report, db: Path) -> None:
    """At 400 px nothing is cut off sideways; every control has a name; dark is dark."""
    with opened(chromium, found, db, width=400) as page:
        page.emulate_media(color_scheme="dark")
        wide = "() => document.documentElement.scrollWidth <= 400"
        assert page.evaluate(wide)
        page.locator(".row").first.click()
        page.locator(".card").first.wait_for()
        assert page.locator(".side").is_hidden()
        page.keyboard.press("c")
        page.locator(".why p").first.wait_for()
        for tab in ("search", "charts", "apply", "review"):
            page.click(f"#tab-{tab}")
            page.wait_for_timeout(300)
            assert page.evaluate(wide), tab
            assert page.evaluate(NAMELESS) == []
            assert (
                page.evaluate(
                    "() => [...document.images].filter((i) => !i.hasAttribute('alt')).length"
                )
                == 0
            )
        page.click(".back")
        assert page.locator(".side").is_visible()
        paper = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
        assert paper == "rgb(23, 24, 26)"


def test_scrolling_shows_no_gaps(chromium: Any, many: Report, db: Path) -> None:
    """At any place of the list every row is there with words, and the first paint is quick."""
    with served(many, db) as address:
        page = chromium.new_page(viewport={"width": 1300, "height": 850})
        seen = measure(page, address, 60)
        page.close()
    assert seen["gaps"] == seen["blank"] == 0
    assert seen["paint"] <= 1000
    assert seen["rows"] < 60
