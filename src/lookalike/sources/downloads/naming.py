"""Find the URL that a downloaded file came from."""

from __future__ import annotations

import mmap
import os
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from lookalike.model.answer import Answer
from lookalike.sources.downloads.cache import LOG, read_line

__all__ = ["named_url", "with_urls"]


def with_urls(answer: Answer) -> Answer:
    """Give downloaded pictures of an answer their URLs as ids."""
    return replace(
        answer,
        in_set=tuple(named_url(path) or path for path in answer.in_set),
        hits=tuple(
            replace(hit, image=replace(hit.image, id=named_url(hit.image.path) or hit.image.id))
            for hit in answer.hits
        ),
        containments=tuple(
            replace(
                item,
                small=named_url(item.small) or item.small,
                large=named_url(item.large) or item.large,
            )
            for item in answer.containments
        ),
    )


def named_url(path: str | Path) -> str:
    """Look up the URL of a downloaded file; empty for files outside of downloads."""
    file = Path(path)
    log = file.parent.parent / LOG
    wanted = f'"file":"{file.parent.name}/{file.name}"'.encode("utf-8", "surrogateescape")
    if not os.path.isfile(log):  # noqa: PTH113
        return ""
    try:
        with log.open("rb") as opened, _mapped(opened) as text:
            at = text.rfind(wanted)
            line = text[text.rfind(b"\n", 0, at) + 1 : text.find(b"\n", at)] if at >= 0 else b""
    except (OSError, ValueError):  # it cannot be opened, or is empty
        return ""
    return str(read_line(line).get("url", ""))


def _mapped(opened: BinaryIO) -> mmap.mmap:
    return mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
