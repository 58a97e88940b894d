"""Serve the review page on this machine alone."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from lookalike.http.guard import Guard
from lookalike.http.patience import Patience, timed_protocol
from lookalike.model.errors import ConfigError
from lookalike.model.report import Report
from lookalike.store import Decisions, open_decisions
from lookalike.web.acting import Acting, action_routes
from lookalike.web.app import Room, make_app
from lookalike.web.charts import ROUTES
from lookalike.web.desk import Desk
from lookalike.web.searching import Guests, routes

__all__ = ["configured", "listen", "prepared", "serve"]


def serve(report: Report, db: str | Path, *, port: int, opened: Callable[[str], None]) -> None:
    """Show a report until the process is interrupted.

    Args:
        report: what is reviewed.
        db: folder or address of the collection, where decisions are kept and searches look.
        port: 0 for any free one.
        opened: called with the address, token included, once it can be opened.

    Raises:
        ConfigError: the port is taken.
        CollectionError: the decisions cannot be used.
    """
    with open_decisions(db) as decisions:
        listener = listen(port)
        with prepared(report, db, decisions, listener) as (app, address):
            opened(address)
            uvicorn.Server(configured(app)).run(sockets=[listener])


@contextmanager
def prepared(
    report: Report, db: str | Path, decisions: Decisions, listener: socket.socket
) -> Iterator[tuple[Guard, str]]:
    """Make the guarded application of a report, and its address with the token."""
    room = Room(Desk(report, decisions), db)
    port = listener.getsockname()[1]
    token = secrets.token_urlsafe(24)
    guests = Guests(room)
    tabs = [*routes(guests), *ROUTES, *action_routes(Acting(room))]
    try:
        yield make_app(room, port, token, tabs), f"http://127.0.0.1:{port}/?token={token}"
    finally:
        guests.close()


def configured(app: Guard) -> uvicorn.Config:
    """Configure a quiet server that does not wait for open tabs when it ends."""
    return uvicorn.Config(
        app,
        http=timed_protocol(Patience()),
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=1,
    )


def listen(port: int) -> socket.socket:
    """Open a socket on the loopback address alone.

    Raises:
        ConfigError: the port is taken.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise ConfigError(
            "cannot listen on this port", got=f"{port}: {error.strerror}", remedy="choose another"
        ) from error
    listener.listen(128)
    return listener
