"""Finds when uploads began to differ from those before, with a stated rate of false alarms.

Five gamblers bet, each with a fifth of the capital: on similarities that are low among all, on
similarities and on scores that are low for their label, on a label that comes more often, and on
other shares of all labels. A change may begin with any part of the uploads: so the capital of a
year is laid out beforehand in equal shares for its days, and each share is bet from its own day on.
If nothing changes, the whole ever grows hundredfold with a chance of at most one in a hundred
(Ville's inequality), however often one looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log, pi

import numpy as np
import numpy.typing as npt

from autolabel_core.matching.conformal_ranks import (
    Floats,
    conformal_ranks,
    ranks_of_labels,
    ranks_within,
)
from autolabel_core.matching.drift import log_gains
from autolabel_core.matching.share_bets import ShareBets

LEAST_REFERENCE = 50
"""Fewer documents than these are nothing to compare with."""
HOURS_A_YEAR = 366 * 24.0
LOG_OVER = log(100.0)
"""A change is over when the bets on it have lost so much (as a log) from their highest."""
LOTS = 4
NEW_NORMAL_WINDOWS = 30
"""A change that goes on for so many windows is what later uploads are compared with."""

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Uploads:
    """Documents in the order of arrival, n of them in p parts.

    Attributes:
        part: (n,) to which part each belongs, from 0, rising.
        window: (p,) number of the day (or other window of time) of each part, rising.
        label: (n,) code of the likeliest label, from 0; few labels, rare ones under one code.
        similarity: (n,) to the references, from -1 to 1.
        score: (n,) of the likeliest label.
        window_hours: how long a window is, above 0.
    """

    part: Rows
    window: Rows
    label: Rows
    similarity: Floats
    score: Floats
    window_hours: float = 24.0

    def rows(self, first: int, last: int) -> Rows:
        """Return the rows of the parts from `first` to `last`, both included."""
        return np.arange(*np.searchsorted(self.part, [first, last + 1]))


@dataclass(frozen=True)
class Change:
    """Uploads that are not like those before.

    Attributes:
        first: the part that it most likely began with.
        noticed: the part at the end of which it was noticed.
        last: the last part that speaks for it.
        is_over: whether those after it speak against it.
        log_capital: what the bets had grown to when it was noticed.
        reference: (r,) rows that it differs from.
    """

    first: int
    noticed: int
    last: int
    is_over: bool
    log_capital: float
    reference: Rows


@dataclass(frozen=True)
class Detection:
    """What was found over all uploads.

    Attributes:
        changes: in order.
        log_capital: the highest that the present bets have grown to; 0 right after a change, and
            where nothing speaks for one.
        judged: how many documents were compared with earlier ones.
    """

    changes: Sequence[Change]
    log_capital: float
    judged: int


def detect_changes(uploads: Uploads, alarm: float, lots: Floats) -> Detection:
    """Go through the uploads part by part, and tell where they began to differ.

    Args:
        uploads: in the order of arrival.
        alarm: the capital, as a log, at which a change is noticed: with log(100) a year without a
            change has a false alarm with a chance of at most one in a hundred.
        lots: (LOTS, n) drawn from 0 to 1; they break ties.

    Returns:
        The changes, in order.
    """
    parts = len(uploads.window)
    start = _first_to_judge(uploads)
    reference = uploads.rows(0, start - 1)
    judged = len(uploads.part) - len(reference)
    changes: list[Change] = []
    highest = 0.0
    while start < parts:
        end = _end_of_year(uploads, start)
        bets = _Bets.on(uploads, reference, start, end, lots)
        noticed, highest = bets.first_alarm(alarm)
        if noticed is None:
            reference = np.concatenate([reference, uploads.rows(start, end - 1)])
            start = end
            continue
        change = bets.change(noticed)
        if changes and change.first == changes[-1].last + 1:
            change = _joined(changes.pop(), change)
        changes.append(change)
        start = change.last + 1 if change.is_over else end
        lasted = uploads.window[change.last] - uploads.window[change.first]
        is_normal = lasted >= NEW_NORMAL_WINDOWS
        reference = uploads.rows(change.first, start - 1) if is_normal else change.reference
        highest = 0.0
    return Detection(changes, highest, judged)


def _joined(earlier: Change, later: Change) -> Change:
    """Take a change up again where it only seemed over: the more there is of it, the less new."""
    return replace(earlier, last=later.last, is_over=later.is_over)


def _first_to_judge(uploads: Uploads) -> int:
    """Return the first part that enough documents came before."""
    sizes = np.cumsum(np.bincount(uploads.part, minlength=len(uploads.window)))
    return int(np.searchsorted(sizes, LEAST_REFERENCE)) + 1


def _end_of_year(uploads: Uploads, start: int) -> int:
    windows = max(int(HOURS_A_YEAR / uploads.window_hours), 1)
    return int(np.searchsorted(uploads.window, uploads.window[start] + windows))


@dataclass(frozen=True)
class _Bets:
    """Bets on the parts from `start` on.

    Attributes:
        uploads: all of them.
        reference: (r,) rows that were there before.
        start: the first part.
        log_weights: (k,) share of the capital for each of the parts.
        gains: for each gambler, (k + 1, bets) sums of what each bet multiplies its capital with.
        shares: bets on other shares of labels.
    """

    uploads: Uploads
    reference: Rows
    start: int
    log_weights: Floats
    gains: Sequence[Floats]
    shares: ShareBets

    @classmethod
    def on(cls, uploads: Uploads, reference: Rows, start: int, end: int, lots: Floats) -> _Bets:
        """Rank the documents of the parts from `start` to before `end` among those before."""
        rows = uploads.rows(start, end - 1)
        every, first = np.concatenate([reference, rows]), len(reference)
        label, similarity, score = (
            values[every] for values in (uploads.label, uploads.similarity, uploads.score)
        )
        drawn = lots[:, every]
        ranks = [
            conformal_ranks(similarity[:first], similarity[first:], drawn[0, first:]),
            ranks_within(label, similarity, first, drawn[1]),
            ranks_within(label, score, first, drawn[2]),
            1.0 - ranks_of_labels(label, first, drawn[3]),
        ]
        part, parts = uploads.part[rows] - start, end - start
        gains = [_sums_by_part(log_gains(of), part, parts) for of in ranks]
        code_ranks = conformal_ranks(label[:first], label[first:], drawn[3, first:])
        counts = np.bincount(label[:first], minlength=int(label.max()) + 1)
        shares = ShareBets.on(code_ranks, part, parts, counts)
        weights = _log_weights(uploads.window[start:end], uploads.window_hours)
        return cls(uploads, reference, start, weights, gains, shares)

    def log_capital(self, begin: Rows, end: int) -> Floats:
        """Return the capital of shares bet from the parts `begin` (s,) to the end of part `end`."""
        each = [_log_mean(sums[end + 1] - sums[begin]) for sums in self.gains]
        each.append(_log_mean(self.shares.log_capitals(begin, end)))
        return _log_mean(np.stack(each, axis=1))

    def first_alarm(self, alarm: float) -> tuple[int | None, float]:
        """Return the first part at whose end the capital has reached `alarm`, and its highest."""
        highest = 0.0
        for end in range(len(self.log_weights)):
            capital = float(np.logaddexp.reduce(self._capitals(end)))
            highest = max(highest, capital)
            if capital >= alarm:
                return end, highest
        return None, highest

    def _capitals(self, end: int) -> Floats:
        return self.log_weights[: end + 1] + self.log_capital(np.arange(end + 1), end)

    def change(self, noticed: int) -> Change:
        """Date a change: what it most likely began with, and how far uploads speak for it."""
        capitals = self._capitals(noticed)
        begin = np.array([np.argmax(capitals)])
        last, highest, is_over = noticed, -np.inf, False
        for end in range(noticed, len(self.log_weights)):
            capital = float(self.log_capital(begin, end)[0])
            if capital >= highest:
                last, highest = end, capital
            elif highest - capital >= LOG_OVER:
                is_over = True
                break
        first = self.start + int(begin[0])
        before = self.uploads.rows(self.start, first - 1)
        return Change(
            first,
            self.start + noticed,
            self.start + last,
            is_over,
            float(np.logaddexp.reduce(capitals)),
            np.concatenate([self.reference, before]),
        )


def _log_mean(logs: Floats) -> Floats:
    """Return the logarithm of the mean of each row (n, k): much sooner than `logaddexp.reduce`."""
    highest = logs.max(axis=1)
    return np.asarray(highest + np.log(np.exp(logs - highest[:, None]).mean(axis=1)))


def _sums_by_part(gains: Floats, part: Rows, parts: int) -> Floats:
    sums = np.zeros((parts + 1, gains.shape[1]))
    np.add.at(sums, part + 1, gains)
    return np.cumsum(sums, axis=0)


def _log_weights(windows: Rows, window_hours: float) -> Floats:
    """Share the capital among the windows of a year, and a window's share among its parts."""
    _, first, place = np.unique(windows, return_index=True, return_inverse=True)
    number = np.arange(len(windows)) - first[place] + 1
    # How many parts a window will have is not known: these shares add up to 1 for any number.
    of_window = log(min(window_hours / HOURS_A_YEAR, 1.0))
    return np.asarray(of_window + np.log(6.0 / (pi * number) ** 2))
