"""A derived file that is damaged is named, set aside and made anew, with the same bytes."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from conftest import sweep_quietly
from support.angle_samples import NAME, declaration, label

from autolabel_core.documents.documents import Documents
from autolabel_core.operations.sql import run_sql
from autolabel_core.operations.status import collection_status
from autolabel_core.tables.reindexed_vectors import ReindexedVectors
from autolabel_core.tables.vector_index import DATABASE, is_damaged, open_index

GROUPED = [
    {
        "cluster_name": "alike",
        "preprocessing_steps": [],
        "algorithm_params": {"min_cluster_size": 2},
    }
]


def flip(data: bytes) -> bytes:
    """Change one bit in the middle."""
    at = len(data) // 2
    return data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :] if data else b"x"


DAMAGES = {
    "empty": lambda data: b"",
    "half": lambda data: data[: len(data) // 2],
    "a bit": flip,
    "garbage": lambda data: os.urandom(len(data) or 1),
}


def derived_files(home: Path) -> list[Path]:
    found = sorted(path for path in (home / "warehouse").rglob("*") if path.is_file())
    return [path for path in found if path.suffix != ".damaged"]


def contents(home: Path) -> dict[Path, bytes]:
    """All but checksums: those are compared with their files when these are read."""
    files = (path for path in derived_files(home) if path.suffix != ".crc32")
    return {path: path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def swept(module_home):
    """A home that is made once: each test ends with the bytes that it began with."""
    module_home.declare(NAME, {**declaration(), "clusters": GROUPED})
    module_home.put(NAME, {f"d{i:02}": i * 9 for i in range(20)})
    sweep_quietly(module_home.workspace, NAME)
    label(module_home.workspace, {"d00": "right", "d01": "right", "d18": "left"})
    sweep_quietly(module_home.workspace, NAME)
    return module_home


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_every_damaged_file_is_made_anew_with_the_same_bytes(
    swept, bring_up_to_date, damage, caplog
):
    before = contents(swept.paths.home)
    assert {path.suffix for path in before} >= {".parquet", ".arrow", ".csv"}
    for path, data in before.items():
        path.write_bytes(damage(data))
        caplog.clear()
        bring_up_to_date(swept.workspace, NAME)
        assert contents(swept.paths.home) == before, path
        assert f"{path} was damaged" in caplog.text


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_checksum_costs_a_build_at_most(swept, bring_up_to_date, damage):
    before = contents(swept.paths.home)
    for path in derived_files(swept.paths.home):
        if path.suffix == ".crc32":
            path.write_bytes(damage(path.read_bytes()))
    bring_up_to_date(swept.workspace, NAME)
    assert contents(swept.paths.home) == before


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_commands_that_read_meet_no_traceback(swept, bring_up_to_date, damage):
    before = contents(swept.paths.home)
    for path, data in before.items():
        path.write_bytes(damage(data))
    collection = swept.workspace.open(NAME)
    Documents(collection).find()
    collection_status(collection)
    run_sql(swept.workspace, f"SELECT count(*) FROM {NAME}.documents")
    bring_up_to_date(swept.workspace, NAME)
    assert contents(swept.paths.home) == before


def test_files_without_checksums_are_read_before_they_are_believed(swept, bring_up_to_date):
    """Such as those of an earlier version, or of a warehouse that was copied."""
    before = contents(swept.paths.home)
    for path in derived_files(swept.paths.home):
        if path.suffix == ".crc32":
            path.unlink()
        elif path.suffix in (".parquet", ".arrow"):
            path.write_bytes(before[path][: len(before[path]) // 2])
    bring_up_to_date(swept.workspace, NAME)
    assert contents(swept.paths.home) == before


def test_a_file_that_is_touched_or_copied_is_not_damaged(swept, bring_up_to_date, caplog):
    for path in derived_files(swept.paths.home):
        os.utime(path, (1, 1))
    bring_up_to_date(swept.workspace, NAME)
    assert "damaged" not in caplog.text


@pytest.mark.parametrize("name", ["chroma.sqlite3", "data_level0.bin"])
@pytest.mark.parametrize("damage", ["empty", "half", "garbage"])
def test_a_damaged_vector_index_is_set_aside_and_made_anew(
    angles, home, bring_up_to_date, name, damage
):
    angles({"a": 0, "b": 5, "c": 90}, {"a": "right"})
    bring_up_to_date(home.workspace, NAME, index=True)
    folder = home.paths.vector_index
    for file in folder.rglob(name):
        file.write_bytes(DAMAGES[damage](file.read_bytes()))
    home.put(NAME, {"d": 95})
    for _ in range(2):
        try:
            bring_up_to_date(home.workspace, NAME, index=True)
            break
        except ValueError as error:
            assert "it is set aside as vector_index.damaged" in str(error)
    table = home.workspace.open(NAME)
    index = open_index(folder).get_collection(ReindexedVectors(table).index_name)
    assert index.count() == 4


WRITER = """
import sqlite3, sys, time
connection, end = sqlite3.connect(sys.argv[1]), time.monotonic() + 2.0
while time.monotonic() < end:
    connection.executemany("INSERT INTO rows VALUES (?)", [("x" * 3000,)] * 200)
    connection.commit()
"""


def test_an_index_that_another_process_writes_is_not_damaged(tmp_path):
    """SQLite writes the header before the pages that it counts: a sweep of others is no damage."""
    (tmp_path / "notes").mkdir()
    database = tmp_path / DATABASE
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE rows (text)")
        connection.commit()
    looks = []
    with subprocess.Popen([sys.executable, "-c", WRITER, str(database)]) as writer:
        while writer.poll() is None:
            looks.append(is_damaged(tmp_path))
    assert writer.returncode == 0 and len(looks) > 100
    assert not any(looks)
    os.truncate(database, database.stat().st_size // 2)
    assert is_damaged(tmp_path)
