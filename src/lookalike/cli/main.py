"""The commands; none computes anything itself.

Exit codes: 0 nothing found, 11 found, 1 error, 2 wrong usage, 141 nobody reads the output any more.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from lookalike.cli.acting import apply, plan, undo
from lookalike.cli.datasets import conflicts, leaks, unique
from lookalike.cli.describing import describe_list
from lookalike.cli.indexing import index
from lookalike.cli.lab import calibrate, edits, evaluate, models, recipes
from lookalike.cli.logs import show_log
from lookalike.cli.options import (
    EXPORT_KINDS,
    asked_config,
    asked_inputs,
    db_option,
    list_options,
)
from lookalike.cli.progress import show_progress
from lookalike.cli.review import review
from lookalike.cli.saying import (
    ReaderGoneError,
    be_silent,
    finish,
    prepare,
    say,
    say_json,
    say_rich,
    warn,
)
from lookalike.cli.searching import buckets, search
from lookalike.cli.serving import serve
from lookalike.cli.training import train
from lookalike.config import EFFORTS, LINKAGES
from lookalike.model.errors import LookalikeError
from lookalike.model.legible import legible
from lookalike.model.version import __version__
from lookalike.runtime.inference import ENGINES

__all__ = ["main"]

FOUND = 11
# as a program that SIGPIPE ended
READER_GONE = 141


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="lookalike")
@click.option(
    "-v",
    "--verbose",
    count=True,
    help="Stands before the command: say what is done, on standard error; -vv says more.",
)
@click.pass_context
def commands(context: click.Context, verbose: int) -> None:
    """Find which images are the same picture, how, and which one to keep."""
    context.call_on_close(show_log(verbose))


@commands.command()
@click.argument("paths", nargs=-1, type=click.Path())
@db_option
@click.option("--recipe", help="Name of a recipe or a TOML file; other options override it.")
@click.option("--effort", type=click.Choice(EFFORTS), help="Default: standard.")
@click.option("--linkage", type=click.Choice(LINKAGES), help="Default: star, or the recipe's.")
@click.option("--inside", is_flag=True, help="Also say which picture lies in which larger one.")
@click.option("--regions", help="With --inside: whole (default), grid, rectangles, or a detector.")
@click.option("--similar", is_flag=True, help="Also join other shots of the same scene.")
@click.option(
    "--precision",
    type=click.FloatRange(0.5, 1.0),
    help="Expected share of true pairs among the copies; the least certain are left out.",
)
@click.option("--keep", help="Keep rules, the most important first, with commas.")
@click.option("--descriptor", help="A network or ONNX file that proposes pairs too.")
@click.option("--engine", type=click.Choice(ENGINES), help="Default: onnxruntime.")
@click.option("--threads", type=click.IntRange(1), help="Default: as many as processors.")
@click.option("--cluster", help="Compute on a Ray cluster: HOST:PORT of its head, or auto.")
@click.option("--work", help="With --cluster: folder or address that all its nodes reach.")
@list_options
@click.option("--files-from", type=click.Path(), help="A list of pictures; - for standard input.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON alone.")
@click.option("--html", type=click.Path(dir_okay=False), help="Write a page with pictures.")
@click.option("--csv", type=click.Path(file_okay=False), help="Write tables into this folder.")
@click.option(
    "--export",
    "exports",
    type=(click.Choice(EXPORT_KINDS), click.Path(file_okay=False)),
    multiple=True,
    help="Write into a folder what another program would; repeatable.",
)
def find(paths: tuple[str, ...], **options: Any) -> None:
    """Find copies among all images of PATHS: folders, archives, addresses, patterns, lists."""
    from lookalike.report import from_json

    text = _found(paths, options)
    if options["as_json"]:
        say_json(text)
    if options["as_json"] and not any(options[name] for name in ("exports", "html", "csv")):
        # the funnel comes first: the rest of a large text is not read again
        funnel, _ = json.JSONDecoder().raw_decode(text, text.index("{", 1))
        sys.exit(FOUND if funnel["clusters"] or funnel.get("containments") else 0)
    report = from_json(text)
    written = []
    if options["html"]:
        from lookalike.report.as_html import write_html

        written.append(write_html(report, Path(options["html"])))
    if options["csv"]:
        from lookalike.report.as_csv import write_csv

        written += write_csv(report, Path(options["csv"]))
    if options["exports"]:
        from lookalike.datasets.exports import export

        for kind, folder in options["exports"]:
            written += export(report, kind, Path(folder))
    if not options["as_json"]:
        _print_summary(report, written)
    sys.exit(FOUND if report.clusters or report.containments else 0)


def _found(paths: tuple[str, ...], options: dict[str, Any]) -> str:
    """Compute the report as JSON, here or on a cluster."""
    config = asked_config(**options)
    if options["work"] and not options["cluster"]:
        raise click.UsageError("--work needs --cluster")
    if options["db"] and options["cluster"]:
        raise click.UsageError("--db cannot be combined with --cluster, which remembers in --work")
    with show_progress() as progress:
        inputs = asked_inputs(paths, **options, progress=progress)
        if options["cluster"]:
            from lookalike import distributed

            asked = {"cluster": options["cluster"], "work": options["work"]}
            return distributed.find_json(inputs, config=config, progress=progress, **asked)
        from lookalike.run.find import find_json

        return find_json(inputs, db=options["db"], config=config, progress=progress)


@commands.command()
@click.argument("first", type=click.Path())
@click.argument("second", type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="Print the match as JSON.")
@click.option("--html", type=click.Path(dir_okay=False), help="Write a page of both.")
@click.option(
    "--mask", type=click.Path(dir_okay=False), help="Write a PNG: what was added, in red."
)
def compare(first: str, second: str, **options: Any) -> None:
    """Say how the image FIRST is related to SECOND, and which of them is likely the parent."""
    from lookalike.difference.difference import difference_of
    from lookalike.model.files import Failure
    from lookalike.report import to_dict
    from lookalike.report.as_pair import difference_in_words, difference_to_dict
    from lookalike.run.compare import compare as compare_files

    match, report = compare_files(first, second)
    if report.failures:
        raise _unreadable(report.failures)
    if match is None:
        say("null" if options["as_json"] else "not the same picture")
        return
    sides = report.images[match.query], report.images[match.ref]
    found = difference_of(match, sides)
    if isinstance(found, Failure):
        raise _unreadable([found])
    plain = to_dict(report)
    if options["as_json"]:
        damage = {"query": sides[0].damage, "ref": sides[1].damage}
        more = {"difference": difference_to_dict(found), "damage": damage}
        say_json(json.dumps({**plain["matches"][0], **more}))
    else:
        say(f"{match.tier}: {match.edit}")
        _print_evidence(plain["matches"][0], plain["clusters"])
        say(*difference_in_words(match, found, sides))
    _write_pair(match, found, sides, options)
    sys.exit(FOUND)


for command in (
    index,
    search,
    review,
    buckets,
    recipes,
    models,
    evaluate,
    edits,
    calibrate,
    train,
    serve,
    plan,
    apply,
    undo,
):
    commands.add_command(command)
for command in (leaks, conflicts, unique, describe_list):
    commands.add_command(command)


def main() -> None:
    """Entry point: errors become one line and an exit code."""
    # a run makes many objects and no cycles; garbage collection would cost a tenth of the time
    gc.disable()
    prepare()
    try:
        code = _run()
        finish()
    except ReaderGoneError:
        code = READER_GONE
    except LookalikeError as error:
        code = _failed(str(error))
    if code:
        # do not try again to print what could not be printed
        be_silent()
    sys.exit(code)


def _run() -> int:
    """Run a command; returns its exit code."""
    try:
        commands(standalone_mode=False)
    except SystemExit as leave:
        return leave.code if isinstance(leave.code, int) else 0
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.UsageError as error:
        usage = error.ctx.get_usage() if error.ctx else ""
        for line in (*usage.splitlines(), f"Error: {error.format_message()}"):
            warn(line)
        return 2
    except (click.Abort, KeyboardInterrupt):
        return _failed("interrupted; what was done is kept, run the same command to go on")
    except (LookalikeError, ReaderGoneError):
        raise
    except OSError as error:
        return _failed(
            str(
                LookalikeError.of_system(
                    "a file, a folder or the output cannot be used", None, error
                )
            )
        )
    except MemoryError:
        return _failed(
            "memory is used up; free some, or use --threads with fewer, then run this again"
        )
    except Exception as error:
        if os.environ.get("LOOKALIKE_TRACEBACK"):
            raise
        return _failed(_unforeseen(error))
    return 0


def _failed(message: str) -> int:
    warn(f"lookalike: {message}")
    return 1


def _unforeseen(error: Exception) -> str:
    """Describe a bug like any other error, with its place."""
    places = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(places[-1].filename).name}:{places[-1].lineno}" if places else ""
    return str(
        LookalikeError(
            "something went wrong that should not",
            got=f"{type(error).__name__}: {_last_line(error)}{where}",
            remedy="please report it, with what LOOKALIKE_TRACEBACK=1 shows",
        )
    )


def _last_line(error: Exception) -> str:
    """Take the last line of a message: of an error elsewhere it says what happened."""
    return (str(error).strip().splitlines() or [""])[-1]


def _unreadable(failures: Sequence[Any]) -> LookalikeError:
    return LookalikeError("; ".join(f"{item.path}: {item.message}" for item in failures))


def _print_summary(report: Any, written: list[Path]) -> None:
    from rich.text import Text

    from lookalike.report.as_text import summary

    more = ", ".join(str(path) for path in written) or "--html FILE, --csv DIR or --json"
    names = [Text(legible(f"written: {path}"), style="dim") for path in written]
    say_rich(summary(report, more=more), *names)


def _write_pair(match: Any, found: Any, sides: Any, options: dict[str, Any]) -> None:
    from lookalike.report.as_pair import write_pair_page, write_pair_sheet

    written = []
    if options["html"]:
        written.append(write_pair_page(match, found, sides, Path(options["html"])))
    if options["mask"]:
        written.append(write_pair_sheet(found, sides, Path(options["mask"])))
    for path in written:
        (warn if options["as_json"] else say)(f"written: {path}")


def _print_evidence(match: dict[str, Any], clusters: list[dict[str, Any]]) -> None:
    certain = "" if match["confidence"] is None else f", confidence {match['confidence']:.4g}"
    say(f"distance {match['distance']:g} ({match['metric']}){certain}")
    seen = match["verification"]
    if seen:
        say(
            f"overlap {seen['overlap_query']:.0%} of {match['query_path']}, "
            f"{seen['overlap_ref']:.0%} of {match['ref_path']}; "
            f"{seen['agreement']:.0%} of the textures agree; {seen['inliers']} inliers"
        )
    for cluster in clusters:
        for member in cluster["members"]:
            if member["action"] == "keep":
                say(f"keep {member['path']}: {member['reason']}")
