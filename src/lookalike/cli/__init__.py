"""The command line: parse, call, render, exit code."""

from lookalike.cli.main import main

__all__ = ["main"]
