"""The protocol of a collection, wherever it is kept.

A collection remembers what was learned of a set of files, so that nothing is done twice. It is
content-addressed: descriptors belong to a SHA-256 and files point to one, so a moved or copied
file is never decoded again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from numpy.typing import NDArray

from lookalike.model.image import DescriptorSpec, FileEntry
from lookalike.model.match import Verification
from lookalike.store.closing import Closing
from lookalike.store.decisions import Choices
from lookalike.store.descriptors import Descriptors
from lookalike.store.records import Batch, Content, KnownFile

__all__ = ["Collection", "Ranking"]

Pair = tuple[str, str]


class Collection(Descriptors, Closing, Protocol):
    """An open collection; used from one thread, rows may be read from several.

    Every method may raise ``CollectionError`` where the collection cannot be read or written.
    """

    #: a number that grows with every decision of a person, and what was decided, when opened
    edition: int
    choices: Choices

    @property
    def revision(self) -> int:
        """A value that changes whenever anyone adds, changes or drops files."""
        ...

    # files and contents

    def unchanged(self, entries: Sequence[FileEntry]) -> dict[str, KnownFile]:
        """Look up entries whose size, time and inode are as remembered, by key."""
        ...

    def keys(self) -> set[str]:
        """List the keys of every file remembered."""
        ...

    def images(self) -> dict[str, str]:
        """Map the key of every image file remembered to its SHA-256, sorted."""
        ...

    def forget(self, keys: Iterable[str]) -> None:
        """Forget files; their contents stay, so a file that returns costs nothing."""
        ...

    def contents(self, shas: Iterable[str]) -> dict[str, Content]:
        """Look up contents; unknown ones are left out."""
        ...

    def set_pixel_digests(self, digests: Mapping[str, str]) -> None:
        """Remember digests of full-size pixels."""
        ...

    def commit(self, batch: Batch) -> None:
        """Add one batch atomically; descriptors that exist already are left alone."""
        ...

    # verdicts, reports, what was fitted

    def verdicts(self, pairs: Sequence[Pair], verifier: str) -> dict[Pair, Verification | None]:
        """Look up verdicts; None is a refusal, a pair that is absent was never verified."""
        ...

    def add_verdicts(self, verdicts: Mapping[Pair, Verification | None], verifier: str) -> None:
        """Remember verdicts, refusals too."""
        ...

    def save_report(self, fingerprint: str, text: str) -> None:
        """Keep a report; only the latest few are kept."""
        ...

    def load_report(self, fingerprint: str) -> str | None:
        """Look up a kept report; None where there is none."""
        ...

    def last_report(self) -> str | None:
        """Look up the body of the report that was made last; None where there is none."""
        ...

    def fitted(self, shelf: str) -> list[str]:
        """List the names of what was fitted for one purpose, the latest last."""
        ...

    def load_fitted(self, shelf: str, name: str) -> bytes:
        """Load what was fitted under a name."""
        ...

    def keep_fitted(self, shelf: str, name: str, data: bytes) -> None:
        """Keep what was fitted, in place of everything else on its shelf."""
        ...


@runtime_checkable
class Ranking(Protocol):
    """A collection that finds nearest rows where they are kept, without sending all rows."""

    def nearest(self, spec: DescriptorSpec, row: NDArray[Any], k: int) -> list[str] | None:
        """Find the ``k`` contents of ``images()`` whose rows are nearest, the nearest first.

        Args:
            spec: of metric ``cosine``.
            row: ``(dim,)``.
            k: fewer only where fewer have such a row.

        Returns:
            Their SHA-256; None where this descriptor cannot be ranked there.
        """
        ...
