"""Shows progress of long work in Dagster's event log, and as a bar in a terminal."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dagster as dg

from autolabel_core.foundation.progress import progress_bar

LOG_SECONDS = 10.0


class ProgressResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Tells how far an asset is. `bar: true` draws a bar on standard error as well."""

    bar: bool = False

    @contextmanager
    def of(self, log: dg.DagsterLogManager, what: str) -> Iterator[Callable[[int, int], None]]:
        """Yield a callback `(done, total)`; it logs at most every ten seconds.

        Args:
            log: the log of the run.
            what: what is being worked on.

        Yields:
            Callable[[int, int], None]: The callback.
        """
        last = time.monotonic()

        def to_log(done: int, total: int) -> None:
            nonlocal last
            if time.monotonic() - last >= LOG_SECONDS:
                last = time.monotonic()
                log.info(f"{what}: {done:,} of {total:,}")

        if not self.bar:
            yield to_log
            return
        with progress_bar(what) as draw:

            def to_both(done: int, total: int) -> None:
                to_log(done, total)
                draw(done, total)

            yield to_both
