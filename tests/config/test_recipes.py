"""Recipes: data that runs; searches over collections; focus."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from conftest import save, scene
from lookalike import Focus, Question, find, load_recipe, search
from lookalike.clustering.components import label_components
from lookalike.clustering.dendrogram import cut, tree
from lookalike.clustering.stars import label_stars
from lookalike.config import SystemConfig, ViewConfig
from lookalike.config.recipes import recipe_names
from lookalike.evaluation.edits import edit_picture
from lookalike.index.distances import METRICS
from lookalike.model.errors import ConfigError
from lookalike.report.as_folder import write_kept
from lookalike.report.as_sheet import write_answer_page, write_sheet
from lookalike.retrieval.focus import overlay_mask

PUBLISHED = (
    "dupimage dupimage-research raw raw-pca vgg vgg-pca visipics-strict visipics-basic "
    "visipics-loose dedup-vote report-hash report-fingerprint report-vgg16 inditex "
    "inditex-clusters neuralhash"
)
NAMES = ["default", "fast", "thorough", *PUBLISHED.split(" ")]
READY = ("fast", "raw", "raw-pca", "visipics-basic", "report-hash", "report-fingerprint")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six pictures, each with a half-size and a low-quality copy, and strangers."""
    folder = tmp_path_factory.mktemp("photos")
    for seed in range(6):
        rgb = scene(seed)
        save(folder / f"{seed}.jpg", rgb)
        for edit in ("resize_50", "jpeg_20"):
            save(folder / f"{seed}_{edit}.jpg", edit_picture(rgb, edit, source="", other=rgb))
    for seed in range(50, 56):
        save(folder / f"stranger_{seed}.jpg", scene(seed))
    return folder


def test_every_published_system_has_a_recipe() -> None:
    """All names load, each says what it implements, and ours come first."""
    assert sorted(recipe_names()) == sorted(NAMES)
    for name in NAMES:
        recipe = load_recipe(name)
        assert recipe.about and recipe.config.recipe == name
        assert bool(recipe.published) == (name not in ("default", "fast", "thorough"))


@pytest.mark.parametrize("name", [*READY, "luminance-cells", "vote", "average", "ward"])
def test_recipes_find_easy_copies(name: str, photos: Path, tmp_path: Path) -> None:
    """Half-size and recompressed copies, by every system whose weights are here."""
    own = {
        "luminance-cells": 'cells = 3\nprobes = 3\n[[view]]\ndescriptor = "luminance"\n'
        'metric = "cosine"\nmax_distance = 0.05',
        "vote": 'metrics = ["euclidean", "manhattan", "cosine", "minkowski", "dice"]\n'
        '[[view]]\ndescriptor = "luminance"\nmetric = "cosine"\nmax_distance = 0.05',
        "average": '[[view]]\ndescriptor = "luminance"\nmax_distance = 0.3\n'
        '[cluster]\nlinkage = "average"',
        "ward": '[[view]]\ndescriptor = "luminance"\nmetric = "euclidean"\nmax_distance = 0.3\n'
        '[cluster]\nlinkage = "ward"',
    }
    if name in own:
        (tmp_path / f"{name}.toml").write_text(own[name])
        name = str(tmp_path / f"{name}.toml")
    report = find(photos, db=tmp_path / "db", config=load_recipe(name).config)
    found = {frozenset(Path(m).stem[0] for m in c.members) for c in report.clusters}
    joined = sum(len(c.members) for c in report.clusters)
    if name != "raw":  # raw pixels chain strangers: their published precision is .055
        assert found == {frozenset(str(n)) for n in range(6)}
        assert joined == 18
    assert report.config["recipe"] == name
    assert {m.tier for m in report.matches} <= {"exact", "pixel", "copy", "similar"}


def test_stricter_presets_are_subsets(photos: Path, tmp_path: Path) -> None:
    """Every pair of strict is one of basic, every pair of basic one of loose."""
    pairs = []
    for name in ("strict", "basic", "loose"):
        config = load_recipe(f"visipics-{name}").config
        report = find(photos, db=tmp_path / "db", config=config)
        pairs.append({(m.query, m.ref) for m in report.matches})
    assert pairs[0] <= pairs[1] <= pairs[2] and pairs[1]


