"""imagehash's phash of every orientation.

The 32×32 grey picture that phash starts from is made once and turned, not the whole picture.
"""

from __future__ import annotations

import sys
from pathlib import Path

import imagehash
import numpy as np
from pairs_file import close_pairs, in_processes, pictures, write_close
from PIL import Image

MOST_BITS = 22
ORIENTATIONS = (None, *Image.Transpose)


def hashes(path: str) -> np.ndarray:
    with Image.open(path) as image:
        small = image.convert("L").resize((32, 32), Image.Resampling.LANCZOS)
    turned = (small if turn is None else small.transpose(turn) for turn in ORIENTATIONS)
    return np.stack([imagehash.phash(one).hash.ravel() for one in turned]).astype(np.uint8)


def main() -> None:
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    files = pictures(folder)
    rows = np.stack(in_processes(hashes, files))
    write_close(out, folder, files, close_pairs(rows, MOST_BITS))


if __name__ == "__main__":
    main()
