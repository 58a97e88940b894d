"""Speak to web servers, which may tell no sizes, no ranges and no lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from lookalike.model.files import Failure

__all__ = ["drain", "linked", "span_of"]

_PIECE = 1 << 20


def drain(files: Any, url: str, take: Callable[[bytes], object]) -> None:
    """Pass on what a web server sends, piece by piece."""
    from fsspec.asyn import sync

    async def take_all() -> None:
        session = await files.set_session()
        async with session.get(files.encode_url(url), **files.kwargs) as reply:
            reply.raise_for_status()
            async for piece in reply.content.iter_chunked(_PIECE):
                take(piece)

    sync(files.loop, take_all)


def span_of(files: Any, url: str, start: int, end: int) -> bytes:
    """Read bytes from ``start`` up to ``end``, whether or not the server knows ranges."""
    from fsspec.asyn import sync

    headers = {**files.kwargs.get("headers", {}), "Range": f"bytes={start}-{end - 1}"}

    async def fetch() -> bytes:
        session = await files.set_session()
        told = {**files.kwargs, "headers": headers}
        data = bytearray()
        async with session.get(files.encode_url(url), **told) as reply:
            reply.raise_for_status()
            first = start if reply.status == 206 else 0
            async for piece in reply.content.iter_chunked(_PIECE):
                data.extend(piece)
                if first + len(data) >= end:
                    break
        return bytes(data[start - first : end - first])

    return cast(bytes, sync(files.loop, fetch))


def linked(
    path: str, items_of: Callable[[str], list[Mapping[str, Any]]]
) -> tuple[dict[str, Mapping[str, Any]], list[Failure]]:
    """List what a web server's pages link to below a folder, and links that are broken."""
    found: dict[str, Mapping[str, Any]] = {}
    broken = []
    pending, seen = [path], {path.rstrip("/")}
    while pending:
        folder = pending.pop()
        try:
            items = items_of(folder)
        except OSError as error:
            broken.append(Failure(folder, "scan", f"cannot be listed: {error}"))
            continue
        for item in items:
            if item["type"] != "directory":
                found[item["name"]] = item
            elif item["name"].rstrip("/") not in seen:
                seen.add(item["name"].rstrip("/"))
                pending.append(item["name"])
    return found, broken
