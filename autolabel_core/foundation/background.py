"""Jobs in background threads, whose results a later call takes up."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Lock, Thread
from typing import TypeVar, cast

Result = TypeVar("Result")


class BackgroundJobs:
    """Pieces of work by name, one at a time each; an error is raised at the tick that takes it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._ongoing: dict[str, Future[object]] = {}

    def result_or_start(
        self, name: str, work: Callable[[], Result], seconds: float
    ) -> Result | None:
        """Begin a piece of work, or wait for the one that was begun under that name.

        Args:
            name: of the work.
            work: begun in a thread that ends with the process; it must bear being cut there.
            seconds: how long to wait.

        Returns:
            The result, given out once; None while the work goes on.
        """
        with self._lock:
            if name not in self._ongoing:
                self._ongoing[name] = _begin(work)
            future = self._ongoing[name]
        wait([future], timeout=seconds)
        if not future.done():
            return None
        with self._lock:
            self._ongoing.pop(name, None)
        return cast(Result, future.result())


def _begin(work: Callable[[], Result]) -> Future[Result]:
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 (it is raised again by whoever takes the result)
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    return future
