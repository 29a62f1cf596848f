"""Runs a program as a process group of its own, and ends all of it when it is told to stop."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE_SECONDS = 7.0
KILLED_SECONDS = 2.0
LOOK_SECONDS = 0.1


def supervise(command: Sequence[str], grace_seconds: float = GRACE_SECONDS) -> int:
    """Run a program until it ends, or until SIGINT, SIGTERM or SIGHUP asks it to stop.

    Every process of the program gets the signal as SIGINT, which interrupts runs as well, so that
    they can report it. What has not ended after the grace, or at a second signal, is killed: when
    this function returns, no process of the group is left.

    Args:
        command: the program and its arguments.
        grace_seconds: from the first signal to the end by force; at least 0.

    Returns:
        The exit status for this process: 0 after a signal, else that of the program, where a
        program that was killed counts as 128 plus the number of the signal.
    """
    received: list[int] = []
    with _handling(lambda number, _: received.append(number)):
        # Handled signals have their defaults in the program; an ignored one would stay ignored, as
        # shells leave SIGINT for the background jobs of a script.
        process = subprocess.Popen(command, process_group=0)
        while process.poll() is None and not received:
            time.sleep(LOOK_SECONDS)
        asked_to_stop = bool(received)
        _signal(process.pid, signal.SIGINT)
        if not _ends_within(process, grace_seconds, received):
            print("Some processes did not stop by themselves: killed.", file=sys.stderr)
            _signal(process.pid, signal.SIGKILL)
            # The system takes a moment to end them, longer where it is busy.
            _ends_within(process, KILLED_SECONDS, [])
        status = process.wait()
    if asked_to_stop:
        return 0
    return status if status >= 0 else 128 - status


def _ends_within(
    process: subprocess.Popen[bytes], grace_seconds: float, received: list[int]
) -> bool:
    """Wait for the whole group; give up early at a second signal."""
    began = time.monotonic()
    while time.monotonic() - began < grace_seconds and len(received) < 2:
        process.poll()
        if not _is_alive(process.pid):
            return True
        time.sleep(LOOK_SECONDS)
    return False


@contextlib.contextmanager
def _handling(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def _is_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _signal(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)
