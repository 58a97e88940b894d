"""Show the library's log on standard error, for ``-v``."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from lookalike.cli.saying import warn

__all__ = ["show_log"]

_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)


class _Lines(logging.Handler):
    """Prints a record a line: seconds since the command began, the room, the message."""

    def __init__(self) -> None:
        super().__init__()
        self._begun = time.time()

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record; progress bars stay below it."""
        try:
            room = record.name.removeprefix("lookalike.")
            warn(f"{record.created - self._begun:7.2f} s  {room}: {record.getMessage()}")
        except Exception:
            self.handleError(record)


def show_log(verbose: int) -> Callable[[], None]:
    """Show what the library logs, until what is returned is called.

    Args:
        verbose: 0 leaves the log as Python has it, which prints warnings; 1 shows INFO, more DEBUG.
    """
    if verbose < 1:
        return lambda: None
    log, lines = logging.getLogger("lookalike"), _Lines()
    before = log.level, log.propagate
    log.addHandler(lines)
    log.setLevel(_LEVELS[min(verbose, 2)])
    # else handlers of a program around would print every line again
    log.propagate = False

    def stop() -> None:
        log.removeHandler(lines)
        log.level, log.propagate = before

    return stop
