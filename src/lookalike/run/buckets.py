"""List the images of a collection by their hash."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lookalike.config import SystemConfig, ViewConfig
from lookalike.ingest.describe import Describer
from lookalike.ingest.ingest import remembered_images
from lookalike.model.errors import ConfigError
from lookalike.runtime.progress import Progress, silent
from lookalike.store import Collection, open_collection
from lookalike.store.location import default_collection
from lookalike.systems.space import fit_space, load_views

__all__ = ["buckets"]


def buckets(
    descriptor: str, *, db: str | Path | None = None, progress: Progress | None = None
) -> dict[str, tuple[str, ...]]:
    """List images of a collection by their hash: hexadecimal bits to paths, sorted.

    Args:
        descriptor: a hash, or ``NAME#BITS`` for hyperplane bits.
        db: folder or address of the collection, filled by ``find``.
        progress: called with (stage, done, total).

    Raises:
        ConfigError: not a descriptor of bits, or an empty collection.
    """
    config = SystemConfig(views=(ViewConfig(descriptor, 0.0),))
    load_views(config)
    with open_collection(db or default_collection()) as collection:
        return _bucketed(config, collection, progress or silent)


def _bucketed(
    config: SystemConfig, collection: Collection, progress: Progress
) -> dict[str, tuple[str, ...]]:
    """Group paths of a collection's images by the bits of the first view's descriptor.

    Raises:
        ConfigError: a descriptor of numbers, or an empty collection.
    """
    descriptors = load_views(config)
    if descriptors[0].spec.metric != "hamming":
        raise ConfigError(
            "buckets need bits", got=config.views[0].descriptor, remedy="add #96 behind it"
        )
    images = remembered_images(collection)
    first = {image.sha256: image for image in images}
    describer = Describer(first, collection, config, progress)
    space = fit_space(config, descriptors, sorted(first), collection, describer.embed)
    rows = np.asarray(space.views[0].rows[slice(None)])
    bits = {sha: row.tobytes().hex() for sha, row in zip(space.shas, rows, strict=True)}
    found: dict[str, list[str]] = {}
    for image in images:
        if image.sha256 in bits:
            found.setdefault(bits[image.sha256], []).append(image.path)
    return {key: tuple(found[key]) for key in sorted(found)}
