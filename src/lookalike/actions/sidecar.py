"""Write what a dropped picture says and its keeper does not into a new XMP sidecar.

The keeper's own bytes are never touched, and a sidecar that is there is left alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from xml.sax.saxutils import escape

from lookalike.actions.records import Plan

__all__ = ["merged_metadata", "sidecar_path", "sidecar_text"]

_HEAD = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:exif="http://ns.adobe.com/exif/1.0/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/">
"""
_TAIL = """  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
"""


def sidecar_path(keeper: str) -> str:
    """``name.ext.xmp``, the name that belongs to one file alone."""
    return f"{keeper}.xmp"


def merged_metadata(plan: Plan, keeper: str) -> dict[str, str]:
    """Merge what the copies that go for a keeper say beyond it; the first by path decides."""
    merged: dict[str, str] = {}
    for step in plan.steps:
        if step.keeper == keeper:
            for name, value in step.metadata.items():
                merged.setdefault(name, value)
    return merged


def sidecar_text(values: Mapping[str, str]) -> tuple[str, str]:
    """Make an XMP document and the hex SHA-256 of its UTF-8 bytes."""
    text = _HEAD + "".join(_element(name, values[name]) for name in sorted(values)) + _TAIL
    return text, hashlib.sha256(text.encode()).hexdigest()


def _element(name: str, value: str) -> str:
    safe = escape(value)
    if name == "gps":
        latitude, longitude = (float(part) for part in value.split(","))
        return (
            f"   <exif:GPSLatitude>{_degrees(latitude, 'NS')}</exif:GPSLatitude>\n"
            f"   <exif:GPSLongitude>{_degrees(longitude, 'EW')}</exif:GPSLongitude>\n"
        )
    if name == "date":
        return f"   <exif:DateTimeOriginal>{safe}</exif:DateTimeOriginal>\n"
    if name in ("rating", "label"):
        tag = {"rating": "xmp:Rating", "label": "xmp:Label"}[name]
        return f"   <{tag}>{safe}</{tag}>\n"
    if name == "keywords":
        items = "".join(f"<rdf:li>{escape(word)}</rdf:li>" for word in value.split("; "))
        return f"   <dc:subject><rdf:Bag>{items}</rdf:Bag></dc:subject>\n"
    tag = {"caption": "dc:description", "title": "dc:title"}[name]
    return f'   <{tag}><rdf:Alt><rdf:li xml:lang="x-default">{safe}</rdf:li></rdf:Alt></{tag}>\n'


def _degrees(value: float, signs: str) -> str:
    """Write degrees as XMP does: ``47,22.860000N``."""
    whole, part = divmod(abs(value), 1)
    return f"{int(whole)},{part * 60:.6f}{signs[value < 0]}"
