"""Request one URL by HTTP, through httpx2; the only module that opens connections.

Nothing but the URL itself is sent: no cookies, no credentials of the environment, no proxies. The
address that a host name stands for is looked up here, checked, and then connected to, so that it
cannot be another one a moment later; redirects come the same way.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import time
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import Self

import httpcore2
import httpx2

from lookalike.config import DownloadConfig
from lookalike.images.headers import describe_content, sniff
from lookalike.model.version import __version__
from lookalike.sources import WebAddress
from lookalike.sources.downloads.addresses import PrivateAddressError, is_public
from lookalike.sources.downloads.cache import HEAD, Part
from lookalike.sources.downloads.outcomes import Fetched, Later, Outcome, Refused

__all__ = ["Web"]

_LATER = frozenset([408, 425, 429, *range(500, 600)])
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
_ADDRESSES = 4  # addresses of one host that are tried within the time limit of one
_CONNECTIONS = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpcore2.ConnectError,
    httpcore2.ConnectTimeout,
)
_TIMEOUTS = (httpx2.TimeoutException, httpcore2.TimeoutException)
# only errors of the network: a full disk is another matter
_BROKEN = (httpx2.HTTPError, httpcore2.NetworkError, httpcore2.ProtocolError, ssl.SSLError)


class Web:
    """Requests URLs; use it within ``async with``.

    Args:
        config: limits of one request.
    """

    def __init__(self, config: DownloadConfig) -> None:
        self._config = config
        self._client = httpx2.AsyncClient(
            transport=_Transport(config),
            trust_env=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            headers={
                "User-Agent": f"lookalike/{__version__}",
                "Accept": "image/*,*/*;q=.5",
                # pictures are compressed already, and ranges count the bytes of the file itself
                "Accept-Encoding": "identity",
            },
            timeout=httpx2.Timeout(config.read_timeout, connect=config.connect_timeout),
        )

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._client.__aexit__(kind, error, trace)

    async def get(self, address: WebAddress, part: Part) -> Outcome:
        """Request a URL once, continuing its partial file."""
        try:
            outcome = await self._got(address, part)
        finally:
            part.close()
        if isinstance(outcome, Refused) or (isinstance(outcome, Later) and not part.version):
            part.drop()
        return outcome

    async def _got(self, address: WebAddress, part: Part) -> Outcome:
        config = self._config
        try:
            async with asyncio.timeout(config.total_timeout):
                return await self._asked(address, part)
        except PrivateAddressError as error:
            return Refused(f"{error}; --allow-private lets it", final=False)
        except _CONNECTIONS as error:
            return Later(f"no connection: {_words(error)}", silent=True)
        except _TIMEOUTS:
            return Later(f"no byte came for {config.read_timeout:g} s", silent=True)
        except TimeoutError:
            return Later(f"not done after {config.total_timeout:g} s")
        except httpx2.UnsupportedProtocol:
            return Refused("redirects to what is neither http nor https")
        except httpx2.DecodingError as error:
            return Refused(f"the answer cannot be unpacked: {_words(error)}")
        except (httpx2.InvalidURL, ValueError) as error:
            return Refused(f"not a URL: {_words(error)}")
        except _BROKEN as error:
            return Later(f"the connection broke: {_words(error)}")

    async def _asked(self, address: WebAddress, part: Part) -> Outcome:
        part.look()
        ranged = {"Range": f"bytes={part.size}-", "If-Range": part.version} if part.version else {}
        request: httpx2.Request | None
        request = self._client.build_request("GET", address.full, headers=ranged)
        for _ in range(self._config.max_redirects + 1):
            if request.url.scheme not in ("http", "https"):
                return Refused(f"redirects to {request.url.scheme}, not http or https")
            answer = await self._client.send(request, stream=True, follow_redirects=False)
            try:
                request = answer.next_request
                if request is None:
                    return await self._taken(answer, part)
            finally:
                await answer.aclose()
        return Refused(f"redirects more than {self._config.max_redirects} times")

    async def _taken(self, answer: httpx2.Response, part: Part) -> Outcome:
        """Take what an answer that is no redirect brings."""
        code = answer.status_code
        if code in _LATER:
            return Later(_status(answer), wait=_wait(answer))
        if code == 416 or (code == 206 and not _goes_on(answer, part)):
            part.drop()
            return Later("the rest that was asked for is not to be had", wait=0)
        if code not in (200, 206):
            return Refused(_status(answer))
        plain = answer.headers.get("content-encoding", "identity") == "identity"
        length = answer.headers.get("content-length", "")
        whole = int(length) if plain and length.isdigit() else None
        if code == 200:
            part.begin(_version(answer) if plain else "")
        else:
            part.go_on()
            whole = None if whole is None else whole + part.size
        if whole is not None and whole > self._config.max_bytes:
            return self._too_large(f"{whole:,} bytes")
        return await self._streamed(answer, part, whole)

    async def _streamed(self, answer: httpx2.Response, part: Part, whole: int | None) -> Outcome:
        known = part.size >= HEAD
        async for chunk in answer.aiter_bytes():
            part.write(chunk)
            if part.size > self._config.max_bytes:
                return self._too_large("it did not end before")
            if not known and part.size >= HEAD:
                known = True
                if sniff(part.head()) is None:
                    return _no_image(answer, part)
        if whole is not None and part.size != whole:
            return Later(f"{part.size:,} of {whole:,} bytes came")
        container = sniff(part.head())
        if container is None:
            return _no_image(answer, part)
        said = answer.headers.get("content-type", "")
        # flushing to the disk must not hold up the other requests
        return Fetched(await asyncio.to_thread(part.finish, container, {"content_type": said}))

    def _too_large(self, words: str) -> Refused:
        most = self._config.max_bytes
        return Refused(f"larger than {most:,} bytes: {words}", max_bytes=most)


class _Transport(httpx2.AsyncBaseTransport):
    """Keeps connections to checked addresses alive for the next request to the same host."""

    def __init__(self, config: DownloadConfig) -> None:
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=httpx2.create_ssl_context(),
            max_connections=None,  # the crew limits requests
            max_keepalive_connections=config.parallel,
            keepalive_expiry=5.0,
            network_backend=_Network(config.allow_private),
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        url = request.url
        answer = await self._pool.handle_async_request(
            httpcore2.Request(
                method=request.method,
                url=httpcore2.URL(
                    scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                ),
                headers=request.headers.raw,
                extensions=request.extensions,
            )
        )
        assert isinstance(answer.stream, AsyncIterable)
        return httpx2.Response(
            answer.status,
            headers=answer.headers,
            stream=_Body(answer.stream),
            extensions=answer.extensions,
        )

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Body(httpx2.AsyncByteStream):
    def __init__(self, stream: AsyncIterable[bytes]) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            yield part

    async def aclose(self) -> None:
        close = getattr(self._stream, "aclose", None)
        if close is not None:
            await close()


class _Network(httpcore2.AsyncNetworkBackend):
    """Looks up a host, and connects to one of its addresses that is allowed."""

    def __init__(self, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._plain = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout):
                found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout(f"{host} was not looked up in time") from error
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(f"{host} is not known: {error}") from error
        addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
        allowed = [one for one in addresses if self._allow_private or is_public(one)]
        if not allowed:
            raise PrivateAddressError(f"{host} is {addresses[0]}, not an address of the internet")
        last: Exception = httpcore2.ConnectError(f"{host} has no address")
        for address in allowed[:_ADDRESSES]:
            try:
                return await self._plain.connect_tcp(
                    address,
                    port,
                    None if timeout is None else timeout / min(len(allowed), _ADDRESSES),
                    local_address,
                    socket_options,
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                last = error
        raise last

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def _goes_on(answer: httpx2.Response, part: Part) -> bool:
    """Whether an answer continues the partial file, in the same version."""
    said = _RANGE.fullmatch(answer.headers.get("content-range", ""))
    same = _version(answer) in ("", part.version)
    return bool(part.version and said and int(said[1]) == part.size and same)


def _version(answer: httpx2.Response) -> str:
    """What identifies the version of an answer: a strong ETag, or a date."""
    tag = str(answer.headers.get("etag", ""))
    return tag if tag.startswith('"') else str(answer.headers.get("last-modified", ""))


def _wait(answer: httpx2.Response) -> float | None:
    """Parse Retry-After, a number of seconds or a date, into seconds."""
    said = answer.headers.get("retry-after", "").strip()
    if said.isdigit():
        return float(said)
    try:
        return max(0.0, parsedate_to_datetime(said).timestamp() - time.time())
    except (ValueError, TypeError):
        return None


def _status(answer: httpx2.Response) -> str:
    return f"the server answers {answer.status_code} {answer.reason_phrase}".rstrip()


def _no_image(answer: httpx2.Response, part: Part) -> Refused:
    looks = describe_content(part.head()) if part.size else "nothing"
    said = answer.headers.get("content-type", "no type")
    return Refused(f"not an image: the content looks like {looks} (the server says {said})")


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
