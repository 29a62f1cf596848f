"""Dagster resources that open the stores and models of core."""
