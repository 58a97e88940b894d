"""Work on all cores."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lookalike.runtime import workers as cores
from lookalike.runtime.workers import each

SCRIPT = """
import os, time
from lookalike.runtime.workers import each
pids = {*each(lambda _: (time.sleep(0.2), os.getpid())[1], range(8), 2, apart=True)}
print(*pids, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("apart", [False, True])
def test_results_keep_their_order(apart: bool) -> None:
    """Whatever is finished first."""
    assert [*each(abs, range(-50, 0), 2, apart=apart)] == [*range(50, 0, -1)]


def test_processes_that_are_there_serve_little_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Starting them takes a second, asking them does not."""
    monkeypatch.setattr(cores, "_ready_until", 0.0)
    assert cores.worth_processes(cores.MANY) and not cores.worth_processes(2)
    pids = {*each(_pid, range(8), 2, apart=True)}
    assert os.getpid() not in pids and cores.worth_processes(2)


def _pid(_: int) -> int:
    return os.getpid()


def is_there(pid: int) -> bool:
    """Whether a process runs; one that ended and waits for its parent does not."""
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().rsplit(")", 1)[1].split()[0] != "Z"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are listed in /proc")
def test_processes_end_with_a_killed_parent() -> None:
    """Kill -9 leaves nothing behind."""
    parent = subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout:
        pids = [int(pid) for pid in parent.stdout.readline().split()]
    assert pids and os.getpid() not in pids and all(map(is_there, pids))
    parent.kill()
    parent.wait()
    until = time.monotonic() + 30
    while any(map(is_there, pids)) and time.monotonic() < until:
        time.sleep(0.2)
    assert not any(map(is_there, pids))
