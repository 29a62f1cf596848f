"""Labels proposed by their names alone, where neither a person nor a reference has decided."""

from autolabel_core.tables.suggestions import Suggestions

TABLES = (Suggestions,)
