"""Whether documents that come later are less sure than earlier ones, asked after each of them.

A gambler bets on low ranks among those before; see `conformal_ranks`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from autolabel_core.matching.conformal_ranks import Floats, conformal_ranks

POWERS = (0.3, 0.5, 0.7)
"""How much low ranks are bet on: the lower, the more; the capital is shared among them."""


def log_drift_capital(
    before: npt.ArrayLike, after: npt.ArrayLike, rng: np.random.Generator
) -> Floats:
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
    newcomers = np.asarray(after, dtype=np.float64)
    ranks = conformal_ranks(before, newcomers, rng.random(len(newcomers)))
    paths = np.cumsum(log_gains(ranks), axis=0)
    total = np.logaddexp.reduce(paths, axis=1) - np.log(len(POWERS))
    return np.concatenate([[0.0], total])


def log_gains(ranks: Floats) -> Floats:
    """Return what bets on low ranks multiply their capital with, as logarithms.

    Args:
        ranks: (n,), or (n, c) for c columns of ranks, from 0 to 1.

    Returns:
        (n, c × powers), a column for each bet.
    """
    powers = np.array(POWERS)
    columns = ranks[:, None] if ranks.ndim == 1 else ranks
    logs = np.log(np.maximum(columns, 1e-12))[:, :, None]
    gains = np.log(powers) + (powers - 1.0) * logs
    return np.asarray(gains.reshape(len(ranks), columns.shape[1] * len(powers)))
