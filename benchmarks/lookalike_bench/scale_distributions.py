"""How unevenly real descriptors fall into cells and buckets, at growing numbers of pictures.

Everything is measured at an eighth, a quarter, a half and all of the pictures, so that whoever
extrapolates can first foretell what is known. The answer depends on the pictures alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.config import DecodeConfig, FindConfig
from lookalike.descriptors import load_embedding
from lookalike.descriptors.hashes import ORIENTATIONS, describe_hashes
from lookalike.descriptors.keypoints import KINDS
from lookalike.evaluation.datasets import photos_in, read_photo
from lookalike.evaluation.edits import edit_picture, encode_jpeg
from lookalike.images.decode import decode, decode_luma
from lookalike.index.blocks import among_nearest
from lookalike.index.cells import fit_cells, nearest_centres
from lookalike.index.hamming import HammingIndex
from lookalike.index.local import Features, VoteSettings, features_of, vote_between, vote_pairs
from lookalike.model.arrays import FloatArray, IntArray, UInt8Array
from lookalike.model.files import Failure
from lookalike.model.image import Picture
from lookalike.verification.side import describe_side
from lookalike.verification.whole_frame import agree

__all__ = [
    "PROBES",
    "Described",
    "cells_for",
    "describe_all",
    "distributions",
    "probes_needed",
    "recalls",
    "size_figures",
]

Figures = dict[str, float]
PROBES = (1, 2, 4, 8, 16, 32)
_SHARES = (0.125, 0.25, 0.5, 1.0)
_WIDTHS = (16, 24, 32, 64)
_SUBSTRINGS = (24, 32, 40, 48, 56, 64)
_TABLES = 4
_EDITS = (
    "crop_87",
    "crop_50",
    "mirror",
    "squash",
    "tiny_jpeg",
    "blur",
    "colour",
    "caption_bar",
    "noise",
)
_EDITED = 240
_CELLS = (64, 128, 256, 512, 1024, 2048, 4096)
_CELLS_ROOT = 8


@dataclass(frozen=True, slots=True)
class Described:
    """Pictures as the stages see them; first the originals, then edited copies of some.

    Attributes:
        embeddings: ``(n, dim)`` float32 of unit length.
        hashes: ``(n, 8, 32)`` uint8, PDQ in eight orientations.
        thumbs: ``(n, 1152)`` uint8.
        keypoints: ``(k, 38)`` uint8 rows of ORB of each.
        source: ``(copies,)`` the original of each copy.
        originals: how many.
    """

    embeddings: FloatArray
    hashes: UInt8Array
    thumbs: UInt8Array
    keypoints: list[UInt8Array]
    source: IntArray
    originals: int


def describe_all(photos: Path, canvases: Path) -> Described:
    """Every picture of two folders, and edited copies of some photos, spread evenly."""
    files = [*photos_in(photos), *photos_in(canvases)]
    config = FindConfig()
    network = load_embedding(config.embedding.model, config.embedding.engine, threads=1)
    decoding = DecodeConfig(min_side=max(network.min_side, config.decode.min_side))
    rows: list[tuple[NDArray[np.float16], UInt8Array, UInt8Array]] = []
    keypoints: list[UInt8Array] = []
    kept: list[Path] = []
    for path in files:
        data = path.read_bytes()
        picture = decode(str(path), data, decoding)
        if isinstance(picture, Failure):
            continue
        hashed = describe_hashes(picture)
        if hashed.telling < config.hashes.min_telling:
            continue
        kept.append(path)
        rows.append((network.describe(picture), hashed.pdq, hashed.thumb))
        keypoints.append(_keypoints(data, picture))
    source = []
    own = [number for number, path in enumerate(kept) if path.parent == photos]
    for number in own[:: max(1, len(own) // _EDITED)]:
        for data in _copies(kept[number], kept[number - 1]):
            picture = decode("copy", data, decoding)
            assert not isinstance(picture, Failure)
            hashed = describe_hashes(picture)
            rows.append((network.describe(picture), hashed.pdq, hashed.thumb))
            keypoints.append(_keypoints(data, picture))
            source.append(number)
    embeddings, hashes, thumbs = (np.stack(column) for column in zip(*rows, strict=True))
    turned = hashes.reshape(len(rows), len(ORIENTATIONS), -1)
    unit = embeddings.astype(np.float32)
    return Described(unit, turned, thumbs, keypoints, np.array(source, np.int64), len(kept))


def _keypoints(data: bytes, picture: Picture) -> UInt8Array:
    kind = KINDS["orb"]
    luma = decode_luma("picture", data, DecodeConfig(min_side=kind.min_side))
    assert not isinstance(luma, Failure)
    return describe_side(luma, (picture.width, picture.height), kind)[0]


def _copies(photo: Path, beside: Path) -> Iterator[bytes]:
    rgb, other = read_photo(photo), read_photo(beside)
    for edit in _EDITS:
        yield encode_jpeg(edit_picture(rgb, edit, source=photo.stem, other=other))


def distributions(described: Described) -> dict[str, list[Figures]]:
    """All figures, by what they are of; each with its number of pictures or cells."""
    order = np.random.default_rng(0).permutation(described.originals)
    sizes = [order[: int(share * described.originals)] for share in _SHARES]
    return {
        "cells": [cell_figures(described.embeddings[some]) for some in sizes],
        "probes": _probed(described),
        "pieces": [figures for some in sizes for figures in _pieces(described.hashes[some])],
        "piece recall": _piece_recall(described),
        "substrings": [
            figures
            for some in sizes
            for figures in _substrings([described.keypoints[number] for number in some])
        ],
        "vote candidates": [_candidates([described.keypoints[n] for n in some]) for some in sizes],
        "vote recall": _vote_recall(described),
        "hash candidates": [_hash_candidates(described.hashes[some]) for some in sizes],
    }


def cells_for(count: int) -> int:
    """Cells for so many rows: assigning costs as much as joining does with eight probes."""
    return max(1, round(np.sqrt(count * _CELLS_ROOT)))


def cell_figures(rows: FloatArray) -> Figures:
    """Sizes of k-means cells of one set."""
    cells = cells_for(len(rows))
    home = nearest_centres(rows, fit_cells(rows, cells), 1)[:, 0]
    return {"images": len(rows), **size_figures(np.bincount(home, minlength=cells))}


def size_figures(sizes: IntArray) -> Figures:
    """How uneven sizes are: all relative to their mean.

    ``skew`` is the mean of the squares by the square of the mean, which is what joins inside cost
    more than among equal cells.
    """
    share = sizes / sizes.mean()
    return {
        "cells": len(sizes),
        "skew": float((share**2).mean()),
        "p99": float(np.quantile(share, 0.99)),
        "max": float(share.max()),
    }


def probes_needed(rows: FloatArray, copies: FloatArray, centres: FloatArray) -> IntArray:
    """``(n,)`` probes with which a copy and its source meet: one looks into the other's cell."""
    most = min(len(centres), 4 * PROBES[-1])
    near, other = nearest_centres(rows, centres, most), nearest_centres(copies, centres, most)
    needed = np.full(len(rows), len(centres) + 1)
    for first, second in ((near, other), (other, near)):
        hit = second == first[:, :1]
        needed = np.where(hit.any(axis=1), np.minimum(needed, hit.argmax(axis=1) + 1), needed)
    return needed


