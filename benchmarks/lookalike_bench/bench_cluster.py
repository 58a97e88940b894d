"""A cluster against one machine: the same answer, also where a node or the driver is killed.

    python -m lookalike_bench.bench_cluster --pictures DIR [--out FOLDER | --json]

Pictures lie in object storage: an S3 server on this machine (moto). The cluster has two nodes of
one core each, the single machine two threads. Where it may, all of it runs in a network namespace
of its own, for Ray listens on every interface.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lookalike import distributed
from lookalike.config import FindConfig
from lookalike.distributed import Layout
from lookalike.model.report import Report
from lookalike.run.find import find
from lookalike.runtime.progress import Progress
from lookalike_bench.results import RESULTS, Result, this_command, write_result

__all__ = ["main"]

_ALONE = "LOOKALIKE_ALONE_IN_A_NETWORK"
_BUCKET = "pictures"
_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": "us-east-1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    # what a socket of Ray may be named is short
    "RAY_TMPDIR": "/tmp",
}
_STORE_BYTES = 400_000_000
_WAIT, _LOOK_SECONDS = 120.0, 0.2


@dataclass(frozen=True, slots=True)
class Trial:
    """One run against the single machine's.

    Attributes:
        name: what was done to it.
        seconds: wall time.
        processor_seconds: of all processes but the store; 0 where they cannot be told apart.
        images: of the set.
        decoded: contents that this run decoded, the others were finished before.
        same: whether images, matches, clusters, decisions and failures are the single machine's.
    """

    name: str
    seconds: float
    processor_seconds: float
    images: int
    decoded: int
    same: bool


def main() -> None:
    """Run all trials; print them, or write them into the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=Path, required=True, nargs="+")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--json", action="store_true", help="Print the trials and nothing else.")
    parser.add_argument("--shard", type=int, default=0, help="Files per shard on average.")
    arguments = parser.parse_args()
    if _ALONE not in os.environ and _may_be_alone():
        command = [sys.executable, "-m", __spec__.name, *sys.argv[1:]]
        script = ["sh", "-c", 'ip link set lo up && exec "$@"', "sh", *command]
        environment = {**os.environ, _ALONE: "1"}
        raise SystemExit(subprocess.run(["unshare", "-n", *script], env=environment).returncode)
    with tempfile.TemporaryDirectory(prefix="lookalike-cluster-") as folder:
        trials = _trials(arguments.pictures, Path(folder), Layout(shard=arguments.shard))
    if arguments.json:
        print(json.dumps([asdict(trial) for trial in trials]))
        return
    result = _result(trials)
    print("\n".join(result.lines))
    print(f"written: {write_result(arguments.out, result)}")


def _may_be_alone() -> bool:
    """Whether this user may have a network namespace; elsewhere Ray keeps to the loopback."""
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        return False
    tried = subprocess.run(["unshare", "-n", "ip", "link", "set", "lo", "up"], capture_output=True)
    return tried.returncode == 0


def _trials(pictures: Sequence[Path], folder: Path, layout: Layout) -> list[Trial]:
    os.environ.update({**_ENVIRONMENT, "LOOKALIKE_CACHE": str(folder / "cache")})
    with _object_store(pictures, folder) as store:
        address = f"s3://{_BUCKET}/"
        config = FindConfig(threads=2)
        # both read from the store: what one fetched is not kept for the other
        os.environ["LOOKALIKE_CACHE_MB"] = "0"

        def single() -> Report:
            return find([address], db=folder / "collection", config=config)

        oracle, alone = _timed(single, store)
        trials = [_trial("one machine, 2 threads", oracle, oracle, alone)]
        with _two_nodes() as nodes:
            clustered = _Clustered(address, nodes, folder, config, layout, store)
            trials.append(_trial("cluster, 2 nodes of 1 core", *clustered.run("plain", oracle)))
            trials.append(_trial("the same again", *clustered.run("plain", oracle)))
            trials.append(_trial("driver killed, started again", *clustered.resumed(oracle)))
            trials.append(_trial("a node killed midway", *clustered.without_node(oracle)))
    return trials


