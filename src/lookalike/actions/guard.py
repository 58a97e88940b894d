"""Check what must hold right before a file is touched; otherwise the file is left alone."""

from __future__ import annotations

import stat

from lookalike.actions.companions import Neighbours
from lookalike.actions.disk import Disk, is_under
from lookalike.actions.records import How, Plan, Step
from lookalike.sources.reading.addresses import is_address

__all__ = ["keeper_trouble", "look", "trouble"]


def trouble(disk: Disk, plan: Plan, step: Step, how: How) -> str:
    """Say why a step must not be done now, by its files' bytes; empty if it may."""
    wrong = look(disk, plan, step, how)
    if wrong:
        return wrong
    if disk.digest(step.path) != step.sha256:
        return "its bytes changed since the scan"
    return keeper_trouble(disk, step)


def keeper_trouble(disk: Disk, step: Step) -> str:
    """Say why the keeper does not justify dropping the picture; empty if it does."""
    return _no_plain_file(disk, step.keeper, "the picture that stays for it") or (
        ""
        if disk.digest(step.keeper) == step.keeper_sha256
        else "the bytes of the picture that stays for it changed since the scan"
    )


def look(disk: Disk, plan: Plan, step: Step, how: How) -> str:
    """Say why a step must not be done, by what is known without reading files; empty if it may."""
    try:
        return _look(disk, plan, step, how)
    except OSError as error:
        return f"it, or what belongs to it, cannot be examined: {error.strerror or error}"


def _look(disk: Disk, plan: Plan, step: Step, how: How) -> str:
    for path in (step.path, *step.companions):
        for folder in plan.protected:
            if is_under(path, folder):
                return f"it lies in the protected folder {folder}"
    wrong = _no_plain_file(disk, step.path, "it") or _no_plain_file(
        disk, step.keeper, "the picture that stays for it"
    )
    if wrong:
        return wrong
    if disk.same(step.path, step.keeper):
        return "it and the picture that stays are two names of one file"
    info = disk.info(step.path)
    if info is None or info.st_size != step.n_bytes:
        return "its size changed since the scan"
    if how.kind in ("hardlink", "reflink") and step.sha256 != step.keeper_sha256:
        return "only files of the same bytes can share them"
    if how.kind == "delete":
        return _irreplaceable(disk, step)
    return ""


def _no_plain_file(disk: Disk, path: str, what: str) -> str:
    if is_address(path):
        return f"{what} lies in an archive or far away, and only plain files are acted on"
    info = disk.info(path)
    if info is None:
        return f"{what} is not there any more"
    if not stat.S_ISREG(info.st_mode):
        return f"{what} is not a plain file any more"
    if disk.real(path) != path:
        return f"a folder on the way to {what} is a symlink now"
    return ""


def _irreplaceable(disk: Disk, step: Step) -> str:
    """Find a companion that no file beside the keeper equals: it is not deleted for good."""
    beside = Neighbours(disk).of(step.keeper, stays=lambda _: False) if step.companions else ()
    held = {disk.digest(path) for path in beside if path not in step.companions}
    for companion in step.companions:
        if disk.info(companion) is not None and disk.digest(companion) not in held:
            return f"its companion {companion} has no equal beside the picture that stays"
    return ""
