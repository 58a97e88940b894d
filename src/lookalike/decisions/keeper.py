"""Choose which image of a cluster stays, by ordered rules: the first that differs decides.

Every rule filters the candidates that are left, so the answer does not depend on the order of the
images, not even where a rule has a tolerance.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from lookalike.config import RunConfig
from lookalike.decisions.limits import KEEPER
from lookalike.model.errors import ConfigError
from lookalike.model.image import ImageRef
from lookalike.model.report import Cluster, Decision

__all__ = ["RULES", "check_rules", "choose", "decide"]

_OF_CLUSTER = ("unpadded", "medoid")
_SHORT = {"JPG": "JPEG", "TIF": "TIFF", "HEIF": "HEIC"}
_ORDERED = ("formats", "folders")


@dataclass(frozen=True, slots=True)
class _Rule:
    """Prefers the largest ``value``, within a relative ``tolerance``."""

    value: Callable[[ImageRef], float]
    show: Callable[[ImageRef], str]
    better: str
    tolerance: float = 0.0

    def best(self, images: Sequence[ImageRef]) -> list[ImageRef]:
        bar = max(map(self.value, images))
        if self.tolerance:
            bar -= self.tolerance * abs(bar)
        return [image for image in images if self.value(image) >= bar]


RULES: Mapping[str, _Rule] = {
    "resolution": _Rule(
        lambda image: image.width * image.height,
        lambda image: f"{image.width}×{image.height}",
        "larger",
    ),
    "lossless": _Rule(
        lambda image: image.lossless,
        lambda image: f"{image.format} {'without loss' if image.lossless else 'lossy'}",
        "stored without loss",
    ),
    "size": _Rule(
        lambda image: image.n_bytes,
        lambda image: f"{image.n_bytes:,} bytes",
        "more bytes",
        KEEPER.tolerance,
    ),
    "sharpness": _Rule(
        lambda image: image.sharpness,
        lambda image: f"sharpness {image.sharpness:.0f}",
        "sharper",
        KEEPER.tolerance,
    ),
    "exif": _Rule(
        lambda image: image.exif_fields,
        lambda image: f"{image.exif_fields} EXIF tags",
        "more EXIF",
    ),
    "oldest": _Rule(
        lambda image: -image.modified_ns, lambda image: _date(image.modified_ns), "older"
    ),
    "newest": _Rule(
        lambda image: image.modified_ns, lambda image: _date(image.modified_ns), "newer"
    ),
    "path": _Rule(lambda image: -len(image.id), lambda image: image.id, "shorter path"),
}

_WHOLE = _Rule(
    lambda image: not image.damage,
    lambda image: f"damaged ({image.damage})" if image.damage else "whole",
    "nothing missing",
)


def check_rules(rules: Sequence[str]) -> None:
    """Refuse unknown rules before any work.

    Raises:
        ConfigError: names the known ones.
    """
    for rule in rules:
        name, _, order = rule.partition("=")
        if rule not in RULES and rule not in _OF_CLUSTER and not (name in _ORDERED and order):
            known = [*RULES, *_OF_CLUSTER, "formats=png+jpeg", "folders=this+that"]
            raise ConfigError("unknown keep rule", got=repr(rule), expected=", ".join(known))


def choose(
    images: Sequence[ImageRef],
    rules: Sequence[str],
    *,
    center: str | None = None,
    padded: Collection[str] = (),
) -> tuple[Decision, ...]:
    """Decide about every image of one cluster.

    Args:
        images: the members, two or more, in any order.
        rules: names, the most important first: ``unpadded`` (not one of ``padded``),
            ``resolution``, ``lossless``, ``size`` and ``sharpness`` (within 5 % is equal),
            ``exif``, ``oldest``, ``newest``, ``path`` (shortest), ``medoid`` (the centre),
            ``formats=png+jpeg`` and ``folders=this+that`` (the preferred first). Before all rules,
            an undamaged file is preferred to a damaged one.
        center: id of the cluster's centre, for ``medoid``.
        padded: ids of images that only add a border, a caption or a page around the picture.

    Returns:
        One decision an image, sorted by id; exactly one keeps.

    Raises:
        ConfigError: unknown rule.
    """
    check_rules(rules)
    own = {"medoid": _medoid(center), "unpadded": _unpadded(padded)}
    named = [(name.partition("=")[0], own.get(name) or _rule(name)) for name in rules]
    applied = [("undamaged", _WHOLE), *named]
    left = sorted(images, key=lambda image: image.id)
    for _, rule in applied:
        left = rule.best(left)
    keeper = left[0]
    return tuple(
        Decision(
            image=image.id,
            action="keep" if image is keeper else "drop",
            keeper=keeper.id,
            reason=_keep_reason(keeper, images, applied)
            if image is keeper
            else _drop_reason(image, keeper, applied),
        )
        for image in sorted(images, key=lambda image: image.id)
    )


def _rule(name: str) -> _Rule:
    """Make a rule by its name, or one that lists preferences."""
    kind, _, order = name.partition("=")
    if kind not in _ORDERED:
        return RULES[name]
    wanted = [item.strip().strip("/") for item in order.split("+")]
    if kind == "formats":
        dear = [_SHORT.get(item.upper(), item.upper()) for item in wanted]
        return _Rule(
            lambda image: -_place(image.format == item for item in dear),
            lambda image: image.format,
            "preferred format",
        )
    return _Rule(
        lambda image: -_place(f"/{item}/" in f"/{image.id}" for item in wanted),
        lambda image: image.id,
        "preferred folder",
    )


def _place(fits: Iterable[bool]) -> int:
    """Number of the first item that fits; after all of them if none does."""
    found = list(fits)
    return found.index(True) if True in found else len(found)


def _medoid(center: str | None) -> _Rule:
    return _Rule(
        lambda image: image.id == center,
        lambda image: "centre of the cluster" if image.id == center else "not the centre",
        "closest to all others",
    )


def _unpadded(padded: Collection[str]) -> _Rule:
    return _Rule(
        lambda image: image.id not in padded,
        lambda image: "padded" if image.id in padded else "bare",
        "nothing added around it",
    )


def _keep_reason(
    keeper: ImageRef, images: Sequence[ImageRef], rules: Sequence[tuple[str, _Rule]]
) -> str:
    left = list(images)
    for name, rule in rules:
        best = rule.best(left)
        if len(best) < len(left):
            second = max((i for i in left if i not in best), key=lambda i: (rule.value(i), i.id))
            return f"{name}: {rule.better}, {rule.show(keeper)} over {rule.show(second)}"
        left = best
    return "all equal by every rule: first by name"


def _drop_reason(image: ImageRef, keeper: ImageRef, rules: Sequence[tuple[str, _Rule]]) -> str:
    for name, rule in rules:
        if image not in rule.best([image, keeper]):
            return f"{name}: {rule.show(image)} against {rule.show(keeper)}"
    return "equal by every rule: the other comes first by name"


def _date(modified_ns: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(modified_ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S")


def decide(
    clusters: Sequence[Cluster], images: Mapping[str, ImageRef], config: RunConfig
) -> tuple[Decision, ...]:
    """Decide about every member of every cluster, and say why."""
    decided = [
        choose(
            [images[member] for member in cluster.members],
            config.keep.rules,
            center=cluster.center,
            padded=_padded(cluster),
        )
        for cluster in clusters
    ]
    return tuple(decision for some in decided for decision in some)


def _padded(cluster: Cluster) -> set[str]:
    """Find members that only add a plain border, bar or page around another member.

    A picture inside a larger one does not count: the larger may be the photo it was cropped from.
    """
    padded = set()
    for match in cluster.matches:
        frame = match.verification.frame if match.verification else "same"
        if frame == "bordered":
            padded.add(match.ref)
        elif frame == "unbordered":
            padded.add(match.query)
    return padded
