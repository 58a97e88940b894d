"""What a picture is described by."""

from lookalike.descriptors.neural import (
    COPY_TRAINED,
    SHIPPED,
    NeuralDescriptor,
    load_embedding,
)

__all__ = ["COPY_TRAINED", "SHIPPED", "NeuralDescriptor", "load_embedding"]
