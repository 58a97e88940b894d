"""Who may talk to the page: this machine's browser, with the token, from the page itself."""

from __future__ import annotations

import hmac
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Guard"]

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Guard:
    """Middleware that answers nobody else, from the first request on.

    Another site in the same browser can reach a local port; it can neither name our host (DNS
    rebinding fails at ``Host``), nor send our cookie (it is strict), nor post (``Origin``).

    Args:
        app: what is guarded.
        port: the port that is listened on.
        token: the secret in the address that was printed.
    """

    def __init__(self, app: ASGIApp, port: int, token: str) -> None:
        self._app = app
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self._token = token
        self._cookie = f"lookalike-{port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check, then pass on with protecting headers."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        answer = self._refusal(scope) or self._entrance(scope) or self._app

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = _POLICY
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
                headers["Cross-Origin-Resource-Policy"] = "same-origin"
                headers["Cross-Origin-Opener-Policy"] = "same-origin"
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await answer(scope, receive, guarded)

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if host not in self._hosts:
            return PlainTextResponse("this page answers on its own address only", 403)
        origin = headers.get("origin")
        is_reading = scope["method"] in ("GET", "HEAD")
        if (origin is None and not is_reading) or (
            origin is not None and origin != f"http://{host}"
        ):
            return PlainTextResponse("requests come from the page itself only", 403)
        given = _cookies(headers).get(self._cookie, "")
        if not _is_same(given, self._token) and not self._entrance(scope):
            return PlainTextResponse("open the address that 'lookalike review' printed", 403)
        return None

    def _entrance(self, scope: Scope) -> ASGIApp | None:
        """The printed address: its token becomes a cookie and leaves the address."""
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if scope["path"] != "/" or not _is_same(given, self._token):
            return None
        answer = RedirectResponse("/", 303)
        answer.set_cookie(self._cookie, self._token, httponly=True, samesite="strict", path="/")
        return answer


def _cookies(headers: Headers) -> dict[str, str]:
    pairs = (item.strip().partition("=") for item in headers.get("cookie", "").split(";"))
    return {name: value for name, _, value in pairs}


def _is_same(given: str, token: str) -> bool:
    return hmac.compare_digest(given.encode(), token.encode())
