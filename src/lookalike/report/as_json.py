"""Convert the report to JSON and back without loss."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from lookalike.model import serialization
from lookalike.model.files import Returned
from lookalike.model.image import ImageRef
from lookalike.model.match import Containment, Match
from lookalike.model.report import Cluster, Decision, Report
from lookalike.model.serialization import like
from lookalike.report import document
from lookalike.report.document import SCHEMA, Document

__all__ = ["SCHEMA", "from_json", "funnel_of", "to_body", "to_dict", "to_json", "with_run"]

#: the second schema did not know damage
_READ = (SCHEMA, "lookalike-report/2")
#: what differs between runs on an unchanged set
_RUN = ("funnel", "timings", "returned")


def to_dict(report: Report) -> dict[str, Any]:
    """Convert to plain values in a fixed order, as ``report.schema.json`` describes them."""
    plain: dict[str, Any] = serialization.to_plain(_document(report))
    return plain


def to_json(report: Report, *, indent: int | None = None) -> str:
    """Write the report as one JSON text; undecodable file names keep their escaped bytes."""
    return json.dumps(to_dict(report), indent=indent)


def to_body(report: Report) -> str:
    """Write everything that depends on the set alone, for ``with_run``: funnel first."""
    found = _document(report)
    rest = {one: getattr(found, one) for one in found.__struct_fields__ if one not in _RUN}
    return f"{serialization.to_json(found.funnel)}\n{serialization.to_json(rest)}"


def funnel_of(body: str) -> dict[str, int]:
    """Read the funnel of a body."""
    funnel: dict[str, int] = json.loads(body.partition("\n")[0])
    return funnel


def with_run(
    body: str,
    counts: Mapping[str, int],
    timings: Mapping[str, float],
    returned: Sequence[tuple[Returned, str]] = (),
) -> str:
    """Put a body and what belongs to one run together into the JSON text of a report.

    Args:
        body: of ``to_body``.
        counts: into the funnel.
        timings: seconds by stage.
        returned: images that were dropped before, each with its path.

    The body is not parsed: for a large unchanged set that would take longer than the run.
    """
    rest = body.partition("\n")[2]
    merged = json.dumps({**funnel_of(body), **counts})
    again = json.dumps([asdict(_returned(one, path)) for one, path in returned])
    own = f'"funnel": {merged}, "timings": {json.dumps(timings)}, "returned": {again}'
    return f"{{{own}, {rest[1:]}"


def from_json(text: str) -> Report:
    """Read the report that ``to_json`` wrote.

    Raises:
        ValueError: not JSON, another schema, or values of the wrong kind.
    """
    try:
        found = serialization.from_json(text, Document)
    except ValueError as error:
        raise ValueError(f"not a report of schema {SCHEMA!r}: {error}") from error
    if found.schema not in _READ:
        raise ValueError(f"not a report: got schema {found.schema!r}, expected {SCHEMA!r}")
    matches = tuple(like(one, Match) for one in found.matches)
    return Report(
        schema=SCHEMA,
        config=found.config,
        versions=found.versions,
        images={image.id: image for image in found.images},
        funnel=found.funnel,
        clusters=_read_clusters(found.clusters, matches),
        matches=matches,
        decisions=tuple(
            Decision(member.id, member.action, cluster.keeper_id, member.reason, member.by)
            for cluster in found.clusters
            for member in cluster.members
        ),
        failures=found.failures,
        timings=found.timings,
        containments=tuple(like(item, Containment) for item in found.containments),
        returned=tuple(like(one, Returned) for one in found.returned),
    )


def _document(report: Report) -> Document:
    images = report.images
    decisions = {decision.image: decision for decision in report.decisions}
    return Document(
        schema=report.schema,
        versions=report.versions,
        config=report.config,
        funnel=report.funnel,
        timings=report.timings,
        expected_false_pairs=report.expected_false_pairs,
        returned=tuple(_returned(one, images[one.image].path) for one in report.returned),
        clusters=tuple(_cluster(cluster, images, decisions) for cluster in report.clusters),
        matches=tuple(_match(match, images) for match in report.matches),
        containments=tuple(_containment(item, images) for item in report.containments),
        failures=report.failures,
        images=tuple(images.values()),
    )


def _returned(one: Returned, path: str) -> document.Returned:
    return document.Returned(**asdict(one), path=path)


def _cluster(
    cluster: Cluster, images: Mapping[str, ImageRef], decisions: Mapping[str, Decision]
) -> document.Cluster:
    keeper = decisions[cluster.members[0]].keeper
    members = tuple(_member(images[member], decisions[member]) for member in cluster.members)
    how = cluster.linkage, cluster.diameter, cluster.center
    return document.Cluster(cluster.id, *how, images[keeper].path, keeper, members)


def _member(image: ImageRef, decision: Decision) -> document.Member:
    return document.Member(
        id=image.id,
        path=image.path,
        width=image.width,
        height=image.height,
        n_bytes=image.n_bytes,
        format=image.format,
        damage=image.damage,
        action=decision.action,
        reason=decision.reason,
        by=decision.by,
    )


def _match(match: Match, images: Mapping[str, ImageRef]) -> document.Match:
    ends = match.query, match.ref, images[match.query].path, images[match.ref].path
    measured = match.tier, match.distance, match.metric, match.confidence
    return document.Match(*ends, *measured, match.edit, match.verification)


def _containment(item: Containment, images: Mapping[str, ImageRef]) -> document.Containment:
    ends = item.small, item.large, images[item.small].path, images[item.large].path
    return document.Containment(*ends, item.box, item.corners, item.verification)


def _read_clusters(
    found: Sequence[document.Cluster], matches: Sequence[Match]
) -> tuple[Cluster, ...]:
    place = {member.id: number for number, one in enumerate(found) for member in one.members}
    own: list[list[Match]] = [[] for _ in found]
    for match in matches:
        number = place.get(match.query)
        if number is not None and number == place.get(match.ref):
            own[number].append(match)
    return tuple(
        Cluster(
            one.id,
            tuple(member.id for member in one.members),
            one.center,
            tuple(inner),
            one.linkage,
            one.diameter,
        )
        for one, inner in zip(found, own, strict=True)
    )
