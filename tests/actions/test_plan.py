"""The plan: who goes, who stays against the decisions, what goes along, and the commands."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from importlib import resources
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from PIL import Image

from conftest import save, scene
from lookalike import find
from lookalike.actions import How, Plan, apply_plan, make_plan, undo
from lookalike.actions.metadata import read_metadata
from lookalike.actions.sidecar import sidecar_text
from lookalike.clustering.stars import make_cluster
from lookalike.config import PlanConfig
from lookalike.evaluation.edits import edit_picture
from lookalike.model.errors import ConfigError
from lookalike.model.files import Returned
from lookalike.model.image import ImageRef
from lookalike.model.match import Match
from lookalike.model.report import Decision, Report
from lookalike.report import SCHEMA, from_json, to_json


def report_of(root: Path, *names: str, tier: str = "copy", keep: str = "") -> Report:
    """One cluster of small files below a folder, the first (or ``keep``) the keeper."""
    images, keep = {}, keep or names[0]
    for number, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_bytes(b"%d" % number)
        data = path.read_bytes()
        sha = hashlib.sha256(data).hexdigest()
        images[name] = ImageRef(name, str(path), sha, len(data), 10 - number, 10, "JPEG")
    matches = [Match(names[0], name, tier, 1.0, "pdq") for name in names[1:]]  # type: ignore[arg-type]
    cluster = make_cluster(names, names[0], matches, "star")
    decisions = [Decision(n, "keep" if n == keep else "drop", keep, "by rule") for n in names]
    return Report(SCHEMA, {}, {}, images, {}, (cluster,), tuple(matches), tuple(decisions), ())


def decided(report: Report, *decisions: Decision) -> Report:
    """The report with a person's decisions in place of the rules'."""
    own = {one.image: one for one in decisions}
    return replace(report, decisions=tuple(own.get(one.image, one) for one in report.decisions))


def going(plan: Plan) -> dict[str, str]:
    """Names that go, with the names they go for."""
    return {Path(step.path).name: Path(step.keeper).name for step in plan.steps}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder whose path holds no symlink."""
    return Path(os.path.realpath(tmp_path)) / "in"


@pytest.fixture(autouse=True)
def own_trash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A trash of the test's own, also for commands it starts."""
    from send2trash import plat_other

    data = tmp_path / "home"
    monkeypatch.setenv("XDG_DATA_HOME", str(data))
    monkeypatch.setattr(plat_other, "XDG_DATA_HOME", os.fsencode(data))
    monkeypatch.setattr(plat_other, "HOMETRASH_B", os.fsencode(data / "Trash"))
    return data / "Trash"


def test_rules_and_persons(root: Path) -> None:
    """What a rule drops goes; a person's keep stays, and a person's drop goes for who stays."""
    report = report_of(root, "a.jpg", "b.jpg", "c.jpg")
    assert going(make_plan(report, PlanConfig())) == {"b.jpg": "a.jpg", "c.jpg": "a.jpg"}
    person = decided(report, Decision("b.jpg", "keep", "b.jpg", "mine", "person"))
    assert going(make_plan(person, PlanConfig())) == {"c.jpg": "a.jpg"}
    person = decided(report, Decision("a.jpg", "drop", "b.jpg", "worse", "person"))
    plan = make_plan(person, PlanConfig())
    assert going(plan) == {"a.jpg": "b.jpg", "c.jpg": "b.jpg"}
    assert {step.by for step in plan.steps} == {"person", "rule"}


def test_never_a_clusters_last_member(root: Path) -> None:
    """Where all are to be dropped, none is."""
    names = ("a.jpg", "b.jpg")
    report = decided(
        report_of(root, *names), *(Decision(n, "drop", "a.jpg", "no", "person") for n in names)
    )
    plan = make_plan(report, PlanConfig())
    assert not plan.steps and len(plan.refused) == 2
    assert "one must stay" in plan.refused[0].reason


