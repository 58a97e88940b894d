"""Make the sets: every kind's pictures, an edited copy of each, and their labels."""

from __future__ import annotations

import hashlib
import math
import multiprocessing
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from lookalike.evaluation.datasets import at_least, photos_in, read_photo, without_twins
from lookalike.model.arrays import UInt8Array
from lookalike.model.errors import ConfigError
from lookalike_bench.judge_sets.edits import ALL_EDITS, Desk, edited, fitting_edits
from lookalike_bench.judge_sets.files import camera_notes, encoded, noted
from lookalike_bench.judge_sets.fonts import Fonts, find_fonts
from lookalike_bench.judge_sets.labels import PictureLabel, write_labels
from lookalike_bench.judge_sets.real import DOMAINS, SHOTS, Taken, domain, photos, shots
from lookalike_bench.judge_sets.sprites import over
from lookalike_bench.judge_sets.studio import Kind, Place, Studio, seeded
from lookalike_bench.judge_sets.table import KINDS, PHOTOS, REAL_CANNOT, every_kind

__all__ = ["Folders", "Options", "make_judge_sets"]

_LARGE = 600
# share of a photo's parts that show something, for any truth and for a series
_SHOWS, _SHOWS_MUCH = 0.05, 0.4
# a kind's own: a pasted copy shows its background too
_BACKGROUNDS = 6
# pictures that come out equal to one before are drawn again so often
_TRIES = 6
_NAMES = every_kind()
_PAPER = (255, 255, 255)


@dataclass(frozen=True, slots=True)
class Folders:
    """Where real pictures lie; ``None`` for what is not at hand.

    Attributes:
        photos: photos of all sizes.
        train: many small ones.
        shots: other shots of scenes, with ``labels.csv``: path, group, relation.
        domains: pictures of the web, with ``labels.csv``: path, group, domain.
        fonts: more fonts than the system's.
    """

    photos: Path
    train: Path
    shots: Path | None = None
    domains: Path | None = None
    fonts: Path | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """How much is made.

    Attributes:
        scale: of every kind's pictures; 1 for about 60 a kind.
        seed: of the whole set.
        edits_per_picture: edited copies of every source.
        workers: processes.
        kinds: only these; empty for all.
    """

    scale: float = 1.0
    seed: int = 0
    edits_per_picture: int = 1
    workers: int = 2
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Job:
    """One kind's work, which a process does.

    Attributes:
        kind: its name.
        out: the set.
        options: how much.
        fonts: folder of more fonts.
        photos: the kind's own.
        backgrounds: the kind's own.
        taken: of a real kind: its pictures.
    """

    kind: str
    out: Path
    options: Options
    fonts: Path | None
    photos: tuple[Path, ...]
    backgrounds: tuple[Path, ...]
    taken: tuple[Taken, ...] = ()


@dataclass(frozen=True, slots=True)
class _Source:
    """A picture before it is edited.

    Attributes:
        name: of its file, without ending.
        pixels: ``(h, w, 3)`` or ``(h, w, 4)``.
        picture: what it shows.
        layout: number of its layout.
        edit: how it was made.
        ending: of the file.
        data: its bytes.
        notes: EXIF in it.
    """

    name: str
    pixels: UInt8Array
    picture: str
    layout: int
    edit: str
    ending: str
    data: bytes
    notes: bytes = b""


def make_judge_sets(out: Path, folders: Folders, options: Options) -> tuple[PictureLabel, ...]:
    """Write ``out/<kind>/…`` and ``out/labels.csv``.

    Every source has ``edits_per_picture`` edited copies: of the edits that its kind and size can
    bear, those that its kind has had least. Layouts are split, every third for ``check``. The same
    folders, seed and fonts give the same pictures.

    Raises:
        ConfigError: too few photos, or no such kind.
        OSError: no browser can be started.
    """
    jobs = list(_jobs(out, folders, options))
    labels: list[PictureLabel] = []
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.workers, mp_context=context) as pool:
        for made in pool.map(_make_kind, jobs):
            labels += made
    write_labels(out, labels)
    return tuple(sorted(labels, key=lambda label: label.path))


def _jobs(out: Path, folders: Folders, options: Options) -> Iterator[_Job]:
    """Every kind's work, no photo in two of them."""
    wanted = options.kinds or _NAMES
    unknown = ", ".join(sorted(set(wanted) - set(_NAMES)))
    if unknown:
        raise ConfigError("no such kind", got=unknown, expected=", ".join(_NAMES))
    deal = _Deal(folders, options)
    for name in _NAMES:
        own, behind = deal.photos_of(name), deal.backgrounds()
        if name in wanted:
            taken = tuple(_taken(name, folders, options, own))
            if name in KINDS or taken:
                yield _Job(name, out, options, folders.fonts, own, behind, taken)


