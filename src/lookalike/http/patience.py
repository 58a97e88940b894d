"""Limit how long a server waits for what clients send; ignore clients that leave."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

__all__ = ["Patience", "Patient", "timed_protocol"]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server waits for what a client sends.

    Attributes:
        header_seconds: from when a request may begin until its headers are whole.
        body_seconds: from there on for its body, and a second more for every ``bytes_a_second``
            that came.
        bytes_a_second: the slowest that a body may come.
    """

    header_seconds: float = 10.0
    body_seconds: float = 10.0
    bytes_a_second: int = 100_000


class Patient:
    """ASGI middleware: a body that comes too late is an error, a client that leaves is none.

    Args:
        app: what reads the bodies.
        patience: how long to wait for one.
        late: makes the exception that is raised in the app when a body does not come in time.
        left: exception that the app raises when the client has gone; it is dropped.
    """

    def __init__(
        self,
        app: App,
        *,
        patience: Patience,
        late: Callable[[], Exception],
        left: type[Exception],
    ) -> None:
        self._app = app
        self._patience = patience
        self._late = late
        self._left = left

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Call the application, with the body limited in time."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with suppress(self._left):
            await self._app(scope, self._timed(receive), send)

    def _timed(self, receive: Receive) -> Receive:
        deadline = asyncio.get_running_loop().time() + self._patience.body_seconds
        is_whole = False

        async def timed() -> Message:
            nonlocal deadline, is_whole
            if is_whole:
                return await receive()
            try:
                message = await _until(deadline, receive)
            except TimeoutError:
                raise self._late() from None
            deadline += len(message.get("body", b"")) / self._patience.bytes_a_second
            is_whole = not message.get("more_body", False)
            return message

        return timed


async def _until(deadline: float, receive: Receive) -> Message:
    try:
        async with asyncio.timeout_at(deadline):
            return await receive()
    except TimeoutError:
        # the event loop may have been busy: take what has come meanwhile, without waiting
        async with asyncio.timeout(0):
            return await receive()


def timed_protocol(patience: Patience) -> type[asyncio.Protocol]:
    """Extend Uvicorn's protocol to close connections whose headers do not come in time.

    uvicorn itself waits for ever for the first byte of a connection, and for the rest of headers
    that began; between two requests it waits 5 seconds.
    """
    from uvicorn.protocols.http.auto import AutoHTTPProtocol

    class Timed(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
        _deadline: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            self._look()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._look()

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            self._rest()

        def _look(self) -> None:
            """Start the clock unless a request is being answered."""
            if self.cycle is not None and not self.cycle.response_complete:
                self._rest()
            elif self._deadline is None:
                close = self.transport.close
                self._deadline = self.loop.call_later(patience.header_seconds, close)

        def _rest(self) -> None:
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None

    return Timed
