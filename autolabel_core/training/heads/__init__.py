"""Training projection heads over frozen vectors."""
