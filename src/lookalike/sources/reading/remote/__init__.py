"""What lies far away: the one place that speaks to object stores and web servers."""

from lookalike.sources.reading.remote.objects import (
    FarFile,
    copy_to,
    examine,
    found_under,
    open_far,
    read_far,
)

__all__ = ["FarFile", "copy_to", "examine", "found_under", "open_far", "read_far"]
