"""Turn decided pairs of contents into matches, clusters and decisions among files."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace

from lookalike.clustering.stars import make_cluster
from lookalike.config import RunConfig
from lookalike.decisions.keeper import decide
from lookalike.ingest.ingest import Catalogue
from lookalike.matching.match_graph import Found
from lookalike.model.image import ImageRef
from lookalike.model.match import Match
from lookalike.model.protocols import Descriptor
from lookalike.model.report import Cluster, Report
from lookalike.model.version import __version__
from lookalike.report import SCHEMA

__all__ = [
    "by_bytes",
    "count_funnel",
    "file_clusters",
    "file_matches",
    "report_of",
    "settings_of",
    "versions_of",
]

# raised whenever the same files, settings and descriptors give another answer, so that older
# reports of a collection are not shown again
_ANSWERS = "2"


def by_bytes(images: Iterable[ImageRef]) -> dict[str, list[ImageRef]]:
    """Group images by SHA-256, in the order given."""
    found: dict[str, list[ImageRef]] = defaultdict(list)
    for image in images:
        found[image.sha256].append(image)
    return found


def report_of(
    catalogue: Catalogue,
    by_content: Mapping[str, Sequence[ImageRef]],
    found: Found,
    config: RunConfig,
    versions: Mapping[str, str],
) -> Report:
    """Make the report of what a run looked at and decided, without timings."""
    matches = file_matches(found, by_content)
    clusters = file_clusters(found, by_content, matches, config)
    images = {image.id: image for image in catalogue.images}
    return Report(
        schema=SCHEMA,
        config=settings_of(config),
        versions=versions,
        images=images,
        funnel=count_funnel(catalogue, found, matches, clusters),
        clusters=clusters,
        matches=matches,
        decisions=decide(clusters, images, config),
        failures=catalogue.failures,
    )


def settings_of(config: RunConfig) -> dict[str, object]:
    """List the settings that the answer depends on: not threads, batches or ways of reading."""
    settings = asdict(config)
    del settings["threads"], settings["batch"], settings["read"]
    return json.loads(json.dumps(settings))


def versions_of(descriptors: Sequence[Descriptor], others: Mapping[str, str]) -> dict[str, str]:
    """Versions of lookalike, of every descriptor of a run, and of what else it depends on."""
    specs = [descriptor.spec for descriptor in descriptors]
    own = {spec.name: f"{spec.version}, {spec.preprocessing}" for spec in specs}
    return {"lookalike": __version__, "answers": _ANSWERS, **own, **others}


def file_matches(found: Found, by_content: Mapping[str, Sequence[ImageRef]]) -> tuple[Match, ...]:
    """Turn pairs of contents into pairs of files: the first file of each, with twins tied to it."""
    matches = [
        replace(match, query=by_content[match.query][0].id, ref=by_content[match.ref][0].id)
        for match in found.matches
    ]
    for files in by_content.values():
        matches += [
            Match(files[0].id, twin.id, "exact", 0.0, "bytes", confidence=1.0) for twin in files[1:]
        ]
    return tuple(sorted(matches, key=lambda match: (match.query, match.ref)))


def file_clusters(
    found: Found,
    by_content: Mapping[str, Sequence[ImageRef]],
    matches: Sequence[Match],
    config: RunConfig,
) -> tuple[Cluster, ...]:
    """Make clusters of files, sorted; files of equal bytes that match nothing else form one too."""
    parts = list(found.parts)
    joined = {sha for _, members in parts for sha in members}
    twins = [sha for sha, files in by_content.items() if len(files) > 1 and sha not in joined]
    parts += [(sha, [sha]) for sha in twins]
    place = {
        image.id: number
        for number, (_, members) in enumerate(parts)
        for sha in members
        for image in by_content[sha]
    }
    own: dict[int, list[Match]] = defaultdict(list)
    for match in matches:
        number = place.get(match.query)
        if number is not None and number == place.get(match.ref):
            own[number].append(match)
    clusters = [
        make_cluster(
            [image.id for sha in members for image in by_content[sha]],
            by_content[centre][0].id,
            own[number],
            config.cluster.linkage,
        )
        for number, (centre, members) in enumerate(parts)
    ]
    return tuple(sorted(clusters, key=lambda cluster: cluster.members))


def count_funnel(
    catalogue: Catalogue, found: Found, matches: Sequence[Match], clusters: Sequence[Cluster]
) -> dict[str, int]:
    """Count by stage, in order."""
    return {
        **catalogue.counts,
        "contents": len({image.sha256 for image in catalogue.images}),
        **found.counts,
        "matches": len(matches),
        "clusters": len(clusters),
        "clustered": sum(len(cluster.members) for cluster in clusters),
    }
