"""The keys: Dagster configuration that opens a store or a model of core."""
