"""Whom a server answers, what bodies it reads, and how it says that it does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("starlette", reason="the extras review and serve are not installed")

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from lookalike.http.bodies import Bodies, Limit
from lookalike.http.guard import Access, Guard
from lookalike.http.problems import Problem, handlers
from lookalike.model.errors import ActionError, ConfigError

HOST = "127.0.0.1:8765"
BASE = f"http://{HOST}"
WANTED = Problem(401, "the token is missing or wrong")
Answer = Callable[[Request], Any]


def client_of(answer: Answer, *, token: str = "", cookie: str = "") -> TestClient:
    """A guarded application whose every path gives one answer."""
    app = Starlette(
        routes=[Route("/{path:path}", answer, methods=["GET", "POST"])],
        exception_handlers=handlers(500, "see the list"),
    )
    access = Access(
        HOST.__eq__, HOST, token, WANTED, cookie=cookie, unlocked=frozenset(["/health"])
    )
    guarded = Guard(app, access)
    return TestClient(guarded, base_url=BASE, follow_redirects=False, raise_server_exceptions=False)


async def fine(request: Request) -> Response:
    """Answer everything."""
    return PlainTextResponse("fine")


@pytest.mark.parametrize("cookie", ["", "c"])
@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "127.0.0.1:8766"},
        {"host": ""},
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:8766"},
        {"origin": "http://127.0.0.1"},
        {"origin": "null"},
        {"origin": f"file://{HOST}"},
        {"origin": "http://["},
    ],
)
def test_other_names_and_sites_are_refused(headers: dict[str, str], cookie: str) -> None:
    """Whatever is asked and however the token comes: 403, before the token is looked at."""
    client = client_of(fine, token="t", cookie=cookie)
    for path in ("/", "/health", "/?token=t"):
        refused = client.get(path, headers=headers)
        assert refused.status_code == 403
        assert refused.json()["error"]["what"]


def test_a_bearer_token() -> None:
    """It is wanted everywhere but at what is unlocked; an Origin is not."""
    client = client_of(fine, token="secret")
    assert client.get("/health").status_code == 200
    for shown in ("", "secret2", "Bearer secret2", "Bearer", "Bearer \u00e9"):
        refused = client.post("/", headers={"authorization": shown.encode()})
        assert refused.status_code == 401 and refused.headers["www-authenticate"] == "Bearer"
    client.cookies.set("", "secret")
    assert client.get("/?token=secret").status_code == 401
    own = {"authorization": "Bearer secret"}
    assert client.post("/", headers=own).status_code == 200
    assert client.post("/", headers={**own, "origin": f"HTTP://{HOST}"}).status_code == 200


def test_a_cookie_token() -> None:
    """The address with the token sets it; what is more than reading names its Origin too."""
    client = client_of(fine, token="secret", cookie="c")
    assert client.get("/?token=guess").status_code == 401
    assert client.get("/other?token=secret").status_code == 401
    assert client.get("/", headers={"authorization": "Bearer secret"}).status_code == 401
    entered = client.get("/?token=secret")
    assert entered.status_code == 303 and entered.headers["location"] == "/"
    assert "samesite=strict" in entered.headers["set-cookie"].lower()
    assert "httponly" in entered.headers["set-cookie"].lower()
    assert client.get("/").status_code == 200
    assert client.post("/").status_code == 403
    assert client.post("/", headers={"origin": BASE}).status_code == 200


def test_every_answer_is_protected() -> None:
    """Also refusals: they are not kept, not guessed at, and load nothing from elsewhere."""
    client = client_of(fine, token="t")
    for path, status in (("/health", 200), ("/", 401)):
        answer = client.get(path)
        assert answer.status_code == status
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def reading(bodies: Bodies, limit: Limit) -> Answer:
    """An answer that is the object which came."""

    async def answer(request: Request) -> Response:
        return PlainTextResponse(repr(await bodies.read_object(request, limit)))

    return answer


@pytest.mark.parametrize(
    ("body", "kind", "status", "what"),
    [
        (b'{"a": 1}', "application/json", 200, "{'a': 1}"),
        (b'{"a": 1}', "Application/JSON; charset=utf-8", 200, "{'a': 1}"),
        (b"{}", "text/plain", 415, "of another type"),
        (b"{}", "", 415, "of another type"),
        (b"{", "application/json", 400, "no JSON"),
        (b"\xff", "application/json", 400, "no JSON"),
        (b'{"a": NaN}', "application/json", 400, "no JSON"),
        (b"[" * 100_000, "application/json", 400, "no JSON"),
        (b"[]", "application/json", 400, "no JSON object"),
        (b"{}" + b" " * 200_000, "application/json", 413, "too long"),
    ],
)
def test_bodies_are_objects_of_bounded_size(body: bytes, kind: str, status: int, what: str) -> None:
    """Everything else is refused in words."""
    client = client_of(reading(Bodies(10**6), Limit(150_000, remedy="send less")))
    answer = client.post("/", content=body, headers={"content-type": kind})
    assert answer.status_code == status
    assert what in answer.text
    assert ("send less" in answer.text) == (status == 413)


def test_a_body_that_claims_no_length_is_bounded_too() -> None:
    """It is let go as soon as it is too long, and what it held is free again."""
    bodies = Bodies(10**6)
    client = client_of(reading(bodies, Limit(1000)))

    def parts() -> Any:
        yield b'{"a": "'
        yield b"b" * 2000

    for _ in range(2):
        answer = client.post("/", content=parts(), headers={"content-type": "application/json"})
        assert answer.status_code == 413
    answer = client.post("/", json={"a": "b" * 900})
    assert answer.status_code == 200


def test_bodies_that_arrive_together_are_bounded() -> None:
    """Beyond what all of them may hold: 503, to be sent again."""
    client = client_of(reading(Bodies(100), Limit(1000)))
    answer = client.post("/", json={"a": "b" * 900})
    assert answer.status_code == 503 and answer.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    ("error", "status", "what"),
    [
        (Problem(409, "too late", got="\x1b[1m"), 409, "too late"),
        (ConfigError("cannot work", remedy="try"), 422, "cannot work"),
        (ActionError("cannot move"), 500, "cannot move"),
        (RuntimeError("secret"), 500, "the service failed"),
    ],
)
def test_errors_are_answers(error: Exception, status: int, what: str) -> None:
    """What, got, expected and remedy as JSON; a sentence to a browser that opens a page."""

    async def failing(request: Request) -> Response:
        raise error

    client = client_of(failing)
    answer = client.get("/")
    assert answer.status_code == status
    assert answer.json()["error"]["what"] == what
    assert set(answer.json()["error"]) == {"what", "got", "expected", "remedy"}
    assert "\x1b" not in answer.json()["error"]["got"]
    page = client.get("/", headers={"accept": "text/html,*/*"})
    assert page.status_code == status and page.text.startswith(what)
    assert "secret" not in answer.text + page.text


def test_paths_and_methods_that_do_not_exist() -> None:
    """They are problems like all others, with where to look."""
    told = client_of(fine).put("/there")
    assert told.status_code == 405 and "allow" in told.headers
    assert told.json()["error"]["got"] == "PUT /there"
    assert told.json()["error"]["remedy"] == "see the list"