def test_reference_folders_are_protected(root: Path) -> None:
    """Nothing in one goes; what equals a picture there goes, what is better than it stays."""
    (root / "ref").mkdir(parents=True)
    (root / "ref" / "r.jpg").write_bytes(b"0")
    report = report_of(root, "a.jpg", "ref/r.jpg", "c.jpg")
    config = PlanConfig(protected=(str(root / "ref"),))
    assert going(make_plan(report, config)) == {"a.jpg": "r.jpg", "c.jpg": "r.jpg"}
    (root / "ref" / "r.jpg").write_bytes(b"smaller")
    plan = make_plan(report_of(root, "a.jpg", "ref/r.jpg", "c.jpg"), config)
    assert going(plan) == {"c.jpg": "a.jpg"}
    assert "protected" in plan.refused[0].reason
    person = Decision("ref/r.jpg", "drop", "a.jpg", "no", "person")
    assert "r.jpg" not in going(make_plan(decided(report, person), config))
    # nor does applying a plan that somebody edited touch it
    edited = replace(plan, steps=(replace(plan.steps[0], path=str(root / "ref" / "r.jpg")),))
    outcome = apply_plan(edited, How(), root / "journal.jsonl")
    assert outcome.counts["refused"] == 1 and (root / "ref" / "r.jpg").exists()


def test_scopes(root: Path) -> None:
    """Within: a keeper in each folder. Across: only what has its keeper in another one."""
    report = report_of(root, "x/a.jpg", "x/b.jpg", "y/c.jpg", "y/d.jpg", "z/e.jpg")
    folders = (str(root / "x"), str(root / "y"))
    within = PlanConfig(scope="within", folders=folders)
    assert going(make_plan(report, within)) == {"b.jpg": "a.jpg", "d.jpg": "c.jpg"}
    across = PlanConfig(scope="across", folders=folders)
    assert going(make_plan(report, across)) == {"c.jpg": "a.jpg", "d.jpg": "a.jpg"}
    for wrong in (("within", ()), ("across", folders[:1]), ("any", folders), ("around", ())):
        with pytest.raises(ConfigError):
            PlanConfig(scope=wrong[0], folders=wrong[1])  # type: ignore[arg-type]


def test_tiers_and_rules(root: Path) -> None:
    """Other shots never go unasked; exact only means exact; keep rules may be given anew."""
    shots = report_of(root / "1", "a.jpg", "b.jpg", tier="similar")
    plan = make_plan(shots, PlanConfig())
    assert not plan.steps and "tier" in plan.refused[0].reason
    assert going(make_plan(shots, PlanConfig(tiers=("similar",)))) == {"b.jpg": "a.jpg"}
    copies = report_of(root / "2", "a.jpg", "b.jpg")
    assert not make_plan(copies, PlanConfig(tiers=("exact",))).steps
    assert not make_plan(copies, PlanConfig(min_confidence=1.0)).steps
    turned = report_of(root / "3", "a.jpg", "b.jpg", keep="b.jpg")
    assert going(make_plan(turned, PlanConfig())) == {"a.jpg": "b.jpg"}
    assert going(make_plan(turned, PlanConfig(keep=("resolution",)))) == {"b.jpg": "a.jpg"}


def test_symlinks_hard_links_and_missing_files(root: Path) -> None:
    """What lies behind a symlink below the folder asked for stays; so do names of one file."""
    (root / "in").mkdir(parents=True)
    elsewhere = root / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "b.jpg").write_bytes(b"b")
    (root / "in" / "link").symlink_to(elsewhere)
    (root / "in" / "c.jpg").symlink_to(elsewhere / "b.jpg")
    report = report_of(root / "in", "a.jpg", "link/b.jpg", "c.jpg", "d.jpg", "e.jpg")
    (root / "in" / "d.jpg").unlink()
    (root / "in" / "e.jpg").unlink()
    os.link(root / "in" / "a.jpg", root / "in" / "e.jpg")
    plan = make_plan(report, PlanConfig())
    assert not plan.steps
    reasons = {Path(one.path).name: one.reason for one in plan.refused}
    assert "symlink" in reasons["b.jpg"] and "plain file" in reasons["c.jpg"]
    assert "not there" in reasons["d.jpg"] and "one file" in reasons["e.jpg"]
    # a symlink that was asked for by name is followed
    (root / "asked").symlink_to(root / "in")
    assert going(make_plan(report_of(root / "asked", "a.jpg", "f.jpg"), PlanConfig())) == {
        "f.jpg": "a.jpg"
    }


