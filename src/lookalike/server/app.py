"""The routes: guard, read the body within limits, hand the work to a thread, answer in JSON."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lookalike.model.errors import ConfigError, LookalikeError
from lookalike.model.version import __version__
from lookalike.runtime.patience import Patient, timed_protocol
from lookalike.server.asked import Asked, Problem
from lookalike.server.document import openapi
from lookalike.server.library import Library
from lookalike.server.settings import ServeConfig

__all__ = ["create_app", "serve", "server_of"]

Work = Callable[[Library, Asked], "Future[dict[str, Any]]"]


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
    """The service and its server, which holds the collection until it was run.

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


def create_app(settings: ServeConfig) -> Starlette:
    """The service as an ASGI application, which holds the collection until it is shut down.

    Raises:
        CollectionError: the collection is in use, or cannot be opened.
    """
    library = Library(settings)
    gate = _Gate(settings, library)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(library.close)

    async def health(request: Request) -> Response:
        gate.check_names(request)
        return JSONResponse({"status": "ok", "version": __version__})

    async def document(request: Request) -> Response:
        gate.check_names(request)
        return JSONResponse(openapi())

    return Starlette(
        routes=[
            Route("/health", health, methods=["GET"]),
            Route("/openapi.json", document, methods=["GET"]),
            Route("/images", gate.endpoint(_add), methods=["POST"]),
            Route("/search", gate.endpoint(_search), methods=["POST"]),
            Route("/compare", gate.endpoint(_compare), methods=["POST"]),
            Route("/collapse", gate.endpoint(_collapse), methods=["POST"]),
        ],
        middleware=[
            Middleware(Patient, patience=settings.patience, late=_late, left=ClientDisconnect)
        ],
        exception_handlers={
            Problem: _told,
            HTTPException: _routing,
            Exception: _unexpected,
        },
        lifespan=lifespan,
    )


def _add(library: Library, asked: Asked) -> Future[dict[str, Any]]:
    asked.only("images")
    return library.add(asked.pictures("images"))


def _search(library: Library, asked: Asked) -> Future[dict[str, Any]]:
    asked.only("image", "k", "box")
    return library.search(asked.picture("image"), asked.count("k", 6) or 6, asked.box("box"))


def _compare(library: Library, asked: Asked) -> Future[dict[str, Any]]:
    asked.only("first", "second")
    return library.compare(asked.picture("first"), asked.picture("second"))


def _collapse(library: Library, asked: Asked) -> Future[dict[str, Any]]:
    asked.only("images", "k", "keep")
    keep = asked.choice("keep", ("rank", "best"))
    return library.collapse(asked.pictures("images"), asked.count("k", None), keep)


class _Gate:
    """What every request passes: names, token, limits, a place in the queue."""

    def __init__(self, settings: ServeConfig, library: Library) -> None:
        self._settings = settings
        self._library = library
        self._inside = 0
        #: bytes of bodies that are not whole
        self._arriving = 0

    def endpoint(self, work: Work) -> Callable[[Request], Any]:
        """A route that does ``work`` in a thread; the event loop only waits."""

        async def answer(request: Request) -> Response:
            self.check_names(request)
            self._check_token(request)
            self._check_places()
            # whoever sends slowly holds no place, and keeps nobody waiting
            fields = await self._fields(request)
            self._check_places()
            self._inside += 1
            try:
                asked = Asked(fields, self._settings)
                # base64 of many megabytes is decoded, and paths are looked up, off the loop too
                future = await asyncio.to_thread(work, self._library, asked)
                return JSONResponse(await asyncio.wrap_future(future))
            except ConfigError as error:
                raise Problem.of(422, error) from error
            except LookalikeError as error:
                raise Problem.of(500, error) from error
            finally:
                self._inside -= 1

        return answer

    def check_names(self, request: Request) -> None:
        """Refuse requests that pages of other sites send, or that use a foreign name."""
        host = _name(f"//{request.headers.get('host', '')}")
        if not self._settings.is_own_name(host):
            raise Problem(
                403, "this service has another name", got=f"Host {host!r}",
                expected=self._settings.host,
            )  # fmt: skip
        origin = request.headers.get("origin")
        if origin is not None and _name(origin) != host:
            raise Problem(403, "pages of other sites may not ask", got=f"Origin {origin!r}")

    def _check_token(self, request: Request) -> None:
        token = self._settings.token
        shown = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token and not hmac.compare_digest(shown.encode(), token.encode()):
            raise Problem(
                401, "the token is missing or wrong",
                remedy="send the header Authorization: Bearer TOKEN",
            )  # fmt: skip

    @property
    def _places(self) -> int:
        return self._settings.workers + self._settings.waiting

    def _check_places(self) -> None:
        if self._inside >= self._places:
            raise Problem(
                503, "too many requests wait already", got=str(self._inside),
                remedy="send it again after Retry-After seconds",
            )  # fmt: skip

    async def _fields(self, request: Request) -> dict[str, Any]:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise Problem(
                415, "the body is of another type", got=kind or "none", expected="application/json"
            )
        body = bytearray()
        try:
            await self._read(request, body)
            fields = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise Problem(400, "the body is no JSON", got=str(error)) from error
        finally:
            self._arriving -= len(body)
        if not isinstance(fields, dict):
            raise Problem(400, "the body is no JSON object", got=type(fields).__name__)
        return fields

    async def _read(self, request: Request, body: bytearray) -> None:
        """Read the body, which is let go as soon as it is too long."""
        most = self._settings.max_bytes
        claimed = request.headers.get("content-length", "0")
        too_long = claimed.isdigit() and int(claimed) > most
        if not too_long:
            async for part in request.stream():
                if self._arriving + len(part) > self._places * most:
                    raise Problem(
                        503, "too much arrives at once", got=f"{self._arriving:,} bytes already",
                        remedy="send it again after Retry-After seconds",
                    )  # fmt: skip
                body += part
                self._arriving += len(part)
                if len(body) > most:
                    too_long = True
                    break
        if too_long:
            raise Problem(
                413, "the body is too long", expected=f"at most {most:,} bytes",
                remedy="send fewer pictures at once, or start the service with another --max-mb",
            )  # fmt: skip


def _late() -> Problem:
    return Problem(
        408, "the body did not come in time", expected="a body that comes without long pauses",
        remedy="send it again, or fewer pictures at once",
    )  # fmt: skip


def _name(address: str) -> str:
    """The host of an address, lower case, without its port; empty where there is none."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


async def _told(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, Problem)
    more = {
        401: {"WWW-Authenticate": "Bearer"},
        408: {"Connection": "close"},
        503: {"Retry-After": "1"},
    }
    return JSONResponse(problem.body, problem.status, headers=more.get(problem.status))


async def _routing(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    what = {404: "nothing lies here", 405: "this is asked in another way"}
    problem = Problem(
        error.status_code,
        what.get(error.status_code, error.detail),
        got=f"{request.method} {request.url.path}",
        remedy="see GET /openapi.json",
    )
    return JSONResponse(problem.body, problem.status, headers=error.headers)


async def _unexpected(request: Request, error: Exception) -> Response:
    problem = Problem(
        500, "the service failed", got=type(error).__name__, remedy="see what it printed"
    )
    return JSONResponse(problem.body, problem.status)
