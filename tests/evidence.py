"""Evidence and images made by hand, for tests of rules."""

from __future__ import annotations

from lookalike.model.image import ImageRef
from lookalike.model.match import Verification

#: parts of a picture: all of it, its upper and its lower half
ALL, TOP, BOTTOM = "f" * 16, "ffffffff00000000", "00000000ffffffff"
#: of two files of one picture
WHOLE = Verification(
    inliers=60,
    support=0.4,
    transform=(1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0),
    mirrored=False,
    overlap_query=1.0,
    overlap_ref=1.0,
    agreement=0.97,
    likeness=0.97,
    covered=1.0,
    shared_query=ALL,
    shared_ref=ALL,
    scale=1.0,
    angle=0.0,
    gain=1.0,
    offset=0.0,
    frame="same",
    edit="re-encoded",
)


def image(name: str, **changes: object) -> ImageRef:
    """An image of that name, path and content, which differs from another only where told."""
    plain = {"id": name, "path": name, "sha256": name, "n_bytes": 100, "width": 10, "height": 10}
    return ImageRef(**{**plain, "format": "JPEG", **changes})  # type: ignore[arg-type]
