"""Exact nearest references, the decision that follows from them, and its thresholds."""