def _probed(described: Described) -> list[Figures]:
    """Recall of true pairs within the distance of candidates, by probes, at many cell counts."""
    rows = described.embeddings[described.source]
    copies = described.embeddings[described.originals :]
    near = 1 - (rows * copies).sum(axis=1) <= FindConfig().embedding.max_distance
    # among so few pictures a source and its copies would get a cell of their own
    others = np.setdiff1d(np.arange(described.originals), described.source)
    found = []
    for cells in _CELLS:
        centres = fit_cells(described.embeddings[others], cells)
        needed = probes_needed(rows[near], copies[near], centres)
        found.append({"cells": cells, "pairs": int(near.sum()), **recalls(needed)})
    return found


def recalls(needed: IntArray) -> Figures:
    """Share of pairs met with so many probes."""
    return {f"recall {probes}": float((needed <= probes).mean()) for probes in PROBES}


def _keys(hashes: UInt8Array, width: int) -> Iterator[NDArray[np.uint64]]:
    """One number for every hash ``(..., 32)``, for each piece of ``width`` bits."""
    step = width // 8
    for at in range(0, 32 - step + 1, step):
        padded = np.zeros((*hashes.shape[:-1], 8), np.uint8)
        padded[..., 8 - step :] = hashes[..., at : at + step]
        yield padded.view(">u8")[..., 0].astype(np.uint64)


