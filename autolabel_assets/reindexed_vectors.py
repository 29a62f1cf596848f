"""A copy of the vectors in Chroma; a new feature URI grows beside the old until it is complete."""

from autolabel_core.tables.reindexed_vectors import ReindexedVectors

TABLES = (ReindexedVectors,)
