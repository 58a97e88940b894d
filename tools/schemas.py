"""Schemas of reports, plans and the service, made from the records: ``make reference`` writes them.

Types, ranges and the words for every field are those of the records and their docstrings.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from pathlib import Path
from typing import Any

import msgspec

from lookalike.actions.records import Plan
from lookalike.report.document import Document
from lookalike.server import wire

__all__ = ["pages"]

Schema = dict[str, Any]
_PACKAGE = Path(__file__).resolve().parents[1] / "src" / "lookalike"
_DRAFT = "https://json-schema.org/draft/2020-12/schema"
#: fields that documents may lack, and records that may have more of them
_OPTIONAL = {
    "Document": ("returned",),
    "ImageRef": (
        "modified_ns", "lossless", "exif_fields", "sharpness", "low_information", "transparent",
    ),
}  # fmt: skip
_OPEN = ("ImageRef",)
_OPERATIONS = {
    "/images": {
        "operationId": "add",
        "summary": "Add pictures to the collection",
        "description": "Takes its turn with searches. Bytes that are known are not decoded again.",
    },
    "/search": {
        "operationId": "search",
        "summary": "Search the collection",
        "description": "The k images nearest to a picture, which need not be in the collection. "
        "Takes its turn with additions.",
    },
    "/compare": {
        "operationId": "compare",
        "summary": "Compare two pictures",
        "description": "Touches no collection.",
    },
    "/collapse": {
        "operationId": "collapse",
        "summary": "Collapse a result list",
        "description": "One of each picture, ranks kept. Touches no collection.",
    },
}
_BODIES = {
    "/images": (wire.AddRequest, wire.Added),
    "/search": (wire.SearchRequest, wire.Answer),
    "/compare": (wire.CompareRequest, wire.Comparison),
    "/collapse": (wire.CollapseRequest, wire.Collapsed),
}
_REFUSALS = {
    400: "the body is no JSON",
    401: "token missing or wrong",
    403: "foreign Host or Origin, or a path outside of the roots",
    408: "the body did not come in time",
    413: "body too long, or too many pictures",
    415: "the body is of another type",
    422: "a field, picture or setting that cannot work",
    500: "the service failed",
    503: "too many requests wait; see Retry-After",
}
_ERROR = {
    "what": "what could not be done",
    "got": "what was found",
    "expected": "what was needed",
    "remedy": "what to do about it",
}


def pages() -> dict[Path, str]:
    """The text of every schema, by its file."""
    made = {
        "report/report.schema.json": _document("lookalike report", Document),
        "actions/plan.schema.json": _document("lookalike plan", Plan),
        "server/openapi.json": _openapi(),
    }
    return {
        _PACKAGE / name: json.dumps(schema, indent=1, ensure_ascii=False) + "\n"
        for name, schema in made.items()
    }


def _document(title: str, kind: type) -> Schema:
    """A schema of what is written whole."""
    kinds = _components([kind], "#/$defs/{name}", written=True)
    return {"$schema": _DRAFT, "title": title, **kinds.pop(kind.__name__), "$defs": kinds}


def _openapi() -> Schema:
    """OpenAPI of the service; its version is filled in where it is served."""
    bodies = [kind for both in _BODIES.values() for kind in both]
    kinds = _components([*bodies, wire.Health], "#/components/schemas/{name}", written=False)
    told = {name: {"type": "string", "description": words} for name, words in _ERROR.items()}
    kinds["Error"] = _object({"error": _object(told)})
    token = "needed where the service was started with --token"
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "lookalike",
            "version": "0",
            "summary": "Which images are the same picture",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{}, {"token": []}],
        "paths": {
            **{path: {"post": _post(path)} for path in _OPERATIONS},
            "/health": {"get": _get("health", "Whether the service runs", _ref("Health"))},
            "/openapi.json": {"get": _get("openapi", "This document", {"type": "object"})},
        },
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": token}
            },
            "schemas": kinds,
        },
    }


def _post(path: str) -> Schema:
    request, answer = (_ref(kind.__name__) for kind in _BODIES[path])
    return {
        **_OPERATIONS[path],
        "requestBody": {"required": True, "content": {"application/json": {"schema": request}}},
        "responses": _responses(answer, *_REFUSALS),
    }


def _get(name: str, summary: str, answer: Schema) -> Schema:
    return {
        "operationId": name,
        "summary": summary,
        "security": [],
        "responses": _responses(answer, 403),
    }


def _responses(answer: Schema, *refusals: int) -> Schema:
    told = {200: ("the answer", answer)}
    told |= {status: (_REFUSALS[status], _ref("Error")) for status in refusals}
    return {
        str(status): {"description": words, "content": {"application/json": {"schema": schema}}}
        for status, (words, schema) in told.items()
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": [*properties],
        "additionalProperties": False,
    }


def _components(kinds: list[type], refs: str, *, written: bool) -> Schema:
    """Every record that some records hold, by name.

    Args:
        kinds: records.
        refs: how one is referred to.
        written: whether a field with a default is always there.
    """
    _, found = msgspec.json.schema_components(kinds, ref_template=refs)
    for name, schema in found.items():
        about, words = _words(schema.pop("description"))
        named = {key: _told(one, words[key]) for key, one in schema["properties"].items()}
        lacking = set(named) - set(schema["required"])
        if written:
            lacking = set(_OPTIONAL.get(name, ()))
            for one in named.values():
                one.pop("default", None)
        made = _object(named)
        made["required"] = [key for key in named if key not in lacking]
        if name in _OPEN:
            del made["additionalProperties"]
        found[name] = {"description": about, **made}
    if "Picture" in found:
        found["Picture"] = _either(found["Picture"])
    return found


def _told(schema: Schema, words: str) -> Schema:
    """A field's schema with what it means; what may be left out need not be null."""
    options = schema.get("anyOf", [])
    if "default" in schema and schema["default"] is None:
        (only,) = (one for one in options if one != {"type": "null"})
        schema = only
    return {**schema, "description": words}


def _either(schema: Schema) -> Schema:
    """An object with one of its fields."""
    fields = schema["properties"]
    for one in fields.values():
        one.pop("default", None)
    one_of = [_object({name: field}) for name, field in fields.items()]
    return {"description": schema["description"], "oneOf": one_of}


def _words(docstring: str) -> tuple[str, dict[str, str]]:
    """The first sentence of a docstring, and what it says of every attribute."""
    text = inspect.cleandoc(docstring).replace("``", "")
    about, _, rest = text.partition("\n\nAttributes:\n")
    named = re.findall(r"^    (\w+): (.*(?:\n        .*)*)", rest, re.MULTILINE)
    return about.partition("\n\n")[0], {name: " ".join(words.split()) for name, words in named}


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, "utf-8")
        sys.stdout.write(f"{path}\n")
