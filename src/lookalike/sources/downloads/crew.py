"""Schedule requests for many URLs: how many at once, when to retry, when to give up."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import random
import threading
import time
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from lookalike.config import DownloadConfig
from lookalike.model.files import Failure
from lookalike.sources import WebAddress
from lookalike.sources.downloads.cache import Cache
from lookalike.sources.downloads.outcomes import Fetched, Later, Outcome, Refused
from lookalike.sources.downloads.web import Web

__all__ = ["Crew"]

_LOG = logging.getLogger(__name__)
Result = str | Failure


@dataclass(slots=True)
class _Host:
    """The state of one server in this run."""

    waiting: deque[WebAddress]
    misses: int = 0
    closed: str = ""
    not_before: float = 0.0


class Crew:
    """Downloads many URLs at once, in an event loop in a thread of its own.

    Args:
        cache: open; where files lie.
        config: limits and times.
    """

    def __init__(self, cache: Cache, config: DownloadConfig) -> None:
        self._cache, self._config = cache, config
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopped = threading.Event()
        #: results as they come, by name of the URL; None ends them
        self.told: queue.SimpleQueue[tuple[str, Result] | None] = queue.SimpleQueue()
        #: what ended the work, if anything did; valid after the None
        self.error: Exception | None = None

    def start(self, missing: Sequence[WebAddress]) -> None:
        """Start downloading all of them."""
        self._thread = threading.Thread(
            target=self._run, args=(missing,), name="lookalike-downloads"
        )
        self._thread.start()

    def stop(self) -> None:
        """Cancel the work and wait for its end; does nothing if it has ended."""
        self._stopped.set()
        if self._loop is not None and self._task is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._task.cancel)
        if self._thread is not None:
            self._thread.join()

    def _run(self, missing: Sequence[WebAddress]) -> None:
        try:
            asyncio.run(self._all(missing))
        except asyncio.CancelledError:
            pass
        except Exception as error:
            self.error = error
        finally:
            self.told.put(None)

    async def _all(self, missing: Sequence[WebAddress]) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        if self._stopped.is_set():
            return
        hosts: dict[str, deque[WebAddress]] = defaultdict(deque)
        for one in missing:
            hosts[urlsplit(one.name).netloc].append(one)
        slots = asyncio.Semaphore(self._config.parallel)
        try:
            async with Web(self._config) as web, asyncio.TaskGroup() as group:
                for waiting in hosts.values():
                    host = _Host(waiting)
                    for _ in range(min(self._config.per_host, len(waiting))):
                        group.create_task(self._work(host, web, slots))
        except ExceptionGroup as several:
            # a full disk, for example: the first exception says what is wrong
            raise several.exceptions[0] from None

    async def _work(self, host: _Host, web: Web, slots: asyncio.Semaphore) -> None:
        while host.waiting:
            one = host.waiting.popleft()
            outcome = await self._tried(one, host, web, slots)
            if isinstance(outcome, Fetched):
                self.told.put((one.name, outcome.path))
                continue
            # some of the words come from servers
            reason = "".join(one if one.isprintable() else "?" for one in outcome.reason[:500])
            about: dict[str, Any] = {"reason": reason, "final": False}
            if isinstance(outcome, Refused):
                about |= {"final": outcome.final, "max_bytes": outcome.max_bytes}
            self._cache.log(one.name, **about)
            self.told.put((one.name, Failure(one.name, "download", reason)))

    async def _tried(
        self, one: WebAddress, host: _Host, web: Web, slots: asyncio.Semaphore
    ) -> Outcome:
        """Ask until it comes, is refused, or was tried too often; holds no slot while waiting."""
        config, part = self._config, self._cache.part(one.name)
        last = Later("not asked for")
        for turn in range(1, config.tries + 1):
            while (pause := host.not_before - time.monotonic()) > 0 and not host.closed:
                await asyncio.sleep(pause)
            if host.closed:
                return Later(host.closed)
            async with slots:
                outcome = await web.get(one, part)
            if not isinstance(outcome, Later):
                host.misses = 0
                return outcome
            last = outcome
            _LOG.info("%s: %s (try %d of %d)", one.name, last.reason, turn, config.tries)
            self._note(host, last)
            if last.wait is None and turn < config.tries:
                wait = config.backoff * 2 ** (turn - 1) * random.uniform(0.5, 1.5)
                await asyncio.sleep(min(wait, config.max_wait))
        host.misses = host.misses + 1 if last.silent else 0
        if host.misses >= config.misses:
            host.closed = f"{last.reason} (as of {host.misses} before it)"
        tries = "1 try" if config.tries == 1 else f"{config.tries} tries"
        return Later(f"{last.reason} ({tries})")

    def _note(self, host: _Host, outcome: Later) -> None:
        """Apply a server's request to wait to all its URLs."""
        if not outcome.wait:
            return
        if outcome.wait > self._config.max_wait:
            host.closed = f"{outcome.reason}, and asks to be left alone for {outcome.wait:,.0f} s"
        else:
            host.not_before = max(host.not_before, time.monotonic() + outcome.wait)