class _Deal:
    """Photos dealt to kinds, none like another.

    Args:
        folders: where they lie.
        options: the seed; how many are needed.
    """

    def __init__(self, folders: Folders, options: Options) -> None:
        self._scale = options.scale
        needs = [kind.photos_at(options.scale) for kind in KINDS.values() if kind.source == "small"]
        self._behind = max(1, round(_BACKGROUNDS * min(1.0, math.sqrt(options.scale))))
        small = sum(needs) + self._behind * len(_NAMES)
        large = photos_in(folders.photos)
        pool = photos_in(folders.train)
        order = seeded(options.seed, "photos").permutation(len(pool))
        alone = without_twins([*large, *(pool[n] for n in order[: math.ceil(1.15 * small)])])
        chosen = set(large)
        self._piles: dict[str, list[Path]] = {"large": [], "any": [], "small": []}
        for number in seeded(options.seed, "deal").permutation(len(alone)):
            path = alone[number]
            side, shows = _seen(path)
            good = side >= _LARGE and shows >= _SHOWS_MUCH
            pile = "small" if path not in chosen else "large" if good else "any"
            if shows >= _SHOWS:
                self._piles[pile].append(path)

    def backgrounds(self) -> tuple[Path, ...]:
        """The backgrounds of the next kind."""
        return self._take("small", self._behind)

    def photos_of(self, kind: str) -> tuple[Path, ...]:
        """The photos of a kind, taken from what is left."""
        if kind == "photos":
            return self._take("any", self._scaled(PHOTOS))
        drawn = KINDS.get(kind)
        return self._take(drawn.source, drawn.photos_at(self._scale)) if drawn else ()

    def _scaled(self, count: int) -> int:
        return math.ceil(count * self._scale)

    def _take(self, pile: str, count: int) -> tuple[Path, ...]:
        """From a pile, from another where it is empty."""
        piles = (self._piles[pile], self._piles["any"], self._piles["large"], self._piles["small"])
        taken: list[Path] = []
        for left in piles:
            while left and len(taken) < count:
                taken.append(left.pop())
        if len(taken) < count:
            raise ConfigError(
                "too few photos, none like another, for the judge's sets",
                got=f"{len(taken)} of the next {count}",
                expected="about 1,500 at scale 1",
                remedy="a smaller --scale",
            )
        return tuple(taken)


def _seen(path: Path) -> tuple[int, float]:
    """A photo's longer side, and the share of 144 parts of it that are not plain."""
    grey = cv2.cvtColor(read_photo(path), cv2.COLOR_RGB2GRAY)
    factor = min(1.0, 256 / max(grey.shape))
    small = cv2.resize(grey, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    detail = cv2.absdiff(small, cv2.GaussianBlur(small, (0, 0), 2)).astype(np.float32)
    parts = cv2.resize(detail, (12, 12), interpolation=cv2.INTER_AREA)
    return max(grey.shape), float((parts > 1.5).mean())


def _taken(kind: str, folders: Folders, options: Options, own: Sequence[Path]) -> list[Taken]:
    """The pictures of a real kind, none where its folder is not at hand."""
    if kind == "photos":
        return photos(own)
    if kind in SHOTS and folders.shots is not None:
        relation, count = SHOTS[kind]
        return shots(folders.shots, relation, math.ceil(count * options.scale))
    if kind in DOMAINS and folders.domains is not None:
        name, count = DOMAINS[kind]
        return domain(folders.domains, name, math.ceil(count * options.scale))
    return []


def _make_kind(job: _Job) -> list[PictureLabel]:
    """Write a kind's pictures; their labels."""
    # processes, not threads, share the processor
    cv2.setNumThreads(1)
    folder = job.out / job.kind
    folder.mkdir(parents=True, exist_ok=True)
    fonts = find_fonts(job.fonts)
    labels = []
    with Studio(fonts, job.photos, job.backgrounds) as studio:
        sources = _real(job) if job.taken else _drawn(job, studio)
        used: Counter[str] = Counter()
        for source in sources:
            (folder / f"{source.name}{source.ending}").write_bytes(source.data)
            labels.append(_label(job.kind, source, source.edit, source.ending))
            for name, ending in _write_edits(job, fonts, source, used):
                labels.append(_label(job.kind, source, name, f"__{name}{ending}"))
    return labels


def _label(kind: str, source: _Source, edit: str, ending: str) -> PictureLabel:
    height, width = source.pixels.shape[:2]
    return PictureLabel(
        path=f"{kind}/{source.name}{ending}",
        picture=f"{kind}/{source.picture}",
        kind=kind,
        layout=f"{kind}/{source.layout:03d}",
        edit=edit,
        split="check" if source.layout % 3 == 1 else "fit",
        source_size=f"{width}x{height}",
    )


def _real(job: _Job) -> Iterator[_Source]:
    """Real files as they are, but those equal to one that the labels call another picture."""
    layouts = {name: n for n, name in enumerate(dict.fromkeys(one.layout for one in job.taken))}
    seen: dict[bytes, str] = {}
    for number, one in enumerate(job.taken):
        pixels = read_photo(one.path)
        if seen.setdefault(_digest(pixels), one.picture) != one.picture:
            continue
        yield _Source(
            name=f"{layouts[one.layout]:03d}_{number:03d}",
            pixels=pixels,
            picture=one.picture,
            layout=layouts[one.layout],
            edit="",
            ending=one.path.suffix.lower(),
            data=one.path.read_bytes(),
        )


def _drawn(job: _Job, studio: Studio) -> Iterator[_Source]:
    """A kind's pictures, layouts in turn; what comes out as before is drawn again."""
    kind = KINDS[job.kind]
    layouts, each = kind.at_scale(job.options.scale)
    seen: set[bytes] = set()
    for index in range(layouts * each):
        number, layout = divmod(index, layouts)
        for attempt in range(_TRIES):
            pixels = kind.draw(_place(job, studio, (layout, number, index), attempt))
            key = _digest(pixels)
            if key not in seen:
                seen.add(key)
                yield _source(job, kind, pixels, (layout, number))
                break


def _digest(pixels: UInt8Array) -> bytes:
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).digest()


