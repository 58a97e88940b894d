"""Answer requests that cannot be served: a status, and what, got, expected, remedy."""

from __future__ import annotations

import logging
from typing import Any

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ExceptionHandler

from lookalike.model.errors import ConfigError, LookalikeError
from lookalike.model.legible import legible

__all__ = ["Problem", "handlers", "refusal"]

_LOG = logging.getLogger(__name__)
_HEADERS = {
    401: {"WWW-Authenticate": "Bearer"},
    408: {"Connection": "close"},
    503: {"Retry-After": "1"},
}
_ROUTING = {404: "nothing lies here", 405: "this is asked in another way"}


class Problem(LookalikeError):  # noqa: N818  an answer, not only an error
    """A request that cannot be answered.

    Args:
        status: HTTP status code.
        what: what could not be done.
        got: what was found.
        expected: what was needed.
        remedy: what the client can do about it.
    """

    def __init__(
        self, status: int, what: str, *, got: str = "", expected: str = "", remedy: str = ""
    ) -> None:
        super().__init__(what, got=got, expected=expected, remedy=remedy)
        self.status = status

    @classmethod
    def of(cls, status: int, error: LookalikeError) -> Problem:
        """Make a problem of an error of the library."""
        return cls(status, error.what, got=error.got, expected=error.expected, remedy=error.remedy)

    @property
    def body(self) -> dict[str, Any]:
        """The answer as a JSON object; nothing in it acts on a terminal or a page."""
        told = {
            name: legible(getattr(self, name)) for name in ("what", "got", "expected", "remedy")
        }
        return {"error": told}


def refusal(problem: Problem, asked: Headers) -> Response:
    """Answer with a problem: as JSON, or in a sentence where a browser opens a page.

    Args:
        problem: what is wrong.
        asked: headers of the request.
    """
    _LOG.info("refused with %d: %s", problem.status, problem)
    headers = _HEADERS.get(problem.status)
    if "text/html" in asked.get("accept", ""):
        return PlainTextResponse(legible(str(problem)), problem.status, headers)
    return JSONResponse(problem.body, problem.status, headers)


def handlers(failed: int, see: str = "") -> dict[type[Exception], ExceptionHandler]:
    """Make the handlers that answer to the exceptions of an application's routes.

    Args:
        failed: status of an error of the library that is not about settings.
        see: remedy where an address or method does not exist.
    """

    async def known(request: Request, error: Exception) -> Response:
        assert isinstance(error, LookalikeError)
        if not isinstance(error, Problem):
            error = Problem.of(422 if isinstance(error, ConfigError) else failed, error)
        return refusal(error, request.headers)

    async def routing(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        status = error.status_code
        problem = Problem(
            status,
            _ROUTING.get(status, error.detail),
            got=f"{request.method} {request.url.path}",
            remedy=see,
        )
        response = refusal(problem, request.headers)
        response.headers.update(error.headers or {})
        return response

    async def unexpected(request: Request, error: Exception) -> Response:
        failure = Problem(
            500, "the service failed", got=type(error).__name__, remedy="see what it printed"
        )
        return refusal(failure, request.headers)

    return {LookalikeError: known, HTTPException: routing, Exception: unexpected}
