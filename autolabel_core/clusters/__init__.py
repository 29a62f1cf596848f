"""Clusters: groups of documents that nobody has named yet, found, named and drawn. Pure."""
