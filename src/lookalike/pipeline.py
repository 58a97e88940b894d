"""The stages in order: read, describe, find pairs, verify, cluster, choose, report."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path

import platformdirs

import lookalike
from lookalike.cluster import components, make_cluster
from lookalike.config import FindConfig
from lookalike.descriptors import load_embedding
from lookalike.ingest import Catalogue, Progress, ingest
from lookalike.linkage import link
from lookalike.evidence import Evidence
from lookalike.pairs import Pairs, find_pairs
from lookalike.report import from_json, to_json
from lookalike.representative import check_rules, choose
from lookalike.sources import FolderSource
from lookalike.store import Collection
from lookalike.types import Cluster, Decision, ImageRef, Match, Report

__all__ = ["SCHEMA", "compare", "default_collection", "find"]

SCHEMA = "1"
