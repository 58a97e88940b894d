"""Apply a plan, and undo it: journal, compare bytes, then act; at no moment is anything lost."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from lookalike.actions.disk import Disk
from lookalike.actions.guard import keeper_trouble, trouble
from lookalike.actions.journal import Entry, Journal
from lookalike.actions.moves import Move, carry_out, finish_delete, take_back
from lookalike.actions.records import How, Item, Outcome, Plan, Step
from lookalike.actions.sidecar import merged_metadata, sidecar_path, sidecar_text
from lookalike.model.errors import ActionError, ConfigError
from lookalike.runtime.progress import Progress
from lookalike.sources import RESULT_MARK
from lookalike.sources.reading.addresses import is_address
from lookalike.store.lock import lock

__all__ = ["apply_plan", "undo"]

_LOG = logging.getLogger(__name__)
_DISK = Disk()


def apply_plan(
    plan: Plan,
    how: How,
    journal: Path,
    *,
    progress: Progress | None = None,
    disk: Disk = _DISK,
) -> Outcome:
    """Apply a plan to every file that is still what it was.

    Steps that an earlier run of the same journal did not finish are taken back first, so an
    interrupted run is continued by running it again.

    Args:
        plan: what goes.
        how: where to, or in which way.
        journal: written before every step; continued if it exists.
        progress: called with (stage, done, total).
        disk: through which files are changed.

    Returns:
        What became of every picture; errors of single files do not end the run.

    Raises:
        ConfigError: a folder to move to that cannot be used.
        ActionError: the journal cannot be read or written.
        CollectionError: another run works beside this journal.
    """
    how = _settled(disk, plan, how)
    base = _common_folder(plan)
    _LOG.info("%d steps, journal %s", len(plan.steps), journal)
    items: list[Item] = []
    with closing(_locked(journal)):
        log = Journal(journal, disk, plan.collection)
        stuck = _settle(disk, log)
        for number, step in enumerate(plan.steps, start=1):
            if step.path in stuck:
                items.append(Item(step.path, "failed", "", stuck[step.path], step.n_bytes))
            else:
                items.append(_do(disk, log, plan, step, how, base))
            if progress:
                progress("apply", number, len(plan.steps))
    return Outcome(tuple(items), str(journal))


def undo(journal: Path, *, progress: Progress | None = None, disk: Disk = _DISK) -> Outcome:
    """Put back every file that a journal's steps took away, the last step first.

    Nothing is overwritten: a file whose place is taken stays where it is and is reported. Running
    it again continues with what is left.

    Args:
        journal: of ``apply_plan``.
        progress: called with (stage, done, total).
        disk: through which files are changed.

    Raises:
        ActionError: no journal, or one that cannot be written.
        CollectionError: another run works beside this journal.
    """
    if disk.info(str(journal)) is None:
        raise ActionError("there is no journal here", got=str(journal))
    items = []
    with closing(_locked(journal)):
        log = Journal(journal, disk)
        left = [entry for entry in log.entries.values() if entry.state != "undone"]
        for number, entry in enumerate(reversed(left), start=1):
            problem = _take_back(disk, log, entry)
            state = "failed" if problem else "done"
            items.append(Item(entry.path, state, "", problem, entry.n_bytes))  # type: ignore[arg-type]
            if progress:
                progress("undo", number, len(left))
    return Outcome(tuple(items), str(journal))


def _locked(journal: Path):  # type: ignore[no-untyped-def]
    """Lock a journal, beside which only one run may work."""
    journal.parent.mkdir(parents=True, exist_ok=True)
    return lock(journal.parent / "LOCK")


def _settle(disk: Disk, log: Journal) -> dict[str, str]:
    """Finish or take back interrupted steps; those that cannot be, with the reason."""
    stuck = {}
    for entry in list(log.entries.values()):
        if entry.state != "intend":
            continue
        if entry.moves[0].kind == "delete":
            continue  # cannot be taken back, so it is finished when its turn comes
        problem = _take_back(disk, log, entry)
        if problem:
            stuck[entry.path] = f"interrupted earlier and could not be taken back: {problem}"
    return stuck


def _take_back(disk: Disk, log: Journal, entry: Entry) -> str:
    """Undo a step; returns the reason if a file could not be brought back."""
    problems = []
    for move in reversed(entry.moves):
        try:
            take_back(disk, move)
            _tidy(disk, move)
        except (OSError, ActionError) as error:
            problems.append(_words(error))
    if not problems:
        log.undone(entry.path)
    return "; ".join(problems)


def _tidy(disk: Disk, move: Move) -> None:
    """Remove folders that only this move needed, if they are empty."""
    if move.kind != "move":
        return
    folder = Path(move.to).parent
    while disk.names(str(folder)) == [] and disk.info(str(folder)) is not None:
        disk.remove_folder(str(folder))
        folder = folder.parent


def _do(disk: Disk, log: Journal, plan: Plan, step: Step, how: How, base: str) -> Item:
    """Do one step completely or not at all."""
    entry = log.entries.get(step.path)
    known = entry.state if entry else ""
    try:
        if entry and known == "intend":
            return _finish(disk, log, step, entry)
        if entry and known == "done" and _still_done(disk, step, entry):
            return Item(step.path, "already", entry.moves[0].to, "", step.n_bytes)
        wrong = trouble(disk, plan, step, how)
        if wrong:
            return Item(step.path, "refused", "", wrong, step.n_bytes)
        moves = _moves(disk, plan, step, how, base)
    except OSError as error:
        return Item(step.path, "failed", "", _words(error), step.n_bytes)
    log.intend(step, moves)
    try:
        done = [carry_out(disk, move) for move in moves]
    except (OSError, ActionError) as error:
        return _failed(disk, log, step, _words(error))
    log.done(step.path, [move.to for move in done])
    said = done[0].to or ("in the system's trash" if how.kind == "trash" else "")
    return Item(step.path, "done", said, step.reason, step.n_bytes)


def _still_done(disk: Disk, step: Step, entry: Entry) -> bool:
    """Whether what was done still holds: a file that came back is a new case."""
    if entry.moves[0].kind in ("hardlink", "reflink"):
        return entry.moves[0].kind == "reflink" or disk.same(step.path, step.keeper)
    return disk.info(step.path) is None


def _finish(disk: Disk, log: Journal, step: Step, entry: Entry) -> Item:
    """Finish an interrupted deletion."""
    wrong = keeper_trouble(disk, step)
    if wrong:
        return Item(step.path, "refused", "", wrong, step.n_bytes)
    for move in entry.moves:
        finish_delete(disk, move)
    log.done(step.path, ["" for _ in entry.moves])
    return Item(step.path, "done", "", step.reason, step.n_bytes)


def _failed(disk: Disk, log: Journal, step: Step, why: str) -> Item:
    """Take everything back after an error in the middle of a step."""
    problem = _take_back(disk, log, log.entries[step.path])
    if problem:
        why = f"{why}; and not everything is back: {problem}; run undo"
    return Item(step.path, "failed", "", why, step.n_bytes)


def _moves(disk: Disk, plan: Plan, step: Step, how: How, base: str) -> list[Move]:
    """List the moves of a step's files with their bytes as they are now, the picture first."""
    stays = how.kind in ("hardlink", "reflink")
    files = [step.path] if stays else [step.path, *step.companions]
    files = [path for path in files if disk.info(path) is not None]
    targets = _targets(disk, files, how, base) if how.kind == "move" else [""] * len(files)
    equal = step.sha256 == step.keeper_sha256
    moves = []
    for path, to in zip(files, targets, strict=True):
        info = disk.info(path)
        if info is None or disk.real(path) != path:
            raise OSError(f"a companion is a symlink, or gone: {path}")
        own = path == step.path
        moves.append(
            Move(
                kind=how.kind,
                path=path,
                sha256=step.sha256 if own else disk.digest(path),
                token=secrets.token_hex(8),
                to=to,
                keeper=step.keeper if own and equal else "",
                modified_ns=info.st_mtime_ns,
                mode=info.st_mode,
            )
        )
    return moves + _carried(disk, plan, step, how)


