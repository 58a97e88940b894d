"""Bodies have a time to come in; nobody is blamed for what the server is slow at."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from lookalike.http.patience import Patience, Patient


class Clock:
    """An event loop whose time passes only when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def run(self, work: Any) -> None:
        """Run a coroutine by this clock."""
        with asyncio.Runner() as runner:
            runner.get_loop().time = lambda: self.now  # type: ignore[method-assign]
            runner.run(work)

    async def passes(self, seconds: float) -> None:
        """Let time pass, and what is due then happen."""
        self.now += seconds
        for _ in range(3):
            await asyncio.sleep(0)


async def reads(scope: Any, receive: Any, send: Any) -> None:
    """An application that reads a body, and then waits for the client to leave."""
    while (message := await receive())["type"] == "http.request":
        scope["body"] += message["body"]


@pytest.mark.parametrize(("size", "in_time"), [(100, True), (10, False), (0, False)])
def test_bodies_may_be_slow_as_long_as_they_come(size: int, in_time: bool) -> None:
    """What came buys time for what is to come; nothing is timed once a body is whole."""
    clock, pieces = Clock(), [b"x" * size] * 20

    async def receive() -> Any:
        if not pieces:
            await clock.passes(1000)
            return {"type": "http.disconnect"}
        await clock.passes(1)
        return {"type": "http.request", "body": pieces.pop(), "more_body": bool(pieces)}

    patience = Patience(body_seconds=1.5, bytes_a_second=100)
    timed = Patient(reads, patience=patience, late=ConnectionError, left=KeyError)
    scope = {"type": "http", "body": b""}
    if in_time:
        clock.run(timed(scope, receive, None))  # type: ignore[arg-type]
        assert len(scope["body"]) == 2000
    else:
        with pytest.raises(ConnectionError):
            clock.run(timed(scope, receive, None))  # type: ignore[arg-type]


def test_a_busy_server_blames_nobody() -> None:
    """What came while the event loop was held up counts as come in time."""
    clock, scope = Clock(), {"type": "http", "body": b""}

    async def held_up() -> None:
        came = asyncio.Event()

        async def receive() -> Any:
            await came.wait()
            kind = "http.disconnect" if scope["body"] else "http.request"
            return {"type": kind, "body": b"x", "more_body": False}

        timed = Patient(reads, patience=Patience(), late=ConnectionError, left=KeyError)
        waiting = asyncio.create_task(timed(scope, receive, None))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        # the body comes and the time runs out in one turn of the loop, in this order
        clock.now += 1000
        asyncio.get_running_loop().call_soon(came.set)
        await waiting

    clock.run(held_up())
    assert scope["body"] == b"x"
