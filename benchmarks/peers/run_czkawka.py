"""czkawka's hash, from its Python binding; all pairs are compared here.

Its own grouping puts an image into one group only, so that no threshold could be swept.
"""

from __future__ import annotations

import base64

import czkawka
import numpy as np
from pairs_file import compare_hashes

MOST_BITS = 22


def hashes(path: str) -> np.ndarray:
    text = czkawka.ImageSimilarity().hash_image(path)
    data = base64.b64decode(text + "=" * (-len(text) % 4))
    return np.unpackbits(np.frombuffer(data, np.uint8))[None]


if __name__ == "__main__":
    compare_hashes(hashes, MOST_BITS)