def _place(job: _Job, studio: Studio, at: tuple[int, int, int], attempt: int) -> Place:
    layout, number, index = at
    names = (job.options.seed, job.kind, layout)
    return Place(
        studio=studio,
        layout=layout,
        number=number,
        index=index,
        style=seeded(*names, "style"),
        content=seeded(*names, number, attempt),
    )


def _source(job: _Job, kind: Kind, pixels: UInt8Array, at: tuple[int, int]) -> _Source:
    layout, number = at
    name = f"{layout:03d}_{number:03d}"
    notes, file = b"", seeded(job.options.seed, job.kind, name, "file")
    # most pictures of a layout have one format, frames of a dated series all
    whole = seeded(job.options.seed, job.kind, layout, "file").random()
    chance = whole if kind.dated or file.random() < 0.8 else file.random()
    if kind.dated and layout % 2:
        chance = 0.0
        notes = camera_notes(
            f"{job.options.seed} {job.kind} {layout}", number, stops=number * kind.stops
        )
    ending, data = encoded(pixels, file, chance=chance)
    edit = kind.one_picture if number else "part" if kind.parts else ""
    return _Source(
        name=name,
        pixels=pixels,
        picture=f"{layout:03d}" if kind.one_picture else name,
        layout=layout,
        edit=edit,
        ending=ending,
        data=noted(data, notes),
        notes=notes,
    )


def _write_edits(
    job: _Job, fonts: Fonts, source: _Source, used: Counter[str]
) -> Iterator[tuple[str, str]]:
    """Write a source's edited copies; edit and ending of each."""
    cannot = KINDS[job.kind].cannot if job.kind in KINDS else REAL_CANNOT[job.kind]
    height, width = source.pixels.shape[:2]
    fitting = fitting_edits((width, height), cannot)
    # kinds begin at other edits, so that a kind of few pictures does not have the first ones only
    turn = int(seeded(job.options.seed, job.kind, "turn").integers(len(ALL_EDITS)))
    order = {name: (place - turn) % len(ALL_EDITS) for place, name in enumerate(ALL_EDITS)}
    chosen = sorted(fitting, key=lambda name: (used[name], order[name]))
    rgb = over(source.pixels, _PAPER)
    for name in chosen[: job.options.edits_per_picture]:
        random = seeded(job.options.seed, job.kind, source.name, name)
        other = read_photo(job.backgrounds[used[name] % len(job.backgrounds)])
        used[name] += 1
        desk = Desk(random, fonts, at_least(other, 512))
        ending, data = encoded(edited(rgb, name, desk), random, edit=name)
        # half of the programs keep what the camera wrote
        kept = source.notes if random.random() < 0.5 else b""
        place = job.out / job.kind / f"{source.name}__{name}{ending}"
        place.write_bytes(noted(data, kept))
        yield name, ending
