"""Copy one picture of each into a folder: keepers, and images without copies."""

from __future__ import annotations

import shutil
from pathlib import Path

from lookalike.model.errors import ConfigError
from lookalike.model.report import Report
from lookalike.runtime.output import writing
from lookalike.sources import RESULT_MARK
from lookalike.sources.reading import read_again
from lookalike.sources.reading.addresses import is_address

__all__ = ["write_kept"]


def write_kept(report: Report, folder: Path) -> int:
    """Copy what stays into a folder, each under its id, so that equal names do not collide.

    Inputs are only read. The folder is marked, and later runs do not look at marked folders. Files
    that exist already are left alone.

    Args:
        report: what to keep and drop.
        folder: created when missing; must be empty or marked.

    Returns:
        Files copied.

    Raises:
        ConfigError: the folder is not empty and was not made by lookalike.
        OutputError: a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    mark = folder / RESULT_MARK
    if not mark.exists() and any(folder.iterdir()):
        raise ConfigError(
            "this folder is not empty", got=str(folder), remedy="choose a new one for the result"
        )
    mark.touch()
    dropped = {decision.image for decision in report.decisions if decision.action == "drop"}
    copied = 0
    for image in report.images.values():
        # a URL is no path: its file is named by a digest of it
        target = folder / Path(Path(image.path).name if image.url else image.id.lstrip("/"))
        if image.id in dropped or target.exists():
            continue
        if not target.resolve().is_relative_to(folder.resolve()):
            raise ConfigError("an image lies outside its source", got=image.id)
        with writing(target) as place:
            if is_address(image.path):
                place.write_bytes(read_again(image.path))
            else:
                shutil.copy2(image.path, place)
        copied += 1
    return copied
