"""Which threshold is certified to be as precise as asked, by verdicts on documents drawn at random.

Thresholds are tested from the strictest to the widest, each against the doubt that the labels above
it are not precise enough, and the first that cannot be certified ends it. A threshold that is not
precise enough is certified with a chance of at most `delta`, whenever one stops and whichever
verdicts are given first: for that, one of them, the first, must lose a bet that is fair to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autolabel_core.matching.betting import FRACTIONS, log_capital

RIGHT, WRONG, OPEN = 1, 0, -1
"""Verdicts on drawn documents; an open one is waited for."""
WIDER = 1.12
"""Each zone holds so many times the documents of the one before."""
SMALLEST_SHARE = 0.05
"""The narrowest zone that is tried holds this share of all documents at least."""
START = 0.5
"""The first zone that is tested holds this share of the documents of the zone that is aimed at."""
PLANNED, MOST = 3.5, 7.0
"""A person is expected to give so many times the fewest verdicts that can certify, and so many are
drawn of each zone; for a precision of .95 and a delta of .1 that is 203, and 406."""
PRIOR_VERDICTS = 20.0
"""What the references say of a zone counts as much as so many verdicts."""
OVERHEAD = 1.25
"""The bet takes so much longer than one that knew the precision beforehand."""

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class CertificationPlan:
    """What is tested and which documents are drawn, fixed before the first verdict.

    Attributes:
        target_precision: share of right labels that is to be certified, above 0 and below 1.
        delta: how often a certificate may be wrong, above 0 and below 1.
        thresholds: (m,) scores, strictly falling; zone j holds the documents at or above the j-th.
        sizes: (m,) how many documents each zone holds.
        expected: (m,) its precision as the references have it, from 0 to 1.
        zones: (n,) the narrowest zone of each drawn document, in the order of the draw.
    """

    target_precision: float
    delta: float
    thresholds: Floats
    sizes: Ints
    expected: Floats
    zones: Ints

    @property
    def enough(self) -> float:
        """The logarithm of the capital that certifies a zone."""
        return float(-np.log(self.delta))

    @property
    def planned(self) -> int:
        """How many verdicts a person is expected to give in all."""
        return round(PLANNED * fewest_verdicts(self.target_precision, self.delta))

    def certified(self, capital: Floats) -> int:
        """How many zones are certified, from the first on, by (m,) logarithms of capital."""
        return int(np.logical_and.accumulate(capital >= self.enough).sum())


@dataclass(frozen=True)
class Evidence:
    """What the verdicts say of each zone; arrays of shape (m,).

    Attributes:
        capital: logarithm of the greatest capital that the verdicts reached.
        judged: how many drawn documents were judged without one being passed over.
        wrong: how many of those are wrong.
        last: logarithm of the capital after those.
    """

    capital: Floats
    judged: Ints
    wrong: Ints
    last: Floats


def evidence(plan: CertificationPlan, verdicts: npt.ArrayLike) -> Evidence:
    """Bet on the verdicts of each zone, in the order of the draw.

    A document that was passed over, while a later one of the zone was judged, counts as wrong for
    as long as it is open: who leaves out the difficult ones gains nothing.

    Args:
        plan: the zones and the draw.
        verdicts: (n,) one of RIGHT, WRONG and OPEN for each drawn document.

    Returns:
        The evidence.
    """
    given = np.asarray(verdicts, dtype=np.int64)
    rows = []
    for zone, size in enumerate(plan.sizes):
        mine = given[plan.zones <= zone]
        answered = np.flatnonzero(mine != OPEN)
        mine = mine[: answered[-1] + 1] if len(answered) else mine[:0]
        path = log_capital(mine == RIGHT, int(size), plan.target_precision)
        passed_over = np.flatnonzero(mine == OPEN)
        judged = int(passed_over[0]) if len(passed_over) else len(mine)
        rows.append((path.max(), judged, int((mine[:judged] == WRONG).sum()), path[judged]))
    capital, judged_, wrong, last = zip(*rows, strict=True)
    return Evidence(
        np.array(capital), np.array(judged_, np.int64), np.array(wrong, np.int64), np.array(last)
    )


def zone_thresholds(scores: Floats, fewest: int) -> Floats:
    """Thresholds whose zones grow step by step, from the narrowest to all documents.

    Args:
        scores: (d,) scores of the documents, at least one.
        fewest: how many documents a zone must hold to be certified.

    Returns:
        (m,) strictly falling scores; documents of equal score lie in the same zone.
    """
    falling = np.sort(scores)[::-1]
    smallest = min(len(falling), max(fewest, SMALLEST_SHARE * len(falling)))
    steps = int(np.log(len(falling) / smallest) / np.log(WIDER))
    sizes = np.append(smallest * WIDER ** np.arange(steps + 1), len(falling))
    chosen = falling[np.minimum(np.rint(sizes).astype(np.int64), len(falling)) - 1]
    return np.asarray(np.unique(chosen)[::-1], np.float64)


def plan_certification(
    scores: Floats,
    own_scores: Floats,
    own_right: npt.NDArray[np.bool_],
    target_precision: float,
    delta: float,
    rng: np.random.Generator,
) -> tuple[CertificationPlan, Ints]:
    """Choose the zones by what the references say of themselves, and draw.

    Args:
        scores: (d,) scores of the documents that no person labelled, at least one.
        own_scores: (r,) scores of references that were decided by the others.
        own_right: (r,) whether they were decided rightly.
        target_precision: share of right labels that is to be certified, above 0 and below 1.
        delta: how often a certificate may be wrong, above 0 and below 1.
        rng: the source of randomness of the draw.

    Returns:
        The plan, and (n,) rows of the drawn documents, in the order of the draw.
    """
    fewest = fewest_verdicts(target_precision, delta)
    thresholds = zone_thresholds(scores, fewest)
    sizes = (scores[:, None] >= thresholds).sum(axis=0).astype(np.int64)
    expected = _expected(thresholds, own_scores, own_right)
    aim = _aimed(expected, target_precision, delta)
    begin = int(np.searchsorted(sizes, START * sizes[aim]))
    thresholds, sizes, expected = thresholds[begin:], sizes[begin:], expected[begin:]
    zones = (scores[:, None] < thresholds).sum(axis=0 if scores.ndim > 1 else 1)
    order = rng.permutation(len(scores))
    place = zones[order]
    drawn = np.zeros(len(order), bool)
    for zone in range(len(thresholds)):
        drawn[np.flatnonzero(place <= zone)[: round(MOST * fewest)]] = True
    plan = CertificationPlan(target_precision, delta, thresholds, sizes, expected, place[drawn])
    return plan, order[drawn]


def _expected(thresholds: Floats, own_scores: Floats, own_right: npt.NDArray[np.bool_]) -> Floats:
    """What the references say of each zone, drawn towards all of them where they are few."""
    overall = (own_right.sum() + 1.0) / (len(own_right) + 2.0)
    above = own_scores[:, None] >= thresholds
    count, right = above.sum(axis=0), (above & own_right[:, None]).sum(axis=0)
    return np.asarray((right + overall) / (count + 1.0), np.float64)


def _aimed(expected: Floats, precision: float, delta: float) -> int:
    """The widest zone that the planned verdicts should certify; else the most precise."""
    needed = -np.log(delta) * OVERHEAD / growth(expected, precision)
    within = np.flatnonzero(needed <= PLANNED * fewest_verdicts(precision, delta))
    return int(within[-1]) if len(within) else int(expected.argmax())


def growth(true: Floats, precision: float) -> Floats:
    """How much the logarithm of the capital grows a verdict, betting at the best.

    Args:
        true: shares that are right, from 0 to 1.
        precision: the share that is doubted, above 0 and below 1.

    Returns:
        The growth, of the shape of `true`; a tiny number where the doubt is justified.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        right = np.where(true > 0, true * np.log(true / precision), 0.0)
        wrong = np.where(true < 1, (1 - true) * np.log((1 - true) / (1 - precision)), 0.0)
    return np.where(true > precision, np.maximum(right + wrong, 1e-12), 1e-12)


def fewest_verdicts(precision: float, delta: float) -> int:
    """How many verdicts certify a precision if all are right.

    Args:
        precision: share of right labels, above 0 and below 1.
        delta: how often a certificate may be wrong, above 0 and below 1.

    Returns:
        The number, which no zone with fewer documents can reach.
    """
    most = int(np.ceil(-np.log(delta / len(FRACTIONS)) / -np.log(precision))) + 1
    path = log_capital(np.ones(most, bool), most, precision)
    return int(np.argmax(path >= -np.log(delta)))
