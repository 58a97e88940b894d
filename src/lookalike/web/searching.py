"""The tab of searches: upload or pick a picture, see the nearest ones of the collection."""

from __future__ import annotations

import hashlib
import secrets
import tempfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lookalike.config import DecodeConfig
from lookalike.http.bodies import Limit
from lookalike.images.decode import decode
from lookalike.model.answer import Answer
from lookalike.model.errors import ConfigError
from lookalike.model.files import Failure
from lookalike.retrieval.focus import Focus
from lookalike.retrieval.query import Question
from lookalike.run.search import search
from lookalike.runtime.output import writing
from lookalike.sources.reading import read_again
from lookalike.web.app import MOST_BYTES, Room, answer, fields_of, understood
from lookalike.web.desk import shown

__all__ = ["Guests", "routes"]

_PICTURE = Limit(MOST_BYTES, "the file is larger than 128 MB")
_MOST_UPLOADS, _MOST_GUESTS = 24, 4000
_HITS = 6


class Guests:
    """Pictures that are not in the report, uploads and hits, under random names.

    Args:
        room: what is reviewed.
    """

    def __init__(self, room: Room) -> None:
        self._room = room
        self._folder = tempfile.TemporaryDirectory(prefix="lookalike-")
        self._uploads: OrderedDict[str, Path] = OrderedDict()
        self._found: OrderedDict[str, str] = OrderedDict()
        self._names: dict[str, str] = {}
        place = room.desk.reviewed.place
        self._numbers = {place(image.id)[1]: n for n, image in enumerate(room.desk.images)}
        self.progress: tuple[str, int, int] = ("", 0, 0)

    def close(self) -> None:
        """Forget the uploads."""
        self._folder.cleanup()

    def take_in(self, data: bytes, name: str) -> str:
        """Keep an uploaded picture; returns its name.

        Raises:
            ConfigError: it is no picture.
        """
        seen = decode(name or "the upload", data, DecodeConfig(min_side=16))
        if isinstance(seen, Failure):
            raise ConfigError("this is not a picture", got=seen.message)
        guest = f"up-{hashlib.sha256(data).hexdigest()[:12]}{secrets.token_hex(6)}"
        path = Path(self._folder.name) / guest
        with writing(path) as place:
            place.write_bytes(data)
        self._uploads[guest] = path
        self._names[guest] = name or "pasted picture"
        while len(self._uploads) > _MOST_UPLOADS:
            old, path = self._uploads.popitem(last=False)
            path.unlink(missing_ok=True)
            del self._names[old]
        return guest

    def name_for(self, path: str) -> str:
        """Name a file for the page: its number in the report, or a guest's name."""
        number = self._numbers.get(path)
        if number is not None:
            return str(number)
        known = self._names.get(path)
        if known is None:
            known = f"in-{secrets.token_hex(9)}"
            self._names[path] = known
            self._found[known] = path
            if len(self._found) > _MOST_GUESTS:
                del self._names[self._found.popitem(last=False)[1]]
        return known

    def path_of(self, name: str) -> str:
        """Find the path or address of the file that has a name.

        Raises:
            ConfigError: no picture has this name any more.
        """
        if name.isdigit() and int(name) < len(self._room.desk.images):
            return self._room.desk.images[int(name)].path
        if name in self._uploads:
            return str(self._uploads[name])
        if name in self._found:
            return self._found[name]
        raise ConfigError("this picture is not there any more", remedy="choose it again")

    def title_of(self, name: str) -> str:
        """A name for people."""
        return self._names.get(name) or Path(self.path_of(name)).name

    def size_of(self, name: str) -> dict[str, Any]:
        """Read a picture's title, SHA-256, and its width and height, upright.

        Raises:
            ConfigError: it cannot be read any more.
        """
        path = self.path_of(name)
        try:
            data = read_again(path)
        except OSError as error:
            raise ConfigError("the picture cannot be read", got=str(error)) from error
        seen = decode(path, data, DecodeConfig(min_side=16))
        if isinstance(seen, Failure):
            raise ConfigError("this is not a picture", got=seen.message)
        # the file may have changed: these bytes are the ones that are searched with
        sha256 = hashlib.sha256(data).hexdigest()
        self._room.places.welcome(sha256, path)
        title = shown(self.title_of(name))
        return {"title": title, "sha256": sha256, "width": seen.width, "height": seen.height}

    def search(self, name: str, focus: Focus | None) -> Answer:
        """Search the collection with a picture of this name."""
        question = Question(self.path_of(name), _HITS, focus=focus)

        def progress(stage: str, done: int, total: int) -> None:
            self.progress = (stage, done, total)

        with self._room.collection_busy:
            found = search(question, db=self._room.db, progress=progress)
        for hit in found.hits:
            self._room.places.welcome(hit.image.sha256, hit.image.path)
        return found


def routes(guests: Guests) -> list[Route]:
    """List the tab's routes."""

    async def upload(request: Request) -> Response:
        room: Room = request.app.state.room
        data = await room.bodies.read(request, _PICTURE)
        name = request.query_params.get("name", "")[:200]
        guest = await run_in_threadpool(guests.take_in, data, name)
        return answer({"input": guest, **await run_in_threadpool(guests.size_of, guest)})

    @understood
    async def search(request: Request) -> Response:
        asked = await fields_of(request)
        name = str(asked["input"])
        found = await run_in_threadpool(guests.search, name, _focus(asked))
        return answer(_told(found, guests, name))

    async def sized(request: Request) -> Response:
        name = request.path_params["name"]
        return answer({"input": name, **await run_in_threadpool(guests.size_of, name)})

    async def progress(request: Request) -> Response:
        return answer(guests.progress)

    return [
        Route("/api/upload", upload, methods=["POST"]),
        Route("/api/search", search, methods=["POST"]),
        Route("/api/search/progress", progress),
        Route("/api/input/{name:str}", sized),
    ]


def _focus(asked: dict[str, Any]) -> Focus | None:
    """Read which part of the picture counts; the box is in upright, full-size pixels."""
    box = asked.get("box")
    ignore = bool(asked.get("ignore_overlays"))
    if box is None and not ignore:
        return None
    if box is not None:
        x, y, width, height = (int(value) for value in box)
        return Focus((x, y, width, height), ignore_overlays=ignore)
    return Focus(ignore_overlays=ignore)


def _told(found: Answer, guests: Guests, name: str) -> dict[str, Any]:
    return {
        "input": name,
        "title": shown(guests.title_of(name)),
        "searched": found.searched,
        "in_set": [shown(path) for path in found.in_set],
        "hits": [
            {
                "input": guests.name_for(hit.image.path),
                "sha256": hit.image.sha256,
                "name": shown(Path(hit.image.path).name),
                "path": shown(hit.image.path),
                "tier": hit.tier,
                "edit": "nothing shared found; near by the descriptor"
                if hit.tier == "similar"
                else shown(hit.edit),
                "distance": hit.distance,
                "width": hit.image.width,
                "height": hit.image.height,
                "bytes": hit.image.n_bytes,
                "type": hit.image.format,
                "damage": shown(hit.image.damage),
            }
            for hit in found.hits
        ],
    }
