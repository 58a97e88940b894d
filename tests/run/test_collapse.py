"""Result lists: one of each picture, as ``find`` sees them, ranks kept."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import lookalike
from conftest import scene
from lookalike.config import ClusterConfig, FindConfig, KeepConfig
from lookalike.evaluation.edits import encode_jpeg
from lookalike.images.decode import as_file, decode
from lookalike.model.errors import ConfigError
from lookalike.model.image import Picture
from lookalike.run.collapse import collapse, relate
from lookalike.runtime.workers import one_core_each
from lookalike.store import EmbeddedCollection, open_collection

CONFIG = FindConfig(threads=2)


def grown(rgb: np.ndarray, width: int, height: int) -> np.ndarray:
    """In another size."""
    return cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)


EDITS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "same": lambda rgb: rgb,
    "half": lambda rgb: grown(rgb, 320, 240),
    "mirror": lambda rgb: np.ascontiguousarray(rgb[:, ::-1]),
    "turn": lambda rgb: np.ascontiguousarray(np.rot90(rgb)),
    "crop": lambda rgb: np.ascontiguousarray(rgb[60:420, 80:560]),
    "dark": lambda rgb: (rgb * 0.7).astype(np.uint8),
}


def variant(seed: int, edit: str) -> np.ndarray:
    """A scene, edited; seed 0 is a blank page."""
    rgb = scene(seed) if seed else np.full((480, 640, 3), 250, np.uint8)
    return EDITS[edit](rgb)


def png(rgb: np.ndarray) -> bytes:
    """A PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def groups(found: lookalike.Collapsed) -> set[tuple[int, ...]]:
    """Which candidates stand together."""
    return {kept.stands_for for kept in found.kept if len(kept.stands_for) > 1}


ENTRY = st.tuples(
    st.integers(0, 4), st.sampled_from(sorted(EDITS)), st.sampled_from(["jpeg", "png", "array"])
)


@pytest.mark.slow
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(ENTRY, min_size=1, max_size=12), st.sampled_from(["fast", "standard"]))
def test_collapse_equals_find(
    tmp_path_factory: pytest.TempPathFactory, entries: list[tuple[int, str, str]], effort: str
) -> None:
    """Whatever the candidates, those that stand together are the clusters of ``find``."""
    folder = tmp_path_factory.mktemp("list")
    candidates: list[object] = []
    for number, (seed, edit, form) in enumerate(entries):
        rgb = variant(seed, edit)
        # an array counts as a BMP of its pixels
        data = {"jpeg": encode_jpeg(rgb, 90), "png": png(rgb), "array": as_file(rgb)}[form]
        path = folder / f"{number:03d}.{form.replace('array', 'bmp')}"
        path.write_bytes(data)
        candidates.append({"jpeg": data, "png": path, "array": rgb}[form])
    config = FindConfig(effort=effort, threads=2)  # type: ignore[arg-type]
    found = collapse(candidates, config=config)  # type: ignore[arg-type]
    report = lookalike.find(folder, db=folder / ".db", config=config)
    clusters = {tuple(int(name[:3]) for name in cluster.members) for cluster in report.clusters}
    assert groups(found) == clusters
    assert [kept.rank for kept in found.kept] == sorted(kept.rank for kept in found.kept)
    assert sorted(i for kept in found.kept for i in kept.stands_for) == list(range(len(entries)))
    assert all(kept.index == kept.rank == kept.stands_for[0] for kept in found.kept)


def test_the_relation_is_said_from_the_other_to_the_dropped() -> None:
    """A dropped candidate says how it was made of the kept one, whichever came first."""
    full, small = scene(1), grown(scene(1), 320, 240)
    large_first = collapse([full, scene(2), small], config=CONFIG)
    assert large_first.indexes == (0, 1)
    (dropped,) = large_first.kept[0].dropped
    assert (dropped.index, dropped.of, dropped.tier) == (2, 0, "copy")
    assert dropped.edit == "resized to 50%"
    assert dropped.confidence is not None and dropped.confidence > 0.9
    best = collapse([small, scene(2), full], keep="best", config=CONFIG)
    assert best.indexes == (2, 1) and [kept.rank for kept in best.kept] == [0, 1]
    assert best.kept[0].dropped[0].edit == "resized to 50%"
    by_rank = collapse([small, scene(2), full], config=CONFIG)
    assert by_rank.kept[0].dropped[0].edit == "resized to 200%"


