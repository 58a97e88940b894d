"""Set the arithmetic of a training: float32 throughout, on the processor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch.backends import mkldnn

__all__ = ["plain_arithmetic"]


@contextmanager
def plain_arithmetic(threads: int) -> Iterator[None]:
    """Compute in float32 and nothing shorter; settings are restored afterwards.

    Args:
        threads: processors to use.
    """
    before = torch.get_num_threads(), torch.get_default_dtype()
    matmul, kinds = torch.get_float32_matmul_precision(), (mkldnn.conv, mkldnn.matmul)
    formats = [kind.fp32_precision for kind in kinds]
    with ExitStack() as stack:
        stack.callback(torch.set_num_threads, before[0])
        stack.callback(torch.set_default_dtype, before[1])
        for kind, number in zip(kinds, formats, strict=True):
            stack.callback(setattr, kind, "fp32_precision", number)
        # undone before the two above, which it changes too
        stack.callback(torch.set_float32_matmul_precision, matmul)
        torch.set_num_threads(threads)
        torch.set_default_dtype(torch.float32)
        torch.set_float32_matmul_precision("highest")
        for kind in kinds:
            kind.fp32_precision = "ieee"
        stack.enter_context(torch.device("cpu"))
        stack.enter_context(torch.autocast("cpu", enabled=False))
        yield
