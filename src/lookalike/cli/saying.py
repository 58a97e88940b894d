"""Print: text for people, JSON for programs; and cope with a terminal that goes away."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from lookalike.model.errors import OutputError
from lookalike.model.legible import inert_json, legible

__all__ = [
    "ReaderGoneError",
    "be_silent",
    "finish",
    "prepare",
    "say",
    "say_json",
    "say_rich",
    "warn",
]


class ReaderGoneError(Exception):
    """Nobody reads the output any more, as behind ``| head``."""


def prepare() -> None:
    """Print a question mark for what the terminal's encoding lacks; files are UTF-8 anyway."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def say(*lines: str) -> None:
    """Print lines for people; control characters in file names are made harmless."""
    for line in lines:
        with _output():
            print(legible(line), flush=True)


def say_rich(*renderables: Any) -> None:
    """Print what ``rich`` lays out: tables, colours."""
    from rich.console import Console

    terminal, page = Console(), io.StringIO()
    # rich itself would end the process if nobody reads
    console = Console(
        file=page,
        width=terminal.width,
        force_terminal=terminal.is_terminal,
        highlight=False,
        markup=False,
    )
    console.print(*renderables, sep="\n")
    with _output():
        print(page.getvalue(), end="", flush=True)


def say_json(text: str) -> None:
    """Print JSON for programs: UTF-8, whatever the terminal is set to."""
    if sys.stdout is not None:
        with _output():
            sys.stdout.flush()
            sys.stdout.buffer.write(f"{inert_json(text)}\n".encode())
            sys.stdout.buffer.flush()


def warn(line: str) -> None:
    """Print a line on standard error; errors of that are ignored, the exit code remains."""
    with suppress(OSError):
        print(legible(line), file=sys.stderr, flush=True)


def finish() -> None:
    """Flush everything printed.

    Raises:
        OutputError: it cannot be.
        ReaderGoneError: nobody reads it.
    """
    if sys.stdout is not None:
        with _output():
            sys.stdout.flush()


def be_silent() -> None:
    """Drop what is still to be printed: the interpreter would try again and complain."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


@contextmanager
def _output() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError as error:
        raise ReaderGoneError from error
    except OSError as error:
        raise OutputError.of_system(
            "the output cannot be printed", "standard output", error, elsewhere="print elsewhere"
        ) from error
