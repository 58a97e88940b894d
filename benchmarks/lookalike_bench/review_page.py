"""How fast the page is at size: first paint, and whether scrolling shows gaps (extra ``dev``).

    python -m lookalike_bench.review_page --clusters 100000

A report of made clusters of a few small pictures, each in many files, is served on this machine and
looked at with a real Chromium without a window.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import uvicorn

from lookalike.clustering.stars import make_cluster
from lookalike.decisions.keeper import choose
from lookalike.model.image import ImageRef
from lookalike.model.match import Match, Verification
from lookalike.model.report import Cluster, Decision, Report
from lookalike.report import SCHEMA
from lookalike.store import open_decisions
from lookalike.web.run import configured, listen, prepared

__all__ = ["browser", "made_report", "served"]

_PICTURES = 24
_WORDS = ("re-encoded", "resized to 50%", "cropped to 80%", "mirrored", "rotated 90°", "made grey")
_RULES = ("resolution", "size", "path")
# the rows that lie in view are looked at before the browser had a frame to mend them
_GAPS = """
async (scrolls) => {
  const list = document.getElementById("list");
  const frame = () => new Promise(requestAnimationFrame);
  const counts = { scrolls: 0, gaps: 0, blank: 0, unnamed: 0, slowest: 0 };
  let random = 7;
  for (let n = 0; n < scrolls; n++) {
    random = (random * 1103515245 + 12345) % 2147483648;
    const begun = performance.now();
    list.scrollTop = random / 2147483648 * (list.scrollHeight - list.clientHeight);
    await frame(); await frame();
    counts.slowest = Math.max(counts.slowest, performance.now() - begun);
    counts.scrolls++;
    const view = list.getBoundingClientRect();
    for (let y = view.top + 1; y < view.bottom - 1; y += 20) {
      const row = document.elementFromPoint(view.left + 30, y)?.closest(".row");
      if (!row) counts.gaps++;
      else if (!row.querySelector("small.facts").textContent) counts.blank++;
    }
    if (n % 10 === 9) {
      await new Promise((done) => setTimeout(done, 250));
      const names = [...list.querySelectorAll(".row:not([hidden]) b")];
      counts.unnamed += names.filter((name) => name.textContent.startsWith("cluster ")).length;
    }
  }
  return { ...counts, rows: list.querySelectorAll(".row").length };
}
"""


def made_report(folder: Path, clusters: int) -> Report:
    """A report of so many clusters of 2 to 5 small pictures, which differ in a comment at least.

    Args:
        folder: where the pictures are written.
        clusters: how many.
    """
    pictures = _pictures()
    images: dict[str, ImageRef] = {}
    made: list[Cluster] = []
    matches: list[Match] = []
    decisions: list[Decision] = []
    for number in range(clusters):
        size = 2 + number * 7 % 4
        members = []
        for place in range(size):
            name = f"album {number % 97}/{number:06}_{place}.jpg"
            data = _numbered(pictures[(number + place) % len(pictures)], number * 8 + place)
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            side = 64 * (size - place)
            images[name] = ImageRef(
                id=name,
                path=str(path),
                sha256=hashlib.sha256(data).hexdigest(),
                n_bytes=20_000 + number * 7919 % 400_000 - place * 3000,
                width=side * 4,
                height=side * 3,
                format="JPEG",
                modified_ns=1_600_000_000_000_000_000 + number * 10**12,
            )
            members.append(name)
        own = [_match(members[0], other, number) for other in members[1:]]
        cluster = make_cluster(members, members[0], own, "star")
        made.append(cluster)
        matches += own
        decisions += choose([images[member] for member in members], _RULES)
    return Report(
        schema=SCHEMA,
        config={"keep": {"rules": list(_RULES)}},
        versions={},
        images=dict(sorted(images.items())),
        funnel={"images": len(images), "matches": len(matches), "clusters": clusters},
        clusters=tuple(sorted(made, key=lambda cluster: cluster.members)),
        matches=tuple(sorted(matches, key=lambda match: (match.query, match.ref))),
        decisions=tuple(sorted(decisions, key=lambda decision: decision.image)),
        failures=(),
    )


@contextmanager
def served(report: Report, db: Path, port: int = 0) -> Iterator[str]:
    """The page of a report at a port, 0 for any free one; its address, token included."""
    listener = listen(port)
    with (
        open_decisions(db) as decisions,
        prepared(report, db, decisions, listener) as (app, address),
    ):
        server = uvicorn.Server(configured(app))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield address
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def browser() -> Iterator[Any]:
    """A Chromium without a window: the system's, else the one that playwright brings.

    Raises:
        OSError: there is none, and why.
    """
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError as error:
        raise OSError(f"playwright is not installed: {error}") from error
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    path = path or shutil.which("google-chrome")
    with sync_playwright() as started:
        try:
            running = started.chromium.launch(executable_path=path, args=["--no-sandbox"])
        except Error as error:
            raise OSError(f"no Chromium can be started: {error}") from error
        try:
            yield running
        finally:
            running.close()


def measure(page: Any, address: str, scrolls: int) -> dict[str, float]:
    """Open the page and scroll to random places: milliseconds, and counts."""
    page.goto(address)
    page.wait_for_selector("#list .row[data-number] b")
    times = page.evaluate(
        "() => ({paint: performance.getEntriesByName('first-contentful-paint')[0].startTime,"
        " listed: performance.getEntriesByName('listed')[0].startTime})"
    )
    return {**times, **page.evaluate(_GAPS, scrolls)}


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--clusters", type=int, default=100_000)
    parser.add_argument("--scrolls", type=int, default=200)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        report = made_report(folder, options.clusters)
        begun = time.perf_counter()
        with served(report, folder / "collection") as address, browser() as running:
            print(f"{options.clusters:,} clusters, {len(report.images):,} images")
            print(f"ready to answer after {time.perf_counter() - begun:.1f} s")
            runs = []
            for _ in range(options.runs):
                page = running.new_page(viewport={"width": 1400, "height": 900})
                runs.append(measure(page, address, options.scrolls))
                page.close()
    for key, words in (("paint", "first paint, ms"), ("listed", "list shown, ms")):
        print(f"{words}: {statistics.median(run[key] for run in runs):.0f} (median of {len(runs)})")
    print(f"slowest scroll to painted rows, ms: {max(run['slowest'] for run in runs):.0f}")
    for key, words in (
        ("scrolls", "scrolls to random places"),
        ("gaps", "places without a row"),
        ("blank", "rows without words"),
        ("unnamed", "rows in view still without a name after 250 ms"),
    ):
        print(f"{words}: {sum(run[key] for run in runs):.0f}")
    print(f"row elements: {runs[0]['rows']:.0f}")


def _pictures() -> list[bytes]:
    made = []
    for seed in range(_PICTURES):
        noise = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), np.uint8)
        picture = cv2.resize(noise, (256, 192), interpolation=cv2.INTER_CUBIC)
        made.append(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 60])[1].tobytes())
    return made


def _numbered(jpeg: bytes, number: int) -> bytes:
    """The same picture in other bytes: a comment of 8 bytes behind the first marker."""
    return jpeg[:2] + b"\xff\xfe\x00\x0a" + number.to_bytes(8, "big") + jpeg[2:]


def _match(query: str, ref: str, number: int) -> Match:
    agreement = round(0.75 + number * 37 % 250 / 1000, 3)
    seen = Verification(
        inliers=20 + number % 60,
        support=0.5,
        transform=(0.5, 0.0, 0.0, 0.0, 0.5, 0.0, 0.0, 0.0, 1.0),
        mirrored=False,
        overlap_query=1.0,
        overlap_ref=1.0,
        agreement=agreement,
        likeness=0.97,
        covered=1.0,
        shared_query="f" * 16,
        shared_ref="f" * 16,
        scale=2.0,
        angle=0.0,
        gain=1.0,
        offset=0.0,
        frame="same",
        edit=_WORDS[number % len(_WORDS)],
    )
    return Match(query, ref, "copy", round(1 - agreement, 3), "agreement", seen, agreement)


if __name__ == "__main__":
    main()
