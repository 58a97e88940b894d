"""Downloads: once, whole, bounded, gone on with; from the internet alone unless allowed."""

from __future__ import annotations

import contextlib
import csv
import errno
import gzip
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from website import Request, Site, serve

from conftest import scene
from lookalike.config import DownloadConfig
from lookalike.evaluation.edits import encode_jpeg
from lookalike.model.errors import CollectionError, ConfigError
from lookalike.model.files import Failure
from lookalike.sources import FolderSource, WebAddress, web_address
from lookalike.sources.downloads import Downloads, named_url
from lookalike.sources.downloads.addresses import is_public
from lookalike.sources.downloads.cache import Part

PICTURE = encode_jpeg(scene(1, 320, 240), 85)
# no test waits for what it is not about
QUICK = {
    "allow_private": True,
    "backoff": 0.01,
    "connect_timeout": 2.0,
    "read_timeout": 2.0,
    "total_timeout": 10.0,
}


@pytest.fixture
def site() -> Iterator[Site]:
    """A web server of the test's own."""
    with serve() as started:
        yield started


def address(url: str) -> WebAddress:
    """A URL that is one."""
    found = web_address(url)
    assert found is not None
    return found


def fetch(folder: Path, *urls: str, **settings: Any) -> list[str | Failure]:
    """What a new run brings, in the order of the URLs."""
    downloads = Downloads(folder, DownloadConfig(**{**QUICK, **settings}))
    wanted = [address(url) for url in urls]
    found = downloads(wanted)
    return [found[one.name] for one in wanted]


def texts(found: list[str | Failure]) -> list[str]:
    """The files of a run that brought some."""
    return [one for one in found if isinstance(one, str)]


def reason(folder: Path, url: str, **settings: Any) -> str:
    """Why a new run does not bring it."""
    (failure,) = fetch(folder, url, **settings)
    assert isinstance(failure, Failure) and failure.stage == "download", failure
    assert failure.path == address(url).name
    return failure.message


def data(folder: Path, url: str, **settings: Any) -> bytes:
    """What a new run brings."""
    (path,) = fetch(folder, url, **settings)
    assert isinstance(path, str), path
    return Path(path).read_bytes()


def test_what_is_here_is_not_asked_for(site: Site, tmp_path: Path) -> None:
    """The second run makes no request; files are named by digests and known by their URLs."""
    urls = [site.offer(f"/{n}.jpg", PICTURE + bytes([n])) for n in range(5)]
    first = fetch(tmp_path / "d", *urls)
    assert site.count() == 5 and len(set(first)) == 5
    for n, (url, path) in enumerate(zip(urls, first, strict=True)):
        assert isinstance(path, str) and Path(path).read_bytes() == PICTURE + bytes([n])
        assert Path(path).suffix == ".jpg" and named_url(path) == url
    assert fetch(tmp_path / "d", *urls) == first and site.count() == 5
    assert named_url(tmp_path / "elsewhere.jpg") == ""
    assert not list((tmp_path / "d" / "parts").iterdir())
    # a cache is no folder of the user's pictures
    assert list(FolderSource([tmp_path]).scan()) == []


def test_a_file_that_was_deleted_comes_again(site: Site, tmp_path: Path) -> None:
    """The folder is the truth."""
    url = site.offer("/a.jpg", PICTURE)
    (path,) = fetch(tmp_path, url)
    Path(str(path)).unlink()
    assert data(tmp_path, url) == PICTURE and site.count() == 2


@pytest.mark.slow
def test_requests_at_once_are_bounded(site: Site, tmp_path: Path) -> None:
    """By both limits, which are also reached; hosts are told apart by name."""
    urls = [site.offer(f"/{n}", PICTURE, delay=0.05) for n in range(24)]
    assert len(texts(fetch(tmp_path / "a", *urls, per_host=3))) == 24
    assert site.most == 3
    site.most = 0
    mixed = [url.replace("127.0.0.1", f"127.0.0.{2 + n % 3}") for n, url in enumerate(urls)]
    fetch(tmp_path / "b", *mixed, parallel=5, per_host=3)
    assert site.most == 5


