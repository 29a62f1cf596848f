"""What things mean: declarations, stores, extractors, matching. No Dagster, no HTTP server."""
