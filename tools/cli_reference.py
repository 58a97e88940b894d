"""The commands and their options as a page, made from the parser: ``make reference`` writes it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from lookalike.cli.main import commands

__all__ = ["PAGE", "page"]

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "cli.md"
_HEAD = """# The command line

Made from the program by `make reference`. Every command also prints its page with `--help`.
"""


def page() -> str:
    """Every command with its usage, what it does, its arguments and options, as Markdown."""
    return "\n".join([_HEAD, *_sections("lookalike", commands)])


def _sections(name: str, command: click.Command) -> Iterator[str]:
    if isinstance(command, click.Group):
        yield f"## {name}\n\n`{name} [OPTIONS] COMMAND`\n\n{_in_one_line(command.help)}\n"
        yield from _options(command)
        for own in sorted(command.commands):
            yield from _sections(f"{name} {own}", command.commands[own])
        return
    arguments = [_argument(one) for one in command.params if isinstance(one, click.Argument)]
    usage = " ".join([name, "[OPTIONS]", *arguments])
    yield f"## {name}\n\n`{usage}`\n\n{_in_one_line(command.help)}\n"
    yield from _options(command)


def _options(command: click.Command) -> Iterator[str]:
    rows = [_row(one) for one in command.params if isinstance(one, click.Option)]
    if rows:
        yield "\n".join(["| option | |", "|---|---|", *rows, ""])


def _argument(one: click.Argument) -> str:
    shown = (one.metavar or (one.name or "").upper()) + ("..." if one.nargs != 1 else "")
    return shown if one.required else f"[{shown}]"


def _row(option: click.Option) -> str:
    flags = ", ".join(option.opts) + (
        "" if option.is_flag or option.count else f" {_value(option)}"
    )
    said = _in_one_line(option.help)
    if option.show_default and option.default is not None:
        said += f" Default: {option.default}."
    return "| `{}` | {} |".format(*(text.replace("|", "\\|").strip() for text in (flags, said)))


def _value(option: click.Option) -> str:
    if option.metavar:
        return option.metavar
    if isinstance(option.type, click.Choice):
        return "|".join(map(str, option.type.choices))
    return option.type.name.upper()


def _in_one_line(text: str | None) -> str:
    return " ".join((text or "").split())


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), "utf-8")
    sys.stdout.write(f"{PAGE}\n")
