"""Scores beside the nearest cosine: which label is the most probable, and how probable it is."""
