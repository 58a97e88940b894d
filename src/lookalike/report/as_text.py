"""Print the report on a terminal: what was found, what to keep, where every file went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lookalike.model.image import ImageRef
from lookalike.model.legible import legible
from lookalike.model.match import Match
from lookalike.model.report import Cluster, Report
from lookalike.report.containments import place_in_words, were_asked_for
from lookalike.verification.edit import reverse

__all__ = [
    "chosen_rows_in_words",
    "damaged_images",
    "edit_towards",
    "expectation",
    "headline",
    "reclaimable_bytes",
    "size_in_words",
    "summary",
    "tie_to_keeper",
]

_CERTAIN = 0.99
_SHOWN_CLUSTERS = 8
_SHOWN_MEMBERS = 6
_SHOWN_FAILURES = 8
_SHOWN_CONTAINMENTS = 12


def headline(report: Report) -> str:
    """Say in one sentence how many images, clusters, surplus copies and bytes there are."""
    clustered = sum(len(cluster.members) for cluster in report.clusters)
    surplus = clustered - len(report.clusters)
    return (
        f"{len(report.images):,} images: {len(report.clusters):,} "
        f"{'picture appears' if len(report.clusters) == 1 else 'pictures appear'} more than once, "
        f"{surplus:,} copies could go ({size_in_words(reclaimable_bytes(report))})"
    )


def expectation(report: Report) -> str:
    """Say in one line how many matches are expected to be wrong."""
    told = sum(match.confidence is not None for match in report.matches)
    if not told:
        return "expected false pairs: not known, nothing was verified"
    left_out = report.funnel.get("too_doubtful", 0)
    more = f"; {left_out:,} too doubtful and left out" if left_out else ""
    expected = report.expected_false_pairs
    words = f"{expected:,.1f}" if expected >= 1 else f"{expected:.2f}" if expected else "0"
    return f"expected false pairs: {words} of {told:,}{more}"


def chosen_rows_in_words(report: Report) -> list[str]:
    """Say which rows of lists were used, if not all; a line for each list."""
    rows = report.config.get("rows", {})
    return [f"{name}: {words}" for name, words in rows.items()]


def reclaimable_bytes(report: Report) -> int:
    """Sum the bytes of every image that a rule or person drops."""
    return sum(
        report.images[decision.image].n_bytes
        for decision in report.decisions
        if decision.action == "drop"
    )


def damaged_images(report: Report) -> list[ImageRef]:
    """List images that open although something in their files is missing or corrupt, by id."""
    return [image for image in report.images.values() if image.damage]


def size_in_words(n_bytes: float) -> str:
    """Write a size in decimal units, with one digit."""
    for unit in ("B", "kB", "MB", "GB"):
        if n_bytes < 1000:
            return f"{n_bytes:.0f} {unit}" if unit == "B" else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.1f} TB"


def tie_to_keeper(cluster: Cluster, member: str, keeper: str) -> Match | None:
    """Find the match that best ties a member: with the keeper, the centre, or any."""
    own = [match for match in cluster.matches if member in (match.query, match.ref)]
    for other in (keeper, cluster.center):
        for match in own:
            if other != member and other in (match.query, match.ref):
                return match
    return own[0] if own else None


def edit_towards(report: Report, match: Match, member: str, keeper: str) -> str:
    """Say the edit that makes ``member`` from the other image of the match.

    If that image is not the keeper, its name is added.
    """
    other = match.query if match.ref == member else match.ref
    source = "" if other == keeper else f" (of {other})"
    if match.verification is None or match.ref == member:
        return match.edit + source
    query, ref = report.images[match.query], report.images[match.ref]
    sizes = (query.width, query.height), (ref.width, ref.height)
    return reverse(match.verification, *sizes).edit + source


def summary(report: Report, *, more: str = "the JSON, CSV or HTML report") -> RenderableType:
    """Print headline, tiers, the first clusters, failures and the funnel.

    Args:
        report: what to show.
        more: where the rest of a list is that was cut.
    """
    parts: list[RenderableType] = [Text(headline(report), style="bold")]
    parts += [_line(line) for line in chosen_rows_in_words(report)]
    tiers = Counter(match.tier for match in report.matches)
    if tiers:
        words = ", ".join(
            f"{tiers[tier]:,} {tier}"
            for tier in ("exact", "pixel", "copy", "similar")
            if tiers[tier]
        )
        parts.append(Text(f"matches: {words}"))
        parts.append(Text(expectation(report)))
    parts += [_cluster(report, cluster) for cluster in report.clusters[:_SHOWN_CLUSTERS]]
    if len(report.clusters) > _SHOWN_CLUSTERS:
        left = len(report.clusters) - _SHOWN_CLUSTERS
        parts.append(_line(f"and {left:,} more clusters: see {more}", "dim"))
    parts += _containments(report, more)
    parts += _returned(report, more)
    parts += _damaged(report, more)
    parts += _failures(report, more)
    parts.append(_funnel(report))
    return Group(*parts)


def _cluster(report: Report, cluster: Cluster) -> RenderableType:
    decisions = {d.image: d for d in report.decisions if d.image in set(cluster.members)}
    keeper = decisions[cluster.members[0]].keeper
    table = Table(box=None, show_header=False, padding=(0, 1), pad_edge=False)
    table.add_column(width=4)
    table.add_column(overflow="fold", ratio=2)
    table.add_column(overflow="fold", ratio=3)
    ordered = [keeper, *(member for member in cluster.members if member != keeper)]
    for member in ordered[:_SHOWN_MEMBERS]:
        if member == keeper:
            row = (Text("keep", style="green"), _line(member), _line(decisions[member].reason))
        else:
            match = tie_to_keeper(cluster, member, keeper)
            row = (
                Text("drop", style="yellow"),
                _line(member),
                _line(_tie_in_words(report, match, member, keeper) if match else ""),
            )
        table.add_row(*row)
    if len(ordered) > _SHOWN_MEMBERS:
        table.add_row("", Text(f"and {len(ordered) - _SHOWN_MEMBERS:,} more", style="dim"), "")
    return Padding(table, (1, 0, 0, 0))


def _tie_in_words(report: Report, match: Match, member: str, keeper: str) -> str:
    words = f"{match.tier}: {edit_towards(report, match, member, keeper)}"
    is_doubtful = match.confidence is not None and match.confidence < _CERTAIN
    return f"{words} (confidence {match.confidence:.2f})" if is_doubtful else words


def _line(words: str, style: str = "") -> Text:
    """Print words that may hold names of files on one line."""
    return Text(legible(words), style=style)


def _containments(report: Report, more: str) -> Sequence[RenderableType]:
    if not were_asked_for(report):
        return []
    lines = [
        f"{item.small} in {item.large}: {place_in_words(item)}" for item in report.containments
    ]
    return _some("pictures lie inside larger ones", lines, _SHOWN_CONTAINMENTS, more)


def _returned(report: Report, more: str) -> Sequence[RenderableType]:
    lines = [f"{report.images[one.image].shown}: {one.in_words}" for one in report.returned]
    return _some("dropped before and there again:", lines, _SHOWN_FAILURES, more) if lines else []


def _damaged(report: Report, more: str) -> Sequence[RenderableType]:
    lines = [f"{image.shown}: {image.damage}" for image in damaged_images(report)]
    return _some("files are damaged:", lines, _SHOWN_FAILURES, more) if lines else []


def _failures(report: Report, more: str) -> Sequence[RenderableType]:
    lines = [f"{failure.path}: {failure.message}" for failure in report.failures]
    return _some("files could not be read:", lines, _SHOWN_FAILURES, more) if lines else []


def _some(title: str, lines: Sequence[str], most: int, more: str) -> Sequence[RenderableType]:
    """Say how many there are, and list the first."""
    shown = [Text(f"\n{len(lines):,} {title}", style="bold")]
    shown += [_line(f"  {line}") for line in lines[:most]]
    if len(lines) > most:
        shown.append(_line(f"  and {len(lines) - most:,} more: see {more}", "dim"))
    return shown


def _funnel(report: Report) -> RenderableType:
    funnel, seconds = report.funnel, report.timings
    stages = ("files", "images", "decoded", "candidates", "verified", "matches", "clusters")
    counts = " → ".join(f"{funnel[name]:,} {name}" for name in stages if name in funnel)
    time = f"{seconds.get('total', 0):.1f} s, {seconds.get('images_per_second', 0):,.0f} images/s"
    return Text(f"\n{counts}\n{time}", style="dim")
