from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autolabel_core.foundation.atomic_files import held_open, write_atomically
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.storage.local_files import LocalFiles
from autolabel_core.storage.warehouse import VectorTable, Warehouse, matrix_of, vector_column

TABLE = pa.table({"key": ["a", "b"], "n": [1, 2]})


@pytest.fixture
def warehouse(tmp_path):
    return Warehouse(LocalFiles(tmp_path / "warehouse"), tmp_path / "locks")


def vectors(n, d):
    matrix = np.arange(n * d, dtype=np.float32).reshape(n, d)
    ids = [f"d{i}" for i in range(n)]
    return VectorTable(ids, [f"h{i}" for i in range(n)], [None] * n, matrix)


def write_both(warehouse, fingerprint="f"):
    table, matrix = (warehouse.path("c", "a", name) for name in ("x.parquet", "x.arrow"))
    warehouse.write_table(table, TABLE, fingerprint)
    warehouse.write_vectors(matrix, vectors(3, 4), fingerprint)
    return [table, matrix]


def test_what_is_written_is_read_with_its_fingerprint(warehouse):
    table, matrix = write_both(warehouse)
    assert warehouse.read_table(table).equals(TABLE)
    assert warehouse.read_table(table, ["n"]).column_names == ["n"]
    assert [warehouse.fingerprint(path) for path in (table, matrix)] == ["f", "f"]


REPLACING = """
import itertools, sys
from pathlib import Path
import pyarrow as pa
from autolabel_core.storage.warehouse import Warehouse
from autolabel_core.storage.local_files import LocalFiles

root = Path(sys.argv[1])
warehouse = Warehouse(LocalFiles(root / "warehouse"), root / "locks")
for n in itertools.count(1):
    rows = n % 50 + 1
    text = f"{n % 7} " * (n % 9)
    table = pa.table({"n": [n] * rows, "rows": [rows] * rows, "text": [text] * rows})
    warehouse.write_table(warehouse.path("x.parquet"), table, "f")
"""


def test_a_table_is_read_whole_while_another_process_replaces_it(warehouse, tmp_path):
    path = warehouse.path("x.parquet")
    writer = subprocess.Popen([sys.executable, "-c", REPLACING, str(tmp_path)])
    try:
        while not warehouse.exists(path):
            assert writer.poll() is None
        first = last = 0
        while last < first + 200:
            table = warehouse.read_table(path)
            assert table["rows"].unique().to_pylist() == [table.num_rows]
            (last,) = table["n"].unique().to_pylist()
            first = first or last
    finally:
        writer.kill()
        writer.wait()


def test_a_file_that_is_held_open_stays_what_it_was(tmp_path):
    files = [tmp_path / name for name in "ab"]
    files[0].write_text("old")
    with held_open(files) as names:
        write_atomically(files[0], lambda part: part.write_text("new"))
        assert [Path(name).read_text() for name in names] == ["old"]
        files[0].unlink()
        assert Path(names[0]).read_text() == "old"
    with held_open(files) as names:
        assert names == []


HOLDING = """
import resource, sys
from pathlib import Path
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.atomic_files import held_open

resource.setrlimit(resource.RLIMIT_NOFILE, (64, int(sys.argv[2])))
file = Path(sys.argv[1])
file.write_text("here")
try:
    with held_open([file] * 300) as names:
        print({Path(name).read_text() for name in names})
except AutolabelError as error:
    print(error)
"""


@pytest.mark.parametrize(("hard", "said"), [(4096, "{'here'}"), (128, "raise the limit")])
def test_many_files_are_held_open_as_far_as_the_machine_allows(tmp_path, hard, said):
    held = [sys.executable, "-c", HOLDING, str(tmp_path / "x"), str(hard)]
    assert said in subprocess.run(held, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(("n", "d"), [(0, 4), (1, 1), (5, 3), (0, 0), (2, 0)])
def test_vectors_come_back_without_a_copy(warehouse, n, d):
    path = warehouse.path("c", "a", "x.arrow")
    written = vectors(n, d)
    warehouse.write_vectors(path, written, "f")
    found = warehouse.read_vectors(path)
    assert (found.document_ids, found.content_hashes) == (
        written.document_ids,
        written.content_hashes,
    )
    np.testing.assert_array_equal(found.vectors, written.vectors)
    assert found.vectors.dtype == np.float32
    assert not found.vectors.flags.owndata
    assert not found.vectors.flags.writeable or n * d == 0


def test_rows_with_a_reason_are_not_readable():
    table = VectorTable(["a", "b"], ["", "h"], ["is gone", None], np.zeros((2, 1), np.float32))
    assert table.readable.tolist() == [False, True]


def test_the_same_rows_give_the_same_bytes(warehouse):
    before = [path.read_bytes() for path in write_both(warehouse)]
    time.sleep(0.01)
    assert [path.read_bytes() for path in write_both(warehouse)] == before
    matrix = np.asfortranarray(vectors(3, 4).vectors)
    table = VectorTable(["d0", "d1", "d2"], ["h0", "h1", "h2"], [None] * 3, matrix)
    path = warehouse.path("c", "a", "x.arrow")
    warehouse.write_vectors(path, table, "f")
    assert path.read_bytes() == before[1]


def test_what_is_missing_or_not_ours_has_no_fingerprint(warehouse, tmp_path):
    assert warehouse.fingerprint(tmp_path / "absent.parquet") is None
    assert warehouse.fingerprint(tmp_path / "absent.arrow") is None
    assert warehouse.fingerprint(tmp_path) is None
    import pyarrow.parquet as pq

    pq.write_table(TABLE, tmp_path / "other.parquet")
    assert warehouse.fingerprint(tmp_path / "other.parquet") is None


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_a_file_cut_short_anywhere_has_no_fingerprint(warehouse, suffix):
    path = next(p for p in write_both(warehouse) if p.suffix == f".{suffix}")
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        assert warehouse.fingerprint(path) is None, length


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=60), st.integers(0, 10_000), st.sampled_from(["parquet", "arrow"]))
def test_damage_never_crashes_the_question(warehouse, noise, at, suffix):
    path = next(p for p in write_both(warehouse) if p.suffix == f".{suffix}")
    whole = bytearray(path.read_bytes())
    start = at % len(whole)
    whole[start : start + len(noise)] = noise
    path.write_bytes(bytes(whole))
    assert isinstance(warehouse.fingerprint(path), str | None)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("x"), OSError(errno.EIO, "io")])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "x"
    path.write_text("old")

    def write(part: Path) -> None:
        part.write_text("half")
        raise error

    with pytest.raises((KeyboardInterrupt, ValueError)):
        write_atomically(path, write)
    assert [p.name for p in tmp_path.iterdir()] == ["x"]
    assert path.read_text() == "old"


