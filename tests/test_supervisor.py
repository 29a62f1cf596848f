"""A program and all that it started end in time, whatever they think of signals."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

POLITE = "import time; time.sleep(600)"
STUBBORN = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(600)"
FAMILY = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", sys.argv[2]])
print(child.pid, flush=True)
{rest}
"""
WAITING = FAMILY.format(rest="time.sleep(600)")
SUPERVISE = """
import sys
from autolabel_app.supervisor import supervise
sys.exit(supervise([sys.executable, "-c", *sys.argv[2:]], float(sys.argv[1])))
"""
ROOT = Path(__file__).resolve().parent.parent


def start(grace_seconds, program, *arguments, **options):
    """Supervise a program in a process of its own; return it and the process of its child."""
    process = subprocess.Popen(
        [sys.executable, "-c", SUPERVISE, str(grace_seconds), program, "-", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )
    return process, psutil.Process(int(process.stdout.readline()))


def is_gone(process):
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_every_process_of_a_polite_program_ends_at_once(sent):
    process, child = start(30, WAITING, POLITE)
    began = time.monotonic()
    process.send_signal(sent)
    assert process.wait(20) == 0
    assert time.monotonic() - began < 10
    assert is_gone(child)


def test_a_stubborn_child_is_killed_after_the_grace():
    process, child = start(1, WAITING, STUBBORN)
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert is_gone(child)
    assert "killed" in process.stderr.read()


def test_a_second_signal_waits_for_no_grace():
    process, child = start(60, WAITING, STUBBORN)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    assert is_gone(child)


def test_sigterm_ends_a_program_where_the_shell_had_sigint_ignored():
    ignored = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)}
    process, child = start(30, WAITING, POLITE, **ignored)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert is_gone(child)


@pytest.mark.parametrize(
    ("rest", "status"),
    [("sys.exit(3)", 3), ("import os; os.kill(os.getpid(), 9)", 137)],
    ids=["fails", "is killed"],
)
def test_a_program_that_ends_by_itself_leaves_no_child_and_gives_its_status(rest, status):
    process, child = start(1, FAMILY.format(rest=rest), STUBBORN)
    assert process.wait(20) == status
    assert is_gone(child)
