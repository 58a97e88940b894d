"""Make names and messages harmless: nothing in them acts on a terminal or a page."""

from __future__ import annotations

import re

__all__ = ["inert_json", "legible"]

# characters that are invisible, reverse the order of letters or break lines; two joiners are left,
# as words and emoji need them. Surrogates stand for bytes of a file name that are not UTF-8
_BEYOND = (
    "\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f"
)
_ACTING = re.compile(f"[\x00-\x1f{_BEYOND}]")
_ACTING_IN_JSON = re.compile(f"[{_BEYOND}]")
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def legible(text: str) -> str:
    r"""Put a text on one line, with control characters and the like written out: ``\x1b``.

    Bytes of a file name that are no UTF-8 are written as ``\xff``.
    """
    # nearly all texts are printable, which is quick to check
    return text if text.isprintable() else _ACTING.sub(lambda one: _escape(one[0]), text)


def inert_json(text: str) -> str:
    r"""Escape in JSON what acts on a terminal: ``\u202e``."""
    return text if text.isascii() and "\x7f" not in text else _ACTING_IN_JSON.sub(_in_json, text)


def _escape(letter: str) -> str:
    code = ord(letter)
    if letter in _SHORT:
        return _SHORT[letter]
    if 0xDC80 <= code <= 0xDCFF:
        return rf"\x{code - 0xDC00:02x}"
    if code < 0x80:
        return rf"\x{code:02x}"
    return rf"\u{code:04x}" if code < 0x10000 else rf"\U{code:08x}"


def _in_json(one: re.Match[str]) -> str:
    units = one[0].encode("utf-16-be", "surrogatepass")
    return "".join(rf"\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
