"""Read what a file says about its picture: place, date, rating, caption, label, keywords."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree import ElementTree

from lookalike.sources.reading import read_start

__all__ = ["FIELDS", "only_in", "read_metadata"]

FIELDS = ("gps", "date", "rating", "caption", "title", "label", "keywords")
_MOST_XMP = 1 << 20
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_NAMES = {
    "{http://ns.adobe.com/xap/1.0/}Rating": "rating",
    "{http://ns.adobe.com/xap/1.0/}Label": "label",
    "{http://purl.org/dc/elements/1.1/}description": "caption",
    "{http://purl.org/dc/elements/1.1/}title": "title",
    "{http://purl.org/dc/elements/1.1/}subject": "keywords",
    "{http://ns.adobe.com/exif/1.0/}DateTimeOriginal": "date",
    "{http://ns.adobe.com/photoshop/1.0/}DateCreated": "date",
    "{http://ns.adobe.com/exif/1.0/}GPSLatitude": "latitude",
    "{http://ns.adobe.com/exif/1.0/}GPSLongitude": "longitude",
}


def read_metadata(path: str, sidecars: tuple[str, ...] = ()) -> dict[str, str]:
    """Read the non-empty fields of ``FIELDS`` from a file and its XMP sidecars.

    EXIF outranks XMP in the file, which outranks the sidecars. ``gps`` is ``latitude,longitude`` in
    degrees, ``date`` ISO 8601, ``keywords`` joined by ``"; "``. A file that cannot be read has no
    fields.
    """
    texts = [text for sidecar in sidecars if (text := _sidecar(sidecar))]
    found: dict[str, str] = {}
    for text in reversed(texts):
        found.update(_from_xmp(text))
    found.update(_from_file(path))
    return {name: found[name] for name in FIELDS if found.get(name)}


def only_in(mine: Mapping[str, str], theirs: Mapping[str, str]) -> dict[str, str]:
    """List the fields of one picture that the other lacks."""
    return {name: value for name, value in mine.items() if name not in theirs}


def _sidecar(path: str) -> bytes:
    try:
        return read_start(path, _MOST_XMP)
    except OSError:
        return b""


def _from_file(path: str) -> dict[str, str]:
    from PIL import Image

    try:
        with Image.open(path) as image:
            xmp = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
            found = _from_xmp(xmp.encode() if isinstance(xmp, str) else bytes(xmp))
            found.update(_from_exif(image.getexif()))
            return found
    except Exception:
        return {}


def _from_exif(exif: Mapping[int, object]) -> dict[str, str]:
    inner: Mapping[int, object] = exif.get_ifd(0x8769)  # type: ignore[attr-defined]
    place: Mapping[int, object] = exif.get_ifd(0x8825)  # type: ignore[attr-defined]
    found = {
        "caption": _text(exif.get(0x010E)) or _wide(exif.get(0x9C9C)),
        "title": _wide(exif.get(0x9C9B)),
        "keywords": "; ".join(filter(None, _wide(exif.get(0x9C9E)).split(";"))),
        "rating": _text(exif.get(0x4746) or None),
        "date": _date(_text(inner.get(0x9003)) or _text(inner.get(0x9004))),
        "gps": _place(place),
    }
    return {name: value for name, value in found.items() if value}


def _place(gps: Mapping[int, object]) -> str:
    try:
        latitude = _degrees(gps[2]) * (-1 if _text(gps.get(1)).upper() == "S" else 1)
        longitude = _degrees(gps[4]) * (-1 if _text(gps.get(3)).upper() == "W" else 1)
    except (KeyError, TypeError, ValueError, ZeroDivisionError, IndexError):
        return ""
    return f"{latitude:.6f},{longitude:.6f}"


def _degrees(value: object) -> float:
    degrees, minutes, seconds = (float(part) for part in value)  # type: ignore[attr-defined]
    total = degrees + minutes / 60 + seconds / 3600
    if not 0 <= total <= 180:
        raise ValueError(total)
    return total


def _text(value: object) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return str(value).strip().strip("\0").strip() if value is not None else ""


def _wide(value: object) -> str:
    """Decode a Windows tag: UTF-16."""
    if isinstance(value, tuple):
        value = bytes(value)
    return value.decode("utf-16-le", "replace").rstrip("\0") if isinstance(value, bytes) else ""


def _date(text: str) -> str:
    """Turn EXIF's ``2020:05:17 12:00:00`` into ISO 8601; empty if there is no date."""
    match = re.match(r"(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d:\d\d:\d\d)", text)
    if not match or match[1] == "0000":
        return ""
    return f"{match[1]}-{match[2]}-{match[3]}T{match[4]}"


def _from_xmp(text: bytes) -> dict[str, str]:
    start, end = text.find(b"<rdf:RDF"), text.find(b"</rdf:RDF>")
    # document types are refused, so no entity can be declared
    if start < 0 or end < 0 or len(text) > _MOST_XMP:
        return {}
    try:
        root = ElementTree.fromstring(text[start : end + len(b"</rdf:RDF>")])
    except ElementTree.ParseError:
        return {}
    raw: dict[str, str] = {}
    for block in root.iter(f"{_RDF}Description"):
        for tag, value in block.attrib.items():
            if tag in _NAMES:
                raw.setdefault(_NAMES[tag], value.strip())
        for child in block:
            if child.tag in _NAMES:
                words = [item.text or "" for item in child.iter(f"{_RDF}li")] or [child.text or ""]
                joined = "; ".join(word.strip() for word in words if word.strip())
                raw.setdefault(_NAMES[child.tag], joined)
    place = _xmp_place(raw.pop("latitude", ""), raw.pop("longitude", ""))
    if place:
        raw["gps"] = place
    if raw.get("rating") == "0":
        del raw["rating"]
    return {name: value for name, value in raw.items() if value}


def _xmp_place(latitude: str, longitude: str) -> str:
    parts = [_xmp_degrees(latitude), _xmp_degrees(longitude)]
    return "" if None in parts else f"{parts[0]:.6f},{parts[1]:.6f}"


def _xmp_degrees(text: str) -> float | None:
    """Parse ``47,22.86N`` or ``47,22,51N`` into degrees."""
    match = re.fullmatch(r"(\d+),(\d+(?:\.\d+)?)(?:,(\d+(?:\.\d+)?))?([NSEW])", text)
    if not match:
        return None
    value = int(match[1]) + float(match[2]) / 60 + float(match[3] or 0) / 3600
    return -value if match[4] in "SW" else value
