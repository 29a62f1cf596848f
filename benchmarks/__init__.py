"""Measurements, one JSON line each; run a module with `python -m benchmarks.<name>`."""
