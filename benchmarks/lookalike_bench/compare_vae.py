"""Compare a trained VAE with PCA of the same pixels, on a labelled set.

    python -m lookalike_bench.compare_vae TRAINING_PHOTOS SET...

Prints recall@1 / recall@10 of 64 principal components of 64x64 RGB pixels, fitted on the training
photos; ``python -m lookalike_bench.nearest SET --descriptor vae.onnx`` gives the other column.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from lookalike.config import DecodeConfig
from lookalike.evaluation.datasets import read_labels
from lookalike.images.decode import decode
from lookalike.model.image import Picture
from lookalike.training.augment import squared
from lookalike.training.photos import read_photos
from lookalike_bench.nearest import recall_of_sources

SIDE, COMPONENTS = 64, 64


def pixels(path: Path) -> np.ndarray:
    """A photo as the network takes it."""
    picture = decode(str(path), path.read_bytes(), DecodeConfig())
    assert isinstance(picture, Picture), path
    return squared(picture.rgb, SIDE).reshape(-1)


def main() -> None:
    """Train both and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("sets", type=Path, nargs="+")
    arguments = parser.parse_args()
    photos = read_photos(arguments.photos, lambda stage, done, total: None)
    rows = np.stack([photos.square(n, SIDE).reshape(-1) for n in range(len(photos))])
    centred = rows.astype(np.float32) - rows.mean(0, dtype=np.float64).astype(np.float32)
    values, vectors = np.linalg.eigh(centred @ centred.T)
    leading = np.argsort(-values)[:COMPONENTS]
    axes = centred.T @ vectors[:, leading] / np.sqrt(values[leading])
    for folder in arguments.sets:
        labels = read_labels(folder)
        found = np.stack([pixels(folder / label.path) for label in labels]).astype(np.float32)
        scores = recall_of_sources((found - rows.mean(0)) @ axes, labels)
        print(folder.name)
        for edit in scores.first:
            print(f"| {edit} | {scores.first[edit]:.3f} / {scores.ten[edit]:.3f} |")
        print("| mean | {:.4f} / {:.4f} |".format(*scores.means), flush=True)


if __name__ == "__main__":
    main()