def test_companions_travel(root: Path) -> None:
    """Sidecars, clips and raw files go along and come back, unless a namesake needs them."""
    beside = ("b.xmp", "B.AAE", "b.mov", "b.cr2", "b.jpg.xmp", "b.CR2.xmp", "b.txt", "bb.xmp")
    report = report_of(root, "a.jpg", "b.jpg", "c.jpg")
    for name in (*beside, "c.heic", "c.xmp", "c.jpg.xmp"):
        (root / name).write_bytes(name.encode())
    plan = make_plan(report, PlanConfig())
    first, second = plan.steps
    assert {Path(one).name for one in first.companions} == set(beside[:6])
    assert {Path(one).name for one in second.companions} == {"c.jpg.xmp"}
    assert any("b.cr2 goes with it" in note for note in first.notes)
    before = sorted(root.iterdir())
    outcome = apply_plan(plan, How("move", str(root.parent / "out")), root.parent / "j.jsonl")
    assert outcome.counts["done"] == 2
    left = {path.name for path in root.iterdir()}
    assert left == {"a.jpg", "b.txt", "bb.xmp", "c.heic", "c.xmp"}
    assert undo(root.parent / "j.jsonl").counts["done"] == 2
    assert sorted(root.iterdir()) == before
    # for good, only with an equal beside the picture that stays
    gone = How("delete", really=True)
    assert apply_plan(plan, gone, root.parent / "d.jsonl").counts["refused"] == 2
    for name in beside[:6]:
        (root / f"a{name[1:]}".lower().replace("b.", "a.")).write_bytes(name.encode())
    assert apply_plan(plan, gone, root.parent / "d.jsonl").counts["done"] == 1


def test_a_raw_file_and_its_jpeg_are_one_shot(root: Path) -> None:
    """Neither goes for the other."""
    plan = make_plan(report_of(root, "a.dng", "a.jpg"), PlanConfig())
    assert not plan.steps and "one shot" in plan.refused[0].reason


def picture(path: Path, seed: int, **tags: object) -> Path:
    """A JPEG with EXIF tags: by name ``gps``, ``date``, ``rating``, ``caption``."""
    save(path, scene(seed))
    with Image.open(path) as image:
        image.load()
        exif = image.getexif()
        if "gps" in tags:
            exif.get_ifd(0x8825).update(
                {1: "S", 2: (33.0, 51.0, 30.0), 3: "E", 4: (151.0, 12.0, 0.0)}
            )
        if "date" in tags:
            exif.get_ifd(0x8769)[0x9003] = tags["date"]
        if "rating" in tags:
            exif[0x4746] = tags["rating"]
        if "caption" in tags:
            exif[0x010E] = tags["caption"]
        image.save(path, exif=exif, quality=95)
    return path


def test_metadata_only_the_loser_has(root: Path) -> None:
    """It is reported, and by request written into a new sidecar of the keeper, and undone."""
    picture(root / "a.jpg", 1, caption="at home")
    picture(
        root / "b.jpg", 2, gps=1, date="2020:05:17 12:00:00", rating=4, caption="somewhere else"
    )
    sidecar = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf='
        '"http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Label="Red" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject><rdf:Bag><rdf:li>sea</rdf:li>'
        "<rdf:li>a &lt; b</rdf:li></rdf:Bag></dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    (root / "b.xmp").write_text(sidecar)
    plan = make_plan(report_of(root, "a.jpg", "b.jpg"), PlanConfig())
    expected = {
        "gps": "-33.858333,151.200000",
        "date": "2020-05-17T12:00:00",
        "rating": "4",
        "label": "Red",
        "keywords": "sea; a < b",
    }
    assert plan.steps[0].metadata == expected
    keeper = (root / "a.jpg").read_bytes()
    journal = root.parent / "j.jsonl"
    apply_plan(plan, How(copy_metadata=True), journal)
    assert read_metadata(str(root / "a.jpg"), (str(root / "a.jpg.xmp"),)) == {
        **expected,
        "caption": "at home",
    }
    assert (root / "a.jpg").read_bytes() == keeper
    undo(journal)
    assert not (root / "a.jpg.xmp").exists() and (root / "b.xmp").read_text() == sidecar
    # a sidecar that is there is left alone
    (root / "a.jpg.xmp").write_text("mine")
    apply_plan(plan, How(copy_metadata=True), root.parent / "k.jsonl")
    assert (root / "a.jpg.xmp").read_text() == "mine"


def test_damaged_metadata_says_nothing(tmp_path: Path) -> None:
    """No picture, no XML, hostile XML: no fields, no error."""
    text, _ = sidecar_text({"rating": "5", "caption": "a & b"})
    good = tmp_path / "good.xmp"
    good.write_text(text, encoding="utf-8")
    (tmp_path / "bad.xmp").write_text("<rdf:RDF><<</rdf:RDF>")
    (tmp_path / "bomb.xmp").write_text(
        '<!DOCTYPE x [<!ENTITY a "aaaa">]><rdf:RDF xmlns:rdf="u">&a;</rdf:RDF>'
    )
    for name, expected in (
        ("good", {"rating": "5", "caption": "a & b"}),
        ("bad", {}),
        ("bomb", {}),
    ):
        assert read_metadata("nowhere", (str(tmp_path / f"{name}.xmp"),)) == expected


