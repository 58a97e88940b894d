"""Put a plan, and what became of it, into words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from lookalike.actions import trash
from lookalike.actions.disk import Disk
from lookalike.actions.guard import look
from lookalike.actions.records import How, Outcome, Plan, Step
from lookalike.model.legible import legible
from lookalike.report.as_text import size_in_words

__all__ = ["outcome_in_words", "preview"]

_SHOWN = 200
_DISK = Disk()


def preview(plan: Plan, how: How | None = None, *, disk: Disk = _DISK) -> str:
    """Say what applying would do now, by looking at files without comparing their bytes.

    Args:
        plan: what goes.
        how: where to; the system's trash by default.
        disk: through which files are looked at.
    """
    how = how or How()
    wrong = {step.path: look(disk, plan, step, how) for step in plan.steps}
    going = [step for step in plan.steps if not wrong[step.path]]
    freed = size_in_words(sum(step.n_bytes for step in going))
    lines = [f"{_pictures(len(going))} ({freed}) would {_fate(how)}"]
    lines += _steps(going)
    if len(going) > _SHOWN:
        lines.append(f"and {len(going) - _SHOWN:,} more, in the plan")
    lines += _stays(plan, wrong)
    return _joined(lines)


def outcome_in_words(outcome: Outcome, verb: str) -> str:
    """Say counts, and every picture that was left alone or failed."""
    counts, done = outcome.counts, [item for item in outcome.items if item.state == "done"]
    freed = size_in_words(sum(item.n_bytes for item in done))
    lines = [f"{_pictures(len(done))} {verb} ({freed})"]
    if counts["already"]:
        lines.append(f"{_pictures(counts['already'])} had gone before")
    for state, words in (("refused", "left alone"), ("failed", "failed")):
        items = [item for item in outcome.items if item.state == state]
        lines += [f"{words}: {item.path}: {item.message}" for item in items]
    return _joined([*lines, f"journal: {outcome.journal}"])


def _joined(lines: Sequence[str]) -> str:
    """Join words so that names break no line."""
    return "\n".join(map(legible, lines))


def _fate(how: How) -> str:
    if how.kind == "trash":
        return "go to the trash" + (
            "" if trash.findable() else ", where only the system itself can bring it back from"
        )
    return {
        "move": f"move into {how.folder}",
        "hardlink": "become another name of its keeper",
        "reflink": "share the blocks of its keeper",
        "delete": "be DELETED FOR GOOD",
    }[how.kind]


def _steps(steps: list[Step]) -> Iterator[str]:
    keeper = ""
    for step in steps[:_SHOWN]:
        if step.keeper != keeper:
            keeper = step.keeper
            yield ""
            yield f"keep  {keeper}"
        yield f"drop  {step.path}"
        yield f"      {step.reason}" + (" (decided by a person)" if step.by == "person" else "")
        if step.companions:
            yield f"      with {', '.join(step.companions)}"
        for name, value in step.metadata.items():
            yield f"      only here: {name} {value}"
        yield from (f"      note: {note}" for note in step.notes)


def _stays(plan: Plan, wrong: dict[str, str]) -> list[str]:
    refused = [(one.path, one.reason) for one in plan.refused]
    refused += [(path, reason) for path, reason in wrong.items() if reason]
    if not refused:
        return []
    lines = ["", f"{_pictures(len(refused))} would stay against the decisions:"]
    if len(refused) > _SHOWN:
        counted = Counter(reason for _, reason in refused)
        return lines + [f"  {count:,} × {reason}" for reason, count in counted.most_common()]
    return lines + [f"  {path}: {reason}" for path, reason in sorted(refused)]


def _pictures(count: int) -> str:
    return f"{count:,} picture{'' if count == 1 else 's'}"
