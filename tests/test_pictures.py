"""The pictures that the tests bring: where they come from, and that they are few."""

from __future__ import annotations

import re

from conftest import BROKEN, PICTURES


def test_every_photo_has_a_source_and_all_are_small() -> None:
    """README.md of tests/data has a line for each; under 1 MB together."""
    text = (PICTURES / "README.md").read_text(encoding="utf-8")
    told = set()
    for name, last in re.findall(r"^\| (\w+?)(?:_0 … (\d))?\.jpg \|", text, re.MULTILINE):
        told |= {f"{name}_{number}" for number in range(int(last) + 1)} if last else {name}
    assert {path.stem for path in (PICTURES / "photos").iterdir()} == told and len(told) == 24
    assert {path.name for path in (PICTURES / "formats").iterdir()} > BROKEN
    assert sum(path.stat().st_size for path in PICTURES.rglob("*") if path.is_file()) < 1_000_000
