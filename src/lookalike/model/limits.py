"""Versions by digest: a limit that changes never meets a verdict made with its former value.

A room keeps the numbers that decide in frozen records (its ``limits.py``), whose docstrings say of
each what it means, its unit, and the decision in ``docs/adr`` that gives it.
"""

from __future__ import annotations

import hashlib
from dataclasses import fields
from typing import Any

__all__ = ["version_of"]


def version_of(name: str, *limits: Any) -> str:
    """Name a version by its algorithm and by a digest of the limits it decides with.

    Args:
        name: of the algorithm, with a number that is raised by hand when more than a limit changes.
        limits: records of numbers, and of tuples of numbers.

    Returns:
        The name and eight hexadecimal digits, alike in every process and on every machine.
    """
    lines = "\n".join(
        sorted(
            f"{type(record).__name__}.{field.name} = {getattr(record, field.name)!r}"
            for record in limits
            for field in fields(record)
        )
    )
    return f"{name} {hashlib.sha256(lines.encode()).hexdigest()[:8]}"
