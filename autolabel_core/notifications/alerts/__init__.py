"""Alerts: watch retrievers and metrics, and notify when they cross a limit."""
