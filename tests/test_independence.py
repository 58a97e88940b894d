"""No test depends on those before it, on the clock, or on chance, or passes for want of cases.

All of it is read from their source.
"""

from __future__ import annotations

import ast
import builtins
import functools
from collections.abc import Iterable, Iterator
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
LOOPS = (ast.For, ast.AsyncFor, ast.While)
CHECKS = {"pytest.raises", "pytest.warns", "pytest.fail"}
# give as many as they are given
KEEPS_COUNT = {
    *("dict", "enumerate", "items", "keys", "list", "permutations", "product", "reversed"),
    *("set", "sorted", "tuple", "values", "zip"),
}


@functools.cache
def parsed(path: Path) -> ast.Module:
    """A file as a tree, which nobody changes."""
    return ast.parse(path.read_text(encoding="utf-8"))


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


def unseen_loops(tree: ast.Module) -> Iterator[int]:
    """Lines of checks in a loop that may run not even once, of which no check outside tells."""
    written = named_literals(tree.body, set())
    for function in (node for node in ast.walk(tree) if isinstance(node, FUNCTIONS)):
        if not function.name.startswith("t") or is_given_examples(function):
            continue
        full = written | named_literals(ast.walk(function), written)
        checks = list(checks_within(function, [], full))
        outside = {name for check, loops in checks if not loops for name in names_in(check)}
        for check, loops in checks:
            if any(not names_in(over) & outside for over in loops):
                yield check.lineno


