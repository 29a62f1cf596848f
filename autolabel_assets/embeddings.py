"""A vector for each readable object or box; unchanged content is not embedded again."""

from autolabel_core.tables.embeddings import Embeddings

TABLES = (Embeddings,)
