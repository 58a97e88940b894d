"""The OpenAPI document, as it is served."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib import resources
from typing import Any

from lookalike.model.version import __version__

__all__ = ["openapi"]


@lru_cache(maxsize=1)
def openapi() -> dict[str, Any]:
    """Load the OpenAPI 3.1 document of the service, with the version that runs."""
    text = resources.files("lookalike.server").joinpath("openapi.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    document["info"]["version"] = __version__
    return document
