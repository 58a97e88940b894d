"""Read labels beside the pictures of a WebDataset shard: ``0001.jpg``, ``0001.cls``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from lookalike.config import ReadConfig
from lookalike.datasets.labels import LABEL_COLUMNS
from lookalike.model.image import ImageRef
from lookalike.sources import cell_values
from lookalike.sources.reading.addresses import member_of
from lookalike.sources.reading.archives import Archive, open_archive
from lookalike.sources.reading.contents import sample_of

__all__ = ["labels_beside"]


def labels_beside(images: Iterable[ImageRef]) -> dict[str, frozenset[str]]:
    """Read labels by image id from the ``.cls`` or ``.json`` of the images' samples.

    A ``.cls`` file is the label; a ``.json`` file has it under ``cls`` or the usual names of
    columns. Files that cannot be read give no labels.
    """
    found = {}
    read = ReadConfig()
    for image in images:
        member = member_of(image.path)
        if member is None:
            continue
        try:
            labels = _labels(open_archive(member.archive, read), sample_of(member.member), read)
        except (OSError, ValueError):
            continue
        if labels:
            found[image.id] = frozenset(labels)
    return found


def _labels(archive: Archive, sample: str, read: ReadConfig) -> list[str]:
    if f"{sample}.cls" in archive.members:
        return cell_values(archive.read(f"{sample}.cls", read).decode())
    if f"{sample}.json" in archive.members:
        told = json.loads(archive.read(f"{sample}.json", read))
        if isinstance(told, Mapping):
            named = (told[name] for name in ("cls", *LABEL_COLUMNS) if name in told)
            return cell_values(next(named, None))
    return []
