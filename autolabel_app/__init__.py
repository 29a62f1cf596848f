"""The command line and the HTTP server of identify. `runs.py` alone imports Dagster, lazily."""
