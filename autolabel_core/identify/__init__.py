"""Identify: recognises things from one reference picture each. Serves no HTTP."""
