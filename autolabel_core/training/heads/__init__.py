"""Trains projection heads over frozen vectors."""
