"""The page's requests: read a report by numbers, record decisions, show pictures by content."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import wraps
from pathlib import Path
from threading import Lock
from typing import Any

import jinja2
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from lookalike.http.bodies import Bodies, Limit, in_time
from lookalike.http.guard import Access, Guard
from lookalike.http.patience import Patience
from lookalike.http.problems import Problem, handlers
from lookalike.model.serialization import to_json
from lookalike.model.version import __version__
from lookalike.web.deciding import (
    StaleError,
    accept_many,
    decide_one,
    keep_by_rules,
    tell_apart,
    undo,
)
from lookalike.web.desk import Desk, as_numbers
from lookalike.web.pictures import Cache, Places, overlay, picture_of
from lookalike.web.relating import Relation, in_words, key_of, relate, why

__all__ = ["MOST_BYTES", "Room", "answer", "fields_of", "make_app", "missing", "understood"]

_HERE = Path(__file__).parent
_THUMB, _LARGE = 160, 1400
# these addresses hold a content's SHA-256, so a later report at this port has others
_FOR_A_DAY = {"Cache-Control": "private, max-age=86400, immutable"}
#: of one picture
MOST_BYTES = 128 << 20
_AT_ONCE = 4 * MOST_BYTES
_FIELDS = Limit(4 << 20)
Endpoint = Callable[[Request], Awaitable[Response]]


class Room:
    """What every request may use.

    Args:
        desk: the clusters.
        db: folder or address of the collection.
    """

    def __init__(self, desk: Desk, db: str | Path) -> None:
        self.desk = desk
        self.db = db
        self.cache = Cache()
        self.places = Places(desk.images)
        self.bodies = Bodies(_AT_ONCE)
        #: the collection is opened by one request at a time
        self.collection_busy = Lock()


def make_app(room: Room, port: int, token: str, more: Sequence[Route] = ()) -> Guard:
    """Make the guarded application.

    Args:
        room: what requests may use.
        port: the port that is listened on.
        token: the secret in the address.
        more: routes of other tabs.
    """
    routes = [
        Route("/", _page),
        Route("/api/index", _index),
        Route("/api/standing", _standing),
        Route("/api/rows", _rows, methods=["POST"]),
        Route("/api/cluster/{number:int}", _cluster),
        Route("/api/cluster/{number:int}", _decide, methods=["POST"]),
        Route("/api/accept", _accept, methods=["POST"]),
        Route("/api/rules", _by_rules, methods=["POST"]),
        Route("/api/undo", _undo, methods=["POST"]),
        Route("/api/pair/{number:int}/{a:int}/{b:int}", _pair),
        Route("/api/difference/{number:int}/{a:int}/{b:int}", _difference),
        Route("/overlay/{number:int}/{a:int}/{b:int}/{key:str}/{which:str}", _overlay),
        Route("/thumb/{sha256:str}", _thumb),
        Route("/picture/{sha256:str}", _large),
        *more,
        Mount("/static", StaticFiles(directory=_HERE / "static")),
    ]
    app = Starlette(
        routes=routes, middleware=[in_time(Patience())], exception_handlers=handlers(422)
    )
    app.state.room = room
    return Guard(app, _access(port, token))


def _access(port: int, token: str) -> Access:
    hosts = (f"127.0.0.1:{port}", f"localhost:{port}")
    return Access(
        is_own=hosts.__contains__,
        named=hosts[0],
        token=token,
        wanted=Problem(403, "open the address that 'lookalike review' printed"),
        cookie=f"lookalike-{port}",
    )


def answer(value: Any, status: int = 200) -> Response:
    """Answer with JSON."""
    return Response(to_json(value), status, media_type="application/json")


async def fields_of(request: Request) -> dict[str, Any]:
    """Read the JSON object that a request carries, of bounded size.

    Raises:
        Problem: it is none.
    """
    room: Room = request.app.state.room
    return await room.bodies.read_object(request, _FIELDS)


def missing(why: str = "nothing lies here") -> Problem:
    """Make the problem of something that is asked for and does not exist."""
    return Problem(404, why)


def understood(endpoint: Endpoint) -> Endpoint:
    """Answer fields that are missing or of another kind, and decisions that come too late."""

    @wraps(endpoint)
    async def told(request: Request) -> Response:
        try:
            return await endpoint(request)
        except StaleError:
            room: Room = request.app.state.room
            number = request.path_params.get("number")
            body = room.desk.standing()
            if number is not None:
                body["cluster"] = room.desk.cluster(number)
            problem = Problem(409, "decided meanwhile elsewhere; shown anew")
            return answer({**body, **problem.body}, problem.status)
        except (ValueError, TypeError, KeyError) as error:
            raise Problem(400, f"not understood: {error}") from error

    return told


async def _page(request: Request) -> Response:
    templates = jinja2.Environment(loader=jinja2.PackageLoader("lookalike.web"), autoescape=True)
    page = templates.get_template("review.html.j2")
    return HTMLResponse(page.render(version=__version__))


async def _index(request: Request) -> Response:
    return answer(request.app.state.room.desk.index())


async def _standing(request: Request) -> Response:
    return answer(request.app.state.room.desk.standing())


@understood
async def _rows(request: Request) -> Response:
    desk: Desk = request.app.state.room.desk
    asked = as_numbers((await fields_of(request))["numbers"], len(desk.clusters))
    return answer(desk.rows(asked[:500]))


async def _cluster(request: Request) -> Response:
    return answer(request.app.state.room.desk.cluster(_number(request)))


@understood
async def _decide(request: Request) -> Response:
    desk: Desk = request.app.state.room.desk
    number, asked = _number(request), await fields_of(request)
    if asked["do"] == "pair apart":
        tell_apart(desk, number, asked["version"], as_numbers(asked["pair"], len(desk.images)))
    else:
        picture = asked.get("picture")
        if picture is not None:
            picture = as_numbers([picture], len(desk.images))[0]
        decide_one(desk, number, asked["version"], asked["do"], picture)
    return answer({**desk.standing(), "cluster": desk.cluster(number)})


@understood
async def _accept(request: Request) -> Response:
    desk: Desk = request.app.state.room.desk
    asked = await fields_of(request)
    numbers = as_numbers(asked["numbers"], len(desk.clusters))
    least = float(asked["least"])
    return answer({**accept_many(desk, numbers, least, asked.get("edition")), **desk.standing()})


@understood
async def _by_rules(request: Request) -> Response:
    desk: Desk = request.app.state.room.desk
    asked = await fields_of(request)
    numbers = as_numbers(asked["numbers"], len(desk.clusters))
    rules = [str(rule) for rule in asked["rules"]]
    return answer({**keep_by_rules(desk, numbers, rules, asked.get("edition")), **desk.standing()})


@understood
async def _undo(request: Request) -> Response:
    desk: Desk = request.app.state.room.desk
    words = undo(desk, int((await fields_of(request))["step"]))
    return answer({"undone": words, **desk.standing()})


async def _pair(request: Request) -> Response:
    relation = _relation(request)
    if relation is None:
        return answer({"sentences": ["tied only through other pictures of the cluster"]})
    room: Room = request.app.state.room
    base, other = room.desk.number[relation.base], room.desk.number[relation.other]
    key = key_of(room.desk.report, relation)
    told = why(room.desk.report, relation)
    return answer({**told, "base": base, "other": other, "overlay": key})


async def _difference(request: Request) -> Response:
    """Say what one picture has and the other lacks, and which was made from which."""
    relation = _relation(request)
    if relation is None or len(relation.matches) > 1:
        return answer([])
    report = request.app.state.room.desk.report
    return answer(await run_in_threadpool(in_words, report, relation.matches[0]))


async def _overlay(request: Request) -> Response:
    room: Room = request.app.state.room
    key, which = (request.path_params[name] for name in ("key", "which"))
    relation = _relation(request)
    if relation is None or key != key_of(room.desk.report, relation):
        raise missing()
    if which not in ("base", "other", "difference"):
        raise missing()
    found = room.cache.get((key, which))
    if found is None:
        images = room.desk.report.images
        base, other = images[relation.base], images[relation.other]
        laid = await run_in_threadpool(overlay, base, other, relation.onto)
        if laid is None:
            raise missing("a file is gone, or has other bytes now")
        for name in ("base", "other", "difference"):
            room.cache.put((key, name), getattr(laid, name))
        found = getattr(laid, which)
    return Response(found, media_type="image/jpeg", headers=_FOR_A_DAY)


async def _thumb(request: Request) -> Response:
    return await _picture(request, _THUMB)


async def _large(request: Request) -> Response:
    return await _picture(request, _LARGE)


async def _picture(request: Request, side: int) -> Response:
    room: Room = request.app.state.room
    sha256 = request.path_params["sha256"]
    found = room.cache.get((sha256, side))
    if found is None:
        made = await run_in_threadpool(_made, room.places.of(sha256), sha256, side)
        if made is None:
            raise missing("no file has these bytes any more, or none can be read")
        found = room.cache.put((sha256, side), made)
    return Response(found, media_type="image/jpeg", headers=_FOR_A_DAY)


def _made(paths: Sequence[str], sha256: str, side: int) -> bytes | None:
    """Make the picture from the first file that still has these bytes."""
    tried = (picture_of(path, sha256, side) for path in paths)
    return next((made for made in tried if made is not None), None)


def _number(request: Request) -> int:
    number: int = request.path_params["number"]
    if number >= len(request.app.state.room.desk.clusters):
        raise missing()
    return number


def _relation(request: Request) -> Relation | None:
    desk: Desk = request.app.state.room.desk
    cluster = desk.clusters[_number(request)]
    numbers = request.path_params["a"], request.path_params["b"]
    if max(numbers) >= len(desk.images):
        raise missing()
    a, b = (desk.images[n].id for n in numbers)
    if a == b or not {a, b} <= set(cluster.members):
        raise missing()
    return relate(desk.report, cluster, a, b)