def test_what_is_gone_is_remembered(site: Site, tmp_path: Path) -> None:
    """A 404 is asked for once, until it is asked for; failures stand in a table."""
    url = site.url("/gone.jpg")
    assert reason(tmp_path, url) == "the server answers 404 Not Found"
    again = reason(tmp_path, url)
    assert again.startswith("the server answers 404 Not Found (on 2") and site.count() == 1
    with (tmp_path / "failures.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["url"], row["final"]) == (url, "yes")
    site.offer("/gone.jpg", PICTURE)
    assert data(tmp_path, url, retry_failed=True) == PICTURE and site.count() == 2
    assert data(tmp_path, url) == PICTURE and site.count() == 2
    assert (tmp_path / "failures.csv").read_text().count("\n") == 1


def test_what_may_pass_is_tried_again(site: Site, tmp_path: Path) -> None:
    """A 500 then an answer; after enough of them it is left for the next run."""

    def route(request: Request) -> None:
        if request.turn < 3:
            request.answer(500, b"oops", kind="text/plain")
        else:
            request.answer(200, PICTURE)

    site.routes["/late.jpg"] = route
    assert data(tmp_path, site.url("/late.jpg")) == PICTURE and site.count() == 3
    site.routes["/never.jpg"] = lambda request: request.answer(503, b"")
    url = site.url("/never.jpg")
    assert reason(tmp_path, url) == "the server answers 503 Service Unavailable (4 tries)"
    assert site.count("/never.jpg") == 4
    reason(tmp_path, url, tries=1)
    assert site.count("/never.jpg") == 5


@pytest.mark.slow
def test_a_server_that_asks_for_patience_gets_it(site: Site, tmp_path: Path) -> None:
    """Retry-After is kept, for the whole host; a long one ends its turn."""
    times: list[float] = []

    def route(request: Request) -> None:
        times.append(time.monotonic())
        if request.turn == 1:
            request.answer(429, b"", Retry_After="1")
        else:
            request.answer(200, PICTURE)

    site.routes["/a.jpg"] = route
    assert data(tmp_path / "a", site.url("/a.jpg")) == PICTURE
    assert times[1] - times[0] >= 0.99
    site.routes["/b.jpg"] = lambda request: request.answer(429, b"", Retry_After="3600")
    rest = [site.offer(f"/{n}.jpg", PICTURE) for n in range(20)]
    before = site.count()
    found = fetch(tmp_path / "b", site.url("/b.jpg"), *rest, per_host=1)
    assert site.count() == before + 1 and len(found) == 21
    assert all(isinstance(one, Failure) and "alone for 3,600 s" in one.message for one in found)


@pytest.mark.slow
def test_silence_and_slowness_end(site: Site, tmp_path: Path) -> None:
    """No byte for a while, and bytes for too long; the latter is gone on with."""

    def silent(request: Request) -> None:
        request.head(200, Content_Length="1000")
        time.sleep(1)

    site.routes["/silent.jpg"] = silent
    said = reason(tmp_path, site.url("/silent.jpg"), read_timeout=0.2, tries=1)
    assert said == "no byte came for 0.2 s (1 try)"

    def dripping(request: Request) -> None:
        start = int(request.headers.get("Range", "bytes=0-")[6:-1])
        size = {"Content_Length": str(len(PICTURE) - start), "ETag": '"1"'}
        span = f"bytes {start}-{len(PICTURE) - 1}/{len(PICTURE)}"
        request.head(206 if start else 200, **size, **({"Content_Range": span} if start else {}))
        for at in range(start, len(PICTURE), len(PICTURE) // 8):
            request.wfile.write(PICTURE[at : at + len(PICTURE) // 8])
            time.sleep(0.1)

    site.routes["/drip.jpg"] = dripping
    said = reason(tmp_path, site.url("/drip.jpg"), total_timeout=0.35, tries=1)
    assert said == "not done after 0.35 s (1 try)"
    assert data(tmp_path, site.url("/drip.jpg"), total_timeout=0.6, tries=20) == PICTURE


def cut_once(site: Site, path: str, **headers: str) -> str:
    """A file whose connection breaks at half of it the first time; ranges are served."""

    def route(request: Request) -> None:
        asked = request.headers.get("Range")
        if request.turn == 1:
            request.head(200, Content_Length=str(len(PICTURE)), **headers)
            request.wfile.write(PICTURE[: len(PICTURE) // 2])
            request.cut()
        elif asked and request.headers.get("If-Range") == headers.get("ETag"):
            at = int(asked.removeprefix("bytes=").removesuffix("-"))
            span = f"bytes {at}-{len(PICTURE) - 1}/{len(PICTURE)}"
            request.answer(206, PICTURE[at:], Content_Range=span, **headers)
        else:
            request.answer(200, PICTURE, **headers)

    site.routes[path] = route
    return site.url(path)


def test_a_cut_connection_is_gone_on_with(site: Site, tmp_path: Path) -> None:
    """By a range of the same version; without a version from the start."""
    assert data(tmp_path, cut_once(site, "/a.jpg", ETag='"v1"')) == PICTURE
    half = len(PICTURE) // 2
    assert site.headers[-1]["Range"] == f"bytes={half}-" and site.headers[-1]["If-Range"] == '"v1"'
    assert data(tmp_path, cut_once(site, "/b.jpg")) == PICTURE
    assert "Range" not in site.headers[-1]
    # a weak tag does not promise the same bytes
    assert data(tmp_path, cut_once(site, "/c.jpg", ETag='W/"v1"')) == PICTURE
    assert "Range" not in site.headers[-1]


def test_another_version_begins_anew(site: Site, tmp_path: Path) -> None:
    """Halves of two versions are never put together, whatever the server answers."""
    other = encode_jpeg(scene(2, 320, 240), 85)

    def route(answer: Any) -> Any:
        def routed(request: Request) -> None:
            if request.turn == 1:
                request.head(200, Content_Length=str(len(PICTURE)), ETag='"v1"')
                request.wfile.write(PICTURE[:4000])
                request.cut()
            elif request.headers.get("Range"):
                answer(request)
            else:
                request.answer(200, other, ETag='"v2"')

        return routed

    span = f"bytes 4000-{len(other) - 1}/{len(other)}"
    answers = {
        "/honest": lambda r: r.answer(200, other, ETag='"v2"'),
        "/rangeless": lambda r: r.answer(200, other),
        "/mixing": lambda r: r.answer(206, other[4000:], ETag='"v2"', Content_Range=span),
        "/shifted": lambda r: r.answer(206, other[9:], ETag='"v1"', Content_Range="bytes 9-99/100"),
        "/refusing": lambda r: r.answer(416, b""),
    }
    for path, answer in answers.items():
        site.routes[path] = route(answer)
        assert data(tmp_path, site.url(path)) == other, path


def test_a_killed_run_is_gone_on_with(site: Site, tmp_path: Path) -> None:
    """Kill -9 in the middle of a file: what was whole stays, the part is gone on with."""
    whole = site.offer("/whole.jpg", PICTURE)

    def route(request: Request) -> None:
        if request.turn == 1:
            request.head(200, Content_Length=str(len(PICTURE)), ETag='"v1"')
            request.wfile.write(PICTURE[:5000])
            time.sleep(30)
        at = int(request.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        span = f"bytes {at}-{len(PICTURE) - 1}/{len(PICTURE)}"
        request.answer(206, PICTURE[at:], ETag='"v1"', Content_Range=span)

    site.routes["/half.jpg"] = route
    half = site.url("/half.jpg")
    code = (
        "import sys; from lookalike.sources.downloads import Downloads; "
        "from lookalike.config import DownloadConfig; "
        "from lookalike.sources import web_address; "
        "Downloads(sys.argv[1], DownloadConfig(allow_private=True, read_timeout=60))"
        "([web_address(url) for url in sys.argv[2:]])"
    )
    with subprocess.Popen([sys.executable, "-c", code, tmp_path, whole, half]) as process:
        deadline = time.monotonic() + 60
        sizes = [0]
        while time.monotonic() < deadline:
            parts = [path for path in tmp_path.glob("parts/*") if not path.suffix]
            with contextlib.suppress(FileNotFoundError):  # whole meanwhile
                sizes = [path.stat().st_size for path in parts]
            if sizes == [5000] and len(list(tmp_path.glob("??/*.jpg"))) == 1:
                break
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    assert sizes == [5000]
    with (tmp_path / "log.jsonl").open("ab") as log:
        log.write(b'{"url":"half a line')
    assert fetch(tmp_path, whole, half) and site.count("/whole.jpg") == 1
    assert data(tmp_path, half) == PICTURE and site.headers[-1]["Range"] == "bytes=5000-"
    lines = (tmp_path / "log.jsonl").read_bytes().splitlines()
    assert json.loads(lines[-1])["url"] == half


def test_an_interrupt_keeps_what_came(site: Site, tmp_path: Path) -> None:
    """Ctrl-C ends at once; the next run asks for the rest alone."""
    urls = [site.offer(f"/{n}.jpg", PICTURE, delay=0.05) for n in range(20)]

    def interrupted(stage: str, done: int, total: int) -> None:
        assert (stage, total) == ("download", 20)
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        config = DownloadConfig(**QUICK, per_host=2)
        Downloads(tmp_path, config, interrupted)([address(url) for url in urls])
    here = len(list(tmp_path.glob("??/*.jpg")))
    asked = site.count()
    assert 5 <= here <= asked < 20
    assert len(texts(fetch(tmp_path, *urls))) == 20
    # a request that was under way may reach the site after it was counted, one a thread
    assert 0 <= site.count() - (asked + 20 - here) <= 2


@pytest.mark.parametrize(
    ("body", "looks"),
    [(b"<!DOCTYPE html><p>no such picture", "HTML"), (b"", "nothing"), (b"{}", "text")],
)
def test_what_is_no_image_is_refused(site: Site, tmp_path: Path, body: bytes, looks: str) -> None:
    """By its content, whatever the server calls it; and the other way round."""
    url = site.offer("/a.jpg", body)
    said = reason(tmp_path, url)
    assert said == f"not an image: the content looks like {looks} (the server says image/jpeg)"
    reason(tmp_path, url)
    assert site.count() == 1 and not list((tmp_path / "parts").iterdir())
    assert data(tmp_path, site.offer("/b", PICTURE, kind="text/html")) == PICTURE


def test_too_large_is_refused_before_it_fills_the_disk(site: Site, tmp_path: Path) -> None:
    """By the length that the server names, or while it comes; a larger limit asks again."""
    sent = []

    def endless(request: Request) -> None:
        request.head(200, Transfer_Encoding="chunked")
        request.wfile.write(b"%x\r\n%s\r\n" % (len(PICTURE), PICTURE))
        while len(sent) < 10_000:
            request.wfile.write(b"1000\r\n" + bytes(4096) + b"\r\n")
            sent.append(4096)

    site.routes["/endless.jpg"] = endless
    said = reason(tmp_path, site.url("/endless.jpg"), max_bytes=200_000)
    assert said == "larger than 200,000 bytes: it did not end before" and len(sent) < 10_000
    url = site.offer("/large.jpg", PICTURE)
    assert (
        reason(tmp_path, url, max_bytes=5000) == f"larger than 5,000 bytes: {len(PICTURE):,} bytes"
    )
    reason(tmp_path, url, max_bytes=5000)
    assert site.count("/large.jpg") == 1 and not list((tmp_path / "parts").iterdir())
    assert data(tmp_path, url) == PICTURE


def test_packed_answers_are_unpacked(site: Site, tmp_path: Path) -> None:
    """Also where plain bytes were asked for; the limit is of what comes out."""
    packed = gzip.compress(PICTURE)
    url = site.offer("/a.jpg", packed, Content_Encoding="gzip", ETag='"v1"')
    assert data(tmp_path, url) == PICTURE and site.headers[0]["Accept-Encoding"] == "identity"
    bomb = gzip.compress(PICTURE + bytes(50_000_000))
    url = site.offer("/bomb.jpg", bomb, Content_Encoding="gzip")
    assert "larger than 1,000,000 bytes" in reason(tmp_path, url, max_bytes=1_000_000)
    url = site.offer("/odd.jpg", PICTURE, Content_Encoding="gzip")
    assert "cannot be unpacked" in reason(tmp_path, url)
    assert not list((tmp_path / "parts").iterdir())


def test_redirects_are_followed_to_an_end(site: Site, tmp_path: Path) -> None:
    """A few; not round in circles, and not out of the web."""
    site.offer("/real.jpg", PICTURE)
    site.routes["/a"] = lambda r: r.answer(302, b"", Location="/b")
    site.routes["/b"] = lambda r: r.answer(301, b"", Location=site.url("/real.jpg"))
    assert data(tmp_path, site.url("/a")) == PICTURE
    site.routes["/loop"] = lambda r: r.answer(302, b"", Location="/loop")
    assert reason(tmp_path, site.url("/loop")) == "redirects more than 5 times"
    assert site.count("/loop") == 6
    for target in ("file:///etc/passwd", "ftp://127.0.0.1/a.jpg"):
        site.routes["/out"] = lambda r, to=target: r.answer(302, b"", Location=to)
        assert "http" in reason(tmp_path, site.url("/out"), retry_failed=True)


def test_private_addresses_are_refused(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written, behind a name, or behind a redirect: no connection is made."""
    url = site.offer("/a.jpg", PICTURE)
    for one in (url, site.url("/a.jpg", "localhost"), site.url("/a.jpg", "2130706433")):
        said = reason(tmp_path, one, allow_private=False)
        assert "is 127.0.0.1, not an address" in said or "is ::1, not an address" in said
        assert "--allow-private" in said
    assert site.count() == 0
    monkeypatch.setattr("lookalike.sources.downloads.web.is_public", lambda ip: ip == "127.0.0.1")
    site.offer("/secret", PICTURE)
    for host in ("127.0.0.2", "169.254.169.254", "[::ffff:127.0.0.2]"):
        to = site.url("/secret", host)
        site.routes["/out"] = lambda r, to=to: r.answer(302, b"", Location=to)
        said = reason(tmp_path, site.url("/out"), allow_private=False)
        assert "not an address of the internet" in said
    assert site.count("/secret") == 0 and site.count("/out") == 3
    # what was refused for where it lies is not remembered: the network may be another tomorrow
    assert data(tmp_path, url) == PICTURE


def test_the_address_that_was_checked_is_connected_to(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that stands for another address a moment later (DNS rebinding) gains nothing."""
    url = site.offer("/a.jpg", PICTURE).replace("127.0.0.1", "rebind.test")
    real, asked = socket.getaddrinfo, []

    def changing(host: Any, port: Any, *rest: Any, **named: Any) -> Any:
        if host == "rebind.test":
            asked.append(host)
            host = "127.0.0.1" if len(asked) == 1 else "10.0.0.1"
        return real(host, port, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", changing)
    monkeypatch.setattr("lookalike.sources.downloads.web.is_public", lambda ip: ip == "127.0.0.1")
    assert data(tmp_path, url, allow_private=False) == PICTURE
    assert len(asked) == 1 and site.headers[0]["Host"] == f"rebind.test:{site.port}"


def test_certificates_are_of_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though an address is connected to, the certificate must be of the host that was named."""
    certificate = Path(__file__).parent / "data" / "shop.test.pem"
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    real = socket.getaddrinfo

    def found(host: Any, port: Any, *rest: Any, **named: Any) -> Any:
        host = "127.0.0.1" if str(host).endswith(".test") else host
        return real(host, port, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", found)
    with serve(certificate) as site:
        site.offer("/a.jpg", PICTURE)
        right, wrong = (f"https://{name}.test:{site.port}/a.jpg" for name in ("shop", "evil"))
        assert data(tmp_path, right) == PICTURE
        assert "not valid for 'evil.test'" in reason(tmp_path, wrong, tries=1)
        assert site.count() == 1


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("fec0::1", False),
        ("ff02::1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:93.184.216.34", True),
        ("2002:7f00:1::", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::5db8:d822", True),
        ("::ffff:0:7f00:1", False),
        ("::7f00:1", False),
        ("2001:0:7f00:1::", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    """Loopback, private, link-local, shared, multicast and reserved ones are not, in any form."""
    assert is_public(address) is public


def test_nothing_is_told_to_others(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """User and password go to their host alone, and into no file; cookies are not kept."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    to = site.url("/there.jpg", "localhost")
    site.routes["/a.jpg"] = lambda r: r.answer(302, b"", Location=to, Set_Cookie="id=1; Path=/")
    site.offer("/there.jpg", PICTURE)
    url = site.url("/a.jpg").replace("http://", "http://me:secret@")
    (path,) = fetch(tmp_path / "d", url)
    assert named_url(str(path)) == site.url("/a.jpg")
    site.offer("/b.jpg", PICTURE, Set_Cookie="id=2; Path=/")
    site.offer("/c.jpg", PICTURE)
    fetch(tmp_path / "d", site.url("/b.jpg"), site.url("/c.jpg"), per_host=1)
    first, *others = site.headers
    assert first["Authorization"].startswith("Basic ") and len(others) == 3
    assert not any("Authorization" in sent or "Cookie" in sent for sent in others)
    kept = [path.read_bytes() for path in (tmp_path / "d").rglob("*") if path.is_file()]
    assert len(kept) > 3 and not any(b"secret" in data for data in kept)


def test_a_host_that_is_down_is_left_alone(tmp_path: Path) -> None:
    """After a few URLs without a connection the others are not tried, in this run."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    urls = [f"http://127.0.0.1:{port}/{n}.jpg" for n in range(500)]
    found = fetch(tmp_path, *urls, backoff=0.05)
    said = [one.message for one in found if isinstance(one, Failure)]
    assert len(said) == 500 and all(one.startswith("no connection") for one in said)
    assert sum("(as of 3 before it)" in one for one in said) > 480
    said = [reason(tmp_path, "http://no-such-host.invalid/a.jpg", tries=1)]
    assert "no-such-host.invalid is not known" in said[0]


def test_a_full_disk_ends_the_run(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With an error that says so, not with a failure of every URL; so does a second process."""

    def full(self: Part, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    urls = [site.offer(f"/{n}.jpg", PICTURE) for n in range(30)]
    with monkeypatch.context() as patch:
        patch.setattr(Part, "write", full)
        with pytest.raises(CollectionError, match=r"No space left.*--downloads"):
            fetch(tmp_path, *urls, per_host=2)
    assert site.count() < 10
    holder = "import sys; from lookalike.store.lock import lock; from pathlib import Path; "
    code = holder + "file = lock(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, tmp_path / "LOCK"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == b"held\n"
        with pytest.raises(CollectionError, match="in use"):
            fetch(tmp_path, *urls)
        process.communicate(b"")


def test_without_the_extra(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is to be asked for names the extra; what is here needs none."""
    url = site.offer("/a.jpg", PICTURE)
    assert data(tmp_path, url) == PICTURE
    for name in [name for name in sys.modules if name.startswith("lookalike.sources.downloads.")]:
        if name.rpartition(".")[2] in ("crew", "web"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "httpx2", None)
    assert data(tmp_path, url) == PICTURE
    with pytest.raises(ConfigError, match=r"lookalike\[urls\]"):
        fetch(tmp_path, site.url("/b.jpg"))


def test_settings_that_cannot_work() -> None:
    """Counts from 1, times above 0."""
    for wrong in ({"parallel": 0}, {"tries": 0}, {"read_timeout": 0}, {"max_redirects": -1}):
        with pytest.raises(ConfigError):
            DownloadConfig(**wrong)


def test_servers_write_no_control_characters(site: Site, tmp_path: Path) -> None:
    """What they say ends up on terminals."""
    url = site.offer("/a.jpg", b"<html>", kind="text/\x9b31mred")
    assert reason(tmp_path, url).endswith("(the server says text/?31mred)")
