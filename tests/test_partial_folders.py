"""What killed writers left is cleared by the next run; a live writer is never disturbed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.export_samples import ROWS, table

from autolabel_core.exports import write_export
from autolabel_core.foundation.atomic_files import SUFFIX, clear_killed_writes, write_atomically
from autolabel_core.foundation.partial_folders import partial_folder
from autolabel_core.storage.checksums import Checksums
from autolabel_core.storage.local_files import LocalFiles

ROOT = Path(__file__).resolve().parent.parent
WRITER = """
import sys, time
from pathlib import Path
from autolabel_core.foundation.partial_folders import partial_folder
with partial_folder(Path(sys.argv[1])) as folder:
    (folder / "half").write_bytes(b"half")
    print("there", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def writer(tmp_path):
    """Another process in the middle of writing `tmp_path / "out"`."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path / "out")],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout.readline() == "there\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def left(tmp_path):
    return [path.name for path in tmp_path.iterdir() if path.name.endswith(".partial")]


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_an_export_clears_what_a_killed_one_left(writer, tmp_path):
    kill(writer)
    assert len(left(tmp_path)) == 1
    write_export("csv", table(ROWS), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_the_warehouse_clears_what_a_killed_sweep_left(writer, tmp_path):
    kill(writer)
    with LocalFiles(tmp_path).folder(tmp_path / "out") as folder:
        folder.mkdir()
        (folder / "whole").write_bytes(b"whole")
    assert not left(tmp_path) and (tmp_path / "out" / "whole").is_file()


def test_notes_of_checksums_that_killed_processes_left_are_cleared(writer, tmp_path):
    files, place = LocalFiles(tmp_path), tmp_path / "rows.parquet"
    files.write(place, None, lambda part: part.write_bytes(b"rows"))
    (note,) = tmp_path.rglob("rows.parquet.crc32")
    live, killed = (note.with_name(f".{note.name}.{n}.part") for n in (os.getppid(), writer.pid))
    live.touch()
    killed.touch()
    kill(writer)
    other = note.with_name(f".{note.name}.none.part")
    other.touch()
    Checksums(tmp_path).settle(place)
    assert not killed.exists() and live.exists() and other.exists()


def test_a_live_writer_is_not_disturbed(writer, tmp_path):
    write_export("csv", table(ROWS), tmp_path / "out")
    (name,) = left(tmp_path)
    assert (tmp_path / name / "half").read_bytes() == b"half" and writer.poll() is None


def test_nothing_else_is_cleared(tmp_path):
    (tmp_path / ".out.mine.partial").mkdir()
    (tmp_path / f".other.{32 * 'a'}.partial").mkdir()
    (tmp_path / f".out.{32 * 'b'}.partial").write_text("a file")
    before = sorted(left(tmp_path))
    with partial_folder(tmp_path / "out"):
        assert len(left(tmp_path)) == 4
    assert sorted(left(tmp_path)) == before


def test_an_earlier_export_that_a_kill_left_goes_once_there_is_a_new_one(tmp_path):
    (tmp_path / f".out.{32 * 'c'}.earlier").mkdir()
    write_export("csv", table(ROWS), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


FILE_WRITER = """
import sys, time
from pathlib import Path
from autolabel_core.foundation.atomic_files import write_atomically

def write(part):
    part.write_bytes(b"half")
    print("there", flush=True)
    time.sleep(600)

write_atomically(Path(sys.argv[1]), write)
"""


@pytest.fixture
def file_writer(tmp_path):
    """Another process in the middle of writing the file `tmp_path / "old"`."""
    process = subprocess.Popen(
        [sys.executable, "-c", FILE_WRITER, str(tmp_path / "old")],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout.readline() == "there\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_file_that_is_never_written_again_leaves_nothing_half(file_writer, tmp_path):
    part, foreign = tmp_path / f".old{SUFFIX}", tmp_path / ".download.part"
    foreign.touch()
    clear_killed_writes(tmp_path)
    assert part.exists(), "a live writer is not disturbed"
    kill(file_writer)
    write_atomically(tmp_path / "new", lambda path: path.write_text("new"))
    assert sorted(path.name for path in tmp_path.iterdir()) == [".download.part", "new"]


def test_two_writers_of_one_file_leave_what_the_last_one_wrote(tmp_path):
    place = tmp_path / "file"

    def write(part):
        part.write_text("half")
        write_atomically(place, lambda other: other.write_text("of the other one"))
        assert place.read_text() == "of the other one"
        part.write_text("whole")

    write_atomically(place, write)
    assert place.read_text() == "whole" and list(tmp_path.iterdir()) == [place]


def test_a_sweep_clears_what_killed_runs_left_in_the_home(angles, home, run):
    angles({"a": 0}, {"a": "left"})
    left = [
        folder / "deep" / f".x{SUFFIX}"
        for folder in (home.paths.cache, home.paths.models, home.paths.warehouse)
    ]
    for part in left:
        part.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(b"half")
    run("sweep", "nothing_of_that_name")
    assert not any(part.exists() for part in left)
