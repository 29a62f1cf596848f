"""What things mean: declarations, stores, extractors, matching. Knows no Dagster and no HTTP server."""