def _carried(disk: Disk, plan: Plan, step: Step, how: How) -> list[Move]:
    """Make the move that creates a sidecar for the keeper with what only its copies say."""
    values = merged_metadata(plan, step.keeper) if how.copy_metadata else {}
    path = sidecar_path(step.keeper)
    if not values or disk.info(path) is not None:
        return []
    text, sha256 = sidecar_text(values)
    return [Move("create", path, sha256, secrets.token_hex(8), text=text)]


def _targets(disk: Disk, files: Sequence[str], how: How, base: str) -> list[str]:
    """Choose free names below the folder, keeping places below ``base``; one number for all."""
    number = 1
    while True:
        places = []
        for path in files:
            stem, dot, rest = Path(path).name.partition(".")
            name = f"{stem}{'' if number == 1 else f' ({number})'}{dot}{rest}"
            inner = os.path.relpath(Path(path).parent, base)
            places.append(os.path.normpath(Path(how.folder) / inner / name))
        if all(disk.info(place) is None for place in places):
            return places
        number += 1


def _common_folder(plan: Plan) -> str:
    files = (path for s in plan.steps for path in (s.path, *s.companions))
    folders = [str(Path(path).parent) for path in files if not is_address(path)]
    return os.path.commonpath(folders) if folders else os.sep


def _settled(disk: Disk, plan: Plan, how: How) -> How:
    """Make the folder to move to absolute, and mark it so that later runs do not look into it."""
    if how.kind != "move":
        return how
    folder = disk.real(str(Path(how.folder).absolute()))
    from lookalike.actions.disk import is_under

    for protected in plan.protected:
        if is_under(folder, protected):
            raise ConfigError(
                "cannot move into a protected folder", got=folder, expected="another folder"
            )
    try:
        if disk.names(folder) == []:
            disk.make_folder(folder)
            disk.append(str(Path(folder) / RESULT_MARK), "")
    except OSError as error:
        raise ConfigError(
            "cannot move into this folder",
            got=f"{folder}: {error.strerror or error}",
            remedy="choose another --move-to",
        ) from error
    return replace(how, folder=folder)


def _words(error: OSError | ActionError) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return str(error) or type(error).__name__
