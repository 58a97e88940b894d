"""What was learned, kept on disk."""

from lookalike.store.collection import Collection
from lookalike.store.decisions import Change, Choices, Decisions
from lookalike.store.dropped import Dropped, DroppedPictures
from lookalike.store.records import Batch, Content, KnownFile
from lookalike.store.rows import Spans

__all__ = [
    "Batch",
    "Change",
    "Choices",
    "Collection",
    "Content",
    "Decisions",
    "Dropped",
    "DroppedPictures",
    "KnownFile",
    "Spans",
]
