"""Embeddings: described by actors that hold the network, and joined within cells.

Every row lies in the cell of the nearest centre and looks into the ``probes`` nearest cells; a pair
is found if one looks into the other's cell. With as many probes as cells all pairs are found.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.config import DecodeConfig, EmbeddingConfig, FindConfig, ReadConfig
from lookalike.descriptors import load_embedding
from lookalike.distributed.layout import Layout
from lookalike.distributed.rows import Place, Span, runs
from lookalike.distributed.session import Tasks
from lookalike.distributed.work import Work, digest
from lookalike.images.decode import decode
from lookalike.index.cells import fit_cells, nearest_centres
from lookalike.model.arrays import FloatArray, IntArray
from lookalike.model.files import Failure
from lookalike.model.image import DescriptorSpec, ImageRef, Picture
from lookalike.model.protocols import Descriptor
from lookalike.sources.reading import read_again

__all__ = ["describe_embeddings", "find_near_embeddings", "known_embeddings"]

_ROWS, _SAMPLE, _COLUMNS = 16_384, 64, 2048
_SLACK = 1e-4
Block = tuple[NDArray[Any], IntArray]


def folder_of(spec: DescriptorSpec, config: EmbeddingConfig) -> str:
    """Name the folder of a network's rows."""
    return f"embeddings/{digest(spec.key, config.engine)}"


def known_embeddings(
    tasks: Tasks, work: Work, spec: DescriptorSpec, config: EmbeddingConfig
) -> dict[str, Place]:
    """List contents that have a row of a network already, with its place."""
    names = work.names(folder_of(spec, config))
    found: dict[str, Place] = {}
    for name, shas in zip(names, tasks.each(_shas, [(work, name) for name in names]), strict=True):
        found |= {sha: Place(name, row) for row, sha in enumerate(shas)}
    return found


def describe_embeddings(
    tasks: Tasks,
    work: Work,
    images: Sequence[ImageRef],
    network: Descriptor,
    config: FindConfig,
    layout: Layout,
) -> Iterable[tuple[str, Place]]:
    """Describe contents by a network; those that cannot be read are left out.

    Args:
        tasks: run the work.
        work: where rows go.
        images: one a content.
        network: which.
        config: settings.
        layout: how the work is cut.
    """
    decoded = replace(config.decode, min_side=network.min_side)
    items = [{"sha256": image.sha256, "address": image.path} for image in images]
    gpus = 1.0 if config.embedding.engine == "cuda" else 0.0
    form = (layout.embedded, layout.actors or tasks.cores, gpus)
    actor = _Describer, (work, config.embedding)
    for row in tasks.stream(
        items, partial(_decoded, config=decoded, read=config.read), actor, form
    ):
        yield str(row["sha256"]), Place(str(row["name"]), int(row["row"]))


