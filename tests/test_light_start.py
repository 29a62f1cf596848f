"""What each command of every day may import where there is nothing new, and that it runs so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Home, sweep_quietly
from hypothesis import given, settings
from hypothesis import strategies as st
from support.angle_samples import NAME, declaration, label

from autolabel_app import output

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("chromadb", "dagster", "hdbscan", "numba", "pandas", "sklearn", "torch", "umap")
STORES = ("numpy", "pyarrow", "sqlalchemy")
TEXT_FORMATS = "autolabel_core.foundation.media.text_formats"
UNUSED = (*HEAVY, "PIL", "httpcore", "httpx")
COMMANDS = {
    f"documents {NAME}": {*UNUSED, *STORES, TEXT_FORMATS},
    "sweep": {*UNUSED, "duckdb", "pyarrow.compute", "rich"},
    f"status {NAME}": {*UNUSED},
    f"query FROM\t{NAME}.documents": {*UNUSED, TEXT_FORMATS},
    f"threshold {NAME}": {*UNUSED, TEXT_FORMATS, "pyarrow.compute"},
}
PROGRAM = """
import sys
from autolabel_app.cli import main
try:
    main()
finally:
    print(sorted(sys.modules), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def current(module_home: Home) -> Home:
    """A home in which all is current, the index too."""
    module_home.declare(NAME, declaration())
    module_home.put(NAME, {"a": 0, "b": 5, "c": 90, "d": 93})
    sweep_quietly(module_home.workspace, NAME)
    label(module_home.workspace, {"a": "left", "b": "left", "c": "up"})
    sweep_quietly(module_home.workspace, NAME, index=True)
    return module_home


def run(home: Home, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **home.paths.environment, "PYTHONPATH": f"{ROOT}:{path()}"}
    return subprocess.run(
        [sys.executable, *command], env=environment, capture_output=True, text=True, check=True
    )


def path() -> str:
    return os.environ["PYTHONPATH"]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_with_nothing_new_imports_only_what_it_needs(current, command):
    words = [word.replace("\t", " ") for word in command.split(" ")]
    done = run(current, "-c", PROGRAM, *words)
    imported = {name.strip("' ") for name in done.stderr.splitlines()[-1].strip("[]").split(",")}
    assert "click" in imported
    assert imported & COMMANDS[command] == set()


def test_sweep_says_that_all_is_current_without_a_run(current):
    done = run(current, "-c", PROGRAM, "sweep")
    assert f"{NAME}: 0 new, 0 changed, 0 gone; all current" in done.stdout
    assert not current.paths.dagster_home.exists()


@pytest.mark.parametrize("module", ["autolabel_app.cli", "autolabel_app"])
def test_the_command_line_runs_as_a_module(current, module):
    by_module = run(current, "-m", module, "status", NAME).stdout
    assert "leave-one-out" in by_module
    assert by_module == run(current, "-c", PROGRAM, "status", NAME).stdout


def test_arrow_finds_no_pandas_and_can_still_hand_tables_over():
    program = """
import sys
from autolabel_app.arrow_without_pandas import keep_pandas_out
keep_pandas_out()
import pyarrow as pa
pa.array(["a", None])
assert "pandas" not in sys.modules
assert pa.table({"n": [1, None]}).to_pandas()["n"].isna().tolist() == [False, True]
import importlib.resources
assert importlib.resources.files("pyarrow").joinpath("__init__.py").is_file()
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)


def test_where_pandas_is_loaded_arrow_keeps_it():
    program = """
import pandas as pd
from autolabel_app.arrow_without_pandas import keep_pandas_out
keep_pandas_out()
import pyarrow as pa
assert pa.array(pd.Series([1.0, None])).null_count == 1
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)


names = st.text("abc d", min_size=1, max_size=9).map(lambda name: f"n{name}n")
cells = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats()),
    *(st.text("ab –_:[]/é日\n\tx\x1b", max_size=60), st.text(max_size=5)),
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(names, min_size=5, max_size=5, unique=True),
    st.integers(1, 5).flatmap(
        lambda n: st.lists(st.lists(cells, min_size=n, max_size=n), min_size=1, max_size=5)
    ),
)
def test_the_fast_table_is_the_table_that_rich_writes(names, rows):
    records = [dict(zip(names, row, strict=False)) for row in rows]
    assert printed(records) == printed(records, fast=False)


def printed(records: list[dict[str, object]], fast: bool = True) -> str:
    import contextlib
    import io

    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as out:
        if not fast:
            patch.setattr(output, "_plain_table", lambda *_: None)
        output.emit_table(records)
    return out.getvalue()


UNNEEDED = (*HEAVY[2:], "boto3", "dagster_aws", "duckdb", "chromadb", "scipy", "ultralytics")


def test_the_code_location_loads_light(current):
    program = "import sys, definitions; print(sorted(sys.modules), file=sys.stderr)"
    done = run(current, "-c", program)
    imported = {name.strip("' ") for name in done.stderr.splitlines()[-1].strip("[]").split(",")}
    assert "dagster" in imported
    assert imported & set(UNNEEDED) == set()


def test_the_settings_of_s3_are_those_of_dagsters_own_resource():
    from dagster_aws.s3 import S3Resource

    from autolabel_assets.resources.s3 import S3AccessResource

    for name, field in S3AccessResource.model_fields.items():
        theirs = S3Resource.model_fields[name]
        assert (field.annotation, field.default) == (theirs.annotation, theirs.default)
