"""czkawka's hash, from its Python binding; all pairs are compared here.

Its own grouping puts an image into one group only, so that no threshold could be swept.
"""

from __future__ import annotations

import base64
import sys
from pathlib import Path

import czkawka
import numpy as np
from pairs_file import close_pairs, in_processes, pictures, write_close

MOST_BITS = 22


def hashes(path: str) -> np.ndarray:
    text = czkawka.ImageSimilarity().hash_image(path)
    data = base64.b64decode(text + "=" * (-len(text) % 4))
    return np.unpackbits(np.frombuffer(data, np.uint8))[None]


def main() -> None:
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    files = pictures(folder)
    rows = np.stack(in_processes(hashes, files))
    write_close(out, folder, files, close_pairs(rows, MOST_BITS))


if __name__ == "__main__":
    main()
