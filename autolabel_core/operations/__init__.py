"""Operation: what is stale, what is due, registration, status, advice, SQL."""
