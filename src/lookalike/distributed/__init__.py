"""The stages of ``find`` as tasks of a Ray cluster (extra ``ray``), with the same answer.

The cascade that decides is the one of a single machine (``pairs.find_pairs``); only what it asks
about contents is measured elsewhere: pixels and descriptors stay with the tasks, the driver holds
ids, sizes and edges.
"""

from lookalike.distributed.layout import Layout
from lookalike.distributed.run import find, find_json

__all__ = ["Layout", "find", "find_json"]