def test_hard_links_and_deletion_of_equal_bytes(root: Path) -> None:
    """Both free the bytes; undo makes the file its own again, with its time and rights."""
    root.mkdir(parents=True)
    for name in ("a.jpg", "b.jpg"):
        (root / name).write_bytes(b"same")
    os.utime(root / "b.jpg", ns=(5 * 10**9, 5 * 10**9))
    (root / "b.jpg").chmod(0o640)
    plan = make_plan(report_of(root, "a.jpg", "b.jpg", "c.jpg", tier="exact"), PlanConfig())
    for number, how in enumerate((How("hardlink"), How("delete", really=True))):
        journal = root.parent / f"{number}.jsonl"
        outcome = apply_plan(plan, how, journal)
        if how.kind == "hardlink":
            assert (root / "a.jpg").samefile(root / "b.jpg")
            assert outcome.counts == {"done": 1, "already": 0, "refused": 1, "failed": 0}
            assert apply_plan(plan, how, journal).counts["already"] == 1
        else:
            assert not (root / "b.jpg").exists() and outcome.counts["done"] == 2
        back = undo(journal)
        assert not (root / "a.jpg").samefile(root / "b.jpg")
        info = (root / "b.jpg").stat()
        assert (info.st_mtime_ns, info.st_mode & 0o777) == (5 * 10**9, 0o640)
    assert back.counts["failed"] == 1, "c had bytes of its own, and was deleted for good"
    with pytest.raises(ConfigError, match="really"):
        How("delete")


def test_reflinks_where_the_file_system_can(root: Path) -> None:
    """The file shares its keeper's blocks, or nothing happened and the reason is told."""
    root.mkdir(parents=True)
    for name in ("a.jpg", "b.jpg"):
        (root / name).write_bytes(b"same" * 5000)
    plan = make_plan(report_of(root, "a.jpg", "b.jpg", tier="exact"), PlanConfig())
    outcome = apply_plan(plan, How("reflink"), root.parent / "j.jsonl")
    if outcome.counts["failed"]:
        assert "share" in outcome.items[0].message
    assert (root / "b.jpg").read_bytes() == b"same" * 5000
    assert {path.name for path in root.iterdir()} == {"a.jpg", "b.jpg"}


def test_undo_overwrites_nothing(root: Path) -> None:
    """A file whose place was taken stays where it is, until the place is free."""
    plan = make_plan(report_of(root, "a.jpg", "b.jpg"), PlanConfig())
    journal = root.parent / "j.jsonl"
    apply_plan(plan, How(), journal)
    (root / "b.jpg").write_bytes(b"something new")
    outcome = undo(journal)
    assert outcome.counts["failed"] == 1 and "something else" in outcome.items[0].message
    (root / "b.jpg").rename(root / "new.jpg")
    assert undo(journal).counts["done"] == 1 and (root / "b.jpg").read_bytes() == b"1"
    assert undo(journal).items == ()


