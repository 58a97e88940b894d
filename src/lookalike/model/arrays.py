"""Types of the arrays inside the records."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["BoolArray", "FloatArray", "IntArray", "UInt8Array"]

UInt8Array = NDArray[np.uint8]


FloatArray = NDArray[np.float32]


IntArray = NDArray[np.int64]


BoolArray = NDArray[np.bool_]
