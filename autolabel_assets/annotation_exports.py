"""The annotated dataset, complete, in the declared formats: labels, or reviewed boxes."""

from autolabel_core.exports.box_exports_table import BoxExports
from autolabel_core.exports.label_exports_table import AnnotationExports

TABLES = (BoxExports, AnnotationExports)
