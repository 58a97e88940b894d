"""imagehash's phash of every orientation.

The 32×32 grey picture that phash starts from is made once and turned, not the whole picture.
"""

from __future__ import annotations

import imagehash
import numpy as np
from pairs_file import compare_hashes
from PIL import Image

MOST_BITS = 22
ORIENTATIONS = (None, *Image.Transpose)


def hashes(path: str) -> np.ndarray:
    with Image.open(path) as image:
        small = image.convert("L").resize((32, 32), Image.Resampling.LANCZOS)
    turned = (small if turn is None else small.transpose(turn) for turn in ORIENTATIONS)
    return np.stack([imagehash.phash(one).hash.ravel() for one in turned]).astype(np.uint8)


if __name__ == "__main__":
    compare_hashes(hashes, MOST_BITS)
