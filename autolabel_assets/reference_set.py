"""The labelled references: the latest human or promoted label of each document, with its vector."""

from autolabel_core.tables.reference_set import ReferenceSet

TABLES = (ReferenceSet,)
