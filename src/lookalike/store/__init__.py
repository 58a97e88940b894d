"""Collections: what was learned about pictures, kept in a folder, in memory or at a server."""

from lookalike.store.collection import Collection, Ranking
from lookalike.store.decisions import Change, Choices, Decisions
from lookalike.store.dropped import Dropped, DroppedPictures
from lookalike.store.embedded import EmbeddedCollection
from lookalike.store.location import folder_of, locate, name_of
from lookalike.store.opening import (
    choices_of,
    holds_anything,
    open_collection,
    open_decisions,
    open_dropped,
)
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
    "EmbeddedCollection",
    "KnownFile",
    "Ranking",
    "Spans",
    "choices_of",
    "folder_of",
    "holds_anything",
    "locate",
    "name_of",
    "open_collection",
    "open_decisions",
    "open_dropped",
]
