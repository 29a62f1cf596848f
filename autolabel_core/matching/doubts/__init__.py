"""Doubt about labels that people gave: what neighbours, a classifier and other people say."""
