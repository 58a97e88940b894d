"""No test depends on those before it, on the clock, or on chance: read from their source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

FILES = sorted(Path(__file__).parent.rglob("*.py"))
# what goes on where the test before it stopped
GENERATORS = {"default_rng", "RandomState", "Generator", "Random", "count", "cycle", "iter"}
CLOCKS = {"perf_counter", "monotonic", "process_time", "time", "thread_time"}
CHANGES = {
    *("add", "append", "clear", "discard", "extend", "fill", "insert", "pop", "popitem", "put"),
    *("remove", "reverse", "setdefault", "shuffle", "sort", "update"),
}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def run_at_import(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node that runs when the module is imported."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Lambda):
            continue
        if isinstance(node, FUNCTIONS):
            for outside in (*node.decorator_list, *node.args.defaults, *node.args.kw_defaults):
                if outside is not None:
                    yield from (outside, *run_at_import(outside))
            continue
        yield node
        yield from run_at_import(node)


def last_name(call: ast.Call) -> str:
    """What is called, without where it comes from."""
    return ast.unparse(call.func).rpartition(".")[2]


def held_generators(tree: ast.Module) -> Iterator[int]:
    """Lines that make a generator which outlives a test."""
    for node in run_at_import(tree):
        if isinstance(node, ast.Call) and last_name(node) in GENERATORS:
            yield node.lineno


def shared_draws(tree: ast.Module) -> Iterator[int]:
    """Lines that draw from, or seed, the generator of the whole process."""
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        module, _, name = ast.unparse(node.func).rpartition(".")
        # a local generator may be called "random" where the module of that name is not imported
        drawn = module == "np.random" or (module == "random" and "random" in imported)
        if (drawn and name not in GENERATORS) or (module, name) == ("torch", "manual_seed"):
            yield node.lineno


def changed_globals(tree: ast.Module) -> Iterator[int]:
    """Lines of functions that change what the module holds."""
    held = {
        name.id
        for statement in tree.body
        if isinstance(statement, (ast.Assign, ast.AnnAssign))
        for name in ast.walk(statement)
        if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
    }
    for function in (node for node in ast.walk(tree) if isinstance(node, FUNCTIONS)):
        own = {arg.arg for arg in ast.walk(function.args) if isinstance(arg, ast.arg)}
        inner = list(ast.walk(function))
        own |= {n.id for n in inner if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        for node in inner:
            if isinstance(node, ast.Global):
                yield node.lineno
            changed = None
            if isinstance(node, (ast.Subscript, ast.Attribute)) and not isinstance(
                node.ctx, ast.Load
            ):
                changed = node.value
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                changed = node.func.value if node.func.attr in CHANGES else None
            elif isinstance(node, ast.Call) and last_name(node) == "next":
                changed = node.args[0]
            if isinstance(changed, ast.Name) and changed.id in held - own:
                yield node.lineno


def clocked_asserts(tree: ast.Module) -> Iterator[int]:
    """Lines that assert how long something took."""
    for function in (node for node in ast.walk(tree) if isinstance(node, FUNCTIONS)):
        timed = {
            target.id
            for node in ast.walk(function)
            if isinstance(node, ast.Assign) and reads_clock(node.value)
            for target in ast.walk(ast.Tuple(node.targets))
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(function):
            if isinstance(node, ast.Assert) and (reads_clock(node.test) or uses(node.test, timed)):
                yield node.lineno


def reads_clock(node: ast.AST) -> bool:
    """Whether the time is asked for."""
    calls = (each for each in ast.walk(node) if isinstance(each, ast.Call))
    return any(last_name(call) in CLOCKS for call in calls)


def uses(node: ast.AST, names: set[str]) -> bool:
    """Whether one of some names is read."""
    return any(isinstance(each, ast.Name) and each.id in names for each in ast.walk(node))


@pytest.mark.parametrize("rule", [held_generators, shared_draws, changed_globals, clocked_asserts])
def test_no_test_depends_on_others_or_on_the_clock(rule: object) -> None:
    """No module of tests holds, shares or changes state, and none asserts seconds."""
    assert callable(rule)
    found = [f"{path.name}:{line}" for path in FILES for line in rule(ast.parse(path.read_text()))]
    assert found == []


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (held_generators, "R = np.random.default_rng(7)"),
        (
            held_generators,
            "@pytest.mark.parametrize('x', random.Random(1).sample(P, 3))\ndef t(): ...",
        ),
        (shared_draws, "def t():\n    np.random.seed(1)"),
        (shared_draws, "import random\ndef t():\n    random.shuffle(files)"),
        (shared_draws, "def t():\n    torch.manual_seed(0)"),
        (changed_globals, "SEEN = []\ndef t():\n    SEEN.append(1)"),
        (changed_globals, "SEEN = {}\ndef t():\n    SEEN['a'] = 1"),
        (changed_globals, "N = ids()\ndef t():\n    next(N)"),
        (changed_globals, "N = 0\ndef t():\n    global N"),
        (
            clocked_asserts,
            "def t():\n    s = time.monotonic()\n    assert time.monotonic() - s < 5",
        ),
        (clocked_asserts, "def t():\n    s = perf_counter() - b\n    assert s < 5"),
    ],
)
def test_every_rule_finds_what_it_is_for(rule: object, code: str) -> None:
    """One line of each example breaks its rule; the same on locals does not."""
    assert callable(rule)
    assert len(list(rule(ast.parse(code)))) == 1
    assert list(rule(ast.parse("def t():\n    r = np.random.default_rng(1)\n    r.x = []"))) == []