def find_near_embeddings(
    tasks: Tasks, work: Work, spans: Sequence[Span], max_distance: float, layout: Layout
) -> tuple[IntArray, IntArray, FloatArray]:
    """Find pairs within a cosine distance, sorted; all of them where cells are few.

    Args:
        tasks: run the work.
        work: holds the rows.
        spans: places of the rows.
        max_distance: inclusive.
        layout: how the work is cut.
    """
    count = sum(len(span.rows) for span in spans)
    cells = max(1, count // layout.cell)
    held = tasks.scatter(_rows, [(work, run) for run in runs(spans, _ROWS)], 1)
    blocks = [pieces[0] for pieces in held]
    centres = np.zeros((1, 1), np.float32)
    if cells > layout.probes:
        share = min(1.0, _SAMPLE * cells / count)
        sample = np.concatenate(list(tasks.each(_sampled, [(block, share) for block in blocks])))
        centres = fit_cells(sample, min(cells, len(sample)))
    else:
        cells = 1
    parts = min(cells, 4 * tasks.cores)
    asked = [(block, centres, layout.probes, parts) for block in blocks]
    celled = tasks.scatter(_celled, asked, 2 * parts)
    joins = [
        (max_distance, looking, *(pieces[parts + part] for pieces in celled))
        for part in range(parts)
        for looking in (pieces[part] for pieces in celled)
    ]
    found = list(tasks.each(_joined, joins))
    query, ref, distance = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.lexsort((ref, query))
    query, ref, distance = query[order], ref[order], distance[order]
    # each may have looked into the other's cell
    first = np.r_[True, (np.diff(query) != 0) | (np.diff(ref) != 0)][: len(query)]
    return query[first], ref[first], distance[first]


def _decoded(item: dict[str, Any], config: DecodeConfig, read: ReadConfig) -> list[dict[str, Any]]:
    """Decode a content's picture into a row; none where it cannot be read."""
    try:
        data = read_again(item["address"], read)
    except OSError:
        return []
    picture = decode(item["address"], data, config)
    if isinstance(picture, Failure):
        return []
    plain = {name: getattr(picture, name) for name in Picture.__slots__ if name != "rgb"}
    height, width = picture.rgb.shape[:2]
    pixels = {"rgb": picture.rgb.tobytes(), "rows": height, "columns": width}
    return [{"sha256": item["sha256"], **plain, **pixels}]


class _Describer:
    """An actor that holds a network and writes what it describes into the work folder at once.

    Args:
        work: where rows go.
        config: which network, on which engine.
    """

    def __init__(self, work: Work, config: EmbeddingConfig) -> None:
        self._work = work
        self._network = load_embedding(config.model, config.engine, threads=1)
        self._folder = folder_of(self._network.spec, config)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Describe a batch of ``_decoded``; returns the places of its rows."""
        shas = [str(sha) for sha in batch["sha256"]]
        rows = [self._network.describe(_picture(batch, n)) for n in range(len(shas))]
        name = f"{self._folder}/{digest(shas)}.parquet"
        self._work.put(name, {"sha256": shas, "values": [row.tobytes() for row in rows]})
        return {
            "sha256": np.array(shas),
            "name": np.array([name] * len(shas)),
            "row": np.arange(len(shas)),
        }


def _picture(batch: dict[str, Any], number: int) -> Picture:
    shape = int(batch["rows"][number]), int(batch["columns"][number]), 3
    return Picture(
        rgb=np.frombuffer(batch["rgb"][number], np.uint8).reshape(shape),
        width=int(batch["width"][number]),
        height=int(batch["height"][number]),
        format=str(batch["format"][number]),
        lossless=bool(batch["lossless"][number]),
        exif_fields=int(batch["exif_fields"][number]),
    )


def _shas(work: Work, name: str) -> list[str]:
    return work.table(name, ["sha256"])["sha256"]


Rows = tuple[IntArray, IntArray, NDArray[Any]]


def _rows(work: Work, spans: Sequence[Span]) -> list[Block]:
    """Read rows ``(n, dim)`` float16 of some contents, and their places."""
    found = []
    for span in spans:
        values = work.table(span.name, ["values"])["values"]
        found += [np.frombuffer(values[row], np.float16) for row in span.rows.tolist()]
    return [(np.stack(found), np.concatenate([span.places for span in spans]))]


def _sampled(block: Block, share: float) -> FloatArray:
    """Sample a share of the rows, whichever tasks hold them."""
    chosen = np.random.default_rng(int(block[1][0])).random(len(block[1])) < share
    return block[0][chosen].astype(np.float32)


def _celled(block: Block, centres: FloatArray, probes: int, parts: int) -> list[Rows]:
    """Sort rows by cell: those that look into each part's cells, then those that lie there."""
    rows, places = block
    if len(centres) == 1:
        looked = np.zeros((len(rows), 1), np.int64)
    else:
        looked = nearest_centres(rows, centres, min(probes, len(centres)))
    found: list[Rows] = []
    for cells in (looked, looked[:, :1]):
        owner = np.repeat(np.arange(len(rows)), cells.shape[1])
        cell = cells.reshape(-1)
        for part in range(parts):
            here = cell % parts == part
            found.append((cell[here], places[owner[here]], rows[owner[here]]))
    return found


def _joined(
    max_distance: float, looking: Rows, *lying: Rows
) -> tuple[IntArray, IntArray, FloatArray]:
    """Join rows that look into cells with rows that lie there; near pairs, lower place first."""
    cells, places, rows = (np.concatenate(column) for column in zip(*lying, strict=True))
    order = np.argsort(cells, kind="stable")
    cells, places, rows = cells[order], places[order], rows[order].astype(np.float32)
    found = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))]
    for cell in np.unique(looking[0]).tolist():
        own = looking[0] == cell
        asking, visitors = looking[1][own], looking[2][own].astype(np.float32)
        start, end = np.searchsorted(cells, [cell, cell + 1])
        for at in range(start, end, _COLUMNS):
            members, others = (
                places[at : min(at + _COLUMNS, end)],
                rows[at : min(at + _COLUMNS, end)],
            )
            i, j = np.nonzero(visitors @ others.T >= 1.0 - max_distance - _SLACK)
            # the same distance as of the exact index
            cosine = np.einsum("ij,ij->i", visitors[i], others[j])
            near = ((1.0 - cosine) <= max_distance) & (asking[i] != members[j])
            pair = np.sort(np.stack([asking[i[near]], members[j[near]]]), axis=0)
            found.append((pair[0], pair[1], (1.0 - cosine[near]).astype(np.float32)))
    low, high, distance = (np.concatenate(column) for column in zip(*found, strict=True))
    return low, high, distance
