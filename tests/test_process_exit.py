"""A command's process ends at once, and nothing that it had still to do is lost."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import atexit, sys, threading, time
from autolabel_app.process_exit import end_process
{before}
end_process({status})
"""


def ended(before: str, status: int = 0, **options: object) -> subprocess.CompletedProcess[str]:
    program = PROGRAM.format(before=before, status=status)
    command = [sys.executable, "-c", program]
    buffered = {name: v for name, v in os.environ.items() if name != "PYTHONUNBUFFERED"}
    plain = {"capture_output": True, "text": True, "env": buffered}
    return subprocess.run(command, **{**plain, **options})


@pytest.mark.parametrize("status", [0, 1, 130])
def test_all_that_was_printed_arrives_with_the_status(status):
    done = ended("print('x' * 200_000); print('why', file=sys.stderr)", status)
    assert (done.returncode, len(done.stdout), done.stderr) == (status, 200_001, "why\n")


def test_what_is_registered_for_the_end_runs_and_may_still_print():
    done = ended("atexit.register(print, 'first'); atexit.register(print, 'last registered')")
    assert done.stdout == "last registered\nfirst\n"


def test_a_temporary_folder_is_removed(tmp_path):
    before = f"import tempfile; kept = tempfile.TemporaryDirectory(dir={str(tmp_path)!r})"
    assert ended(before).returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_threads_that_still_work_are_waited_for():
    before = "threading.Thread(target=lambda: (time.sleep(0.3), print('worked'))).start()"
    done = ended(before, 3)
    assert (done.returncode, done.stdout) == (3, "worked\n")


def test_a_profiler_sees_the_end():
    done = ended("import cProfile; cProfile.Profile().enable(); print('profiled')", 2)
    assert (done.returncode, done.stdout) == (2, "profiled\n")


def test_output_that_nobody_takes_is_no_success():
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = ended("print('lost')", capture_output=False, stdout=writer)
    finally:
        os.close(writer)
    assert done.returncode == 120


@pytest.mark.parametrize("words", [["--version"], ["documnets"]])
def test_the_installed_command_ends_as_the_command_line_says(words):
    by_module = subprocess.run(
        [sys.executable, "-m", "autolabel_app", *words], capture_output=True, text=True
    )
    code = "import sys; from autolabel_app.cli import main; sys.argv[0] = 'autolabel'; main()"
    in_process = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True
    )
    assert by_module.returncode == in_process.returncode
    assert by_module.stdout.split()[-1:] == in_process.stdout.split()[-1:]
