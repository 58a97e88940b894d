"""Settings, and recipes: whole pipelines as data."""

from lookalike.config.downloads import DownloadConfig
from lookalike.config.find import EFFORTS, Effort, FindConfig, RunConfig
from lookalike.config.plan import PlanConfig
from lookalike.config.reading import NO_MEMORY, ReadConfig
from lookalike.config.stages import (
    LINKAGES,
    ClusterConfig,
    DecodeConfig,
    EmbeddingConfig,
    HashConfig,
    InsideConfig,
    KeepConfig,
    Linkage,
    LocalConfig,
    SettleConfig,
    VerifyConfig,
)
from lookalike.config.systems import SystemConfig, ViewConfig

__all__ = [
    "EFFORTS",
    "LINKAGES",
    "NO_MEMORY",
    "ClusterConfig",
    "DecodeConfig",
    "DownloadConfig",
    "Effort",
    "EmbeddingConfig",
    "FindConfig",
    "HashConfig",
    "InsideConfig",
    "KeepConfig",
    "Linkage",
    "LocalConfig",
    "PlanConfig",
    "ReadConfig",
    "RunConfig",
    "SettleConfig",
    "SystemConfig",
    "VerifyConfig",
    "ViewConfig",
]
