"""Use all cores: threads where a library computes, processes where many small steps do.

Small steps hold the interpreter's lock, for which threads would queue. Starting processes costs
about a second, so small amounts of work stay on threads.
"""

from __future__ import annotations

import gc
import importlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from typing import TypeVar

import cv2
import loky
from threadpoolctl import ThreadpoolController, threadpool_limits

__all__ = ["MANY", "each", "one_core_each", "prepare", "stay_on_one_core", "worth_processes"]

_LOG = logging.getLogger(__name__)
Item = TypeVar("Item")
Result = TypeVar("Result")
# from so many pictures on, processes are worth their start
MANY = 1500
_LOOK_SECONDS = 2.0
_STAY_SECONDS = 10
_guard = threading.Lock()
_inside = 0
_undo = ExitStack()
_ready_until = 0.0


@contextmanager
def one_core_each() -> Iterator[None]:
    """Limit OpenCV and BLAS to the calling thread: our own threads share the cores already.

    This is a setting of the process: the first of overlapping calls makes it, and the last one
    restores what was before. No lock is held in between.
    """
    global _inside
    with _guard:
        if _inside == 0:
            _undo.callback(cv2.setNumThreads, cv2.getNumThreads())
            cv2.setNumThreads(1)
            _undo.enter_context(_controller().limit(limits=1))
        _inside += 1
    try:
        yield
    finally:
        with _guard:
            _inside -= 1
            if _inside == 0:
                _undo.close()


def each(
    work: Callable[[Item], Result], items: Sequence[Item], threads: int, *, apart: bool
) -> Iterator[Result]:
    """Yield results of ``work`` in the order of ``items``.

    Args:
        work: called with one item; for processes it and its items must be picklable, so a
            function of a module or a ``partial`` of one.
        items: what to work on; for processes each should be worth some milliseconds.
        threads: items worked on at once.
        apart: use processes, which stay for a while to serve later calls.
    """
    if threads > 1 and apart and len(items) > 1:
        _LOG.debug("%d pieces of work in %d processes", len(items), threads)
        # unlike those of the standard library, loky's do not run the caller's script again
        yield from _processes(threads).map(work, items)
        return
    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(work, items)


def worth_processes(pictures: int) -> bool:
    """Whether so many pictures or pairs are worth processes; fewer are while some are running."""
    return pictures >= MANY or time.monotonic() < _ready_until


def prepare(threads: int, module: str) -> None:
    """Start processes and load a module in them while other work goes on."""
    if threads > 1:
        _LOG.info("starting %d processes", threads)
        for _ in range(threads):
            _processes(threads).submit(importlib.import_module, module)


def _processes(threads: int) -> loky.ProcessPoolExecutor:
    global _ready_until
    _ready_until = time.monotonic() + _STAY_SECONDS
    return loky.get_reusable_executor(threads, timeout=_STAY_SECONDS, initializer=_alone)


@lru_cache(maxsize=1)
def _controller() -> ThreadpoolController:
    """Find the thread pools of loaded libraries; finding them takes longer than setting them."""
    return ThreadpoolController()


def stay_on_one_core() -> None:
    """Limit OpenCV and BLAS to the calling thread, from now on and in all of this process."""
    cv2.setNumThreads(1)
    threadpool_limits(1)


def _alone() -> None:
    """Set up a worker process: one core, no garbage collection, ends with its parent."""
    stay_on_one_core()
    # work here leaves arrays and no cycles; looking for cycles would take a tenth of the time
    gc.disable()
    # Ctrl-C reaches every process of a terminal, but only the parent handles it
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()


def _end_with(parent: int) -> None:
    """End this process when its parent has ended, which nothing else would tell it."""
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)
    os._exit(1)