def _pieces(hashes: UInt8Array) -> list[Figures]:
    """How often strangers have a piece of the hash in common, in any orientation."""
    count = len(hashes)
    near = _near_pairs(hashes)
    found = []
    for width in _WIDTHS:
        meetings, largest, pieces = 0, 0, 0
        for keys in _keys(hashes, width):
            upright = np.sort(keys[:, 0])
            turned = np.sort(keys, axis=None)
            ends = np.searchsorted(turned, upright, "right")
            meetings += int((ends - np.searchsorted(turned, upright)).sum())
            # a symmetric picture has pieces in common with its own turns
            meetings -= int((keys == keys[:, :1]).sum())
            meetings -= int((keys[near[:, 0], near[:, 2]] == keys[near[:, 1], 0]).sum()) * 2
            largest = max(largest, int(np.unique(upright, return_counts=True)[1].max()))
            pieces += 1
        # both ways, eight orientations
        pairs = pieces * count * (count - 1) * 8
        found.append(
            {
                "images": count,
                "width": width,
                "meetings": max(0, meetings),
                "chance": max(0, meetings) / pairs,
                "largest": largest,
            }
        )
    return found


def _near_pairs(hashes: UInt8Array) -> IntArray:
    """``(k, 3)`` pairs that are candidates, and the orientation of the first."""
    index = HammingIndex(np.ascontiguousarray(hashes[:, 0]))
    limit = FindConfig().hashes.max_distance
    parts = []
    for turn in range(len(ORIENTATIONS)):
        turned = np.ascontiguousarray(hashes[:, turn])
        left, right, _ = index.pairs_with(turned, limit, upper_triangle=True)
        parts.append(np.stack([left, right, np.full_like(left, turn)], axis=1))
    return np.concatenate(parts)


def _hash_candidates(hashes: UInt8Array) -> Figures:
    near = np.unique(_near_pairs(hashes)[:, :2], axis=0)
    return {"images": len(hashes), "each": len(near) / len(hashes)}


def _piece_recall(described: Described) -> list[Figures]:
    """Share of the pairs that hash and thumb accept which have a piece in common."""
    copies = described.hashes[described.originals :]
    sources = described.hashes[described.source][:, 0]
    bits = np.bitwise_count(copies ^ sources[:, None]).sum(axis=2)
    turn, distance = bits.argmin(axis=1), bits.min(axis=1)
    rows = np.arange(len(copies))
    agreement = agree(described.thumbs, described.originals + rows, described.source, turn)
    accepted = agreement.accepted(FindConfig().hashes, np.ones(len(rows)))
    accepted &= distance <= FindConfig().hashes.max_distance
    turned = copies[rows, turn][accepted]
    found = []
    for width in _WIDTHS:
        pieces = zip(_keys(turned, width), _keys(sources[accepted], width), strict=True)
        apart = np.stack([np.bitwise_count(a ^ b) for a, b in pieces])
        figures: Figures = {"width": width, "pairs": int(accepted.sum())}
        for flips in (0, 1, 2):
            figures[f"within {flips}"] = float((apart.min(axis=0) <= flips).mean())
        found.append(figures)
    return found


