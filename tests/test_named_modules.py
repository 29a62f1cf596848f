"""Modules that tests, pages and settings name by text exist, and have what is named of them."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("autolabel_core", "autolabel_app", "autolabel_assets", "benchmarks")
DOTTED = re.compile(rf"(?<![\w./-])(?:{'|'.join(PACKAGES)})(?:\.[A-Za-z_]\w*)+")
FILE = re.compile(rf"(?<![\w.-])(?:{'|'.join(PACKAGES)}|tests)(?:/[\w-]+)*/[\w-]+\.(?:py|md|yaml)")
TEXTS = sorted(
    [
        *(path for pattern in ("tests/**/*.py", "benchmarks/*.py") for path in ROOT.glob(pattern)),
        *(path for path in ROOT.glob("docs/*.md")),
        *(ROOT / name for name in ("README.md", "pyproject.toml", "Makefile", ".ci/run")),
    ]
)


@cache
def names_of(module: Path) -> frozenset[str]:
    """The names that a module defines or imports at its top, also below `if` and `try`."""
    names: set[str] = set()
    waiting: list[ast.AST] = [ast.parse(module.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        waiting += ast.iter_child_nodes(node)
    return frozenset(names)


def problem_of(dotted: str) -> str | None:
    """Say what of a dotted name does not exist; None where all does."""
    place, words = ROOT, dotted.split(".")
    for position, word in enumerate(words):
        if (place / word).is_dir():
            place = place / word
            continue
        if (place / f"{word}.py").is_file():
            module, rest = place / f"{word}.py", words[position + 1 :]
        else:
            module, rest = place / "__init__.py", words[position:]
        known = names_of(module) if module.is_file() else frozenset()
        known |= {"__getattr__", "__path__", "__file__", "__doc__"} & set(rest)
        is_lazy = "__getattr__" in known and word in module.read_text(encoding="utf-8")
        if rest and rest[0] not in known and not is_lazy:
            return f"{dotted}: {module.relative_to(ROOT)} has no `{rest[0]}`"
        return None
    return None


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_that_is_named_exists(path):
    text = path.read_text(encoding="utf-8")
    problems = [problem for name in set(DOTTED.findall(text)) if (problem := problem_of(name))]
    problems += [
        f"no file {name}" for name in set(FILE.findall(text)) if not (ROOT / name).exists()
    ]
    assert problems == []


@pytest.mark.parametrize(
    ("package", "rest"),
    [
        ("autolabel_core", "plan.TABLES"),
        ("autolabel_core", "operations.staleness_plan.NOTHING"),
        ("autolabel_core", "matching.kernels"),
        ("autolabel_app", "commands.nothing"),
    ],
)
def test_a_module_that_is_gone_is_found(package, rest):
    assert problem_of(f"{package}.{rest}")


def test_every_benchmark_is_one_that_make_bench_runs():
    from benchmarks.__main__ import MODULES, WITH_DATA

    files = {path.stem: path.read_text(encoding="utf-8") for path in ROOT.glob("benchmarks/*.py")}
    runnable = {name for name, text in files.items() if "__main__" in text} - {"__main__"}
    assert set(MODULES) == runnable
    assert set(WITH_DATA) <= {name for name in MODULES if "--data" in files[name]}
