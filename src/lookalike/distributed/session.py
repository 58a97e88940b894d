"""Talk to Ray, in this one place: tasks in a bounded window, pieces that stay on the nodes.

Tasks depend on their arguments alone, so Ray may run one again when its worker or node is gone.
There are no usage statistics, no dashboard, no logs of other processes. A cluster that is started
here stays on the loopback and asks no other host.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import sys
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from lookalike.model.errors import ConfigError, LookalikeError
from lookalike.runtime.workers import stay_on_one_core

__all__ = ["Tasks", "connect"]

_LOG = logging.getLogger(__name__)
_WINDOW, _RETRIES, _PATIENCE = 4, 8, 5.0
_QUIET = {
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
}


class Tasks(Protocol):
    """Runs functions of modules on other machines; arguments and results are picklable."""

    @property
    def cores(self) -> int:
        """Number of tasks that run at once."""
        ...

    def each(self, work: Callable[..., Any], tasks: Iterable[Sequence[Any]]) -> Iterator[Any]:
        """Yield results in the order of ``tasks`` (arguments); handles stand for pieces."""
        ...

    def scatter(
        self, work: Callable[..., Sequence[Any]], tasks: Iterable[Sequence[Any]], parts: int
    ) -> list[list[Any]]:
        """Get handles of the ``parts`` pieces of every task; the pieces stay on the nodes."""
        ...

    def stream(
        self,
        items: Sequence[Mapping[str, Any]],
        read: Callable[[dict[str, Any]], list[dict[str, Any]]],
        actor: tuple[type, tuple[Any, ...]],
        form: tuple[int, int, float],
    ) -> Iterator[dict[str, Any]]:
        """Yield rows that actors made of batches of what ``read`` gave for every item.

        Args:
            items: what to read.
            read: one item to rows; tasks of their own.
            actor: a class that is called with a batch, and its arguments.
            form: rows a batch, actors at most, GPUs for each.
        """
        ...


@contextmanager
def connect(address: str) -> Iterator[RayTasks]:
    """Connect to a cluster, until the context ends.

    Args:
        address: of its head, ``HOST:PORT``; or ``auto``: the one that this machine belongs to, else
            one that is started on this machine for the time of the run.

    Raises:
        ConfigError: Ray is not installed, or no cluster answers there.
    """
    ray = sys.modules.get("ray")
    if ray is not None and ray.is_initialized():
        yield RayTasks(ray)
        return
    head = _head_of(address)
    ray = _silenced(alone=head is None)
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if head is None:
        _start(ray, quiet)
    else:
        ray.init(address=head, **quiet)
    try:
        yield RayTasks(ray)
    finally:
        ray.shutdown()


def _silenced(*, alone: bool) -> Any:
    """Import Ray, after setting what it and its processes read from the environment.

    Args:
        alone: whether a cluster will be started here.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    if alone:
        # else it finds an address by way of 8.8.8.8 and the host's name, and listens there
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        _keep_token_in_memory()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import ray
    except ImportError as error:
        raise ConfigError(
            "a cluster needs another package", remedy="pip install 'lookalike[ray]'"
        ) from error
    return ray


