"""Reports progress of long work: to a callback, or as a bar in a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[int, int], None]
TELL_SECONDS = 10.0


def no_progress(_done: int, _total: int) -> None:
    """Report nothing."""


@contextmanager
def progress_bar(what: str) -> Iterator[Progress]:
    """Draw a bar on standard error while the block runs.

    Args:
        what: is being done.

    Yields:
        Progress: moves the bar.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description:<40}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Bars(*columns, TimeRemainingColumn(), console=console, transient=True) as bars:
        task = bars.add_task(what, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


def told_in_lines(what: str, tell: Callable[[str], None]) -> Progress:
    """Return a progress that tells in a line how far a piece of work is, every ten seconds.

    Args:
        what: the work.
        tell: told the lines.

    Returns:
        The progress.
    """
    last = time.monotonic()

    def progress(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= TELL_SECONDS:
            last = time.monotonic()
            tell(f"{what}: {done:,} of {total:,}")

    return progress
