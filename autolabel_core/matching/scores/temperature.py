"""The temperatures that are tried: products are divided by one of them, then they are log-odds."""

from __future__ import annotations

import numpy as np

TEMPERATURES = tuple(float(t) for t in np.round(np.geomspace(0.005, 2.0, 22), 6))
DEFAULT_TEMPERATURE = 0.1
"""Where no reference can be held out: twice what is usually chosen, so rather too cautious."""