Ran = tuple[Report, Report, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class _Clustered:
    """Runs on the cluster.

    Attributes:
        address: of the pictures.
        nodes: the cluster.
        folder: for work folders.
        config: settings.
        layout: how work is cut.
        store: process of the store.
    """

    address: str
    nodes: Any
    folder: Path
    config: FindConfig
    layout: Layout
    store: int

    def run(self, name: str, oracle: Report, progress: Progress | None = None) -> Ran:
        """One run in a work folder of that name."""
        report, spent = _timed(lambda: self._find(name, progress), self.store)
        return oracle, report, spent

    def resumed(self, oracle: Report) -> Ran:
        """A run whose driver is killed when a third of its shards are there, and a second run."""
        work = self.folder / "resumed"
        code = (
            "from lookalike import distributed\n"
            f"distributed.find([{self.address!r}], cluster={self.nodes.address!r}, "
            f"work={str(work)!r}, layout=distributed.{self.layout!r})"
        )
        enough = max(1, _shards(self.folder / "plain") // 3)
        with subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as driver:
            end = time.monotonic() + _WAIT
            while _shards(work) < enough:
                if time.monotonic() > end or driver.poll() is not None:
                    raise SystemExit("the driver ended before it could be killed")
                time.sleep(0.01)
            driver.send_signal(signal.SIGKILL)
        return self.run("resumed", oracle)

    def without_node(self, oracle: Report) -> Ran:
        """A run during which one of the two nodes is killed."""
        other = self.nodes.list_all_nodes()[1]

        def progress(stage: str, done: int, total: int) -> None:
            if other in self.nodes.list_all_nodes() and (stage != "describe" or done > total // 2):
                self.nodes.remove_node(other, allow_graceful=False)

        found = self.run("killed", oracle, progress)
        if other in self.nodes.list_all_nodes():
            raise SystemExit("no node was killed: the set is too small")
        return found

    def _find(self, name: str, progress: Progress | None) -> Report:
        return distributed.find(
            [self.address],
            cluster=self.nodes.address,
            work=self.folder / name,
            config=self.config,
            layout=self.layout,
            progress=progress,
        )


def _shards(work: Path) -> int:
    """Shards that are finished: what they are made of has a longer name."""
    return sum(path.name.count(".") == 1 for path in work.glob("shards/*.parquet"))


def _timed(work: Callable[[], Report], store: int) -> tuple[Report, tuple[float, float]]:
    """What a run found, its wall time and the processor time of all processes but the store."""
    begun = time.monotonic()
    with _processor_seconds(store) as spent:
        report = work()
        seconds = time.monotonic() - begun
    return report, (seconds, spent())


@contextmanager
def _processor_seconds(store: int) -> Iterator[Callable[[], float]]:
    """Meanwhile spent by all processes in this network namespace but one; 0 without one of its own.

    Looked at now and then, for who reaps a process of Ray does not count it.
    """
    before = _ticks(store)
    latest = dict(before)
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(_LOOK_SECONDS):
            latest.update(_ticks(store))

    watch = threading.Thread(target=look, daemon=True)
    watch.start()

    def spent() -> float:
        latest.update(_ticks(store))
        ticks = sum(most - before.get(process, 0) for process, most in latest.items())
        return ticks / os.sysconf("SC_CLK_TCK")

    yield spent
    stop.set()
    watch.join()


def _ticks(store: int) -> dict[str, int]:
    """Processor time of every process in this network namespace but one, by its number."""
    found: dict[str, int] = {}
    if _ALONE not in os.environ:
        return found
    own = Path("/proc/self/ns/net").readlink()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if process.name != str(store) and (process / "ns/net").readlink() == own:
                fields = (process / "stat").read_text().rpartition(")")[2].split()
                found[process.name] = int(fields[11]) + int(fields[12])
        except OSError:
            continue  # it has just ended, or is another user's
    return found


def _trial(name: str, oracle: Report, report: Report, spent: tuple[float, float]) -> Trial:
    parts = ("images", "matches", "clusters", "decisions", "failures")
    return Trial(
        name=name,
        seconds=round(spent[0], 2),
        processor_seconds=round(spent[1], 2),
        images=report.funnel["images"],
        decoded=report.funnel["decoded"],
        same=all(getattr(oracle, part) == getattr(report, part) for part in parts),
    )


@contextmanager
def _object_store(pictures: Sequence[Path], folder: Path) -> Iterator[int]:
    """An S3 server on loopback that holds the pictures; the number of its process."""
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        port = some.getsockname()[1]
    place = f"http://127.0.0.1:{port}"
    # the server itself must not take its own address for Amazon's
    environment = {name: value for name, value in os.environ.items() if name[:4] != "AWS_"}
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, env=environment
    ) as server:
        try:
            os.environ["AWS_ENDPOINT_URL"] = place
            _put(f"{place}/{_BUCKET}", b"", wait=_WAIT)
            for top in pictures:
                for path in sorted(p for p in top.rglob("*") if p.is_file()):
                    name = path.relative_to(top.parent).as_posix()
                    _put(f"{place}/{_BUCKET}/{urllib.parse.quote(name)}", path.read_bytes())
            yield server.pid
        finally:
            server.kill()


def _put(address: str, data: bytes, *, wait: float = 0.0) -> None:
    """Store some bytes, when the server is there."""
    end = time.monotonic() + wait
    # anything else is taken for a form and read as one
    headers = {"Content-Type": "application/octet-stream"}
    request = urllib.request.Request(address, data, headers, method="PUT")
    while True:
        try:
            urllib.request.urlopen(request, timeout=_WAIT).close()
            return
        except urllib.error.URLError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


@contextmanager
def _two_nodes() -> Iterator[Any]:
    """A cluster of two nodes on this machine, one core each."""
    import ray
    from ray.cluster_utils import Cluster

    node: dict[str, Any] = {
        "num_cpus": 1,
        "object_store_memory": _STORE_BYTES,
        "node_ip_address": "127.0.0.1",
    }
    nodes = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    nodes.add_node(**node)
    try:
        yield nodes
    finally:
        ray.shutdown()
        nodes.shutdown()  # type: ignore[no-untyped-call]


def _result(trials: Sequence[Trial]) -> Result:
    share = f"{trials[0].seconds / trials[1].seconds:.2f}"
    lines = [
        f"{trials[0].images:,} images in an S3 server on this machine (moto); 2 cores for "
        "everything, the server included.",
        "",
        "| run | seconds | processor seconds | decoded | same answer |",
        "|---|---|---|---|---|",
        *(
            f"| {trial.name} | {trial.seconds:.1f} | {trial.processor_seconds:.1f} | "
            f"{trial.decoded:,} | {'yes' if trial.same else 'NO'} |"
            for trial in trials
        ),
        "",
        f"Throughput per core of the cluster against the single machine's: {share}.",
    ]
    headline = (
        f"throughput per core {share} of a single machine's; the same answer in "
        f"{sum(trial.same for trial in trials)} of {len(trials)} runs"
    )
    command = this_command(__spec__.name)
    return Result("cluster", "A cluster", headline, command, lines, ("ray", "moto"))


if __name__ == "__main__":
    main()
