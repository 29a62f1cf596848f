"""Telling others of events: signed, at least once, in order for each object."""
