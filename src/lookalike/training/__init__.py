"""Train networks on one's own pictures: copy detection, rotation, VAE (extra ``train``).

torch is imported only in this room, and only when something is trained.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lookalike.model.errors import ConfigError
from lookalike.runtime.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lookalike.training.run import Trained
    from lookalike.training.settings import TrainConfig

__all__ = ["train_network"]


def train_network(
    data: Path,
    out: Path,
    config: TrainConfig,
    *,
    progress: Progress = silent,
    line: Callable[[str], None] = lambda text: None,
) -> Trained:
    """Train a network on a folder of pictures and write it as ONNX.

    Args:
        data: folder, looked through recursively.
        out: the graph in float32, a file ending in ``.onnx``. Beside it are written, under the same
            stem, ``.int8.onnx``, ``.json`` (what was done) and ``.checkpoint``, from which an
            interrupted training continues.
        config: what to train and how.
        progress: called with (stage, done, total).
        line: called with a sentence after every epoch.

    Raises:
        ConfigError: the extra is not installed, a wrong file name, too few pictures, or a
            checkpoint of other settings.
        ModelError: the published weights to start from are not here.
    """
    if out.suffix != ".onnx":
        raise ConfigError("a network is written as ONNX", got=str(out), expected="FILE.onnx")
    try:
        from lookalike.training.run import train
    except ImportError as error:
        raise ConfigError(
            f"training needs more packages: {error.name} is missing",
            remedy="pip install 'lookalike[train]'",
        ) from error
    return train(data, out, config, progress, line)