def test_turned_copies_are_found_in_8_turns(tmp_path: Path) -> None:
    """A mirrored copy needs turns = 8."""
    rgb = scene(3)
    save(tmp_path / "in" / "a.jpg", rgb)
    save(tmp_path / "in" / "b.jpg", np.ascontiguousarray(rgb[:, ::-1]))
    view = (ViewConfig("luminance", 0.2),)
    for turns in (1, 8):
        config = SystemConfig(views=view, turns=turns)  # type: ignore[arg-type]
        report = find(tmp_path / "in", db=tmp_path / "db", config=config)
        assert len(report.clusters) == (turns == 8)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("effort = 'heroic'", r"effort = 'heroic'"),
        ("colour = 1", r"unknown key.*colour"),
        ("[[view]]\ndescriptor = 'raw'", r"key is missing.*max_distance"),
        ("[[view]]\ndescriptor = 'raw'\nmax_distance = 'x'", r"wrong kind.*max_distance"),
        ("[cluster]\nlinkage = 'chain'", r"linkage"),
        ("not toml", r"not TOML"),
        ("[[view]]\ndescriptor = 'raw'\nmax_distance = 1\n[cluster]\nlinkage = 'ward'", "ward"),
    ],
)
def test_wrong_recipes_are_refused(text: str, match: str, tmp_path: Path) -> None:
    """With the key, what it got and what was expected."""
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=match):
        load_recipe(str(path))


@pytest.mark.parametrize(
    ("view", "match"),
    [
        (ViewConfig("nope", 1.0), "unknown descriptor"),
        (ViewConfig("phash", 1.0, metric="cosine"), "does not suit"),
        (ViewConfig("raw", 1.0, metric="hamming"), "does not suit"),
        (ViewConfig("raw", 1.0, metric="canberra"), "unknown metric"),
        (ViewConfig("phash", 1.0, components=4), "bits cannot"),
    ],
)
def test_systems_that_cannot_work_stop_before_any_work(
    view: ViewConfig, match: str, photos: Path, tmp_path: Path
) -> None:
    """No collection is made."""
    with pytest.raises(ConfigError, match=match):
        find(photos, db=tmp_path / "db", config=SystemConfig(views=(view,)))
    assert not (tmp_path / "db").exists()


def test_labels_of_components_and_stars_by_hand() -> None:
    """A chain is one component and two stars."""
    left, right = np.array([0, 1, 2, 5]), np.array([1, 2, 3, 6])
    assert label_components(8, left, right).tolist() == [0, 0, 0, 0, 4, 5, 5, 7]
    stars = label_stars(left, right, range(8)).tolist()
    assert stars == [1, 1, 1, 3, 4, 5, 5, 7]


@pytest.mark.parametrize("linkage", ["single", "complete", "average", "ward"])
def test_linkages_keep_their_promise(linkage: str) -> None:
    """Cut as SciPy cuts, and complete clusters have no pair beyond the threshold."""
    from scipy.cluster.hierarchy import fcluster

    points = np.random.default_rng(1).normal(size=(60, 2)).astype(np.float32)
    distances = METRICS["euclidean"](points, points)
    merges = tree(distances, linkage)
    mine, theirs = cut(merges, 0.6), fcluster(merges, 0.6, "distance")
    assert len(set(zip(mine.tolist(), theirs.tolist(), strict=True))) == len(set(mine.tolist()))
    assert len(set(mine.tolist())) == len(set(theirs.tolist()))
    if linkage == "complete":
        for part in set(mine.tolist()):
            members = np.flatnonzero(mine == part)
            assert distances[np.ix_(members, members)].max() <= 0.6


@pytest.mark.slow
def test_search_says_how_each_hit_is_related(photos: Path, tmp_path: Path) -> None:
    """Exact and copies first, for pictures in the set and outside it, with sheets."""
    db = tmp_path / "db"
    find(photos, db=db)
    answer = search(photos / "2.jpg", db=db)
    assert answer.in_set == (str(photos / "2.jpg"),) and len(answer.hits) == 6
    assert [hit.tier for hit in answer.hits[:3]] == ["exact", "copy", "copy"]
    assert {Path(h.image.path).stem[0] for h in answer.hits[:3]} == {"2"}
    outside = save(tmp_path / "mirrored.jpg", np.ascontiguousarray(scene(4)[:, ::-1]))
    answer = search(outside, db=db)
    assert not answer.in_set and answer.hits[0].tier == "copy"
    assert "mirrored" in answer.hits[0].edit
    sheet = cv2.imread(str(write_sheet(answer, tmp_path / "sheet.png")))
    assert sheet.shape[1] > 900 and sheet.std() > 20
    page = write_answer_page(answer, tmp_path / "answer.html").read_text()
    assert page.count("<figure>") == 7 and "mirrored" in page


def test_votes_are_shown(photos: Path, tmp_path: Path) -> None:
    """Five metrics vote; every hit says which and at what place."""
    db = tmp_path / "db"
    find(photos, db=db, config=load_recipe("raw").config)
    config = SystemConfig(views=(ViewConfig("luminance", 0.1),))
    answer = search(Question(photos / "1.jpg", 3, voting=True), db=db, config=config)
    assert {Path(h.image.path).stem[0] for h in answer.hits} == {"1"}
    assert len(answer.hits[0].votes) == 5 and set(answer.hits[0].votes.values()) == {1}
    with pytest.raises(ConfigError, match="add --vote"):
        search(Question(photos / "1.jpg", metrics=("cosine", "dice")), db=db, config=config)
    single = search(Question(photos / "1.jpg", metrics=("manhattan",)), db=db, config=config)
    assert single.hits[0].metric == "manhattan"


