"""Download many URLs, except those that are here or are known to fail."""

from __future__ import annotations

import contextlib
import gc
import logging
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lookalike.config import DownloadConfig
from lookalike.model.errors import CollectionError, ConfigError
from lookalike.model.files import Failure
from lookalike.runtime.progress import Progress, silent
from lookalike.sources import WebAddress
from lookalike.sources.downloads.cache import Cache, Remembered
from lookalike.store.lock import lock

if TYPE_CHECKING:
    from lookalike.sources.downloads.crew import Crew

__all__ = ["NOT_HERE", "Downloads"]

_LOG = logging.getLogger(__name__)
#: why a URL that was never asked for has no file
NOT_HERE = "not downloaded yet"

_FAILURES_HELD = 5000
Result = str | Failure


class Downloads:
    """Downloads URLs, each only once: the ``fetch`` of ``UrlCells``.

    Args:
        folder: where files lie, and ``failures.csv`` and ``log.jsonl``; created when first needed.
        config: limits and times.
        progress: called with (stage, done, total), from the calling thread.
    """

    def __init__(
        self,
        folder: str | Path,
        config: DownloadConfig | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._cache = Cache(Path(folder))
        self._config = config or DownloadConfig()
        self._progress = progress or silent
        self._known: dict[str, Result] = {}

    def __call__(self, addresses: Sequence[WebAddress]) -> dict[str, Result]:
        """Download URLs; returns the path of each file, or why there is none, by name of the URL.

        What is here, failed for good in an earlier run, or failed in an earlier call is not asked
        for. After an interrupt the next run continues partial files.

        Raises:
            ConfigError: something must be downloaded, and the extra ``urls`` is not installed.
            CollectionError: another process downloads into the folder, or it cannot be written.
        """
        new = {one.name: one for one in addresses if one.name not in self._known}
        with self._usable():
            self._known |= self._cache.files(new)
            missing = [one for one in new.values() if one.name not in self._known]
            self._known |= self._remembered(missing)
            missing = [one for one in missing if one.name not in self._known]
            if missing:
                _LOG.info("asking for %d of %d URLs", len(missing), len(addresses))
                self._download(missing)
        return {one.name: self._known[one.name] for one in addresses}

    def here(self, addresses: Sequence[WebAddress]) -> dict[str, Result]:
        """Look up URLs without downloading: one that is not here is a failure that says so."""
        names = [one.name for one in addresses]
        found: dict[str, Result] = {name: Failure(name, "download", NOT_HERE) for name in names}
        with self._usable():
            for name, earlier in self._cache.failures().items():
                if name in found:
                    found[name] = Failure(name, "download", _again(earlier))
            return {**found, **self._cache.files(names)}

    @contextlib.contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise CollectionError.of_system(
                "the folder of downloads cannot be used",
                self._cache.folder,
                error,
                elsewhere="choose another one with --downloads",
            ) from error

    def _remembered(self, missing: Sequence[WebAddress]) -> dict[str, Failure]:
        if self._config.retry_failed or not missing:
            return {}
        earlier = self._cache.failures()
        return {
            one.name: Failure(one.name, "download", _again(last))
            for one in missing
            if (last := earlier.get(one.name))
            and last.final
            # with a larger limit than before it may be downloaded
            and (not last.max_bytes or self._config.max_bytes <= last.max_bytes)
        }

    def _download(self, missing: Sequence[WebAddress]) -> None:
        cache, folder, crew = self._cache, self._cache.folder, _crew()
        folder.mkdir(parents=True, exist_ok=True)
        with lock(folder / "LOCK"), contextlib.closing(cache):
            cache.open()
            with contextlib.closing(self._results(crew, missing)) as results:
                for done, (name, result) in enumerate(results, start=1):
                    self._known[name] = result
                    self._progress("download", done, len(missing))
                    if done % _FAILURES_HELD == 0 and not gc.isenabled():
                        gc.collect(1)  # failed requests leave reference cycles

    def _results(
        self, kind: type[Crew], missing: Sequence[WebAddress]
    ) -> Generator[tuple[str, Result], None, None]:
        """Yield results as they come from an event loop in a thread of its own.

        The caller may have a loop of its own, as notebooks do.
        """
        crew = kind(self._cache, self._config)
        crew.start(missing)
        try:
            while (result := crew.told.get()) is not None:
                yield result
        finally:
            crew.stop()
        if crew.error is not None:
            raise crew.error


def _again(earlier: Remembered) -> str:
    if not earlier.final:
        return f"{earlier.reason} (on {earlier.at[:10]})"
    return f"{earlier.reason} (on {earlier.at[:10]}; --retry-failed asks again)"


def _crew() -> type[Crew]:
    try:
        from lookalike.sources.downloads.crew import Crew
    except ImportError as error:
        raise ConfigError(
            "downloads need another package", remedy="pip install 'lookalike[urls]'"
        ) from error
    return Crew
