"""Ends the process of a command without freeing its objects one by one.

Freeing what imports made took a quarter of a short command; the operating system does it at once.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from typing import NoReturn


def end_process(status: int) -> NoReturn:
    """Run what is registered for the end, write what is buffered, and leave.

    Where other threads run, or a profiler or debugger looks on, the interpreter ends as usual.

    Args:
        status: the exit status; 120 where what was printed could not be written, as Python has it.
    """
    if threading.active_count() > 1 or sys.gettrace() or sys.getprofile():
        sys.exit(status)
    # As the processes of `multiprocessing` end: nothing public runs these functions.
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        status = status or 120
    os._exit(status)
