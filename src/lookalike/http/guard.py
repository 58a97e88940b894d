"""Refuse requests that pages of other sites send, or that come without the token."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lookalike.http.problems import Problem, refusal

__all__ = ["Access", "Guard"]

_PROTECTING = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_READING = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Access:
    """Who may ask.

    Attributes:
        is_own: whether a ``Host``, lower case, is this server.
        named: what ``Host`` is expected to be, for people.
        token: the secret of every request; empty for none.
        wanted: what is answered where the token is missing or wrong.
        cookie: name of the cookie that carries the token, which ``/?token=TOKEN`` sets; empty: it
            comes as ``Authorization: Bearer TOKEN``. Browsers send cookies by themselves, so what
            is not only reading must then name its ``Origin``.
        unlocked: paths that need no token.
    """

    is_own: Callable[[str], bool]
    named: str
    token: str
    wanted: Problem
    cookie: str = ""
    unlocked: frozenset[str] = frozenset()


class Guard:
    """ASGI middleware that refuses foreign requests before the application sees them.

    A page of another site, open in a browser here, can reach a local port. A name of its own that
    points to this machine (DNS rebinding) fails at ``Host``; the cookie is strict, so the page
    cannot send it; and it cannot post, as ``Origin`` is checked.

    Args:
        app: what is guarded.
        access: who may ask.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self.app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check, then pass on with protecting headers."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_PROTECTING)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._answer(scope)(scope, receive, protected)

    def _answer(self, scope: Scope) -> ASGIApp:
        headers = Headers(scope=scope)
        problem = self._foreign(scope["method"], headers)
        entrance = None if problem else self._entrance(scope)
        if problem is None and entrance is None:
            problem = self._locked(scope["path"], headers)
        return refusal(problem, headers) if problem else entrance or self.app

    def _foreign(self, method: str, headers: Headers) -> Problem | None:
        """Check the names in a request: its ``Host`` and ``Origin``."""
        host = headers.get("host", "").lower()
        if not self._access.is_own(host):
            return Problem(
                403, "this service has another name", got=f"Host {host!r}",
                expected=self._access.named,
            )  # fmt: skip
        origin = headers.get("origin")
        if origin is None:
            if not self._access.cookie or method in _READING:
                return None
            return Problem(403, "pages of other sites may not ask", got="no Origin")
        if _site(origin) != host:
            return Problem(403, "pages of other sites may not ask", got=f"Origin {origin!r}")
        return None

    def _locked(self, path: str, headers: Headers) -> Problem | None:
        """Check the token of a request that needs one."""
        access = self._access
        if not access.token or path in access.unlocked:
            return None
        if access.cookie:
            given = _cookies(headers).get(access.cookie, "")
        else:
            given = headers.get("authorization", "").removeprefix("Bearer ")
        return None if _is_same(given, access.token) else access.wanted

    def _entrance(self, scope: Scope) -> ASGIApp | None:
        """Redirect from the address with the token, which becomes a cookie."""
        access = self._access
        if not access.cookie or scope["path"] != "/":
            return None
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if not _is_same(given, access.token):
            return None
        answer = RedirectResponse("/", 303)
        answer.set_cookie(access.cookie, access.token, httponly=True, samesite="strict", path="/")
        return answer


def _site(origin: str) -> str:
    """Host and port of an origin, lower case, as ``Host`` has them; empty where there are none."""
    try:
        address = urlsplit(origin)
    except ValueError:
        return ""
    return address.netloc.lower() if address.scheme in ("http", "https") else ""


def _cookies(headers: Headers) -> dict[str, str]:
    pairs = (item.strip().partition("=") for item in headers.get("cookie", "").split(";"))
    return {name: value for name, _, value in pairs}


def _is_same(given: str, token: str) -> bool:
    return hmac.compare_digest(given.encode(), token.encode())
