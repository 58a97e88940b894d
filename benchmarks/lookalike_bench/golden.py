"""Outputs of every verb on one set of pictures, kept and compared: a refactoring changes none.

``record OUT --photos FOLDER`` runs the commands with the code that is installed and keeps
what they print, one file a verb; ``compare ONE OTHER`` lists every difference. Commands
and the public Python names alone are used, so any layout of the code can be asked.
"""

from __future__ import annotations

import argparse
import difflib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_FOUND = (0, 11)
_SOURCES, _EVERY = 100, 3
_RUNS = ("timings", "decoded", "remembered", "made", "seconds", "created", "lookalike")
_COLLAPSE = "import json, sys, lookalike;print(lookalike.collapse(json.load(sys.stdin), k=40));"


def main() -> None:
    """Record or compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    record = commands.add_parser("record")
    record.add_argument("out", type=Path)
    record.add_argument("--photos", type=Path, required=True)
    record.add_argument("--sources", type=int, default=_SOURCES)
    compare = commands.add_parser("compare")
    compare.add_argument("one", type=Path)
    compare.add_argument("other", type=Path)
    asked = parser.parse_args()
    if asked.command == "compare":
        sys.exit(compare_all(asked.one, asked.other))
    asked.out.mkdir(parents=True, exist_ok=True)
    pictures = asked.out.parent / "golden-pictures"
    make_pictures(asked.photos, pictures, asked.sources)
    for name, text in outputs(pictures, asked.out.parent / "golden-collection"):
        (asked.out / f"{name}.json").write_text(text, "utf-8")
        print(name, len(text), flush=True)


def make_pictures(photos: Path, folder: Path, sources: int) -> None:
    """Photos spread over all there are, each with some of its edits; made once."""
    if folder.exists():
        return
    chosen = folder.with_name("golden-sources")
    shutil.rmtree(chosen, ignore_errors=True)
    chosen.mkdir(parents=True)
    found = sorted(path for path in photos.iterdir() if path.suffix.lower() in (".jpg", ".png"))
    for path in found[:: max(1, len(found) // sources)][:sources]:
        shutil.copy(path, chosen)
    every = folder.with_name("golden-edits")
    for name in ("five", "fourteen"):
        run("edits", str(chosen), str(every / name), "--edit", name)
    for number, path in enumerate(sorted(every.rglob("*.*"))):
        if path.suffix != ".csv" and number % _EVERY == 0:
            target = (
                folder / ("test" if number % 2 else "train") / f"{path.parent.name}-{path.name}"
            )
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    for number, path in enumerate(sorted(chosen.iterdir())):
        shutil.copy(path, folder / ("train", "test")[number % 2] / path.name)


def outputs(pictures: Path, work: Path) -> Iterator[tuple[str, str]]:
    """Name and normalised output of every verb."""
    shutil.rmtree(work, ignore_errors=True)
    db, files = str(work / "db"), sorted(str(p) for p in pictures.rglob("*") if p.is_file())
    finds = {
        "fast": ["--effort", "fast"],
        "standard": ["--effort", "standard"],
        "thorough": ["--effort", "thorough"],
        "inside": ["--inside"],
        "similar": ["--similar"],
        "complete": ["--linkage", "complete"],
        "precise": ["--precision", "0.999"],
    }
    for name, options in finds.items():
        yield f"find-{name}", plain(run("find", str(pictures), "--db", db, "--json", *options))
    for number, path in enumerate(files[:: len(files) // 12]):
        yield f"search-{number}", plain(run("search", path, "--db", db, "--json", "-k", "10"))
    for number in range(0, len(files) - 1, max(1, len(files) // 40)):
        pair = files[number], files[number + 1]
        yield f"compare-{number}", plain(run("compare", *pair, "--json"))
    listed = json.dumps(files[:120])
    done = subprocess.run(
        [sys.executable, "-c", _COLLAPSE], input=listed, capture_output=True, text=True, check=True
    )
    yield "collapse", plain(done.stdout)
    splits = str(pictures / "train"), str(pictures / "test")
    yield "leaks", plain(run("leaks", *splits, "--db", db, "--json"))
    yield "conflicts", plain(run("conflicts", str(pictures), "--db", db, "--json"))
    yield "plan", plain(run("plan", str(pictures), "--db", db, "--json"))
    yield "buckets", plain(run("buckets", "--db", db))
    for line in run("recipes").splitlines():
        if line and not line[0].isspace():
            name = line.split()[0]
            own = str(work / "recipes")
            yield (
                f"recipe-{name}",
                plain(run("find", splits[0], "--recipe", name, "--db", own, "--json")),
            )


def run(*arguments: str) -> str:
    """What a command printed; of one that was refused, its last line."""
    done = subprocess.run(
        [sys.executable, "-m", "lookalike", *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode in _FOUND:
        return done.stdout
    return f"exit {done.returncode}: {(done.stderr.strip().splitlines() or [''])[-1]}\n"


def plain(text: str) -> str:
    """Without what differs from run to run, a value a line."""
    try:
        return json.dumps(_without(json.loads(text)), indent=1, sort_keys=True) + "\n"
    except json.JSONDecodeError:
        return re.sub(r"\d+\.\d+ s\b", "", text)


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without(held) for name, held in value.items() if name not in _RUNS}
    return [_without(held) for held in value] if isinstance(value, list) else value


def compare_all(one: Path, other: Path) -> int:
    """How many outputs differ; the first lines that do are printed."""
    names = sorted({path.name for folder in (one, other) for path in folder.glob("*.json")})
    different = 0
    for name in names:
        texts = [
            path.read_text("utf-8").splitlines() if (path := folder / name).exists() else []
            for folder in (one, other)
        ]
        if texts[0] != texts[1]:
            different += 1
            changes = list(
                difflib.unified_diff(texts[0], texts[1], "before", "after", n=0, lineterm="")
            )
            print(f"{name}: {len(changes)} lines", *changes[:12], sep="\n  ")
    print(f"{len(names)} outputs, {different} differ")
    return int(different > 0)


if __name__ == "__main__":
    main()