def test_a_writer_that_is_killed_leaves_the_old_file_and_no_lock(warehouse, tmp_path):
    """The next writer gets the lock at once, and its part file replaces the dead one's."""
    path = warehouse.path("c", "a", "x.parquet")
    warehouse.write_table(path, TABLE, "old")
    code = """
import sys
from pathlib import Path
from autolabel_core.storage.warehouse import Warehouse
from autolabel_core.foundation.atomic_files import held_open, write_atomically
from autolabel_core.storage.local_files import LocalFiles
root = Path(sys.argv[1])
def write(part):
    part.write_text("half"); print("writing", flush=True); sys.stdin.read()
with Warehouse(LocalFiles(root / "warehouse"), root / "locks").writing("c", "a"):
    write_atomically(Path(sys.argv[2]), write)
"""
    writer = subprocess.Popen(
        [sys.executable, "-c", code, tmp_path, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parent.parent,
    )
    assert writer.stdout.readline() == b"writing\n"
    writer.kill()
    writer.communicate()
    assert warehouse.fingerprint(path) == "old"
    with warehouse.writing("c", "a"):
        warehouse.write_table(path, TABLE, "new")
    assert warehouse.fingerprint(path) == "new"
    assert [p.name for p in path.parent.iterdir()] == ["x.parquet"]


@pytest.fixture
def full_disk(tmp_path):
    """A disk of 64 KiB, where this machine lets us mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True)
    except FileNotFoundError:
        pytest.skip("no mount command")
    if done.returncode:
        pytest.skip("mounting is not allowed here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_an_error_with_a_cure(full_disk, tmp_path):
    warehouse = Warehouse(LocalFiles(full_disk), tmp_path / "locks")
    path = warehouse.path("c", "a", "x.arrow")
    warehouse.write_vectors(path, vectors(3, 4), "old")
    with pytest.raises(AutolabelError, match=r"disk is full.*stays as it was"):
        warehouse.write_vectors(path, vectors(300, 400), "new")
    assert warehouse.fingerprint(path) == "old"
    assert [p.name for p in path.parent.iterdir()] == ["x.arrow"]


@pytest.mark.parametrize(
    ("number", "said"),
    [(errno.ENOSPC, "disk is full"), (errno.EDQUOT, "disk is full"), (errno.EROFS, "Read-only")],
)
def test_what_the_disk_refuses_is_told(tmp_path, number, said):
    def write(part: Path) -> None:
        raise OSError(number, os.strerror(number))

    with pytest.raises(AutolabelError, match=said):
        write_atomically(tmp_path / "new" / "x", write)


def test_one_writer_at_a_time(warehouse, tmp_path):
    from filelock import FileLock, Timeout

    with warehouse.writing("c", "a"):
        with pytest.raises(Timeout):
            FileLock(tmp_path / "locks" / "c.a.lock").acquire(timeout=0)
        with warehouse.writing("c", "b"):
            pass


@pytest.mark.parametrize(("first", "count"), [(0, 5), (2, 3), (4, 0)])
def test_a_part_of_a_batch_gives_its_own_vectors(first, count):
    vectors = np.arange(15, dtype=np.float32).reshape(5, 3)
    batch = pa.record_batch({"vector": vector_column(vectors)}).slice(first, count)
    assert np.array_equal(matrix_of(batch), vectors[first : first + count])
    flattened = batch.column("vector").flatten().to_numpy()
    assert np.array_equal(matrix_of(batch).ravel(), flattened)


def test_a_fingerprint_is_that_of_the_file_however_fast_it_is_replaced(tmp_path):
    stores = [Warehouse(LocalFiles(tmp_path / "w"), tmp_path / "locks") for _ in range(2)]
    path = stores[0].path("c", "t", "a.parquet")
    for number in range(200):
        stores[number % 2].write_table(path, TABLE, f"made from {number:03d}")
        assert [one.fingerprint(path) for one in stores] == [f"made from {number:03d}"] * 2
    path.unlink()
    assert stores[0].fingerprint(path) is None
    path.write_bytes(b"no table")
    assert stores[0].fingerprint(path) is None
