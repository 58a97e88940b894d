"""Check what requests ask before any work is done."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from lookalike.http.problems import Problem
from lookalike.model.serialization import checked
from lookalike.server import wire
from lookalike.server.settings import ServeConfig
from lookalike.sources.reading import lies_in

__all__ = ["Asked", "Picture"]

Picture = Path | bytes
Request = TypeVar("Request")


class Asked:
    """One request's body.

    Args:
        fields: the JSON object.
        settings: limits, and which paths may be named.
    """

    def __init__(self, fields: Mapping[str, Any], settings: ServeConfig) -> None:
        self._fields = fields
        self._settings = settings

    def request(self, kind: type[Request]) -> Request:
        """The body as a record.

        Raises:
            ConfigError: it is none.
        """
        return checked(self._fields, kind, "the request")

    def picture(self, named: wire.Picture, field: str) -> Picture:
        """What a picture of the request is: its bytes, or a path under a root."""
        return self._path(named.path, field) if named.data is None else named.data

    def pictures(self, named: tuple[wire.Picture, ...]) -> list[Picture]:
        """The same of its ``images``, which are not more than allowed."""
        most = self._settings.max_images
        if len(named) > most:
            raise Problem(
                413, "too many pictures", got=str(len(named)), expected=f"at most {most}",
                remedy="send them in several requests",
            )  # fmt: skip
        return [self.picture(one, f"images[{number}]") for number, one in enumerate(named)]

    def _path(self, value: str, field: str) -> Path:
        if not self._settings.roots:
            raise Problem(
                403, "this service opens no files by path", got=f"{field}.path",
                remedy="send the picture as data, or start the service with --root FOLDER",
            )  # fmt: skip
        try:
            path = Path(value).resolve()
        except (OSError, ValueError, RuntimeError) as error:
            raise Problem(422, f"{field}.path is no path", got=str(error)) from error
        if not lies_in(str(path), self._settings.real_roots):
            raise Problem(
                403, "the path lies outside of the folders that this service opens",
                got=f"{field}.path", remedy="start the service with another --root",
            )  # fmt: skip
        return path
