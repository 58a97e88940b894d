"""PDQ as the package pdqhash computes it, in all eight orientations."""

from __future__ import annotations

import numpy as np
import pdqhash
from pairs_file import compare_hashes
from PIL import Image

MOST_BITS = 90


def hashes(path: str) -> np.ndarray:
    with Image.open(path) as image:
        turned, _ = pdqhash.compute_dihedral(np.asarray(image.convert("RGB")))
    return np.stack(turned).astype(np.uint8)


if __name__ == "__main__":
    compare_hashes(hashes, MOST_BITS)
