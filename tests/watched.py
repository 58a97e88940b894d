"""Programs run apart from everything, with an eye on what they ask for and what they leave.

They run in a network namespace that has a loopback and no way out, under strace, with an empty home
and no word of this process's environment. What a program does only where it sees a network is made
to happen: the loopback has an address of a documentation network, and the host a name that is
nowhere, so that looking for oneself is a question to a name server.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import lookalike

_SECONDS = 120
_TRACE = "trace=bind,connect,sendto,sendmsg,sendmmsg,open,openat,creat"
# daemons that would ask in a program's place have their sockets in /run
_ENTER = """
import os, socket, subprocess, sys
for command in (
    "mount -t tmpfs none /run", "ip link set lo up", "ip address add 192.0.2.1/32 dev lo"
):
    subprocess.run(command.split(), check=True)
socket.sethostname("nowhere")
os.execvp(sys.argv[1], sys.argv[1:])
"""
_ADDRESS = re.compile(
    r'sin6?_port=htons\((?P<port>\d+)\).*?(?:inet_addr\(|inet_pton\(AF_INET6, )"(?P<host>[^"]+)"'
)
_MADE = re.compile(r"O_CREAT.*\) = \d+<(?P<path>[^>]*)>")
_LOOPBACK = re.compile(r"127\.|::1$|::ffff:127\.")
_SYSTEM = ("/dev/", "/proc/", "/memfd:")


@dataclass(frozen=True, slots=True)
class Seen:
    """What a program did.

    Attributes:
        status: its exit code.
        said: both of its outputs.
        asked: whom it tried to reach, or where it could be reached: addresses that are not the
            loopback's, and name servers.
        made: files that it opened to create, outside of what it was told and of the system's
            pseudo files.
        left: what lies in its home, its working folder and its folder for temporary files at the
            end, but for what it was told.
    """

    status: int
    said: str
    asked: list[str]
    made: list[str]
    left: list[str]


@lru_cache(maxsize=1)
def missing() -> str:
    """What it takes and is not here; empty where programs can be watched."""
    for tool in ("strace", "unshare", "ip", "mount"):
        if shutil.which(tool) is None:
            return tool
    command = [*_apart(), "strace", "-f", "--seccomp-bpf", "-y", "-o", os.devnull, "true"]
    tried = subprocess.run(command, capture_output=True, text=True)
    return "" if tried.returncode == 0 else f"a network namespace for strace: {tried.stderr[-200:]}"


def watch(folder: Path, *command: str) -> Seen:
    """Run a program that may write into ``out``, and for a while into ``tmp``.

    Args:
        folder: its working folder, empty but for ``out``. Its name is short: sockets may lie below.
        command: arguments of this Python.
    """
    for name in ("home", "tmp", "out", "trace"):
        (folder / name).mkdir(exist_ok=True)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "PYTHONPATH": str(Path(lookalike.__file__).parents[1]),
        "PYTHONDONTWRITEBYTECODE": "1",
        # somebody wants it for other programs
        "ORT_DISABLE_TELEMETRY": "0",
        "RAY_USAGE_STATS_ENABLED": "1",
    }
    tracer = ["strace", "-ff", "--seccomp-bpf", "-y", "-qq", "-e", _TRACE, "-o"]
    process = subprocess.Popen(
        [*_apart(), *tracer, str(folder / "trace/of"), sys.executable, *command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=_SECONDS)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    lines = "".join(map(_text, (folder / "trace").iterdir())).splitlines()
    shutil.rmtree(folder / "trace")
    asked, made = sorted(set(_asked(lines))), sorted(set(_made(lines, folder)))
    return Seen(process.returncode, said, asked, made, sorted(_left(folder)))


def _apart() -> list[str]:
    """What runs a command in namespaces of its own."""
    as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    return ["unshare", *as_root, "--net", "--mount", "--uts", sys.executable, "-c", _ENTER]


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")


def _asked(lines: list[str]) -> Iterator[str]:
    for line in lines:
        for found in _ADDRESS.finditer(line):
            if found["port"] == "53" or not _LOOPBACK.match(found["host"]):
                yield f"{found['host']} port {found['port']}"


def _made(lines: list[str], folder: Path) -> Iterator[str]:
    told = (f"{folder}/out/", f"{folder}/tmp/", *_SYSTEM)
    for line in lines:
        found = _MADE.search(line)
        if found and not found["path"].startswith(told):
            yield found["path"]


def _left(folder: Path) -> Iterator[str]:
    for place in (folder / "home", folder / "tmp", folder):
        for path in place.iterdir():
            if path.parent != folder or path.name not in ("home", "tmp", "out"):
                yield str(path.relative_to(folder))
