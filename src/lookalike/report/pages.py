"""Write HTML pages from templates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2

from lookalike.model.legible import legible
from lookalike.runtime.output import writing

__all__ = ["write_page"]


def write_page(path: Path, template: str, **values: Any) -> Path:
    """Write a page; names in it can neither be markup nor reverse the order of letters.

    Args:
        path: the page; its folder is created when missing.
        template: name of the template.
        values: what it shows.

    Raises:
        OutputError: it cannot be written.
    """
    pages = jinja2.Environment(
        loader=jinja2.PackageLoader("lookalike.report"),
        autoescape=True,
        trim_blocks=True,
        finalize=lambda value: legible(value) if type(value) is str else value,
    )
    page = pages.get_template(template).render(**values)
    with writing(path) as place:
        place.write_text(page, encoding="utf-8")
    return path
