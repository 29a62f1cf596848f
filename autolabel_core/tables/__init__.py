"""The derived tables of the core loop, one module each: pure functions of the sources."""