@pytest.mark.slow
def test_a_fitted_reduction_serves_new_images(photos: Path, tmp_path: Path) -> None:
    """A search fits nothing: it uses what find saved."""
    db = tmp_path / "db"
    config = SystemConfig(views=(ViewConfig("luminance", 0.3, scale="standard", components=8),))
    find(photos, db=db, config=config)
    held = {path: path.read_bytes() for path in (db / "reductions").rglob("*.npz")}
    assert len(held) == 1
    answer = search(photos / "3.jpg", db=db, config=config)
    assert {Path(h.image.path).stem[0] for h in answer.hits[:3]} == {"3"}
    assert {path: path.read_bytes() for path in (db / "reductions").rglob("*.npz")} == held


def test_an_empty_collection_says_what_to_do(tmp_path: Path) -> None:
    """And so does a query that is no picture."""
    query = save(tmp_path / "q.jpg", scene(1))
    with pytest.raises(ConfigError, match=r"holds no images.*lookalike index"):
        search(query, db=tmp_path / "db")
    (tmp_path / "no.jpg").write_bytes(b"nothing")
    with pytest.raises(ConfigError, match="not a picture"):
        search(tmp_path / "no.jpg", db=tmp_path / "db")


@pytest.mark.slow
def test_drawn_lines_are_found_and_little_else() -> None:
    """Most of the lines' pixels, and under a tenth of a picture without lines."""
    rgb = scene(7)
    lined = edit_picture(rgb, "lines", source="x", other=rgb)
    drawn = np.abs(lined.astype(int) - rgb).max(axis=2) > 25
    found = overlay_mask(lined)
    assert (found & drawn).sum() / drawn.sum() > 0.7
    assert overlay_mask(rgb).mean() < 0.1


@pytest.mark.slow
def test_focus_picks_a_part(photos: Path, tmp_path: Path) -> None:
    """A box and a mask find the picture inside a page; a wrong box is refused."""
    db = tmp_path / "db"
    find(photos, db=db)
    page = np.full((900, 1400, 3), 240, np.uint8)
    page[:, 700:] = cv2.resize(scene(99), (700, 900))
    page[200:560, 100:580] = cv2.resize(scene(5), (480, 360))
    query = save(tmp_path / "page.jpg", page)
    boxed = search(Question(query, focus=Focus(box=(100, 200, 480, 360))), db=db)
    assert Path(boxed.hits[0].image.path).stem[0] == "5" and boxed.hits[0].tier == "copy"
    mask = np.zeros((900, 1400), np.uint8)
    mask[200:560, 100:580] = 255
    masked = search(Question(query, focus=Focus(mask=mask)), db=db)
    assert Path(masked.hits[0].image.path).stem[0] == "5" and masked.hits[0].tier == "copy"
    with pytest.raises(ConfigError, match=r"does not lie in.*1400×900"):
        search(Question(query, focus=Focus(box=(1300, 0, 480, 360))), db=db)


def test_kept_pictures_are_copied_once_and_not_looked_at_again(tmp_path: Path) -> None:
    """One of each, equal names apart, inputs untouched, and the next run leaves them out."""
    source = tmp_path / "in"
    for folder, seed in (("a", 1), ("b", 2)):
        save(source / folder / "same name.jpg", scene(seed))
        save(source / folder / "small.jpg", cv2.resize(scene(seed), (320, 240)))
    before = {path: path.read_bytes() for path in source.rglob("*.jpg")}
    result = source / "result"
    report = find(source, db=tmp_path / "db")
    assert write_kept(report, result) == 2
    copies = sorted(path.relative_to(result).as_posix() for path in result.rglob("*.jpg"))
    assert copies == ["a/same name.jpg", "b/same name.jpg"]
    assert {path: path.read_bytes() for path in before} == before
    again = find(source, db=tmp_path / "db")
    assert set(again.images) == set(report.images)
    assert write_kept(again, result) == 0
    with pytest.raises(ConfigError, match="not empty"):
        write_kept(report, source / "a")


def test_cells_are_kept_and_new_images_join_them(photos: Path, tmp_path: Path) -> None:
    """Centres are fitted once; images that come later are found within them."""
    view = (ViewConfig("luminance", 0.05, metric="cosine"),)
    config = SystemConfig(views=view, cells=4, probes=4)
    db = tmp_path / "db"
    find(photos, db=db, config=config)
    (held,) = (db / "reductions").glob("cells-*/*.npz")
    before = held.read_bytes()
    more = tmp_path / "more"
    save(more / "new.jpg", scene(2), quality=50)
    report = find([photos, more], db=db, config=config)
    assert held.read_bytes() == before
    assert any({Path(m).name for m in c.members} >= {"new.jpg", "2.jpg"} for c in report.clusters)
