"""Records of one file, one image, one decoded picture, one descriptor."""

from __future__ import annotations

from dataclasses import dataclass

from lookalike.model.arrays import UInt8Array
from lookalike.model.files import Addressed
from lookalike.model.serialization import Count, Digest, Extent

__all__ = ["DescriptorSpec", "FileEntry", "ImageRef", "Picture"]


@dataclass(frozen=True, slots=True)
class FileEntry(Addressed):
    """One file that a source offers, before anything of it is read.

    Attributes:
        id: source-relative POSIX path or URL, unique within the run.
        path: path or address by which the file can be opened, as the user addressed it.
        key: absolute path or address, under which a collection remembers the file.
        n_bytes: file size in bytes.
        modified_ns: modification time in nanoseconds since the epoch.
        inode: (device, inode), equal for hard links of one file; (-1, digest of place and version)
            for what has no inode.
    """

    id: str
    path: str
    key: str
    n_bytes: int
    modified_ns: int
    inode: tuple[int, int]


@dataclass(frozen=True, slots=True)
class ImageRef(Addressed):
    """One image of a run.

    Attributes:
        id: source-relative POSIX path, or URL.
        path: path by which the file can be opened, as the user addressed it.
        sha256: hex SHA-256 of the bytes.
        n_bytes: file size in bytes.
        width: pixels, after EXIF orientation.
        height: pixels, after EXIF orientation.
        format: sniffed container, upper case, for example ``JPEG``.
        modified_ns: modification time in nanoseconds since the epoch.
        lossless: whether the pixels were stored without loss.
        exif_fields: number of EXIF tags.
        sharpness: variance of the Laplacian of the reduced picture, and of its alpha where it has
            one; higher is sharper.
        low_information: blank, or a slope from tone to tone; such an image matches by its bytes, by
            keypoints, or because both look the same everywhere, never by a hash.
        damage: what is missing or corrupt in a file that opens, in words; empty where nothing is.
        transparent: whether some pixels are transparent.
    """

    id: str
    path: str
    sha256: Digest
    n_bytes: Count
    width: Extent
    height: Extent
    format: str
    modified_ns: int = 0
    lossless: bool = False
    exif_fields: int = 0
    sharpness: float = 0.0
    low_information: bool = False
    damage: str = ""
    transparent: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded image: upright, sRGB, opaque, reduced.

    Attributes:
        rgb: ``(h, w, 3)`` uint8, alpha laid over white.
        width: full width in pixels, after EXIF orientation.
        height: full height in pixels, after EXIF orientation.
        format: sniffed container, upper case.
        lossless: whether the pixels were stored without loss.
        exif_fields: number of EXIF tags.
        alpha: ``(h, w)`` uint8 as reduced, None where all is opaque.
        pixel_digest: of the full-size pixels, None of a JPEG, which its decoder reduced.
        damage: what is missing or corrupt in a file that opens, in words; empty where nothing is.
    """

    rgb: UInt8Array
    width: int
    height: int
    format: str
    lossless: bool
    exif_fields: int
    alpha: UInt8Array | None = None
    pixel_digest: str | None = None
    damage: str = ""


@dataclass(frozen=True, slots=True)
class DescriptorSpec:
    """The identity of a descriptor: two may be compared only if their specs are equal.

    Attributes:
        name: registry name.
        version: changes whenever the values change.
        metric: ``hamming``, ``cosine``, ``euclidean``, ``correlation`` or ``keypoints``.
        dim: bits for Hamming, values per row otherwise.
        dtype: NumPy name of the stored type, for example ``uint8`` or ``float16``.
        preprocessing: how pixels became input, in words; part of the identity.
    """

    name: str
    version: str
    metric: str
    dim: int
    dtype: str
    preprocessing: str

    @property
    def key(self) -> str:
        """One line that identifies the spec, used as the cache key."""
        return "|".join(
            (self.name, self.version, self.metric, str(self.dim), self.dtype, self.preprocessing)
        )

    @property
    def row_width(self) -> int:
        """Number of values in one stored row: ``dim / 8`` bytes for Hamming, ``dim`` otherwise."""
        return self.dim // 8 if self.metric == "hamming" else self.dim

    @property
    def varies(self) -> bool:
        """Whether pictures have different numbers of rows, as of keypoints, instead of one each."""
        return self.metric in ("keypoints", "pixels")
