"""The house rules, enforced: who imports whom, how long a module is, how light the start is."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("autolabel_core", "autolabel_app", "resources", "autolabel_assets", "sensors")
HEAVY = ("dagster", "torch", "sklearn", "umap", "hdbscan", "numba", "pandas", "duckdb", "chromadb")
MAY_IMPORT = {
    "autolabel_core": {"autolabel_core"},
    "autolabel_app": {"autolabel_core", "autolabel_app"},
    "resources": {"autolabel_core", "resources", "dagster"},
    "autolabel_assets": {"autolabel_core", "autolabel_assets", "resources", "dagster"},
    "sensors": {"autolabel_core", "sensors", "resources", "dagster"},
}
DAGSTER_DOOR = Path("autolabel_app/runs.py")
MAX_LINES = 300
MAX_ASSET_BODY = 15


def modules(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


ALL_MODULES = [path for room in ROOMS for path in modules(room)]


def imported_rooms(path: Path) -> set[str]:
    """Top-level names of everything that a module imports, at its top or inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add((node.module or "").partition(".")[0])
    return names


@pytest.mark.parametrize("path", ALL_MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_room_imports_only_what_it_may(path):
    room = path.relative_to(ROOT).parts[0]
    allowed = set(MAY_IMPORT[room])
    if path.relative_to(ROOT) == DAGSTER_DOOR:
        allowed.add("dagster")
    guarded = {*ROOMS, "dagster", "definitions"}
    assert imported_rooms(path) & guarded <= allowed


@pytest.mark.parametrize(
    "path",
    [*ALL_MODULES, *modules("tests"), *modules("benchmarks"), ROOT / "definitions.py"],
    ids=lambda p: str(p.relative_to(ROOT)),
)
def test_no_module_outgrows_the_ceiling(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


def test_only_installed_rooms_are_in_the_wheel():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'packages = ["autolabel_core", "autolabel_app"]' in text


def test_asset_bodies_are_thin():
    for path in modules("autolabel_assets"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and any(
                "asset" in ast.unparse(decorator) for decorator in node.decorator_list
            ):
                body = node.end_lineno - node.body[0].lineno + 1
                assert body <= MAX_ASSET_BODY, f"{path.name}: {node.name} has {body} lines"


def test_no_future_annotations_where_dagster_reads_them():
    for room in ("autolabel_assets", "resources", "sensors"):
        for path in modules(room):
            assert "from __future__ import annotations" not in path.read_text(encoding="utf-8"), (
                path
            )


def test_definitions_hold_no_logic():
    tree = ast.parse((ROOT / "definitions.py").read_text(encoding="utf-8"))
    forbidden = (ast.FunctionDef, ast.ClassDef, ast.For, ast.If, ast.While, ast.Try)
    assert not [node for node in ast.walk(tree) if isinstance(node, forbidden)]


@pytest.mark.parametrize("command", ["--help", "sweep --help", "documents --help", "status --help"])
def test_the_command_line_starts_light(command):
    script = (
        "import sys\n"
        "from autolabel_app.cli import root\n"
        f"root.main({command.split()!r}, standalone_mode=False)\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_repository_names_no_machine():
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.split("\0")
    for name in filter(None, tracked):
        path = ROOT / name
        if path.is_file() and path.suffix in {".py", ".md", ".toml", ".txt", ".yaml", ""}:
            text = path.read_text(encoding="utf-8", errors="replace")
            assert "index-" + "url" not in text, name