def test_plans_survive_json(root: Path) -> None:
    """The published schema holds, names that are no text come back, other JSON is refused."""
    name = os.fsdecode(b"caf\xe9.jpg")
    report = report_of(root, "a.jpg", name)
    again = replace(report, returned=(Returned("a.jpg", "2026-01-01T00:00:00", "/k", "0" * 64),))
    assert from_json(to_json(again)).returned == again.returned
    plan = make_plan(report, PlanConfig(protected=(str(root.parent),)))
    plan = make_plan(report, PlanConfig(collection="/c"))
    assert Plan.from_json(plan.to_json()) == plan and going(plan) == {name: "a.jpg"}
    schema = json.loads(
        resources.files("lookalike.actions").joinpath("plan.schema.json").read_text()
    )
    jsonschema.validate(json.loads(plan.to_json()), schema)
    for wrong in ("[]", "{", '{"schema": "lookalike-plan/9"}'):
        with pytest.raises(ConfigError, match="not a plan"):
            Plan.from_json(wrong)


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The command as users run it."""
    command = [sys.executable, "-m", "lookalike", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_commands(root: Path, any_db: Path | str, own_trash: Path) -> None:
    """Plan, dry run, apply, recognise what came back, drop it again, undo, forget; exit codes."""
    rgb = scene(1)
    save(root / "a.jpg", rgb, 95)
    save(root / "small.jpg", edit_picture(rgb, "resize_50", source="a", other=rgb))
    save(root / "other.jpg", scene(2))
    small = (root / "small.jpg").read_bytes()
    file = root.parent / "plan.json"
    done = run("plan", root, "--db", any_db, "-o", file)
    assert done.returncode == 11 and "resized to 50%" in done.stdout, done.stderr
    assert run("apply", file).returncode == 11 and (root / "small.jpg").exists()
    assert run("apply", file, "--yes").returncode == 11
    assert not (root / "small.jpg").exists()
    assert run("apply", file, "--yes").returncode == 0, "nothing was left to do"
    assert run("plan", root, "--db", any_db).returncode == 0

    (root / "back.jpg").write_bytes(small)
    found = find([root], db=any_db)
    assert [one.image for one in found.returned] == ["back.jpg"]
    shown = run("find", root, "--db", any_db, "--html", root.parent / "r.html")
    words = "".join(shown.stdout.split())
    assert "youdroppedthison20" in words
    assert "you dropped this on" in (root.parent / "r.html").read_text()
    again = run("plan", root, "--db", any_db)
    assert "you dropped this on" in again.stdout and "back.jpg" in again.stdout
    # alone, too: what was kept lies elsewhere
    (root.parent / "import").mkdir()
    shutil.copy(root / "back.jpg", root.parent / "import" / "x.jpg")
    alone = make_plan(find([root.parent / "import"], db=any_db), PlanConfig())
    assert going(alone) == {"x.jpg": "a.jpg"}

    assert run("undo", "--db", any_db).returncode == 11
    assert (root / "small.jpg").read_bytes() == small and not list(own_trash.glob("*/*"))
    assert find([root], db=any_db).returned == ()
    assert run("undo", "--db", any_db).returncode == 0
    for wrong in (("--delete",), ("--really",), ("--hardlink", "--move-to", "x")):
        assert run("apply", file, *wrong).returncode == 2
    (root.parent / "x.json").write_text("{}")
    for arguments in (("apply", root.parent / "x.json"), ("plan", root.parent / "x.json")):
        failed = run(*arguments)
        assert failed.returncode == 1 and "Traceback" not in failed.stderr


def test_moved_pictures_are_not_found_again(root: Path, db: Path) -> None:
    """A new folder to move to is marked; one that holds pictures already is not."""
    report = report_of(root, "a.jpg", "x/b.jpg", "y/b.jpg")
    plan = make_plan(report, PlanConfig())
    out = root / "gone"
    apply_plan(plan, How("move", str(out)), root.parent / "j.jsonl")
    assert (out / ".lookalike-result").exists()
    assert {str(one.relative_to(out)) for one in out.rglob("*.jpg")} == {"x/b.jpg", "y/b.jpg"}
    with pytest.raises(ConfigError, match="protected"):
        guarded = replace(plan, protected=(str(root),))
        apply_plan(guarded, How("move", str(out)), root.parent / "k.jsonl")


def test_a_picture_with_transparent_parts_never_goes_for_a_flattened_one(
    tmp_path: Path, db: Path
) -> None:
    """Laid over any colour and enlarged, the flattened one stays; what shows through stays too."""
    folder = tmp_path / "in"
    folder.mkdir()
    cut = Image.fromarray(scene(5, 500, 400)).convert("RGBA")
    cut.putalpha(Image.fromarray(np.pad(np.full((320, 380), 255, np.uint8), ((40, 40), (60, 60)))))
    cut.save(folder / "cut.png")
    shutil.copy(folder / "cut.png", folder / "cut again.png")
    for name, colour in {"black": (0, 0, 0), "white": (255, 255, 255)}.items():
        flat = Image.new("RGB", cut.size, colour)
        flat.paste(cut, mask=cut.getchannel("A"))
        flat.resize((1000, 800)).save(folder / f"{name}.png")
    report = find(folder, db=db)
    assert [len(cluster.members) for cluster in report.clusters] == [4]
    plan = make_plan(report, PlanConfig())
    gone = {Path(step.path).name for step in plan.steps}
    assert len(gone) == 1 and not any(name.startswith("cut") for name in gone)
    left = [refusal for refusal in plan.refused if "transparent parts" in refusal.reason]
    assert {Path(refusal.path).name for refusal in left} == {"cut.png", "cut again.png"}