def is_given_examples(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether hypothesis chooses what is looked at: mostly something, now and then nothing."""
    decorators = (each for each in function.decorator_list if isinstance(each, ast.Call))
    return any(last_name(each) == "given" for each in decorators)


def checks_within(
    node: ast.AST, loops: list[ast.expr], full: set[str]
) -> Iterator[tuple[ast.Assert | ast.Call, list[ast.expr]]]:
    """Every check below a node, with what the loops around it that may be empty run over."""
    for child in ast.iter_child_nodes(node):
        around = loops
        if isinstance(node, LOOPS) and child in node.body:
            over = node.test if isinstance(node, ast.While) else node.iter
            around = loops if is_full(over, full) else [*loops, over]
        if isinstance(child, ast.Assert):
            parts = child.test.values if isinstance(child.test, ast.BoolOp) else [child.test]
            within = [over for part in parts if (over := ranged(part)) and not is_full(over, full)]
            # `all(...) and more` looks at more than what it ranges over
            yield child, [*around, *(within if len(within) == len(parts) else [])]
        elif isinstance(child, ast.Call) and ast.unparse(child.func) in CHECKS:
            yield child, around
        yield from checks_within(child, around, full)


def ranged(node: ast.AST) -> ast.expr | None:
    """What ``all(... for each in this)`` or ``not any(... for each in this)`` ranges over."""
    name = "all"
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        node, name = node.operand, "any"
    if isinstance(node, ast.Call) and ast.unparse(node.func) == name:
        inner = node.args[0]
        return inner.generators[0].iter if isinstance(inner, ast.GeneratorExp) else None
    return None


def is_full(node: ast.AST, full: set[str]) -> bool:
    """Whether what is written there holds something for sure.

    Args:
        node: An expression.
        full: Names of what does.
    """
    if isinstance(node, (ast.Tuple, ast.List, ast.Set, ast.Dict)):
        return bool(node.keys if isinstance(node, ast.Dict) else node.elts)
    if isinstance(node, ast.Constant):
        return bool(node.value)
    if isinstance(node, ast.Name):
        return node.id in full
    if isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)):
        return all(is_full(each.iter, full) and not each.ifs for each in node.generators)
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.BitOr)):
        return is_full(node.left, full) or is_full(node.right, full)
    if not isinstance(node, ast.Call):
        return False
    if last_name(node) == "range":
        ends = [each.value for each in node.args if isinstance(each, ast.Constant)]
        return len(ends) == len(node.args) and len(range(*ends)) > 0
    method = isinstance(node.func, ast.Attribute) and last_name(node) in {"items", "values", "keys"}
    given = [node.func.value] if method and isinstance(node.func, ast.Attribute) else node.args
    fullness = [is_full(each, full) for each in given]
    # of sequences that must be equally long one is enough
    enough = any if any(word.arg == "strict" for word in node.keywords) else all
    return last_name(node) in KEEPS_COUNT and enough(fullness)


def named_literals(nodes: Iterable[ast.AST], full: set[str]) -> set[str]:
    """Names that some statements give to what holds something for sure."""
    found: set[str] = set()
    for node in nodes:
        if not isinstance(node, (ast.Assign, ast.AnnAssign)) or node.value is None:
            continue
        if is_full(node.value, full | found):
            given = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {name.id for name in given if isinstance(name, ast.Name)}
    return found


def names_in(node: ast.AST) -> set[str]:
    """Names that are read somewhere below a node, but for functions that are built in."""
    names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    return names - set(dir(builtins))


def reads_clock(node: ast.AST) -> bool:
    """Whether the time is asked for."""
    calls = (each for each in ast.walk(node) if isinstance(each, ast.Call))
    return any(last_name(call) in CLOCKS for call in calls)


def uses(node: ast.AST, names: set[str]) -> bool:
    """Whether one of some names is read."""
    return any(isinstance(each, ast.Name) and each.id in names for each in ast.walk(node))


@pytest.mark.parametrize(
    "rule", [held_generators, shared_draws, changed_globals, clocked_asserts, unseen_loops]
)
def test_no_test_depends_on_others_or_on_the_clock(rule: object) -> None:
    """No module of tests holds or changes state; none asserts seconds, or nothing at all."""
    assert callable(rule) and len(FILES) > 50
    found = [f"{path.name}:{line}" for path in FILES for line in rule(parsed(path))]
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
        (unseen_loops, "def t():\n    for p in folder.iterdir():\n        assert p.stat()"),
        (unseen_loops, "def t():\n    while rows:\n        assert rows.pop()"),
        (unseen_loops, "def t():\n    assert all(row.ok for row in rows)"),
        (
            unseen_loops,
            "def t():\n    assert not any(row.bad for row in rows) and all(r for r in s)",
        ),
        (
            unseen_loops,
            "def t():\n    for p in sorted(q):\n        with pytest.raises(E):\n            p()",
        ),
        (
            unseen_loops,
            "def t():\n    assert n\n    for a in [2]:\n        for b in c:\n            assert a",
        ),
    ],
)
def test_every_rule_finds_what_it_is_for(rule: object, code: str) -> None:
    """One line of each example breaks its rule; the same on locals does not."""
    assert callable(rule)
    assert len(list(rule(ast.parse(code)))) == 1
    assert list(rule(ast.parse("def t():\n    r = np.random.default_rng(1)\n    r.x = []"))) == []


@pytest.mark.parametrize(
    "code",
    [
        "def t():\n    for a in (1, 2):\n        assert a",
        "A = {'b': 1}\ndef t():\n    for a, b in A.items():\n        assert b",
        "def t():\n    a = [f(n) for n in range(3)]\n    assert all(n for n in a)",
        "def t():\n    for a, b in zip(found, [1, 2], strict=True):\n        assert a == b",
        "def t():\n    assert len(rows) == 3\n    for row in rows:\n        assert row",
        "def t():\n    assert rows and all(row.ok for row in rows)",
        "@given(ROWS)\ndef t(rows):\n    for row in rows:\n        assert row",
    ],
)
def test_loops_that_run_for_sure_or_are_counted_are_fine(code: str) -> None:
    """Written out, of the length of what is, asserted outside, or chosen by hypothesis."""
    assert list(unseen_loops(ast.parse(code))) == []