def test_the_same_bytes_and_the_same_pixels() -> None:
    """Bytes are ``exact``; pixels without a file are ``pixel``, alone and against files."""
    rgb = scene(3)
    data = encode_jpeg(rgb, 90)
    found = collapse([data, data, rgb, rgb.copy(), png(rgb), Image.fromarray(rgb)], config=CONFIG)
    tiers = {item.index: (item.tier, item.of) for kept in found.kept for item in kept.dropped}
    assert found.indexes == (0,)
    assert tiers[1] == ("exact", 0)
    assert {tiers[n][0] for n in (2, 3)} <= {"copy", "pixel"}
    again = collapse([rgb, rgb.copy(), png(rgb), Image.fromarray(rgb)], config=CONFIG)
    assert [item.tier for item in again.kept[0].dropped] == ["pixel"] * 3
    assert {item.edit for item in again.kept[0].dropped} == {"identical pixels"}


def test_k_looks_no_further_than_it_must() -> None:
    """With k the list is read lazily, and the answer is that of the part that was read."""
    pictures = [scene(1), scene(1), scene(2), scene(2), scene(3), scene(4), scene(5)]
    taken: list[int] = []

    def listed() -> Iterator[np.ndarray]:
        for number, picture in enumerate(pictures):
            taken.append(number)
            yield picture

    found = collapse(listed(), 3, config=CONFIG)
    assert found.indexes == (0, 2, 4)
    assert found.looked == len(taken) == 5
    assert groups(found) == {(0, 1), (2, 3)}
    assert found == collapse(pictures[:5], config=CONFIG)
    assert collapse(pictures, 1, config=CONFIG).looked == 1
    assert collapse(pictures, 50, config=CONFIG).indexes == (0, 2, 4, 5, 6)


def test_bad_candidates_are_failures(tmp_path: Path) -> None:
    """What is no picture is listed with its place and reason; the others are answered."""
    rgb = scene(1)
    cut = encode_jpeg(scene(2), 90)[:4000]
    (tmp_path / "notes.jpg").write_text("no picture")
    bad: list[object] = [
        b"", b"text", cut, tmp_path / "gone.jpg", tmp_path, tmp_path / "notes.jpg", "a\0b", None, 7,
        rgb.astype(np.float32), rgb[..., 0], rgb[:0], np.zeros((5, 5, 4), np.uint8),
        Image.open(io.BytesIO(cut)),
    ]  # fmt: skip
    found = collapse([rgb, *bad, rgb], config=CONFIG)  # type: ignore[list-item]
    assert found.indexes == (0,) and found.kept[0].stands_for == (0, len(bad) + 1)
    assert [failure.index for failure in found.failures] == list(range(1, len(bad) + 1))
    assert all(failure.failure.message for failure in found.failures)
    assert "expected uint8" in found.failures[9].failure.message
    assert collapse([], config=CONFIG) == lookalike.Collapsed((), (), 0)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"k": 0}, "k = 0"),
        ({"keep": "worst"}, "worst"),
        ({"config": FindConfig(cluster=ClusterConfig(similar=True))}, "network"),
        ({"config": FindConfig(keep=KeepConfig(("prettiest",)))}, "prettiest"),
    ],
)
def test_wrong_settings_stop_before_any_work(arguments: dict[str, object], word: str) -> None:
    """A setting that cannot work is an error, and nothing is read."""

    def never() -> Iterator[bytes]:
        raise AssertionError("was read")
        yield b""

    with pytest.raises(ConfigError, match=word):
        collapse(never(), **arguments)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="list"):
        collapse("folder")


