"""What was learned, kept on disk."""

from lookalike.store.collection import Collection
from lookalike.store.dropped import Dropped, DroppedPictures
from lookalike.store.records import Batch, Content, KnownFile

__all__ = ["Batch", "Collection", "Content", "Dropped", "DroppedPictures", "KnownFile"]
