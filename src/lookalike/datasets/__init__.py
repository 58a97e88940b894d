"""Data sets: leaks between splits, conflicting labels, sets without copies."""

from lookalike.datasets.clean import clean_table, unique, write_unique
from lookalike.datasets.disagreement import Conflict, ConflictReport, conflicts
from lookalike.datasets.exports import EXPORTS, export
from lookalike.datasets.labels import read_labels
from lookalike.datasets.leakage import Leak, LeakReport, leaks
from lookalike.datasets.listing import ListSummary, describe_list
from lookalike.datasets.safe import FIXES, Fix, Policy, split_safe
from lookalike.datasets.ties import Pair

__all__ = [
    "EXPORTS",
    "FIXES",
    "Conflict",
    "ConflictReport",
    "Fix",
    "Leak",
    "LeakReport",
    "ListSummary",
    "Pair",
    "Policy",
    "clean_table",
    "conflicts",
    "describe_list",
    "export",
    "leaks",
    "read_labels",
    "split_safe",
    "unique",
    "write_unique",
]
