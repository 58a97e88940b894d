"""Changes one number, comparison or answer of a room at a time and says which changes no test sees.

    python tools/mutants.py decisions --most 60
    python tools/mutants.py matching --only rules.py --only weak_matches.py --json survivors.json

Each change is made in a copy of the tree; the tests of the room of the same name run there, up to
the first that fails. What survives is listed: a limit or a rule without evidence on both sides.
"""

from __future__ import annotations

import argparse
import ast
import json
import math
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import Queue

ROOT = Path(__file__).resolve().parents[1]
COPIED = ("src", "benchmarks", "tests", "tools", "docs", "pyproject.toml", "README.md")
SKIPPED = shutil.ignore_patterns("__pycache__", "work", ".*cache", "*.egg-info")
#: rooms whose numbers show in what other rooms do
ALSO_TESTED = {"config": ("matching", "verification")}
STEP = 1.25
#: exit codes: pytest's where it finds no test, and that of a test run that was ended
NO_TESTS, TOO_SLOW = 5, 124
BOUNDARIES = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
}
#: by the start of what a function says it returns
ANSWERS = {
    "bool": ("True", "False"),
    "int": ("0",),
    "float": ("0.0",),
    "str": ('""',),
    "list": ("[]",),
    "dict": ("{}",),
    "set": ("set()",),
    "frozenset": ("frozenset()",),
    "Iterator": ("iter(())",),
    "None": ("None",),
}


@dataclass(frozen=True)
class Mutant:
    """One change of one file.

    Attributes:
        path: of the file, below src/lookalike.
        line: where it is changed, from 1.
        kind: "limit" (a named number), "number", "comparison", "logic" or "answer".
        what: the function or name around, and the change in words.
        start: first byte that is replaced.
        end: one after the last.
        text: what stands there instead.
    """

    path: str
    line: int
    kind: str
    what: str
    start: int
    end: int
    text: str

    def changed(self, source: bytes) -> bytes:
        """The file with the change made."""
        return source[: self.start] + self.text.encode() + source[self.end :]


