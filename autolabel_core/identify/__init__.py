"""Identify: one picture for each thing, and "what is this that I hold up?". Serves no HTTP."""
