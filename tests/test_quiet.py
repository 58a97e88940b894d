"""Nothing leaves the machine, and nothing is written but where it was asked for."""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import cv2
import pytest

import watched
from conftest import save, scene
from lookalike.runtime import inference as engine

pytestmark = pytest.mark.slow

FOUND = 11
# work goes on in processes of its own, which load an engine
LIBRARY = """
import os, sys
import lookalike
from lookalike.runtime import inference as engine, workers as cores

def apart(number):
    engine.byte_product()
    return os.getpid()

print(len(lookalike.find(sys.argv[1], db="out/db").matches), "matches")
assert os.getpid() not in set(cores.each(apart, range(8), 2, apart=True))
"""
TRAINED = """
from pathlib import Path
import numpy as np
import torch
from lookalike.training.export import export_float, export_int8

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3)

    def forward(self, rgb):
        return self.conv(rgb.permute(0, 3, 1, 2).float()).mean((2, 3))

export_float(Net(), 16, Path("out/net.onnx"), {})
export_int8(Path("out/net.onnx"), Path("out/int8.onnx"), [np.zeros((16, 16, 3), np.uint8)])
"""
# somebody opens the page of a server, whose command follows, and searches with a picture
VISITED = """
import base64, json, re, signal, socket, subprocess, sys
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import HTTPCookieProcessor, Request, build_opener

command = [sys.executable, "-m", "lookalike", *sys.argv[2:]]
server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
told = next(found[0] for line in server.stdout if (found := re.search(r"http://\\S+", line)))
visitor, site = build_opener(HTTPCookieProcessor(CookieJar())), "/".join(told.split("/")[:3])

def ask(path, body=None, kind="application/octet-stream"):
    request = Request(site + path, body, {"Origin": site, "Content-Type": kind})
    return visitor.open(request).read()

def ask_json(path, question):
    return json.loads(ask(path, json.dumps(question).encode(), "application/json"))

try:
    while server.poll() is None:
        try:
            socket.create_connection((urlsplit(site).hostname, urlsplit(site).port)).close()
            break
        except ConnectionRefusedError:
            continue
    data = Path(sys.argv[1]).read_bytes()
    if sys.argv[2] == "review":
        ask(told.removeprefix(site))
        answer = ask_json("/api/search", {"input": json.loads(ask("/api/upload", data))["input"]})
    else:
        answer = ask_json("/search", {"image": {"data": base64.b64encode(data).decode()}})
    print(len(answer["hits"]), "hits")
finally:
    server.send_signal(signal.SIGINT)
    server.wait()
"""
INTRUSIVE = """
import socket
from pathlib import Path

(Path.home() / "token").write_text("made")
Path("session").write_text("made")
socket.create_server(("", 0)).close()
for host, port in (("host.example", 80), (socket.gethostname(), 80), ("192.0.2.200", 443)):
    try:
        socket.create_connection((host, port), timeout=2)
    except OSError as error:
        print(host, error)
"""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pictures, each with a copy."""
    folder = tmp_path_factory.mktemp("pictures")
    for seed in range(3):
        rgb = scene(seed, 320, 240)
        save(folder / f"{seed}.jpg", rgb)
        save(folder / f"copies/{seed}.jpg", cv2.resize(rgb, (200, 150)))
    return folder


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where a program is watched, or a skip that says why not; short, for Ray has sockets there."""
    lacking = watched.missing()
    if lacking:
        pytest.skip(f"programs cannot be watched without {lacking}")
    with tempfile.TemporaryDirectory(prefix="quiet-") as place:
        yield Path(place)


def is_quiet(seen: watched.Seen, status: int = 0, left: Sequence[str] = ()) -> None:
    """A program did what it should and nothing else."""
    assert seen.status == status, seen.said
    assert seen.asked == []
    assert seen.made == []
    assert seen.left == list(left)


def test_the_watch_sees(folder: Path) -> None:
    """Looking names up, connecting, listening, and writing elsewhere are all noticed."""
    seen = watched.watch(folder, "-c", INTRUSIVE)
    assert seen.status == 0, seen.said
    assert any(host.endswith("port 53") for host in seen.asked), seen
    assert {"192.0.2.200 port 443", "0.0.0.0 port 0"} <= set(seen.asked)
    assert seen.made == [f"{folder}/home/token", f"{folder}/session"]
    assert seen.left == ["home/token", "session"]


def test_find_and_search(pictures: Path, folder: Path) -> None:
    """Both write into the collection and the reports that were named, and ask nobody."""
    reports = ("--html", "out/page.html", "--csv", "out/tables")
    told = ("-m", "lookalike", "find", str(pictures), "--similar", *reports, "--db", "out/db")
    is_quiet(watched.watch(folder, *told), FOUND)
    told = ("-m", "lookalike", "search", str(pictures / "0.jpg"), "--html", "out/hits.html")
    is_quiet(watched.watch(folder, *told, "--db", "out/db"), FOUND)


def test_another_engine(pictures: Path, folder: Path) -> None:
    """OpenVINO is as quiet as ONNX Runtime."""
    if not importlib.util.find_spec("openvino"):
        pytest.skip("extra openvino not installed")
    told = ("-m", "lookalike", "find", str(pictures), "--similar", "--engine", "openvino")
    is_quiet(watched.watch(folder, *told, "--db", "out/db"), FOUND)


@pytest.mark.parametrize("verb", ["review", "serve"])
def test_pages(verb: str, pictures: Path, folder: Path) -> None:
    """A server answers on the loopback, searches, and asks nobody."""
    pytest.importorskip("uvicorn", reason=f"extra {verb} not installed")
    told = ("-m", "lookalike", "find", str(pictures), "--db", "out/db")
    is_quiet(watched.watch(folder, *told), FOUND)
    command = (verb, "--db", "out/db", *(["--no-browser"] if verb == "review" else []))
    seen = watched.watch(folder, "-c", VISITED, str(pictures / "0.jpg"), *command)
    is_quiet(seen)
    assert "6 hits" in seen.said, seen.said


def test_from_python(pictures: Path, folder: Path) -> None:
    """The library is as quiet as the command, also where work goes on in other processes."""
    seen = watched.watch(folder, "-c", LIBRARY, str(pictures))
    is_quiet(seen)
    assert "3 matches" in seen.said


def test_training(folder: Path) -> None:
    """Writing a trained network asks nobody, either."""
    for package in ("torch", "onnx"):
        if not importlib.util.find_spec(package):
            pytest.skip("extra train not installed")
    is_quiet(watched.watch(folder, "-c", TRAINED))


def test_cluster(pictures: Path, folder: Path) -> None:
    """A cluster that is started here keeps to the loopback; only Ray's own logs are left."""
    if not importlib.util.find_spec("ray"):
        pytest.skip("extra ray not installed")
    told = ("-m", "lookalike", "find", str(pictures), "--cluster", "auto", "--work", "out/work")
    is_quiet(watched.watch(folder, *told, "--similar"), FOUND, left=["tmp/ray"])


def test_one_who_was_there_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """ONNX Runtime that the program imported itself is hushed as far as it goes, with a warning."""
    called: list[str] = []
    loaded = SimpleNamespace(disable_telemetry_events=lambda: called.append("disable"))
    monkeypatch.setitem(sys.modules, "onnxruntime", loaded)
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "0")
    with pytest.warns(RuntimeWarning, match="ORT_DISABLE_TELEMETRY=1"):
        assert engine.onnx_runtime() is loaded
    assert engine.onnx_runtime() is loaded and called == ["disable"] * 2
