"""Which drawn document is judged next, and how many verdicts are still needed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autolabel_core.matching.betting import TIMID_FRACTIONS, log_capital
from autolabel_core.matching.certification import (
    OPEN,
    OVERHEAD,
    PRIOR_VERDICTS,
    RIGHT,
    WRONG,
    CertificationPlan,
    Evidence,
    Floats,
    Ints,
    evidence,
    growth,
)

GAMES = 200
"""So many times the bet is played on to foresee how long it takes."""


@dataclass(frozen=True)
class NextVerdicts:
    """What to judge, and what comes of it.

    Attributes:
        draws: (k,) places in the draw, in the order in which they should be judged; none where
            nothing more can be certified.
        zone: the zone that they lead to; None where nothing more can be certified.
        needed: how many verdicts are expected until then; None where that is not foreseeable.
    """

    draws: Ints
    zone: int | None
    needed: int | None


def next_verdicts(plan: CertificationPlan, verdicts: npt.ArrayLike) -> NextVerdicts:
    """Aim at the widest zone that the verdicts which are planned for should certify.

    Where no zone looks precise enough, the first one is judged on, until its precision is refuted
    or all that was drawn of it is judged.

    Args:
        plan: the zones and the draw.
        verdicts: (n,) one of RIGHT, WRONG and OPEN for each drawn document.

    Returns:
        What to judge next.
    """
    given = np.asarray(verdicts, dtype=np.int64)
    known = evidence(plan, given)
    done = plan.certified(known.capital)
    needed = _needed(plan, known)
    costs = [
        float(_quota(plan, given, needed, done, zone).sum())
        for zone in range(done, len(plan.sizes))
    ]
    zone = _chosen(costs, max(plan.planned - int((given != OPEN).sum()), 1))
    if zone is not None:
        order = _ordered(plan, given, needed, done, done + zone)
        return NextVerdicts(order, done + zone, max(int(np.ceil(costs[zone])), 1))
    left = np.flatnonzero((given == OPEN) & (plan.zones == 0))
    if done or not len(left) or is_refuted(plan, given):
        return NextVerdicts(np.zeros(0, np.int64), None, None)
    return NextVerdicts(left, 0, None)


def verdicts_to_first_certificate(
    plan: CertificationPlan, verdicts: npt.ArrayLike, rng: np.random.Generator
) -> int | None:
    """Foresee how many more verdicts the first zone takes, judging in the order that is proposed.

    The bet is played on many times, with a precision that fits the verdicts and the references.

    Args:
        plan: the zones and the draw.
        verdicts: (n,) one of RIGHT, WRONG and OPEN for each drawn document.
        rng: the source of randomness.

    Returns:
        The median; 0 where it is certified, None where most of the games do not get there.
    """
    given = np.asarray(verdicts, dtype=np.int64)
    known = evidence(plan, given)
    if plan.certified(known.capital):
        return 0
    proposed = next_verdicts(plan, given).draws
    number = np.zeros(len(given))
    number[proposed] = np.arange(1, len(proposed) + 1)
    first = np.flatnonzero(plan.zones == 0)
    mine, number = given[first], number[first]
    right, wrong = int((mine == RIGHT).sum()), int((mine == WRONG).sum())
    likely = PRIOR_VERDICTS * plan.expected[0]
    games = []
    for precision in rng.beta(likely + right, PRIOR_VERDICTS - likely + wrong, size=GAMES):
        played = np.where(mine == OPEN, rng.random(len(mine)) < precision, mine == RIGHT)
        path = log_capital(played, int(plan.sizes[0]), plan.target_precision)[1:]
        reached = np.flatnonzero(path >= plan.enough)
        games.append(number[: reached[0] + 1].max() if len(reached) else np.inf)
    median = float(np.median(games))
    return int(np.ceil(median)) if np.isfinite(median) else None


def is_refuted(plan: CertificationPlan, verdicts: npt.ArrayLike) -> bool:
    """Whether the verdicts show that even the first zone is less precise than asked.

    Args:
        plan: the zones and the draw.
        verdicts: (n,) one of RIGHT, WRONG and OPEN for each drawn document.

    Returns:
        True by mistake with a chance of at most `delta`, whenever one stops.
    """
    mine = np.asarray(verdicts, dtype=np.int64)[plan.zones == 0]
    judged = mine[: int(np.argmax(mine == OPEN)) if (mine == OPEN).any() else len(mine)]
    share = 1.0 - plan.target_precision
    path = log_capital(judged == WRONG, int(plan.sizes[0]), share, TIMID_FRACTIONS)
    return bool(path.max() >= plan.enough)


def _chosen(costs: list[float], budget: int) -> int | None:
    """The widest that fits the budget, else the cheapest; None where none is in reach."""
    fitting = [i for i, cost in enumerate(costs) if cost <= budget]
    finite = [i for i, cost in enumerate(costs) if np.isfinite(cost)]
    if fitting:
        return fitting[-1]
    return min(finite, key=costs.__getitem__) if finite else None


def _needed(plan: CertificationPlan, known: Evidence) -> Floats:
    """(m,) verdicts that each zone needs in all, if it is as precise as it looks."""
    right = known.judged - known.wrong
    looks = (PRIOR_VERDICTS * plan.expected + right) / (PRIOR_VERDICTS + known.judged)
    missing = np.maximum(plan.enough - known.last, 0.0) * OVERHEAD
    total = known.judged + missing / growth(looks, plan.target_precision)
    return np.where(total > plan.sizes, np.inf, total)


def _cuts(plan: CertificationPlan, needed: Floats, done: int, zone: int) -> Floats:
    """(zone + 1,) up to which share of the random order each ring must be judged."""
    share = needed / plan.sizes
    share[:done] = 0.0
    return np.maximum.accumulate(share[: zone + 1][::-1])[::-1]


def _quota(plan: CertificationPlan, given: Ints, needed: Floats, done: int, zone: int) -> Floats:
    """(zone + 1,) verdicts that each ring still needs for a zone to be certified."""
    rings = np.diff(plan.sizes, prepend=0)[: zone + 1]
    judged = np.bincount(plan.zones[given != OPEN], minlength=len(plan.sizes))[: zone + 1]
    wanted = _cuts(plan, needed, done, zone) * rings
    return np.maximum(wanted - judged, 0.0)


def _ordered(plan: CertificationPlan, given: Ints, needed: Floats, done: int, zone: int) -> Ints:
    """Order the open draws so that each ring comes forward in step with the others."""
    rings = np.diff(plan.sizes, prepend=0)
    cuts = _cuts(plan, needed, done, zone)
    place = np.zeros(len(plan.zones))
    for ring in range(zone + 1):
        mine = np.flatnonzero(plan.zones == ring)
        place[mine] = (np.arange(len(mine)) + 0.5) / max(rings[ring], 1) / max(cuts[ring], 1e-12)
    open_ = np.flatnonzero((given == OPEN) & (plan.zones <= zone))
    return open_[np.argsort(place[open_], kind="stable")]
