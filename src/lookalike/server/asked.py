"""What requests ask, checked before any work, and what is wrong with them in words."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lookalike.http.problems import Problem
from lookalike.server.settings import ServeConfig
from lookalike.sources.reading import lies_in

__all__ = ["Asked", "Picture"]

Picture = Path | bytes


class Asked:
    """The fields of one request's body, each checked when it is taken.

    Args:
        fields: the JSON object.
        settings: limits, and which paths may be named.
    """

    def __init__(self, fields: Mapping[str, Any], settings: ServeConfig) -> None:
        self._fields = fields
        self._settings = settings

    def only(self, *names: str) -> None:
        """Refuse fields that nothing would look at."""
        odd = sorted(self._fields.keys() - set(names))
        if odd:
            raise Problem(
                422, "unknown field", got=", ".join(odd), expected=", ".join(sorted(names))
            )

    def picture(self, name: str) -> Picture:
        """One picture: its bytes, or a path under a root."""
        return self._picture(self._fields.get(name), name)

    def pictures(self, name: str) -> list[Picture]:
        """A list of pictures, not longer than allowed."""
        items, most = self._fields.get(name), self._settings.max_images
        if not isinstance(items, list) or not items:
            raise Problem(422, f"{name} is missing", expected="a list of pictures")
        if len(items) > most:
            raise Problem(
                413, "too many pictures", got=str(len(items)), expected=f"at most {most}",
                remedy="send them in several requests",
            )  # fmt: skip
        return [self._picture(item, f"{name}[{n}]") for n, item in enumerate(items)]

    def count(self, name: str, default: int | None) -> int | None:
        """A whole number from 1."""
        value = self._fields.get(name, default)
        if value is default:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise Problem(422, f"{name} is no count", got=repr(value), expected="1 or more")
        return value

    def choice(self, name: str, options: tuple[str, ...]) -> str:
        """One of some words; the first by default."""
        value = self._fields.get(name, options[0])
        if value not in options:
            raise Problem(422, f"unknown {name}", got=repr(value), expected=" or ".join(options))
        return str(value)

    def box(self, name: str) -> tuple[int, int, int, int] | None:
        """x, y, width, height in pixels, or None."""
        value = self._fields.get(name)
        if value is None:
            return None
        is_box = isinstance(value, list) and len(value) == 4
        if not is_box or not all(type(part) is int and part >= 0 for part in value):
            raise Problem(
                422, f"{name} is no box", got=repr(value), expected="[x, y, width, height], pixels"
            )
        x, y, width, height = value
        return x, y, width, height

    def _picture(self, item: object, name: str) -> Picture:
        if not isinstance(item, dict) or len(item) != 1 or not {"path", "data"} & item.keys():
            raise Problem(
                422, f"{name} is no picture", got=_kind(item),
                expected='{"path": …} or {"data": base64}',
            )  # fmt: skip
        ((key, value),) = item.items()
        if not isinstance(value, str):
            raise Problem(422, f"{name}.{key} is no text", got=_kind(value), expected="a string")
        return self._path(value, name) if key == "path" else _decoded(value, name)

    def _path(self, value: str, name: str) -> Path:
        if not self._settings.roots:
            raise Problem(
                403, "this service opens no files by path", got=f"{name}.path",
                remedy="send the picture as data, or start the service with --root FOLDER",
            )  # fmt: skip
        try:
            path = Path(value).resolve()
        except (OSError, ValueError, RuntimeError) as error:
            raise Problem(422, f"{name}.path is no path", got=str(error)) from error
        if not lies_in(str(path), self._settings.real_roots):
            raise Problem(
                403, "the path lies outside of the folders that this service opens",
                got=f"{name}.path", remedy="start the service with another --root",
            )  # fmt: skip
        return path


def _decoded(text: str, name: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Problem(422, f"{name}.data is no base64", got=str(error)) from error


def _kind(item: object) -> str:
    if isinstance(item, dict):
        return f"an object with {', '.join(sorted(map(str, item))) or 'nothing'}"
    return "nothing" if item is None else type(item).__name__
