"""The doors for people: the command line. Knows core; `runs.py` alone knows Dagster, lazily."""
