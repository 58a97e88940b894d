"""Read tables of contents of archives: members, their offsets, what is wrong with some."""

from __future__ import annotations

import calendar
import gzip
import importlib
import json
import posixpath
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass, replace
from itertools import pairwise
from typing import IO

from lookalike.config import ReadConfig
from lookalike.model.files import Failure
from lookalike.sources.reading.addresses import MemberAddress

__all__ = [
    "Contents",
    "Member",
    "contents_of",
    "from_text",
    "plain_pieces",
    "sample_of",
    "to_text",
]

_BLOCK = 512
_MOST_LINKS = 40
_COMPRESSED = {
    "gz": "gzip",
    "tgz": "gzip",
    "bz2": "bz2",
    "tbz2": "bz2",
    "xz": "lzma",
    "txz": "lzma",
    "zst": "zstandard",
}
_ENCRYPTED = 0x1


@dataclass(frozen=True, slots=True)
class Member:
    """One member that claims to be a file.

    Attributes:
        name: exactly as the archive has it.
        n_bytes: its size, unpacked.
        modified_ns: nanoseconds since the epoch, taken as UTC where the archive has no zone; 0
            where it has no time.
        offset: where it begins in the archive: its bytes in a tar, its header in a zip.
        stored: bytes that it takes there.
        header: bytes of its name and extra fields in a zip's directory.
        crc: checksum of its bytes in a zip; None in a tar.
        deflated: whether it is compressed.
        target: of a link, the name of the member that it leads to; empty for a file.
        trouble: what is wrong with it in the archive; empty for nothing.
    """

    name: str
    n_bytes: int
    modified_ns: int
    offset: int
    stored: int
    header: int = 0
    crc: int | None = None
    deflated: bool = False
    target: str = ""
    trouble: str = ""

    def unreadable(self, config: ReadConfig) -> str:
        """Say why it is not read; empty if it is. The limit of sizes is today's, not the list's."""
        return self.trouble or config.too_large(max(self.n_bytes, self.stored))


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in an archive.

    Attributes:
        members: by name; of equal names the last.
        failures: what cannot be listed.
    """

    members: Mapping[str, Member]
    failures: tuple[Failure, ...]


def contents_of(stream: IO[bytes], kind: str, address: str) -> Contents:
    """List an archive; of a damaged one what lies before the damage, which is a failure.

    Args:
        stream: the whole archive, seekable.
        kind: ``zip`` or ``tar``.
        address: of the archive, for failures.

    Raises:
        OSError: it is no archive of this kind.
    """
    members: dict[str, Member] = {}
    failures = []
    for item in _zip_members(stream) if kind == "zip" else _tar_members(stream):
        if isinstance(item, str):
            failures.append(Failure(address, "scan", item))
            continue
        if item.name in members:
            hidden = "a later member of the same name hides it"
            failures.append(Failure(str(MemberAddress(kind, item.name, address)), "scan", hidden))
            # put the last one in its own place
            del members[item.name]
        members[item.name] = item
    return Contents(_followed(members), tuple(failures))


def plain_pieces(address: str, source: IO[bytes]) -> Iterator[bytes]:
    """Decompress a file; of a damaged one what lies before the damage.

    Raises:
        OSError: the package that decompresses it is missing.
    """
    suffix = address.partition("?")[0].lower().rpartition(".")[2]
    name = _COMPRESSED.get(suffix)
    try:
        if name is None:
            raise ImportError
        # some builds of Python lack a decompressor
        module = importlib.import_module(name)
    except ImportError as error:
        raise OSError(
            f"a .{suffix} archive cannot be decompressed here; decompress it, and name the plain "
            "tar; or, for .zst, pip install 'lookalike[zstd]'"
        ) from error
    own = [getattr(module, error, EOFError) for error in ("LZMAError", "ZstdError")]
    damage = (EOFError, zlib.error, gzip.BadGzipFile, *own)
    with module.open(source, "rb") as unpacked:
        try:
            # read() would lose the bytes between its last piece and the damage
            while piece := unpacked.read1(1 << 20):
                yield piece
        except damage:
            return


def sample_of(name: str) -> str:
    """The prefix of the names of one WebDataset sample: up to the first dot of the file."""
    folder, slash, last = name.rpartition("/")
    return folder + slash + last.partition(".")[0]


def to_text(contents: Contents) -> bytes:
    """Encode contents as JSON; names that are not UTF-8 survive."""
    failures = [astuple(failure) for failure in contents.failures]
    members = [astuple(member) for member in contents.members.values()]
    return json.dumps([failures, members]).encode()


def from_text(text: bytes, address: str) -> Contents | None:
    """Decode contents from JSON; None where it is of another form."""
    try:
        failures, members = json.loads(text)
        known = (Member(*values) for values in members)
        return Contents(
            {member.name: member for member in known}, tuple(Failure(*one) for one in failures)
        )
    except (ValueError, TypeError):
        return None


def _zip_members(stream: IO[bytes]) -> Iterator[Member]:
    try:
        infos = zipfile.ZipFile(stream).infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise OSError(f"not a zip archive, or a damaged one: {error}") from error
    starts = sorted(info.header_offset for info in infos)
    # of several members at one offset all but one overlap the next
    following = dict(reversed([*pairwise(starts)]))
    for info in infos:
        if info.is_dir():
            continue
        name = info.orig_filename.encode("utf-8", "surrogateescape")
        end = info.header_offset + 30 + info.compress_size
        yield Member(
            name=info.filename,
            n_bytes=info.file_size,
            modified_ns=_zip_time(info),
            offset=info.header_offset,
            stored=info.compress_size,
            header=len(name) + len(info.extra),
            crc=info.CRC,
            deflated=info.compress_type == zipfile.ZIP_DEFLATED,
            trouble=_zip_trouble(info, overlaps=end > following.get(info.header_offset, end)),
        )


def _zip_trouble(info: zipfile.ZipInfo, *, overlaps: bool) -> str:
    if info.flag_bits & _ENCRYPTED:
        return "encrypted; lookalike asks for no passwords, so unpack it"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return f"compressed by method {info.compress_type}; expected stored or deflated"
    if overlaps:
        return "it overlaps the next member, as in a zip bomb"
    return ""


def _zip_time(info: zipfile.ZipInfo) -> int:
    try:
        return calendar.timegm((*info.date_time, 0, 0, 0)) * 1_000_000_000
    except (ValueError, OverflowError):
        return 0


def _tar_members(stream: IO[bytes]) -> Iterator[Member | str]:
    """Yield members, then a sentence on what is wrong with the archive, if anything is."""
    try:
        # "r:" refuses a compressed tar under a plain name, whose offsets would be wrong
        tar = tarfile.open(  # noqa: SIM115  nothing is held: the stream is the caller's
            fileobj=stream, mode="r:", encoding="utf-8", errors="surrogateescape"
        )
    except tarfile.TarError as error:
        if not stream.seek(0) and not stream.read(1):
            raise OSError("not a tar archive: it is empty") from error
        raise OSError(f"not a tar archive: {error}") from error
    try:
        while (info := tar.next()) is not None:
            tar.members = []  # type: ignore[attr-defined]  # a million are not to be kept
            if info.isreg() or info.islnk() or info.issym():
                yield _tar_member(info)
    except (tarfile.TarError, ValueError, EOFError) as error:
        yield f"damaged or truncated: {error}; what lies behind is not read"
        return
    stream.seek(tar.offset)
    rest = stream.read(_BLOCK)
    if rest.strip(b"\0"):
        yield f"damaged at byte {tar.offset:,}; what lies behind is not read"
    elif not rest:
        yield "it ends without an end mark and may be truncated; what is there was read"


def _tar_member(info: tarfile.TarInfo) -> Member:
    target = ""
    if info.islnk():
        target = info.linkname
    elif info.issym():
        target = posixpath.normpath(posixpath.join(posixpath.dirname(info.name), info.linkname))
    return Member(
        name=info.name,
        n_bytes=info.size,
        modified_ns=max(0, int(float(info.mtime) * 1_000_000) * 1000),
        offset=info.offset_data,
        stored=info.size,
        target=target,
        trouble="a sparse file; expected a plain one" if info.issparse() else "",
    )


def _followed(members: dict[str, Member]) -> dict[str, Member]:
    """Replace links by what they lead to, under their own names; broken ones get a trouble."""
    if not any(member.target for member in members.values()):
        return members
    plain = {posixpath.normpath(name): name for name in members}
    found = {}
    for name, member in members.items():
        end: Member | None = member
        for _ in range(_MOST_LINKS):
            if end is None or not end.target:
                break
            end = members.get(plain.get(posixpath.normpath(end.target), ""))
        if member.target:
            broken = end is None or bool(end.target)
            trouble = "a link whose target is not in the archive" if broken else ""
            member = replace(
                member if end is None or broken else end,
                name=name,
                target=member.target if end is None else end.name,
                trouble=trouble or (end.trouble if end else ""),
            )
        found[name] = member
    return found
