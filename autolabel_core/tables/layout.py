"""Where labels lie, and the kinds of documents, for those who read them without their tables."""

from __future__ import annotations

LABELS = "taxonomy_labels"
"""The folder of the files with labels, and the name of their asset."""
OTHERS = "others"
"""The folder below it for documents that take no label, such as images with boxes."""
IMAGE, DETECTION = "image", "detection"