def test_threads_agree_and_restore_what_they_set() -> None:
    """Calls at once give the answer of one alone; the process is as it was before."""
    pictures = [scene(n % 4 + 1) if n < 8 else variant(n - 7, "mirror") for n in range(11)]
    alone = collapse(pictures, config=FindConfig(threads=1))
    before = cv2.getNumThreads()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: collapse(pictures, config=CONFIG), range(8)))
    assert answers == [alone] * 8
    assert cv2.getNumThreads() == before


def test_one_core_each_is_restored_by_the_last() -> None:
    """Overlapping users that leave in any order restore the setting once all have left."""
    before = cv2.getNumThreads()
    first, second = one_core_each(), one_core_each()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert cv2.getNumThreads() == 1
    second.__exit__(None, None, None)
    assert cv2.getNumThreads() == before


def test_the_event_loop_goes_on() -> None:
    """While ``acollapse`` works in another thread, the loop does other things."""
    pictures = [variant(n % 5 + 1, edit) for n, edit in enumerate([*EDITS, *EDITS])]

    async def both() -> tuple[lookalike.Collapsed, lookalike.Collapsed, int]:
        ticks = 0
        work = asyncio.gather(
            lookalike.acollapse(pictures, config=CONFIG), lookalike.acollapse(pictures, 3)
        )
        while not work.done():
            ticks += 1
            await asyncio.sleep(0.002)
        first, second = await work
        return first, second, ticks

    first, second, ticks = asyncio.run(both())
    assert first == collapse(pictures, config=CONFIG)
    assert len(second.kept) == 3
    assert ticks > 3


def test_relate_says_how_the_second_is_made() -> None:
    """Two pictures in memory, in the direction asked; strangers are not related."""
    found, failures = relate(scene(1), grown(scene(1), 320, 240))
    assert found is not None and found.edit == "resized to 50%" and not failures
    assert relate(scene(1), scene(2)) == (None, ())
    assert relate(b"", scene(2))[1][0].index == 0


def test_pixels_as_a_file_decode_to_themselves() -> None:
    """Arrays and Pillow images, with alpha, palette or orientation, lose nothing on the way."""
    rgb = scene(5, 150, 101)
    config = FindConfig().decode

    def decoded(data: bytes) -> np.ndarray:
        picture = decode("x", data, config)
        assert isinstance(picture, Picture) and picture.lossless
        return picture.rgb

    assert np.array_equal(decoded(as_file(rgb)), rgb)
    assert np.array_equal(decoded(as_file(rgb[:, ::-1])), rgb[:, ::-1])
    clear = Image.fromarray(np.dstack([rgb, np.zeros(rgb.shape[:2], np.uint8)]))
    assert (decoded(as_file(clear)) == 255).all()
    turned = Image.fromarray(rgb)
    turned.getexif()[0x0112] = 6
    assert np.array_equal(decoded(as_file(turned)), np.rot90(rgb, -1))


def test_a_collection_in_memory_answers_like_one_on_disk(db: Path) -> None:
    """The same batch, the same rows; nothing is written."""
    from lookalike.descriptors.hashes import PDQ_SPEC
    from lookalike.store import Batch, Content
    from lookalike.verification.side import PLANE_SPEC

    random = np.random.default_rng(0)
    names = ("a", "b")
    contents = tuple(Content(n, 1, 2, 3, "PNG", True, 0, 0.0, False) for n in names)
    rows = random.integers(0, 256, (2, 256)).astype(np.uint8)
    ragged = [random.integers(0, 256, (n, 1)).astype(np.uint8) for n in (3, 0)]
    for collection in (EmbeddedCollection(None), open_collection(db)):
        with collection:
            for _ in range(2):
                collection.commit(
                    Batch(
                        contents=contents,
                        rows={PDQ_SPEC: (names, rows)},
                        ragged={PLANE_SPEC: (names, ragged)},
                    )
                )
            assert np.array_equal(collection.rows(PDQ_SPEC, ["b", "a"]), rows[::-1])
            some = slice(None)
            assert np.array_equal(collection.stored(PDQ_SPEC, names)[some], rows)
            kept = collection.ragged(PLANE_SPEC, names)
            assert all(map(np.array_equal, kept, ragged))
            assert collection.missing(PDQ_SPEC, ["a", "c"]) == ["c"]
