"""Every document with its label and where it came from: a person, a promotion or a reference."""

from autolabel_core.tables.taxonomy_labels import TaxonomyLabels

TABLES = (TaxonomyLabels,)
