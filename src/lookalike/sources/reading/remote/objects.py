"""Objects that fsspec reads: in object stores, on web servers, and in all else it knows.

Every function may be called from any thread and process. Failures are ``OSError`` in words, raised
after some attempts where the trouble may pass and fsspec does not try again by itself.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import IO, Any, TypeVar

from lookalike.config import ReadConfig
from lookalike.model.errors import ConfigError
from lookalike.model.files import Failure
from lookalike.model.protocols import FarFile
from lookalike.sources.reading.addresses import below, fixed_part, is_pattern
from lookalike.sources.reading.remote.web import drain, linked, span_of

__all__ = ["copy_to", "examine", "found_under", "open_far", "read_far"]

_LOG = logging.getLogger(__name__)
Result = TypeVar("Result")
_BLOCK = 8 << 20
_PIECE = 1 << 20
_VERSIONS = ("ETag", "etag", "md5Hash", "content_md5", "generation", "crc32c", "checksum", "md5")
_TIMES = ("LastModified", "mtime", "updated", "last_modified", "Last-Modified", "created")
# protocols whose package tries again by itself
_PATIENT = ("gs", "gcs")
_EXTRAS = {"s3": "s3", "s3a": "s3"}
_PASSING_STATUS = (408, 425, 429)


class _TooLargeError(OSError):
    """More bytes than may be read at once."""


_FINAL = (
    FileNotFoundError,
    PermissionError,
    IsADirectoryError,
    NotImplementedError,
    ValueError,
    _TooLargeError,
)


def found_under(address: str, config: ReadConfig) -> Iterator[FarFile | Failure]:
    """List every object under an address, at any depth, or those that match a pattern.

    Raises:
        ConfigError: nothing is there, or it cannot be listed.
    """
    files, path = _filesystem(address, config)
    broken: list[Failure] = []
    try:
        files.invalidate_cache()
        if is_pattern(address) and not _patiently(files, config, lambda: files.exists(path)):
            found = _patiently(files, config, lambda: files.glob(path, detail=True))
        elif _is_file(files, config, path):
            found = {path: _patiently(files, config, lambda: files.info(path))}
        elif _is_web(files):
            found, broken = linked(
                path,
                lambda folder: _patiently(files, config, lambda: files.ls(folder, detail=True)),
            )
        else:
            found = _patiently(files, config, lambda: files.find(path, detail=True))
    except OSError as error:
        raise ConfigError("this cannot be listed", got=f"{address}: {error}") from error
    base = fixed_part(path) if is_pattern(address) and path not in found else path
    plain = [
        # a single object stays as it was addressed
        (address if name == path else str(files.unstrip_protocol(name)), below(base, name), info)
        for name, info in sorted(found.items())
        if info.get("type") == "file" and not name.endswith("/")
    ]
    if not plain:
        why = f": {broken[0].message}" if broken else ""
        raise ConfigError(
            "nothing is there", got=f"{address}{why}", expected="objects that can be listed"
        )
    _LOG.info("%s: %d objects", address, len(plain))
    yield from broken
    if all(info.get("size") is not None for _, _, info in plain):
        yield from (_far_file(where, name, info) for where, name, info in plain)
        return
    # web servers list names without sizes
    with ThreadPoolExecutor(config.at_once) as pool:
        yield from pool.map(lambda one: _examined(one[0], one[1], config), plain)


def examine(address: str, config: ReadConfig) -> FarFile:
    """Look up one object without reading it.

    Raises:
        OSError: it is not there, or nothing answers.
    """
    files, path = _filesystem(address, config)
    return _far_file(address, address, _patiently(files, config, lambda: files.info(path)))


def read_far(
    address: str,
    config: ReadConfig,
    start: int = 0,
    end: int | None = None,
    *,
    listed: bool = True,
) -> bytes:
    """Read an object or a part of it by fsspec, as ``remote.read_far`` says."""
    files, path = _filesystem(address, config)
    if end is not None and _is_web(files):
        return _patiently(files, config, lambda: span_of(files, path, start, end))
    if end is not None:
        return _patiently(files, config, lambda: files.cat_file(path, start=start, end=end))
    if not listed and not _is_web(files):
        info = _patiently(files, config, lambda: files.info(path))
        if why := config.too_large(info.get("size") or 0):
            raise _TooLargeError(why)
    return _patiently(files, config, lambda: _whole(files, config, path))


def copy_to(address: str, target: IO[bytes], config: ReadConfig, most: int) -> None:
    """Write a whole object into a file that is empty, piece by piece.

    Raises:
        OSError: it cannot be read, or not be written, or has more than ``most`` bytes.
    """
    files, path = _filesystem(address, config)

    def take(piece: bytes) -> None:
        target.write(piece)
        if target.tell() > most:
            raise _TooLargeError(f"larger than {most:,} bytes")

    def copy() -> None:
        target.seek(0)
        target.truncate()
        if _is_web(files):
            drain(files, path, take)
            return
        with files.open(path, "rb", block_size=_BLOCK, cache_type="readahead") as source:
            for piece in iter(lambda: source.read(_PIECE), b""):
                take(piece)

    _patiently(files, config, copy)


def open_far(address: str, config: ReadConfig) -> IO[bytes]:
    """Open an object as a seekable file that is read block by block.

    Raises:
        OSError: it is not there, or can only be read from its beginning.
    """
    files, path = _filesystem(address, config)
    file: IO[bytes] = _patiently(
        files, config, lambda: files.open(path, "rb", block_size=_BLOCK, cache_type="readahead")
    )
    if getattr(file, "size", 0) is None:
        file.close()
        raise OSError("it does not fit into the cache, and its server only sends it as a whole")
    return file


def _filesystem(address: str, config: ReadConfig) -> tuple[Any, str]:
    """Make the file system of an address, and split off the path in it.

    Raises:
        ConfigError: a package is missing, or nothing knows the scheme.
    """
    try:
        import fsspec
    except ImportError as error:
        raise ConfigError(
            "addresses need another package", got=address, remedy="pip install 'lookalike[remote]'"
        ) from error
    scheme = address.partition("://")[0]
    try:
        kind = fsspec.get_filesystem_class(scheme)
        # not url_to_fs: an object's name may have the :: that chains addresses
        files = kind(**(kind._get_kwargs_from_urls(address) | _timeouts(scheme, config)))
        path = kind._strip_protocol(address)
        if scheme in _EXTRAS:
            # attempts of three layers multiply: a silent server would be waited for an hour
            files.retries = 1
    except ImportError as error:
        extra = _EXTRAS.get(scheme, "remote")
        remedy = f"pip install 'lookalike[{extra}]'" if scheme in _EXTRAS else str(error)
        raise ConfigError(
            f"{scheme}:// needs another package", got=address, remedy=remedy
        ) from error
    except ValueError as error:
        raise ConfigError("nothing reads such an address", got=f"{address}: {error}") from error
    except Exception as error:  # every package refuses wrong credentials in its own way
        raise ConfigError(
            "this cannot be reached", got=f"{address}: {type(error).__name__}: {error}"
        ) from error
    return files, str(path)


def _timeouts(scheme: str, config: ReadConfig) -> dict[str, Any]:
    """Timeouts as fsspec's arguments; fsspec's own configuration goes first."""
    import fsspec

    told = fsspec.config.conf.get(scheme, {})
    if scheme in ("http", "https") and "client_kwargs" not in told:
        import aiohttp

        limits = aiohttp.ClientTimeout(
            total=None, sock_connect=config.connect_timeout, sock_read=config.read_timeout
        )
        return {"client_kwargs": {"timeout": limits}}
    if scheme in ("s3", "s3a") and "config_kwargs" not in told:
        waits = {
            "connect_timeout": config.connect_timeout,
            "read_timeout": config.read_timeout,
            "max_pool_connections": config.at_once,
            "retries": {"total_max_attempts": 1},
        }
        return {"config_kwargs": waits}
    return {}


def _patiently(files: Any, config: ReadConfig, ask: Callable[[], Result]) -> Result:
    """Ask, and ask again after a while when it failed for a reason that may pass."""
    protocols = (files.protocol,) if isinstance(files.protocol, str) else files.protocol
    attempts = 1 if set(_PATIENT) & set(protocols) else config.attempts
    wait = config.first_wait
    for left in reversed(range(attempts)):
        try:
            return ask()
        except Exception as error:  # every file system has exceptions of its own
            # fsspec turns every answer of a web server into FileNotFoundError
            cause = error.__cause__ if _is_web(files) else None
            reason = cause if isinstance(cause, Exception) else error
            if not left or not _may_pass(reason):
                raise _in_words(reason) from error
            _LOG.info("%s; asking again, %d times at most", _in_words(reason), left)
        time.sleep(wait * random.uniform(0.5, 1.5))
        wait *= 2
    raise AssertionError("every attempt ends in a return or an error")


def _may_pass(error: Exception) -> bool:
    if isinstance(error, _FINAL):
        return False
    status = getattr(error, "status", 0) or 0
    return not 400 <= status < 500 or status in _PASSING_STATUS


def _in_words(error: Exception) -> OSError:
    if isinstance(error, FileNotFoundError) or getattr(error, "status", 0) == 404:
        return FileNotFoundError("it is not there")
    if isinstance(error, OSError | ValueError) and str(error):
        return OSError(getattr(error, "strerror", None) or str(error))
    return OSError(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)


def _whole(files: Any, config: ReadConfig, path: str) -> bytes:
    """Read a whole object; a web server may not have told its size."""
    if not _is_web(files):
        return files.cat_file(path)
    data = bytearray()

    def take(piece: bytes) -> None:
        data.extend(piece)
        if why := config.too_large(len(data)):
            raise _TooLargeError(f"at least {why}")

    drain(files, path, take)
    return bytes(data)


def _is_web(files: Any) -> bool:
    return "http" in files.protocol


def _is_file(files: Any, config: ReadConfig, path: str) -> bool:
    if _is_web(files):
        if path.endswith("/"):
            return False
        return not _far_file(
            path, path, _patiently(files, config, lambda: files.info(path))
        ).is_page
    return bool(_patiently(files, config, lambda: files.isfile(path)))


def _examined(address: str, name: str, config: ReadConfig) -> FarFile | Failure:
    try:
        return replace(examine(address, config), name=name)
    except OSError as error:
        return Failure(address, "scan", f"cannot be examined: {error}")


def _far_file(address: str, name: str, info: Mapping[str, Any]) -> FarFile:
    moment = next((info[name] for name in _TIMES if info.get(name)), None)
    modified_ns = _nanoseconds(moment)
    told = next((info[name] for name in _VERSIONS if info.get(name)), None)
    version = str(told or (modified_ns if moment else ""))
    is_page = info.get("mimetype") == "text/html"
    return FarFile(address, info.get("size"), modified_ns, version, name, is_page)


def _nanoseconds(moment: Any) -> int:
    """Convert a time, in any form that file systems use, to nanoseconds; 0 for none."""
    try:
        if isinstance(moment, str):
            try:
                moment = datetime.fromisoformat(moment)
            except ValueError:
                moment = parsedate_to_datetime(moment)
        if isinstance(moment, datetime):
            aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return int(aware.timestamp() * 1_000_000) * 1000
        return int(float(moment) * 1e9) if moment else 0
    except (ValueError, TypeError, OverflowError):
        return 0
