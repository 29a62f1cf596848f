"""Processes the contents of a batch piece by piece, so that a killed run resumes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from autolabel_core.foundation.progress import Progress
from autolabel_core.tables.document_table import Unreadable

KEEP_SECONDS = 5.0
Row = TypeVar("Row")
Result = TypeVar("Result")


@dataclass(frozen=True)
class WorkedBatch(Generic[Result]):
    """What came out for the contents of a batch.

    Attributes:
        results: by content hash, those known before among them.
        unreadable: why others have none, by content hash.
    """

    results: dict[str, Result]
    unreadable: dict[str, Unreadable]

    @property
    def unfinished(self) -> bool:
        """Whether another look may find what could not be read."""
        return any(reason.for_now for reason in self.unreadable.values())


def work_through(
    wanted: Mapping[str, Row],
    known: Mapping[str, Result],
    work: Callable[[list[tuple[str, Row]]], Mapping[str, Result | Unreadable]],
    keep: Callable[[Mapping[str, Result]], None],
    chunk: int,
    progress: Progress,
) -> WorkedBatch[Result]:
    """Work on what has no result yet, and keep what is done every few seconds.

    Args:
        wanted: a row for each content hash.
        known: results of earlier work, by content hash.
        work: gives a result, or why there is none, for each content of a chunk.
        keep: stores results so that they are among the `known` should the process die.
        chunk: contents to work on at once, at least 1.
        progress: told how many contents are done.

    Returns:
        All results.
    """
    results, unreadable = dict(known), dict[str, Unreadable]()
    missing = [(content, row) for content, row in wanted.items() if content not in known]
    unkept, kept_at = dict[str, Result](), time.monotonic()
    for start in range(0, len(missing), chunk):
        part = missing[start : start + chunk]
        for content, result in work(part).items():
            if isinstance(result, Unreadable):
                unreadable[content] = result
            else:
                results[content] = unkept[content] = result
        if unkept and time.monotonic() - kept_at >= KEEP_SECONDS:
            keep(unkept)
            unkept, kept_at = {}, time.monotonic()
        progress(len(wanted) - len(missing) + start + len(part), len(wanted))
    return WorkedBatch(results, unreadable)
