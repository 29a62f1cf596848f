"""The annotated dataset in the declared formats: all labelled documents, or all reviewed boxes."""

from autolabel_core.exports.box_exports_table import BoxExports
from autolabel_core.exports.label_exports_table import AnnotationExports

TABLES = (BoxExports, AnnotationExports)
