"""Settings of a plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lookalike.model.errors import ConfigError

__all__ = ["SCOPES", "PlanConfig", "Scope"]

Scope = Literal["any", "within", "across"]
SCOPES: tuple[Scope, ...] = ("any", "within", "across")


@dataclass(frozen=True, slots=True)
class PlanConfig:
    """How far a plan may go.

    Attributes:
        protected: folders in which nothing is ever touched; copies with the same bytes or pixels as
            a picture there go in its favour.
        scope: ``within``: a picture goes only for one in the same of ``folders``; ``across``: only
            for one in another of them; ``any``.
        folders: of the scope.
        tiers: a picture goes only for one it is tied to by matches of these tiers.
        min_confidence: and of at least this confidence, 0..1; equal bytes are certain.
        keep: rules that choose the keeper, instead of the report's; empty for those.
        collection: folder of the collection that remembers what was dropped; empty for none.
    """

    protected: tuple[str, ...] = ()
    scope: Scope = "any"
    folders: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ("exact", "pixel", "copy")
    min_confidence: float | None = None
    keep: tuple[str, ...] = ()
    collection: str = ""

    def __post_init__(self) -> None:
        if self.scope not in SCOPES:
            raise ConfigError(
                "unknown scope", got=repr(self.scope), expected=f"one of {', '.join(SCOPES)}"
            )
        least = {"any": 0, "within": 1, "across": 2}[self.scope]
        if len(self.folders) < least or (self.scope == "any" and self.folders):
            raise ConfigError(
                "the scope and its folders do not fit",
                got=f"{self.scope} with {len(self.folders)} folders",
                expected="within: one or more; across: two or more; any: none",
            )
        known = {"exact", "pixel", "copy", "similar"}
        if not self.tiers or not set(self.tiers) <= known:
            raise ConfigError(
                "unknown tiers", got=", ".join(self.tiers), expected=", ".join(sorted(known))
            )
        if self.min_confidence is not None and not 0 <= self.min_confidence <= 1:
            raise ConfigError("a confidence lies between 0 and 1", got=str(self.min_confidence))
