"""Descriptors of pictures: hashes, keypoints, filters, networks."""

from lookalike.descriptors.neural import (
    SHIPPED,
    NeuralDescriptor,
    load_embedding,
)

__all__ = ["SHIPPED", "NeuralDescriptor", "load_embedding"]
