"""The HTTP service: add, search, compare and collapse over one collection (extra ``serve``)."""

from lookalike.server.settings import ServeConfig

__all__ = ["ServeConfig"]