def _keep_token_in_memory() -> None:
    """Set a password of the cluster: Ray would write a new one into the home folder."""
    told = {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & os.environ.keys()
    if not told and not Path("~/.ray/auth_token").expanduser().exists():
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex()


def _start(ray: Any, quiet: Mapping[str, Any]) -> None:
    """Start a cluster of this machine that runs until it is shut down.

    Even without a dashboard Ray starts its server, which asks the metadata services of three clouds
    where it is, even with usage statistics off. With an impossible port Ray logs an error and goes
    on without that server; nothing here needs it.
    """
    logging.getLogger("ray._private.services").setLevel(logging.CRITICAL)
    ray.init(
        address="local",
        include_dashboard=False,
        dashboard_port=-1,
        _node_ip_address="127.0.0.1",
        **quiet,
    )


def _head_of(address: str) -> str | None:
    """Find the address of the head that answers; None where this machine belongs to no cluster."""
    told = os.environ.get("RAY_ADDRESS") if address == "auto" else address
    if told:
        if not _answers(told):
            raise ConfigError(
                "no cluster answers", got=told, expected="HOST:PORT of its head, or auto"
            )
        return told
    # Ray's note of the cluster that was started here last, which may be long gone
    note = Path(os.environ.get("RAY_TMPDIR", "/tmp"), "ray", "ray_current_cluster")
    noted = note.read_text().strip() if note.is_file() else ""
    return noted if noted and _answers(noted) else None


def _answers(address: str) -> bool:
    """Whether something listens at an address: Ray itself would try for minutes."""
    host, parted, port = address.rpartition("://")[2].rpartition(":")
    if not parted or not port.isdigit():
        return False
    try:
        socket.create_connection((host, int(port)), timeout=_PATIENCE).close()
    except OSError:
        return False
    return True


class RayTasks:
    """The tasks of a connected cluster.

    Args:
        ray: the library.
    """

    def __init__(self, ray: Any) -> None:
        self._ray = ray
        self._remote = ray.remote(num_cpus=1, max_retries=_RETRIES)(_call)
        self.cores = max(1, int(ray.cluster_resources().get("CPU", 1)))
        _LOG.info("connected to a cluster of %d nodes and %d cores", len(self.nodes), self.cores)

    @property
    def nodes(self) -> list[str]:
        """Ids of the nodes that are alive."""
        return [node["NodeID"] for node in self._ray.nodes() if node["Alive"]]

    def everywhere(self, work: Callable[..., Any], *task: Any) -> list[Any]:
        """Run work once on every node."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        asked = [
            self._remote.options(
                num_cpus=0, scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)
            ).remote(work, *task)
            for node in self.nodes
        ]
        return [self._get(one) for one in asked]

    def each(self, work: Callable[..., Any], tasks: Iterable[Sequence[Any]]) -> Iterator[Any]:
        """Yield results in the order of ``tasks``, within a bounded window."""
        waiting: deque[Any] = deque()
        try:
            for task in tasks:
                waiting.append(self._remote.remote(work, *task))
                if len(waiting) >= _WINDOW * self.cores:
                    yield self._get(waiting.popleft())
            while waiting:
                yield self._get(waiting.popleft())
        finally:
            for left in waiting:
                self._ray.cancel(left)

    def scatter(
        self, work: Callable[..., Sequence[Any]], tasks: Iterable[Sequence[Any]], parts: int
    ) -> list[list[Any]]:
        """Get handles of the ``parts`` pieces that every task returns."""
        call = self._remote.options(num_returns=parts)
        found = []
        for task in tasks:
            pieces = call.remote(_only if parts == 1 else _several, work, *task)
            found.append([pieces] if parts == 1 else pieces)
        return found

    def stream(
        self,
        items: Sequence[Mapping[str, Any]],
        read: Callable[[dict[str, Any]], list[dict[str, Any]]],
        actor: tuple[type, tuple[Any, ...]],
        form: tuple[int, int, float],
    ) -> Iterator[dict[str, Any]]:
        """Yield rows that actors made, by Ray Data: reading streams into the pool."""
        import ray.data

        logging.getLogger("ray.data").setLevel(logging.ERROR)
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        batch, actors, gpus = form
        kind, arguments = actor
        rows = (
            ray.data.from_items([dict(item) for item in items], override_num_blocks=len(items))
            .flat_map(read)
            .map_batches(
                _bound(kind, arguments),
                batch_size=batch,
                concurrency=(1, actors),
                num_gpus=gpus or None,
                max_restarts=_RETRIES,
                max_task_retries=_RETRIES,
            )
        )
        yield from rows.iter_rows()

    def _get(self, piece: Any) -> Any:
        errors = self._ray.exceptions
        try:
            return self._ray.get(piece)
        except errors.RayTaskError as error:
            raise error.cause from None
        except errors.RayError as error:
            raise LookalikeError(
                f"the cluster lost a task {_RETRIES + 1} times",
                got=str(error).splitlines()[0],
                remedy="run the same command to go on; what was done is kept",
            ) from error


def _bound(kind: type, arguments: tuple[Any, ...]) -> type:
    """Bind a class to its arguments, which could be lost with a node if kept apart."""

    class Bound(kind):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(*arguments)

    return Bound


def _call(work: Callable[..., Any], *task: Any) -> Any:
    """Run one task on one core, as the tasks share a node's cores."""
    _once()
    return work(*task)


def _several(work: Callable[..., Sequence[Any]], *task: Any) -> list[Any]:
    return list(work(*task))


def _only(work: Callable[..., Sequence[Any]], *task: Any) -> Any:
    return work(*task)[0]


@lru_cache(maxsize=1)
def _once() -> None:
    stay_on_one_core()