class Finder(ast.NodeVisitor):
    """Finds what can be changed in one file.

    Args:
        path: what the file is called in the list.
        source: its bytes.
    """

    def __init__(self, path: str, source: bytes) -> None:
        self.found: list[Mutant] = []
        self._path = path
        self._source = source
        lines = source.splitlines(keepends=True)
        self._starts = [sum(map(len, lines[:n])) for n in range(len(lines) + 1)]
        self._around: list[str] = []
        self._is_function: list[bool] = []
        self.visit(ast.parse(source))

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """Its fields are named numbers; its methods are functions."""
        self._within(node.name, node.body, is_function=False)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Its answer is replaced whole; its body is searched."""
        if not (node.name.startswith("__") and node.name.endswith("__")):
            self._answers(node)
        self._within(node.name, [*node.args.defaults, *node.body], is_function=True)

    def visit_Compare(self, node: ast.Compare) -> None:
        """Every operator, to the other side of its boundary."""
        left = node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            old, new = BOUNDARIES[type(operator)]
            begin, end = self._span(left)[1], self._span(right)[0]
            between = self._source[begin:end].decode()
            if between.count(old):
                self._add(
                    left, "comparison", f"{old} → {new}", begin, end, between.replace(old, new, 1)
                )
            left = right
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        """``and`` for ``or``, wherever the first stands."""
        old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        begin, end = self._span(node.values[0])[1], self._span(node.values[1])[0]
        between = self._source[begin:end].decode()
        if between.count(old) == 1:
            self._add(node, "logic", f"{old} → {new}", begin, end, between.replace(old, new))
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        """``not`` is left out."""
        if isinstance(node.op, ast.Not):
            begin, end = self._span(node)
            inner = self._span(node.operand)
            self._add(
                node, "logic", "not left out", begin, end, self._source[slice(*inner)].decode()
            )
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        """Numbers, up and down; 0, 1 and 2 in functions mostly count or point, and stay."""
        value = node.value
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return
        named = not any(self._is_function)
        if not named and value in (0, 1, 2):
            return
        for text in changed_number(value):
            begin, end = self._span(node)
            self._add(node, "limit" if named else "number", f"{value} → {text}", begin, end, text)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        """Places are no limits."""
        self.visit(node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        """Types are no code."""
        if node.value is not None:
            self._within(ast.unparse(node.target), [node.value])

    def visit_Assign(self, node: ast.Assign) -> None:
        """What is named is told."""
        name = ast.unparse(node.targets[0])
        if name == "__all__":
            return
        self._within(name if not any(self._is_function) else "", [node.value])

    def visit_Raise(self, node: ast.Raise) -> None:
        """Messages are not rules."""

    def _answers(self, node: ast.FunctionDef) -> None:
        """The function answers the same whatever it is asked."""
        returned = ast.unparse(node.returns) if node.returns else ""
        body = node.body[ast.get_docstring(node) is not None :]
        if not body or (len(body) == 1 and isinstance(body[0], (ast.Raise, ast.Expr))):
            return
        answers = ANSWERS.get(returned.partition("[")[0], ())
        if returned.startswith("tuple[") and returned.endswith(", ...]"):
            answers = ("()",)
        elif returned.endswith(" | None"):
            answers = ("None",)
        begin, end = self._span(body[0])[0], self._span(body[-1])[1]
        for answer in answers:
            if self._source[begin:end].decode() != f"return {answer}":
                self._add(node, "answer", f"{node.name} = {answer}", begin, end, f"return {answer}")

    def _within(
        self,
        name: str,
        nodes: list[ast.expr] | list[ast.stmt] | list[ast.AST],
        is_function: bool | None = None,
    ) -> None:
        self._around.append(name)
        self._is_function.append(bool(is_function))
        for node in nodes:
            self.visit(node)
        self._around.pop()
        self._is_function.pop()

    def _span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None and node.end_col_offset is not None
        return (
            self._starts[node.lineno - 1] + node.col_offset,
            self._starts[node.end_lineno - 1] + node.end_col_offset,
        )

    def _add(
        self, node: ast.expr | ast.stmt, kind: str, change: str, begin: int, end: int, text: str
    ) -> None:
        around = ".".join(filter(None, self._around))
        what = change if kind == "answer" else f"{around}: {change}"
        self.found.append(Mutant(self._path, node.lineno, kind, what, begin, end, text))


def changed_number(value: float) -> Iterator[str]:
    """A number a quarter up and a fifth down; whole ones by one at least."""
    if isinstance(value, int):
        step = max(1, round(abs(value) * (STEP - 1)))
        yield from (str(value + step), *([str(value - step)] if value else []))
    elif math.isfinite(value):
        yield from (repr(round(each, 9)) for each in (value * STEP, value / STEP) if each != value)


def mutants_of(room: str, only: list[str]) -> list[Mutant]:
    """Everything that can be changed in a room, or in the files and functions that are named."""
    package = ROOT / "src" / "lookalike"
    found: list[Mutant] = []
    for path in sorted((package / room).rglob("*.py")):
        name = path.relative_to(package).as_posix()
        for mutant in Finder(name, path.read_bytes()).found:
            place = f"{name} {mutant.what}"
            if not only or any(word in place for word in only):
                found.append(mutant)
    return found


def run_tests(tree: Path, tests: list[str], seconds: float) -> tuple[int, str]:
    """The tests in a tree, fast ones first, up to the first that fails; 124 past the time."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, (tree / "src", tree / "benchmarks"))),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    seen = False
    for which in ("not slow", "slow"):
        try:
            done = subprocess.run(
                [*command, "-m", which],
                cwd=tree,
                env=environment,
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return TOO_SLOW, ""
        if done.returncode not in (0, NO_TESTS):
            return done.returncode, done.stdout[-3000:]
        seen |= done.returncode == 0
    return (0, "") if seen else (NO_TESTS, "no tests")


def copied(folder: Path) -> Path:
    """A copy of the tree, compiled so that a changed file is compiled anew whatever its time."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=SKIPPED)
        else:
            shutil.copy(source, folder / name)
    compiler = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "checked-hash"]
    subprocess.run([*compiler, str(folder / "src"), str(folder / "tests")], check=True)
    return folder


def surviving(mutants: list[Mutant], tests: list[str], jobs: int) -> Iterator[tuple[Mutant, str]]:
    """Every mutant with what became of it: "killed", "too slow" or "survived"."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as place:
        trees: Queue[Path] = Queue()
        for number in range(jobs):
            trees.put(copied(Path(place) / str(number)))
        began = time.monotonic()
        code, told = run_tests(Path(place) / "0", tests, 600)
        if code:
            sys.exit(f"the tests fail before anything is changed:\n{told}")
        seconds = 10 + 4 * (time.monotonic() - began)

        def tried(mutant: Mutant) -> tuple[Mutant, str]:
            tree = trees.get()
            path = tree / "src" / "lookalike" / mutant.path
            source = path.read_bytes()
            try:
                path.write_bytes(mutant.changed(source))
                code, _ = run_tests(tree, tests, seconds)
            finally:
                path.write_bytes(source)
                trees.put(tree)
            return mutant, {0: "survived", TOO_SLOW: "too slow"}.get(code, "killed")

        with ThreadPoolExecutor(jobs) as pool:
            yield from pool.map(tried, mutants)


def main() -> None:
    """Change a room, run its tests, list what survived."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("room", help="a folder of src/lookalike")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="WORD",
        help="changes whose file, function or name has it (may be repeated)",
    )
    parser.add_argument(
        "--tests", action="append", default=[], help="these instead of the room's (may be repeated)"
    )
    parser.add_argument("--most", type=int, default=0, help="as many, drawn; 0 (default): all")
    parser.add_argument("--seed", type=int, default=1, help="of the draw (default 1)")
    parser.add_argument("--jobs", type=int, default=1, help="trees at once (default 1)")
    parser.add_argument("--json", type=Path, help="also write every change and its end")
    asked = parser.parse_args()
    mutants = mutants_of(asked.room, asked.only)
    if not mutants:
        sys.exit(f"nothing to change in {asked.room!r} {' '.join(asked.only)}")
    there = len(mutants)
    if 0 < asked.most < there:
        drawn = sorted(random.Random(asked.seed).sample(range(there), asked.most))
        mutants = [mutants[number] for number in drawn]
    rooms = (asked.room, *ALSO_TESTED.get(asked.room, ()))
    tests = asked.tests or [f"tests/{room}" for room in rooms]
    print(
        f"{len(mutants)} of {there} changes to {asked.room}, tests: {' '.join(tests)}", flush=True
    )
    ends: list[tuple[Mutant, str]] = []
    for mutant, end in surviving(mutants, tests, asked.jobs):
        ends.append((mutant, end))
        if end == "survived":
            print(f"  {mutant.path}:{mutant.line}  {mutant.what}", flush=True)
    print("\n| kind | changes | survived |\n|---|---|---|")
    all_of, left = (
        Counter(m.kind for m, _ in ends),
        Counter(m.kind for m, e in ends if e == "survived"),
    )
    for kind in sorted(all_of):
        print(f"| {kind} | {all_of[kind]} | {left[kind]} |")
    print(f"| all | {len(ends)} | {left.total()} |")
    if asked.json:
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        plain = [{**asdict(mutant), "end": end} for mutant, end in ends]
        asked.json.write_text(json.dumps({"room": asked.room, "changes": plain}, indent=1) + "\n")


if __name__ == "__main__":
    main()
