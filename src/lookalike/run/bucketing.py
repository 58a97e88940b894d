"""Images of a collection that share a hash."""

from __future__ import annotations

import numpy as np

from lookalike.config.find import SystemConfig
from lookalike.ingest.describe import Describer
from lookalike.ingest.ingest import remembered_images
from lookalike.model.errors import ConfigError
from lookalike.runtime.progress import Progress
from lookalike.store import Collection
from lookalike.systems.space import fit_space, load_views

__all__ = ["bucketed"]


def bucketed(
    config: SystemConfig, collection: Collection, progress: Progress
) -> dict[str, tuple[str, ...]]:
    """Paths of a collection's images by the bits of the first view's descriptor.

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
