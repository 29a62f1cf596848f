"""The names of the label table and of the kinds of documents, for readers without the tables."""

from __future__ import annotations

LABELS = "taxonomy_labels"
"""The folder of the files with labels, and the name of their asset."""
OTHERS = "others"
"""The folder below it for documents that take no label, such as images with boxes."""
IMAGE, DETECTION = "image", "detection"
VIDEO, FRAME = "video", "frame"
