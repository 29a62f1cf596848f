"""The derived tables, one module each, named as their assets are: pure functions of the sources."""
