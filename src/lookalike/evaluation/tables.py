"""Write the figures as Markdown, and as a page with the plots."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence
from pathlib import Path

from lookalike.evaluation.score import Scores
from lookalike.evaluation.truth import Truth

__all__ = ["edit_matrix", "main_table", "markdown", "page"]

_STYLE = """
body { font:15px/1.45 system-ui,sans-serif; max-width:1200px; margin:24px auto; padding:0 16px;
  color:#1d1f21; background:#f6f6f3 }
table { border-collapse:collapse; font-size:13px; display:block; overflow-x:auto }
td { padding:4px 9px; border-bottom:1px solid #ddd; text-align:right; white-space:nowrap }
td:first-child { text-align:left }
img { max-width:48%; margin:6px }
@media (prefers-color-scheme:dark) {
  body { background:#15171a; color:#e8e8e6 } td { border-color:#333 } img { background:#fff } }
"""


def markdown(truth: Truth, scores: Sequence[Scores], missing: Mapping[str, str]) -> str:
    """Write all tables of a comparison."""
    lines = [
        f"# {truth.name}",
        "",
        f"{len(truth.images):,} images, {len(truth.duplicates):,} duplicate pairs.",
        "",
        *main_table(scores, missing),
        "",
        "P, R, F1: pairs of images in one cluster. F1 macro: mean over images that have a "
        "duplicate, or over query sets. AUROC, best F1: all duplicate pairs and as many seeded "
        "strangers. R@P.999: over every pair of the set. False/M: false pairs to expect among a "
        "million different images. Images/s: cold, whole command. Memory: peak, in MB.",
        "",
    ]
    if scores and scores[0].retrieval:
        lines += ["## Retrieval", "", *_retrieval(scores), ""]
    if scores and scores[0].by_query:
        lines += ["## By query set", "", *_by_query(scores), ""]
    if any(found.by_edit for found in scores):
        lines += ["## Copies that share a cluster with their source", ""]
        lines += [*edit_matrix(scores, "by_edit"), ""]
    if any(found.found_by_edit for found in scores):
        lines += ["## Copies whose source is the nearest image that is no copy", ""]
        lines += [*edit_matrix(scores, "found_by_edit"), ""]
    return "\n".join(lines)


def main_table(
    scores: Sequence[Scores], missing: Mapping[str, str], rates: Mapping[str, float] | None = None
) -> list[str]:
    """Write one line a recipe; ``rates`` gives images a second where the scores have none."""
    head = ("recipe", "P", "R", "F1", "F1 macro", "AUROC", "best F1", "R@P.999", "false/M")
    rows = []
    for found in scores:
        row = found.row()
        figures = [f"{row[name]:.4f}" for name in ("precision", "recall", "f1", "macro_f1")]
        figures += [
            f"{row['auroc']:.4f}",
            f"{row['best_f1']:.4f}",
            f"{row['recall_at_p0.999']:.4f}",
        ]
        false = float(row["false_pairs_per_million_images"])
        figures += [f"{false:.1e}" if false > 0 else f"< {-false:.1e}"]
        rate = float(row["images_per_second"])
        if rate != rate:
            rate = (rates or {}).get(found.recipe, rate)
        figures += ["" if rate != rate else f"{rate:.0f}", f"{float(row['megabytes']):.0f}"]
        rows.append([found.recipe, *figures])
    rows += [[name, "not measured", *[""] * 9] for name in missing]
    return _table([*head, "images/s", "MB"], rows)


def _retrieval(scores: Sequence[Scores]) -> list[str]:
    names = ("recall@1", "recall@5", "recall@10", "map", "micro_ap")
    rows = [[found.recipe, *(f"{found.retrieval[n]:.4f}" for n in names)] for found in scores]
    return _table(["recipe", "recall@1", "recall@5", "recall@10", "mAP", "µAP"], rows)


def _by_query(scores: Sequence[Scores]) -> list[str]:
    queries = list(scores[0].by_query)
    rows = [
        [
            found.recipe,
            *(
                f"{c.precision:.3f} / {c.recall:.3f} / {c.f1:.3f}"
                for c in (found.by_query[query] for query in queries)
            ),
            " / ".join(f"{value:.3f}" for value in found.macro),
        ]
        for found in scores
    ]
    return _table(["P / R / F1", *queries, "macro mean"], rows)


def edit_matrix(scores: Sequence[Scores], name: str) -> list[str]:
    """Write a table of recipes against edits."""
    edits = list(dict.fromkeys(edit for found in scores for edit in getattr(found, name)))
    rows = [
        [
            edit,
            *(f"{getattr(f, name)[edit]:.3f}" if edit in getattr(f, name) else "" for f in scores),
        ]
        for edit in edits
    ]
    return _table(["edit", *(found.recipe for found in scores)], rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def page(text: str, folder: Path) -> str:
    """Turn the output of ``markdown`` into a page that includes the plots of a run folder."""
    parts = []
    for line in text.splitlines():
        cells = [html.escape(cell.strip()) for cell in line.strip("|").split("|")]
        if line.startswith("|---"):
            continue
        if line.startswith("|"):
            parts.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
        elif line.startswith("#"):
            level = min(2, line.count("#"))
            parts.append(f"<h{level}>{html.escape(line.lstrip('# '))}</h{level}>")
        elif line:
            parts.append(f"<p>{html.escape(line)}</p>")
    body = _grouped("\n".join(parts))
    pictures = [folder / "roc.png", folder / "pr.png"]
    pictures += sorted((folder / "recipes").glob("*/*.png"))
    for picture in pictures:
        if picture.is_file():
            data = base64.b64encode(picture.read_bytes()).decode()
            label = html.escape(f"{picture.parent.name} {picture.stem}")
            body += f'\n<img alt="{label}" title="{label}" src="data:image/png;base64,{data}">'
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        f"<title>lookalike evaluation</title><style>{_STYLE}</style><body>{body}</body></html>"
    )


def _grouped(body: str) -> str:
    """Turn consecutive rows into one table."""
    out, inside = [], False
    for line in body.splitlines():
        is_row = line.startswith("<tr>")
        if is_row and not inside:
            out.append("<table>")
        if inside and not is_row:
            out.append("</table>")
        inside = is_row
        out.append(line)
    return "\n".join([*out, "</table>"] if inside else out)
