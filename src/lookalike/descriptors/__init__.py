"""What a picture is described by."""

from lookalike.descriptors.neural import (
    SHIPPED,
    NeuralDescriptor,
    load_embedding,
)

__all__ = ["SHIPPED", "NeuralDescriptor", "load_embedding"]
