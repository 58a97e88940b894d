"""Settings, and recipes: whole pipelines as data."""

from lookalike.config.downloads import DownloadConfig
from lookalike.config.find import (
    ClusterConfig,
    DecodeConfig,
    EmbeddingConfig,
    FindConfig,
    HashConfig,
    InsideConfig,
    KeepConfig,
    LocalConfig,
    RunConfig,
    SettleConfig,
    SystemConfig,
    VerifyConfig,
    ViewConfig,
)
from lookalike.config.plan import PlanConfig
from lookalike.config.reading import ReadConfig

__all__ = [
    "ClusterConfig",
    "DecodeConfig",
    "DownloadConfig",
    "EmbeddingConfig",
    "FindConfig",
    "HashConfig",
    "InsideConfig",
    "KeepConfig",
    "LocalConfig",
    "PlanConfig",
    "ReadConfig",
    "RunConfig",
    "SettleConfig",
    "SystemConfig",
    "VerifyConfig",
    "ViewConfig",
]
