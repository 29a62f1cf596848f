"""Shows progress of long work as a bar in a terminal, and nothing elsewhere."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext

from autolabel_core.foundation.progress import Progress, no_progress
from autolabel_core.foundation.progress import progress_bar as draw_bar


def progress_bar(what: str) -> AbstractContextManager[Progress]:
    """Return a context with a callback `(done, total)` that draws a bar on standard error.

    Args:
        what: is being done.

    Returns:
        The context.
    """
    return draw_bar(what) if sys.stderr.isatty() else nullcontext(no_progress)
