"""The report as JSON and back, without loss."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from operator import attrgetter
from typing import Any

import orjson

from lookalike.model.files import Failure, Returned
from lookalike.model.image import ImageRef
from lookalike.model.match import Match, Verification
from lookalike.model.report import Cluster, Decision, Report
from lookalike.report.containments import from_plain, to_plain

__all__ = ["SCHEMA", "from_json", "funnel_of", "to_body", "to_dict", "to_json", "with_run"]

SCHEMA = "lookalike-report/3"
#: nothing was known of damage in the second
_READ = (SCHEMA, "lookalike-report/2")
_EVIDENCE = tuple(item.name for item in fields(Verification))
_IMAGE = tuple(item.name for item in fields(ImageRef))
_read_evidence = attrgetter(*_EVIDENCE)
_read_image = attrgetter(*_IMAGE)


def to_dict(report: Report) -> dict[str, Any]:
    """Plain values in a fixed order, as ``report.schema.json`` describes them."""
    decisions = {decision.image: decision for decision in report.decisions}
    return {
        "schema": report.schema,
        "versions": dict(report.versions),
        "config": dict(report.config),
        "funnel": dict(report.funnel),
        "timings": dict(report.timings),
        "expected_false_pairs": report.expected_false_pairs,
        "returned": [_returned(one, report.images) for one in report.returned],
        "clusters": [_cluster(cluster, report.images, decisions) for cluster in report.clusters],
        "matches": [_match(match, report.images) for match in report.matches],
        "containments": [to_plain(item, report.images) for item in report.containments],
        "failures": [asdict(failure) for failure in report.failures],
        "images": [_image(image) for image in report.images.values()],
    }


def to_json(report: Report, *, indent: int | None = None) -> str:
    """The report as one JSON text; undecodable file names keep their escaped bytes."""
    return json.dumps(to_dict(report), indent=indent)


def to_body(report: Report) -> str:
    """All that depends on the set alone, for ``with_run``: the funnel, then the rest."""
    plain = to_dict(report)
    del plain["timings"], plain["returned"]
    return f"{_dumped(plain.pop('funnel'))}\n{_dumped(plain)}"


def funnel_of(body: str) -> dict[str, int]:
    """The funnel of a body."""
    funnel: dict[str, int] = json.loads(body.partition("\n")[0])
    return funnel


def with_run(
    body: str,
    counts: Mapping[str, int],
    timings: Mapping[str, float],
    returned: Sequence[tuple[Returned, str]] = (),
) -> str:
    """The JSON text of a report from a body and what is this run's own.

    Args:
        body: of ``to_body``.
        counts: into the funnel.
        timings: seconds by stage.
        returned: images that were dropped before, each with its path.

    The body is not parsed: of a large unchanged set, it would take longer than the run.
    """
    rest = body.partition("\n")[2]
    merged = json.dumps({**funnel_of(body), **counts})
    again = json.dumps([{**asdict(one), "path": path} for one, path in returned])
    own = f'"funnel": {merged}, "timings": {json.dumps(timings)}, "returned": {again}'
    return f"{{{own}, {rest[1:]}"


def _dumped(plain: dict[str, Any]) -> str:
    try:
        return orjson.dumps(plain).decode()
    except TypeError:
        # a file name that is not UTF-8: the slower writer escapes its bytes
        return json.dumps(plain)


def from_json(text: str) -> Report:
    """The report that ``to_json`` wrote.

    Raises:
        ValueError: not JSON, or another schema.
    """
    plain = orjson.loads(text) if "\\ud" not in text else json.loads(text)
    if not isinstance(plain, dict) or plain.get("schema") not in _READ:
        got = plain.get("schema") if isinstance(plain, dict) else type(plain).__name__
        raise ValueError(f"not a report: got schema {got!r}, expected {SCHEMA!r}")
    images = {item["id"]: ImageRef(**item) for item in plain["images"]}
    matches = tuple(_read_match(item) for item in plain["matches"])
    return Report(
        schema=SCHEMA,
        config=plain["config"],
        versions=plain["versions"],
        images=images,
        funnel=plain["funnel"],
        clusters=_read_clusters(plain["clusters"], matches),
        matches=matches,
        decisions=tuple(
            Decision(
                member["id"], member["action"], item["keeper_id"], member["reason"], member["by"]
            )
            for item in plain["clusters"]
            for member in item["members"]
        ),
        failures=tuple(Failure(**item) for item in plain["failures"]),
        timings=plain["timings"],
        containments=tuple(map(from_plain, plain["containments"])),
        returned=tuple(_read_returned(item) for item in plain.get("returned", ())),
    )


def _returned(one: Returned, images: Mapping[str, ImageRef]) -> dict[str, Any]:
    return {**asdict(one), "path": images[one.image].path}


def _read_returned(item: Mapping[str, Any]) -> Returned:
    return Returned(**{name: value for name, value in item.items() if name != "path"})


def _image(image: ImageRef) -> dict[str, Any]:
    return dict(zip(_IMAGE, _read_image(image), strict=True))


def _cluster(
    cluster: Cluster, images: Mapping[str, ImageRef], decisions: Mapping[str, Decision]
) -> dict[str, Any]:
    keeper = decisions[cluster.members[0]].keeper
    return {
        "id": cluster.id,
        "linkage": cluster.linkage,
        "diameter": cluster.diameter,
        "center": cluster.center,
        "keeper": images[keeper].path,
        "keeper_id": keeper,
        "members": [
            {
                "id": member,
                "path": images[member].path,
                "width": images[member].width,
                "height": images[member].height,
                "n_bytes": images[member].n_bytes,
                "format": images[member].format,
                "damage": images[member].damage,
                "action": decisions[member].action,
                "reason": decisions[member].reason,
                "by": decisions[member].by,
            }
            for member in cluster.members
        ],
    }


def _match(match: Match, images: Mapping[str, ImageRef]) -> dict[str, Any]:
    seen = match.verification
    return {
        "query": match.query,
        "ref": match.ref,
        "query_path": images[match.query].path,
        "ref_path": images[match.ref].path,
        "tier": match.tier,
        "distance": match.distance,
        "metric": match.metric,
        "confidence": match.confidence,
        "edit": match.edit,
        "verification": dict(zip(_EVIDENCE, _read_evidence(seen), strict=True)) if seen else None,
    }


def _read_match(item: Mapping[str, Any]) -> Match:
    seen = item["verification"]
    verification = Verification(**{**seen, "transform": tuple(seen["transform"])}) if seen else None
    return Match(
        item["query"],
        item["ref"],
        item["tier"],
        item["distance"],
        item["metric"],
        verification,
        item["confidence"],
    )


def _read_clusters(items: list[dict[str, Any]], matches: tuple[Match, ...]) -> tuple[Cluster, ...]:
    place = {
        member["id"]: number for number, item in enumerate(items) for member in item["members"]
    }
    own: list[list[Match]] = [[] for _ in items]
    for match in matches:
        number = place.get(match.query)
        if number is not None and number == place.get(match.ref):
            own[number].append(match)
    return tuple(
        Cluster(
            id=item["id"],
            members=tuple(member["id"] for member in item["members"]),
            center=item["center"],
            matches=tuple(own[number]),
            linkage=item["linkage"],
            diameter=item["diameter"],
        )
        for number, item in enumerate(items)
    )
