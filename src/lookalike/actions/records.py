"""What is to be done to files, and what became of it, as records and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from lookalike.actions.metadata import FIELDS
from lookalike.model.errors import ConfigError
from lookalike.model.serialization import Count, Digest, checked, in_schema, to_plain

__all__ = ["SCHEMA", "How", "Item", "Kind", "Outcome", "Plan", "Refusal", "State", "Step"]

SCHEMA = "lookalike-plan/1"
Field = Annotated[str, in_schema(enum=FIELDS)]
Kind = Literal["trash", "move", "hardlink", "reflink", "delete"]
State = Literal["done", "already", "refused", "failed"]


@dataclass(frozen=True, slots=True)
class Step:
    """One picture that goes.

    Attributes:
        path: the picture that goes, absolute, without symlinks.
        sha256: hex digest of the bytes that were looked at; other bytes are left alone.
        n_bytes: file size in bytes.
        keeper: the picture that stays for it, absolute, without symlinks.
        keeper_sha256: hex digest of the keeper's bytes.
        cluster: id of the cluster of the report; empty for a picture that came back alone.
        reason: why it goes, in words.
        companions: files that go with it, absolute: sidecars, live-photo clips, RAW files.
        by: ``rule`` or ``person``.
        metadata: what it says and its keeper does not, sorted by name.
        notes: what to know before it goes.
    """

    path: str
    sha256: Digest
    n_bytes: Count
    keeper: str
    keeper_sha256: Digest
    cluster: str
    reason: str
    companions: tuple[str, ...] = ()
    by: Literal["rule", "person"] = "rule"
    metadata: Mapping[Field, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A picture that stays against the decisions.

    Attributes:
        path: absolute, without symlinks.
        reason: why it stays, in words.
    """

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do, to be looked at before anything is done.

    Attributes:
        schema: version of the JSON form.
        made: when, UTC, ISO 8601.
        steps: sorted by keeper, then path.
        refused: what stays against the decisions, sorted by path.
        protected: folders, absolute, in which nothing is touched.
        collection: folder of the collection that remembers what was dropped; empty for none.
    """

    schema: Annotated[str, in_schema(const=SCHEMA)]
    made: str
    steps: tuple[Step, ...]
    refused: tuple[Refusal, ...] = ()
    protected: tuple[str, ...] = ()
    collection: str = ""

    @property
    def n_bytes(self) -> int:
        """Bytes of all pictures that go, without their companions."""
        return sum(step.n_bytes for step in self.steps)

    def to_json(self, *, indent: int | None = 1) -> str:
        """One JSON text, as ``plan.schema.json`` describes it; odd file names are escaped."""
        return json.dumps(to_plain(self), indent=indent)

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """The plan that ``to_json`` wrote.

        Raises:
            ConfigError: not a plan.
        """
        try:
            plan = checked(json.loads(text), cls, "the plan", complete=True)
            if plan.schema != SCHEMA:
                raise ValueError(f"schema {plan.schema!r}")
        except (ValueError, ConfigError) as error:
            raise ConfigError(
                "not a plan",
                got=str(error),
                expected=f"JSON of schema {SCHEMA!r}",
                remedy="make one with: lookalike plan PATHS -o plan.json",
            ) from error
        return plan


@dataclass(frozen=True, slots=True)
class How:
    """What happens to a picture that goes.

    Attributes:
        kind: ``trash`` (the system's), ``move`` (into ``folder``), ``hardlink`` and ``reflink``
            (it becomes another name, or a shared copy, of its keeper; only for equal bytes),
            ``delete``.
        folder: for ``move``.
        really: ``delete`` wants this too.
        copy_metadata: write what only the dropped pictures say into a new sidecar of the keeper.

    Raises:
        ConfigError: a folder without ``move`` or the reverse, ``delete`` without ``really``.
    """

    kind: Kind = "trash"
    folder: str = ""
    really: bool = False
    copy_metadata: bool = False

    def __post_init__(self) -> None:
        if (self.kind == "move") != bool(self.folder):
            raise ConfigError(
                "only moving needs a folder, and it needs one",
                got=f"{self.kind} and folder {self.folder!r}",
            )
        if self.kind == "delete" and not self.really:
            raise ConfigError(
                "deleting cannot be undone",
                expected="the extra word: --delete --really",
                remedy="or use the trash, or --move-to DIR",
            )


@dataclass(frozen=True, slots=True)
class Item:
    """What became of one picture.

    Attributes:
        path: of the picture in its original place.
        state: ``done``, ``already`` (nothing was left to do), ``refused`` (left alone for a
            reason) or ``failed`` (an error; it is back in its place unless the message says not).
        to: where it is now, as far as known; empty otherwise.
        message: in words.
        n_bytes: of the picture.
    """

    path: str
    state: State
    to: str = ""
    message: str = ""
    n_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a plan or an undo.

    Attributes:
        items: one a picture, in the order of the work.
        journal: path of the journal.
    """

    items: tuple[Item, ...]
    journal: str
    counts: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        counts = dict.fromkeys(("done", "already", "refused", "failed"), 0)
        for item in self.items:
            counts[item.state] += 1
        object.__setattr__(self, "counts", counts)
