"""Whether documents that come later are less sure than earlier ones, asked after each of them.

Were all drawn from the same source, every order of them would be as likely, and the rank of each
newcomer among those before it would be as if drawn by lot. A gambler bets on low ranks.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort

import numpy as np
import numpy.typing as npt

POWERS = (0.3, 0.5, 0.7)
"""How much low ranks are bet on: the lower, the more; the capital is shared among them."""


def log_drift_capital(
    before: npt.ArrayLike, after: npt.ArrayLike, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """The gambler's capital after each newcomer, from 1 before the first.

    If newcomers are like those before them, it ever reaches c with a chance of at most 1 / c.

    Args:
        before: (n,) confidences of the documents that were there.
        after: (m,) confidences of the newcomers, in the order in which they came.
        rng: breaks ties.

    Returns:
        (m + 1,) the natural logarithm of the capital.

    Source: V. Vovk, I. Nouretdinov, A. Gammerman (2003), Testing exchangeability on-line, ICML;
        power martingales, averaged over a few powers.
    """
    known = sorted(np.asarray(before, dtype=np.float64).tolist())
    newcomers = np.asarray(after, dtype=np.float64).tolist()
    ranks = np.empty(len(newcomers))
    for i, (confidence, lot) in enumerate(zip(newcomers, rng.random(len(newcomers)), strict=True)):
        lower, up_to = bisect_left(known, confidence), bisect_right(known, confidence)
        ranks[i] = (lower + lot * (up_to - lower + 1)) / (len(known) + 1)
        insort(known, confidence)
    powers = np.array(POWERS)
    gains = np.log(powers) + (powers - 1.0) * np.log(np.maximum(ranks, 1e-12))[:, None]
    paths = np.cumsum(gains, axis=0)
    total = np.logaddexp.reduce(paths, axis=1) - np.log(len(POWERS))
    return np.concatenate([[0.0], total])
