"""The stages of ``find`` as tasks of a Ray cluster (extra ``ray``), with the same answer.

The cascade that decides is that of a single machine (``matching.cascade.find_pairs``); only what it
asks about contents is measured elsewhere. Pixels and descriptors stay with the tasks, the driver
holds ids, sizes and edges.
"""

from lookalike.distributed.layout import Layout
from lookalike.distributed.run import find, find_json

__all__ = ["Layout", "find", "find_json"]
