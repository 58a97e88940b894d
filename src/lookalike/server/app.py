"""The routes: read the body, hand the work to a thread, answer in JSON."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lookalike.http.bodies import Bodies, Limit, in_time
from lookalike.http.guard import Access, Guard
from lookalike.http.patience import timed_protocol
from lookalike.http.problems import Problem, handlers
from lookalike.model.serialization import to_plain
from lookalike.model.version import __version__
from lookalike.server import wire
from lookalike.server.asked import Asked
from lookalike.server.document import openapi
from lookalike.server.library import Library
from lookalike.server.settings import ServeConfig

__all__ = ["create_app", "serve", "server_of"]

Work = Callable[[Library, Asked], "Future[Any]"]


def serve(settings: ServeConfig, *, started: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; requests in work are finished first.

    Args:
        settings: of the service.
        started: called with the address before requests are taken.

    Raises:
        CollectionError: the collection is in use, or cannot be opened.
    """
    server = server_of(settings)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    started(f"http://{host}:{settings.port}")
    with suppress(KeyboardInterrupt):
        server.run()


def server_of(settings: ServeConfig) -> uvicorn.Server:
    """Make the service and its server, which holds the collection until it has run.

    Raises:
        CollectionError: the collection is in use, or cannot be opened.
    """
    config = uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        http=timed_protocol(settings.patience),
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=settings.max_seconds,
    )
    return uvicorn.Server(config)


def create_app(settings: ServeConfig) -> Guard:
    """Make the service as an ASGI application, which holds the collection until it is shut down.

    Raises:
        CollectionError: the collection is in use, or cannot be opened.
    """
    library = Library(settings)
    queue = _Queue(settings, library)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(library.close)

    app = Starlette(
        routes=[
            Route("/health", _health, methods=["GET"]),
            Route("/openapi.json", _document, methods=["GET"]),
            Route("/images", queue.endpoint(_add), methods=["POST"]),
            Route("/search", queue.endpoint(_search), methods=["POST"]),
            Route("/compare", queue.endpoint(_compare), methods=["POST"]),
            Route("/collapse", queue.endpoint(_collapse), methods=["POST"]),
        ],
        middleware=[in_time(settings.patience)],
        exception_handlers=handlers(500, "see GET /openapi.json"),
        lifespan=lifespan,
    )
    return Guard(app, _access(settings))


def _access(settings: ServeConfig) -> Access:
    wanted = Problem(
        401, "the token is missing or wrong", remedy="send the header Authorization: Bearer TOKEN"
    )
    return Access(
        is_own=lambda host: settings.is_own_name(_name(host)),
        named=settings.host,
        token=settings.token,
        wanted=wanted,
        unlocked=frozenset(["/health", "/openapi.json"]),
    )


def _name(host: str) -> str:
    """A ``Host`` without its port; empty where it is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


async def _health(request: Request) -> Response:
    return JSONResponse(to_plain(wire.Health("ok", __version__)))


async def _document(request: Request) -> Response:
    return JSONResponse(openapi())


def _add(library: Library, asked: Asked) -> Future[wire.Added]:
    return library.add(asked.pictures(asked.request(wire.AddRequest).images))


def _search(library: Library, asked: Asked) -> Future[wire.Answer]:
    request = asked.request(wire.SearchRequest)
    return library.search(asked.picture(request.image, "image"), request.k, request.box)


def _compare(library: Library, asked: Asked) -> Future[wire.Comparison]:
    request = asked.request(wire.CompareRequest)
    pair = asked.picture(request.first, "first"), asked.picture(request.second, "second")
    return library.compare(*pair)


def _collapse(library: Library, asked: Asked) -> Future[wire.Collapsed]:
    request = asked.request(wire.CollapseRequest)
    return library.collapse(asked.pictures(request.images), request.k, request.keep)


class _Queue:
    """Limits how many requests are worked on or wait."""

    def __init__(self, settings: ServeConfig, library: Library) -> None:
        self._settings = settings
        self._library = library
        self._places = settings.workers + settings.waiting
        self._inside = 0
        self._bodies = Bodies(self._places * settings.max_bytes)
        self._limit = Limit(
            settings.max_bytes,
            remedy="send fewer pictures at once, or start the service with another --max-mb",
        )

    def endpoint(self, work: Work) -> Callable[[Request], Any]:
        """Make a route that does ``work`` in a thread; the event loop only waits."""

        async def answer(request: Request) -> Response:
            self._check_places()
            # a request takes its place after its body has come: slow senders keep nobody waiting
            fields = await self._bodies.read_object(request, self._limit)
            self._check_places()
            self._inside += 1
            try:
                asked = Asked(fields, self._settings)
                # decoding base64 and looking up paths would block the event loop
                future = await asyncio.to_thread(work, self._library, asked)
                return JSONResponse(to_plain(await asyncio.wrap_future(future)))
            finally:
                self._inside -= 1

        return answer

    def _check_places(self) -> None:
        if self._inside >= self._places:
            raise Problem(
                503, "too many requests wait already", got=str(self._inside),
                remedy="send it again after Retry-After seconds",
            )  # fmt: skip
