"""Plan, apply, undo: the only part that moves pictures."""

from lookalike.actions.apply import apply_plan, undo
from lookalike.actions.journal import open_journals, read_journal
from lookalike.actions.memory import remember
from lookalike.actions.planning import make_plan
from lookalike.actions.preview import preview
from lookalike.actions.records import How, Item, Outcome, Plan, Refusal, Step

__all__ = [
    "How",
    "Item",
    "Outcome",
    "Plan",
    "Refusal",
    "Step",
    "apply_plan",
    "make_plan",
    "open_journals",
    "preview",
    "read_journal",
    "remember",
    "undo",
]
