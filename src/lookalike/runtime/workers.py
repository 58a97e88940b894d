"""Work on all cores: threads where a library computes, processes where many small steps do.

Small steps hold the interpreter's lock, and threads would queue for it. Starting processes costs
about a second, so little work stays on threads.
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
# so many pictures are worth processes
MANY = 1500
_LOOK_SECONDS = 2.0
_STAY_SECONDS = 10
_guard = threading.Lock()
_inside = 0
_undo = ExitStack()
_ready_until = 0.0


@contextmanager
def one_core_each() -> Iterator[None]:
    """Meanwhile OpenCV and BLAS use the calling thread alone: ours share the cores already.

    That is a setting of the process: the first of overlapping calls makes it, the last one restores
    what was before. No lock is held in between.
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
    """Results of ``work`` in the order of ``items``.

    Args:
        work: called with one item; for processes it and its items must be picklable, so a
            function of a module or a ``partial`` of one.
        items: what to work on; for processes each should be worth some milliseconds.
        threads: items worked on at once.
        apart: in processes, which stay for a while to serve later calls.
    """
    if threads > 1 and apart and len(items) > 1:
        _LOG.debug("%d pieces of work in %d processes", len(items), threads)
        # unlike the standard library's, these do not run the caller's script again
        yield from _processes(threads).map(work, items)
        return
    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(work, items)


def worth_processes(pictures: int) -> bool:
    """Whether so many pictures or pairs are: those that are there already take less, too."""
    return pictures >= MANY or time.monotonic() < _ready_until


def prepare(threads: int, module: str) -> None:
    """Have processes start and load a module while other work goes on."""
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
    """The libraries that are loaded; looking for them takes longer than setting them."""
    return ThreadpoolController()


def stay_on_one_core() -> None:
    """From now on OpenCV and BLAS use the calling thread alone, in all of this process."""
    cv2.setNumThreads(1)
    threadpool_limits(1)


def _alone() -> None:
    """One core a process: libraries must not start threads beside it; it ends with its parent."""
    stay_on_one_core()
    # what work here leaves behind is arrays, in no cycles: looking for some is a tenth of the time
    gc.disable()
    # Ctrl-C reaches every process of a terminal, and only the parent knows what to do
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()


def _end_with(parent: int) -> None:
    """Nobody tells a process that its parent was killed: without a look it would wait for ever."""
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)
    os._exit(1)
