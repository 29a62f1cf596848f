"""Answers concurrent requests in batches: one thread takes all that arrived in the meantime."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from PIL import Image

from autolabel_core.matching.decision_engine import Match

MAX_IMAGES = 32
# Of the time that the last batch took: so long a batch waits for pictures that are being read.
PATIENCE = 0.1
Observe = Callable[[int], None]


class Lookup(Protocol):
    """Whatever says what pictures show."""

    def look_up(self, images: Sequence[Image.Image]) -> list[Match]:
        """Return one match for each picture."""
        ...


@dataclass(frozen=True)
class _Job:
    lookup: Lookup
    images: list[Image.Image]
    result: Future[list[Match]] = field(default_factory=Future)


class Batches:
    """A thread that looks up.

    While one batch is looked up, the next one gathers. A batch waits only for requests that are
    here already and whose pictures are still being read, and not long.

    Args:
        observe: told the number of images of each batch.
    """

    def __init__(self, observe: Observe = lambda _count: None) -> None:
        self._observe = observe
        self._changed = threading.Condition()
        self._jobs: deque[_Job] = deque()
        self._coming, self._closed, self._patience_s = 0, False, 0.0
        self._thread = threading.Thread(target=self._work, name="looking-up", daemon=True)
        self._thread.start()

    @contextmanager
    def coming(self) -> Iterator[None]:
        """Announce a job; what is done in the block ends in `submit`, or in no job at all."""
        self._announce(1)
        try:
            yield
        finally:
            self._announce(-1)

    def _announce(self, more: int) -> None:
        with self._changed:
            self._coming += more
            self._changed.notify()

    def submit(self, lookup: Lookup, images: list[Image.Image]) -> Future[list[Match]]:
        """Ask what images show.

        Args:
            lookup: what looks them up; jobs of one lookup are looked up together.
            images: n of them, RGB.

        Returns:
            A promise of n matches.
        """
        job = _Job(lookup, images)
        with self._changed:
            self._jobs.append(job)
            self._changed.notify()
        return job.result

    def close(self) -> None:
        """End the thread when all that was asked for is answered."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while batch := self._gathered():
            began = time.perf_counter()
            self._look_up(batch)
            self._patience_s = PATIENCE * (time.perf_counter() - began)

    def _gathered(self) -> list[_Job]:
        """Return what is to be looked up together, at least one job; none when all is done."""
        with self._changed:
            self._changed.wait_for(lambda: self._jobs or self._closed)
            self._changed.wait_for(self._is_enough, self._patience_s)
            batch: list[_Job] = []
            while self._jobs and (not batch or self._fits(batch, self._jobs[0])):
                batch.append(self._jobs.popleft())
            return batch

    def _is_enough(self) -> bool:
        return not self._coming or _size(self._jobs) >= MAX_IMAGES

    @staticmethod
    def _fits(batch: list[_Job], job: _Job) -> bool:
        return job.lookup is batch[0].lookup and _size(batch) + len(job.images) <= MAX_IMAGES

    def _look_up(self, batch: list[_Job]) -> None:
        images = [image for job in batch for image in job.images]
        self._observe(len(images))
        try:
            matches = iter(batch[0].lookup.look_up(images))
        except Exception as error:  # noqa: BLE001 told to whoever waits; the thread lives on
            self._refused(batch, error)
            return
        for job in batch:
            job.result.set_result([next(matches) for _ in job.images])

    def _refused(self, batch: list[_Job], error: Exception) -> None:
        """Let one picture's fault be that of its own request alone."""
        if len(batch) == 1:
            batch[0].result.set_exception(error)
            return
        for job in batch:
            self._look_up([job])


def _size(jobs: Sequence[_Job]) -> int:
    return sum(len(job.images) for job in jobs)
