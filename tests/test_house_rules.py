"""The house rules, enforced: who imports whom, how long a module is, how light the start is."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("autolabel_core", "autolabel_app", "resources", "autolabel_assets", "sensors")
INSIDE_ASSETS = ("resources", "sensors", "definitions")
"""What is imported, and installed, as part of `autolabel_assets`, which links to it."""
HEAVY = ("dagster", "torch", "sklearn", "umap", "hdbscan", "numba", "pandas", "duckdb", "chromadb")
MAY_IMPORT = {
    "autolabel_core": {"autolabel_core"},
    "autolabel_app": {"autolabel_core", "autolabel_app"},
    "resources": {"autolabel_core", "resources", "dagster"},
    "autolabel_assets": {"autolabel_core", "autolabel_assets", "resources", "dagster"},
    "sensors": {"autolabel_core", "sensors", "resources", "dagster"},
}
BELOW_TABLES = ("foundation", "declarations", "ledger", "matching", "storage", "models")
LAYERS = {
    "foundation": (),
    "declarations": ("foundation",),
    "ledger": ("foundation",),
    "matching": ("foundation",),
    "storage": ("foundation", "declarations"),
    "models": ("foundation", "declarations", "ledger", "matching"),
    "tables": BELOW_TABLES,
    "documents": (*BELOW_TABLES, "tables"),
    "labelling": (*BELOW_TABLES, "tables", "documents"),
    "exports": (*BELOW_TABLES, "tables", "documents"),
    "notifications": (*BELOW_TABLES, "tables", "documents"),
    "clusters": (*BELOW_TABLES, "tables", "documents", "labelling"),
    "training": (*BELOW_TABLES, "tables", "documents", "exports"),
    "identify": ("foundation", "declarations", "matching", "storage", "models"),
    "operations": (
        *(*BELOW_TABLES, "tables", "documents", "labelling", "exports", "notifications"),
        *("clusters", "training", "identify"),
    ),
}
"""The folders of autolabel_core, from the ground up, and what each may import besides itself."""
DAGSTER_MODULE = Path("autolabel_app/runs.py")
MAX_LINES = 300
MAX_ASSET_BODY = 15


def modules(room: str) -> list[Path]:
    return [path for path in sorted((ROOT / room).rglob("*.py")) if path.resolve() == path]


ALL_MODULES = [path for room in ROOMS for path in modules(room)]


def room_of(module: str) -> str:
    """The folder that a dotted name leads to, or the top-level name of a library."""
    top, _, inside = module.partition(".")
    name = inside.partition(".")[0]
    return name if top == "autolabel_assets" and name in INSIDE_ASSETS else top


def imported_rooms(path: Path) -> set[str]:
    """Rooms and libraries of everything that a module imports, at its top or inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            top = {alias.name.partition(".")[0] for alias in node.names}
            assert not top & set(INSIDE_ASSETS), f"{path}: not installed under that name"
            names |= {room_of(alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            top = (node.module or "").partition(".")[0]
            assert top not in INSIDE_ASSETS, f"{path}: not installed under that name"
            names |= {room_of(f"{node.module}.{alias.name}") for alias in node.names}
    return names


@pytest.mark.parametrize("path", ALL_MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_room_imports_only_what_it_may(path):
    room = path.relative_to(ROOT).parts[0]
    allowed = set(MAY_IMPORT[room])
    if path.relative_to(ROOT) == DAGSTER_MODULE:
        allowed |= {"dagster", "resources"}
    guarded = {*ROOMS, "dagster", "definitions"}
    assert imported_rooms(path) & guarded <= allowed


def imported_modules(path: Path) -> set[str]:
    """Every module of the project that a module imports, at its top or inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            longer = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= {name if name in MODULES else node.module for name in longer}
    return names & set(MODULES)


def dotted(path: Path) -> str:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    return f"autolabel_assets.{name}" if name.partition(".")[0] in INSIDE_ASSETS else name


MODULES = {dotted(path): path for path in ALL_MODULES}
CORE = [path for path in modules("autolabel_core") if path != ROOT / "autolabel_core/__init__.py"]


def test_no_module_lies_loose_in_the_core():
    folders = {path.relative_to(ROOT / "autolabel_core").parts[0] for path in CORE}
    assert folders == set(LAYERS)


def test_the_layers_have_one_direction():
    lower: set[str] = set()
    for folder, below in LAYERS.items():
        assert set(below) <= lower, folder
        lower.add(folder)


@pytest.mark.parametrize("path", CORE, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_folder_of_the_core_imports_only_what_lies_below_it(path):
    folder = path.relative_to(ROOT / "autolabel_core").parts[0]
    folders = {(*name.split("."), "")[1] for name in imported_modules(path)}
    assert folders <= {folder, *LAYERS[folder]}


def test_no_two_modules_import_each_other():
    """Imports for type checking and inside functions count: a reader follows them too."""
    waits = {name: imported_modules(path) - {name} for name, path in MODULES.items()}
    while free := {name for name, on in waits.items() if not on & set(waits)}:
        waits = {name: on for name, on in waits.items() if name not in free}
    assert not waits, f"circles among, or above, {sorted(waits)}"


@pytest.mark.parametrize(
    "path",
    [*ALL_MODULES, *modules("tests"), *modules("benchmarks"), ROOT / "definitions.py"],
    ids=lambda p: str(p.relative_to(ROOT)),
)
def test_no_module_outgrows_the_ceiling(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


def test_no_generic_name_is_installed():
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]
    packages = ["autolabel_core", "autolabel_app", "autolabel_assets"]
    assert wheel["build"]["targets"]["wheel"]["packages"] == packages


@pytest.mark.parametrize("name", ["resources", "sensors", "definitions.py"])
def test_the_installed_package_links_to_what_lies_at_the_top(name):
    link = ROOT / "autolabel_assets" / name
    assert link.is_symlink() and link.resolve() == ROOT / name


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


@pytest.mark.parametrize(
    ("modules", "unneeded"),
    [
        ("autolabel_core.documents.documents", ("numpy", "pyarrow", "sqlalchemy", "PIL")),
        (
            "autolabel_core.operations.status,autolabel_core.operations.staleness_plan,"
            "autolabel_core.operations.sql,autolabel_core.documents.threshold_tuning",
            (*HEAVY, "PIL", "matplotlib", "rich"),
        ),
    ],
)
def test_what_people_ask_every_day_imports_little(modules, unneeded):
    """What the commands import where there is nothing new: see test_light_start."""
    script = f"import sys, {modules}\nprint([name for name in {unneeded!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"


def test_the_repository_names_no_machine():
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.split("\0")
    for name in filter(None, tracked):
        path = ROOT / name
        if path.is_file() and path.suffix in {".py", ".md", ".toml", ".txt", ".yaml", ""}:
            text = path.read_text(encoding="utf-8", errors="replace")
            assert "index-" + "url" not in text, name
