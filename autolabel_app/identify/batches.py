"""Embedding for many requests at once: one thread that takes whatever has come in meanwhile."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from autolabel_core.extractors import Extractor, embed_checked
from autolabel_core.identify.index import Vectors

MAX_IMAGES = 32
Observe = Callable[[int], None]


@dataclass(frozen=True)
class _Job:
    extractor: Extractor
    images: list[Image.Image]
    result: Future[Vectors] = field(default_factory=Future)


class Batches:
    """A thread that embeds.

    Nobody waits for a batch to fill: while one is embedded, the next one gathers.

    Args:
        observe: told the number of images of each batch.
    """

    def __init__(self, observe: Observe = lambda _count: None) -> None:
        self._observe = observe
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="embedding", daemon=True)
        self._thread.start()

    def submit(self, extractor: Extractor, images: list[Image.Image]) -> Future[Vectors]:
        """Ask for the vectors of images.

        Args:
            extractor: what embeds them.
            images: n of them, RGB.

        Returns:
            A promise of (n, d) unit rows.
        """
        job = _Job(extractor, images)
        self._jobs.put(job)
        return job.result

    def close(self) -> None:
        """End the thread when all that was asked for is answered."""
        self._jobs.put(None)
        self._thread.join()

    def _work(self) -> None:
        job = self._jobs.get()
        while job is not None:
            batch, job = self._gathered(job)
            self._embed(batch)
            job = job or self._jobs.get()

    def _gathered(self, first: _Job) -> tuple[list[_Job], _Job | None]:
        """Return what is to be embedded together, and a job that does not fit in."""
        batch, images = [first], len(first.images)
        while not self._jobs.empty():
            job = self._jobs.get()
            if job is None:
                self._jobs.put(None)
                break
            fits = images + len(job.images) <= MAX_IMAGES and job.extractor is first.extractor
            if not fits:
                return batch, job
            batch.append(job)
            images += len(job.images)
        return batch, None

    def _embed(self, batch: list[_Job]) -> None:
        images = [image for job in batch for image in job.images]
        self._observe(len(images))
        try:
            vectors = embed_checked(batch[0].extractor, images)
        except Exception as error:  # noqa: BLE001 told to whoever waits; the thread lives on
            self._refused(batch, error)
            return
        ends = np.cumsum([len(job.images) for job in batch])[:-1]
        for job, part in zip(batch, np.split(vectors, ends), strict=True):
            job.result.set_result(part)

    def _refused(self, batch: list[_Job], error: Exception) -> None:
        """Let one picture's fault be that of its own request alone."""
        if len(batch) == 1:
            batch[0].result.set_exception(error)
            return
        for job in batch:
            self._embed([job])
