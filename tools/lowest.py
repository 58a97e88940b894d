"""The lowest versions that pyproject.toml allows of what the core needs, one a line, for pip."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

_LOWEST = re.compile(r"([A-Za-z0-9._-]+)>=([0-9.]+)")


def lowest(project: Path) -> list[str]:
    """``name==version`` of every dependency, all of which are declared as ``name>=version``.

    Raises:
        ValueError: one is declared in another way.
    """
    pins = []
    for wanted in tomllib.loads(project.read_text(encoding="utf-8"))["project"]["dependencies"]:
        found = _LOWEST.fullmatch(wanted)
        if not found:
            raise ValueError(f"got {wanted!r} in {project}; expected NAME>=VERSION")
        pins.append("==".join(found.groups()))
    return pins


if __name__ == "__main__":
    print("\n".join(lowest(Path(__file__).resolve().parents[1] / "pyproject.toml")))
