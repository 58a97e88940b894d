"""The tab of charts: numbers for the page to draw."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lookalike.model.report import Report
from lookalike.store import open_collection
from lookalike.web.app import Room, answer, missing
from lookalike.web.overview import cluster_tree, hash_gaps, picture_map

__all__ = ["ROUTES"]

_POINTS, _NEAREST, _LEAVES, _BINS = 3000, 1500, 60, 40
_BIN_BITS = 4


async def _charts(request: Request) -> Response:
    room: Room = request.app.state.room
    return answer(await run_in_threadpool(_drawn, room))


async def _tree(request: Request) -> Response:
    room: Room = request.app.state.room
    number = request.path_params["number"]
    if number >= len(room.desk.clusters):
        raise missing()
    return answer(await run_in_threadpool(_drawn_tree, room, number))


ROUTES = (Route("/api/charts", _charts), Route("/api/tree/{number:int}", _tree))


def _drawn(room: Room) -> dict[str, Any]:
    report, desk = room.desk.report, room.desk
    with room.collection_busy, open_collection(room.db) as collection:
        plane = picture_map(report, collection, _POINTS)
        gaps = hash_gaps(report, collection, _NEAREST)
    home = {member: n for n, c in enumerate(desk.clusters) for member in c.members}
    return {
        "map": {
            "contents": [report.images[image].sha256 for image in plane.images],
            "clusters": [home.get(image, -1) for image in plane.images],
            "x": plane.points[:, 0].tolist(),
            "y": plane.points[:, 1].tolist(),
            "share": plane.share,
        },
        "gaps": {
            "bin": _BIN_BITS,
            "copies": _binned(gaps.copies),
            "strangers": _binned(gaps.strangers),
            "threshold": _hash_threshold(report),
        },
        "matches": _matches(report),
        "funnel": [[name.replace("_", " "), count] for name, count in report.funnel.items()],
    }


def _drawn_tree(room: Room, number: int) -> dict[str, Any]:
    desk = room.desk
    cluster = desk.clusters[number]
    with room.collection_busy, open_collection(room.db) as collection:
        drawn = cluster_tree(desk.report, cluster, collection, _LEAVES)
    return {
        "contents": [desk.report.images[image].sha256 for image in drawn.images],
        "across": drawn.across.tolist(),
        "heights": drawn.heights.tolist(),
        "threshold": _hash_threshold(desk.report),
    }


def _binned(bits: np.ndarray) -> list[int]:
    return np.bincount(np.minimum(bits, 255) // _BIN_BITS, minlength=256 // _BIN_BITS).tolist()


def _hash_threshold(report: Report) -> int | None:
    """The largest Hamming distance of a candidate pair, if the run's settings have one."""
    found = report.config.get("hashes", {}).get("max_distance")
    return int(found) if isinstance(found, int) else None


def _matches(report: Report) -> list[dict[str, Any]]:
    """Count the distances of accepted pairs into a histogram for every metric."""
    distances: dict[str, list[float]] = defaultdict(list)
    for match in report.matches:
        distances[match.metric].append(match.distance)
    tiers = Counter((match.metric, match.tier) for match in report.matches)
    drawn = []
    for metric, values in sorted(distances.items(), key=lambda item: -len(item[1])):
        top = max(values)
        if top <= 0:
            # equal bytes, equal pixels: there is nothing to draw
            continue
        counts, edges = np.histogram(values, bins=_BINS, range=(0.0, top))
        drawn.append(
            {
                "metric": metric,
                "tiers": {tier: n for (name, tier), n in tiers.items() if name == metric},
                "counts": counts.tolist(),
                "top": float(edges[-1]),
                "threshold": _threshold(report, metric),
            }
        )
    return drawn


def _threshold(report: Report, metric: str) -> float | None:
    """The largest distance that this metric accepts, if the run's settings name one."""
    config = report.config
    if metric == "pdq":
        return _hash_threshold(report)
    if metric == "agreement":
        settle = config.get("settle", {})
        return round(1 - settle["moved_agreement"], 4) if "moved_agreement" in settle else None
    for view in config.get("views", ()):
        if metric.startswith(view["descriptor"]):
            return float(view["max_distance"])
    return None