def _candidates(keypoints: Sequence[UInt8Array]) -> Figures:
    """Candidates for verification of each picture, of the width that ``find`` chooses."""
    config = FindConfig().local
    upright, mirrored = _features(keypoints)
    width = max(config.least_substring, len(upright.image).bit_length() + KINDS["orb"].rare_bits)
    settings = VoteSettings(config.tables, width, config.largest_group, config.min_votes)
    count = 0
    for low, high, votes in vote_pairs(upright, settings, mirrored=mirrored):
        distance = (1.0 / votes).astype(np.float32)
        count += len(among_nearest(low, high, distance, config.max_neighbours))
    each = count / len(keypoints)
    return {"images": len(keypoints), "width": width, "each": each}


def _features(keypoints: Sequence[UInt8Array], first: int = 0) -> tuple[Features, Features]:
    owner = np.repeat(np.arange(len(keypoints)) + first, [len(rows) for rows in keypoints])
    return features_of(np.concatenate(keypoints), owner)


def _substrings(keypoints: Sequence[UInt8Array]) -> list[Figures]:
    """Groups of keypoints that share a substring, for several widths."""
    upright, mirrored = _features(keypoints)
    bits = np.concatenate([upright.bits, mirrored.bits])
    return [
        {"images": len(keypoints), "keypoints": len(bits), "width": width, **_groups(bits, width)}
        for width in _SUBSTRINGS
    ]


def _groups(bits: UInt8Array, width: int) -> Figures:
    largest = FindConfig().local.largest_group
    shares = []
    for number in range(_TABLES):
        order = np.random.default_rng(number).permutation(bits.shape[1])[: width // 8]
        keys = np.zeros((len(bits), 8), np.uint8)
        keys[:, : len(order)] = bits[:, order]
        sizes = np.unique(keys.view(np.uint64)[:, 0], return_counts=True)[1]
        small = sizes[sizes <= largest]
        shares.append([1 - small.sum() / len(bits), (small * (small - 1) / 2).sum() / len(bits)])
        shares[-1].append(sizes.max())
    dropped, meetings, most = np.mean(shares, axis=0).tolist()
    return {"dropped": dropped, "meetings": meetings, "largest": most}


def _vote_recall(described: Described) -> list[Figures]:
    """Share of true pairs with enough votes, by width, tables, and keypoints that may vote."""
    config = FindConfig().local
    own = np.unique(described.source)
    place = np.searchsorted(own, described.source)
    sources, _ = _features([described.keypoints[number] for number in own])
    upright, mirrored = _features(described.keypoints[described.originals :], len(own))
    asked = [(width, tables, 1.0) for width in _SUBSTRINGS for tables in (8, 32)]
    asked += [(48, tables, kept) for tables in (8, 32) for kept in (0.5, 0.2, 0.1)]
    found = []
    for width, tables, kept in asked:
        # among so few none is common: what groups would drop is left out at random
        some = _thinned(sources, kept)
        settings = VoteSettings(tables, width, 200, config.min_votes)
        met = np.zeros(len(place), bool)
        for copies in (upright, mirrored):
            low, high, _ = vote_between(some, copies, settings)
            met[high[low == place[high - len(own)]] - len(own)] = True
        figures = {"width": width, "tables": tables, "kept": kept, "pairs": len(met)}
        found.append({**figures, "recall": float(met.mean())})
    return found


def _thinned(features: Features, kept: float) -> Features:
    """A seeded share of the keypoints."""
    some = np.random.default_rng(0).random(len(features.image)) < kept
    return Features(
        features.bits[some],
        features.image[some],
        features.turns[some],
        features.octaves[some],
        features.places[some],
    )
