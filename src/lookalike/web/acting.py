"""The tab that applies decisions: shows a plan, moves files, and moves them back."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lookalike.actions import (
    How,
    Outcome,
    Plan,
    apply_plan,
    make_plan,
    open_journals,
    read_journal,
    remember,
    undo,
)
from lookalike.config import PlanConfig
from lookalike.model.errors import ConfigError
from lookalike.model.report import Report
from lookalike.store import folder_of, name_of
from lookalike.web.app import Room, answer, fields_of, understood
from lookalike.web.desk import shown

__all__ = ["Acting", "action_routes"]

_SHOWN = 300
_PLANS_HELD = 4
_KINDS = ("trash", "move", "hardlink", "reflink")


class Acting:
    """The plans that were shown; applies one of them.

    Args:
        room: what is reviewed.
    """

    def __init__(self, room: Room) -> None:
        self._room = room
        self._shown: dict[str, Plan] = {}
        self._busy = Lock()
        self.progress: tuple[str, int, int] = ("", 0, 0)

    def plan(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Make a plan from the decisions; no file is changed.

        Args:
            asked: ``rules``, whether clusters without a person's decision count as ruled;
                ``protected``, folders; ``least``, confidence.
        """
        config = PlanConfig(
            protected=tuple(str(folder) for folder in asked.get("protected", ())),
            min_confidence=float(asked["least"]) if asked.get("least") else None,
            collection=name_of(self._room.db),
        )
        plan = make_plan(self._report(bool(asked.get("rules"))), config, progress=self._tell)
        key = hashlib.sha256(plan.to_json().encode()).hexdigest()[:16]
        # one plan is on the page, but answers may overtake each other
        self._shown[key] = plan
        for old in list(self._shown)[:-_PLANS_HELD]:
            del self._shown[old]
        return {
            "plan": key,
            "count": len(plan.steps),
            "bytes": plan.n_bytes,
            "steps": [self._step(step) for step in plan.steps[:_SHOWN]],
            "refused": [[shown(r.path), shown(r.reason)] for r in plan.refused[:_SHOWN]],
            "companions": sum(len(step.companions) for step in plan.steps),
            "journals": self.journals(),
        }

    def apply(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Apply a plan that was shown before.

        Raises:
            ConfigError: it was not shown, or the page does not offer this way.
        """
        plan = self._shown.get(str(asked["plan"]))
        if plan is None:
            raise ConfigError("this plan is out of date", remedy="look at it again")
        kind = asked["kind"]
        if kind not in _KINDS:
            raise ConfigError("the page cannot do this", got=str(kind), expected=", ".join(_KINDS))
        how = How(kind, str(Path(asked["folder"]).expanduser()) if kind == "move" else "")
        name = f"{plan.made[:19].replace('-', '').replace(':', '')}-{asked['plan'][:8]}.jsonl"
        with self._busy:
            outcome = apply_plan(plan, how, self._journals / name, progress=self._tell)
            remember(self._journals / name)
        self._shown = {}
        return self._told(outcome)

    def undo(self, journal: str) -> dict[str, Any]:
        """Bring back what one journal's steps took away.

        Raises:
            ConfigError: there is no such journal with something to undo.
        """
        with self._busy:
            for path in open_journals(self._journals):
                if path.name == journal:
                    outcome = undo(path, progress=self._tell)
                    remember(path)
                    return self._told(outcome)
        raise ConfigError("there is nothing to bring back", got=journal)

    def journals(self) -> list[dict[str, Any]]:
        """List what was applied and can be undone, the latest first."""
        found = []
        for path in reversed(open_journals(self._journals)):
            entries = [entry for entry in read_journal(path).values() if entry.state != "undone"]
            found.append({"name": path.name, "when": entries[-1].when, "count": len(entries)})
        return found

    @property
    def _journals(self) -> Path:
        return folder_of(self._room.db) / "journals"

    def _tell(self, stage: str, done: int, total: int) -> None:
        self.progress = (stage, done, total)

    def _report(self, with_rules: bool) -> Report:
        """The report with decisions applied, without clusters that nobody looked at."""
        desk = self._room.desk
        report = desk.report
        if not with_rules:
            decided = (c for n, c in enumerate(desk.clusters) if desk.is_decided(n))
            report = replace(report, clusters=tuple(decided))
        return desk.decided(report)

    def _step(self, step: Any) -> dict[str, Any]:
        return {
            "name": shown(Path(step.path).name),
            "path": shown(step.path),
            "content": self._known(step.sha256),
            "keeper": self._known(step.keeper_sha256),
            "keeper_name": shown(Path(step.keeper).name),
            "bytes": step.n_bytes,
            "reason": shown(step.reason),
            "by": step.by,
            "companions": [shown(Path(path).name) for path in step.companions],
            "metadata": sorted(step.metadata),
            "notes": [shown(note) for note in step.notes],
        }

    def _known(self, sha256: str) -> str | None:
        """The SHA-256 of a content if the page may show it, else None."""
        return sha256 if sha256 in self._room.places else None

    def _told(self, outcome: Outcome) -> dict[str, Any]:
        trouble = [item for item in outcome.items if item.state in ("refused", "failed")]
        return {
            "counts": outcome.counts,
            "bytes": sum(item.n_bytes for item in outcome.items if item.state == "done"),
            "trouble": [[shown(i.path), i.state, shown(i.message)] for i in trouble[:_SHOWN]],
            "journals": self.journals(),
        }


def action_routes(acting: Acting) -> list[Route]:
    """List the tab's routes."""

    @understood
    async def plan(request: Request) -> Response:
        return answer(await run_in_threadpool(acting.plan, await fields_of(request)))

    @understood
    async def apply(request: Request) -> Response:
        return answer(await run_in_threadpool(acting.apply, await fields_of(request)))

    @understood
    async def bring_back(request: Request) -> Response:
        journal = str((await fields_of(request))["journal"])
        return answer(await run_in_threadpool(acting.undo, journal))

    async def progress(request: Request) -> Response:
        return answer(acting.progress)

    return [
        Route("/api/plan", plan, methods=["POST"]),
        Route("/api/apply", apply, methods=["POST"]),
        Route("/api/bring-back", bring_back, methods=["POST"]),
        Route("/api/apply/progress", progress),
    ]
