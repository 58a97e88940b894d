"""Read the bodies of requests within limits of size, memory and time."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request

from lookalike.http.patience import Patience, Patient
from lookalike.http.problems import Problem

__all__ = ["Bodies", "Limit", "in_time"]


@dataclass(frozen=True, slots=True)
class Limit:
    """How long one body may be.

    Attributes:
        most: bytes.
        what: said where it is longer.
        remedy: what the client can do then.
    """

    most: int
    what: str = "the body is too long"
    remedy: str = ""


class Bodies:
    """Reads the bodies of one server's requests.

    Args:
        at_once: bytes that bodies which are not whole yet may hold together.
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._arriving = 0

    async def read(self, request: Request, limit: Limit) -> bytes:
        """Read a body, as long as it is not too long.

        Raises:
            Problem: 413, it is too long; 503, too much arrives at the same time.
        """
        body = bytearray()
        try:
            await self._fill(body, request, limit)
            return bytes(body)
        finally:
            self._arriving -= len(body)

    async def read_object(self, request: Request, limit: Limit) -> dict[str, Any]:
        """Read a body that is a JSON object.

        Raises:
            Problem: 413 and 503 as for ``read``; 415, another type is claimed; 400, no JSON object.
        """
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        # a browser lets no page of another site send this type without asking the server first
        if kind != "application/json":
            raise Problem(
                415, "the body is of another type", got=kind or "none", expected="application/json"
            )
        body = await self.read(request, limit)
        try:
            fields = json.loads(body, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            raise Problem(400, "the body is no JSON", got=str(error)) from error
        if not isinstance(fields, dict):
            raise Problem(400, "the body is no JSON object", got=type(fields).__name__)
        return fields

    async def _fill(self, body: bytearray, request: Request, limit: Limit) -> None:
        claimed = request.headers.get("content-length", "0")
        is_too_long = claimed.isdigit() and int(claimed) > limit.most
        if not is_too_long:
            async for part in request.stream():
                if self._arriving + len(part) > self._at_once:
                    raise Problem(
                        503, "too much arrives at once", got=f"{self._arriving:,} bytes already",
                        remedy="send it again after Retry-After seconds",
                    )  # fmt: skip
                body += part
                self._arriving += len(part)
                if len(body) > limit.most:
                    is_too_long = True
                    break
        if is_too_long:
            raise Problem(
                413, limit.what, expected=f"at most {limit.most:,} bytes", remedy=limit.remedy
            )


def in_time(patience: Patience) -> Middleware:
    """Refuse bodies that do not come in time (408), and ignore clients that leave."""
    return Middleware(Patient, patience=patience, late=_late, left=ClientDisconnect)


def _late() -> Problem:
    return Problem(
        408, "the body did not come in time", expected="a body that comes without long pauses",
        remedy="send it again, or fewer pictures at once",
    )  # fmt: skip


def _refuse(constant: str) -> None:
    """Refuse NaN and Infinity, which Python reads and JSON does not have."""
    raise ValueError(f"{constant} is no JSON")
