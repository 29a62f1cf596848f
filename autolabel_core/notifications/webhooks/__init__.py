"""Delivers events to endpoints: signed, at least once, in order for each object."""
