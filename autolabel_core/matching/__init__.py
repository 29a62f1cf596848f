"""Exact nearest references, the decision they lead to, and thresholds for it."""
