"""PDQ as the package pdqhash computes it, in all eight orientations."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pdqhash
from pairs_file import close_pairs, in_processes, pictures, write_close
from PIL import Image

MOST_BITS = 90


def hashes(path: str) -> np.ndarray:
    with Image.open(path) as image:
        turned, _ = pdqhash.compute_dihedral(np.asarray(image.convert("RGB")))
    return np.stack(turned).astype(np.uint8)


def main() -> None:
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    files = pictures(folder)
    rows = np.stack(in_processes(hashes, files))
    write_close(out, folder, files, close_pairs(rows, MOST_BITS))


if __name__ == "__main__":
    main()
