"""Vectors of every object or box that can be read; unchanged content is never embedded twice."""

from autolabel_core.tables.embeddings import Embeddings

TABLES = (Embeddings,)
