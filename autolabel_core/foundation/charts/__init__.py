"""Charts for reports as small PNG files: contact sheets, cluster maps, histograms, curves.

A picture goes into a run's metadata, so all stay under 100 KB by construction: colours and tiles
shrink until they fit. The same input gives the same bytes.
"""

from __future__ import annotations

from autolabel_core.foundation.charts.box_overlay import Box, with_boxes
from autolabel_core.foundation.charts.cluster_map import cluster_map
from autolabel_core.foundation.charts.contact_sheet import SOURCE_COLOURS, contact_sheet
from autolabel_core.foundation.charts.histogram import confidence_histogram
from autolabel_core.foundation.charts.png import MAX_PNG_BYTES, as_markdown
from autolabel_core.foundation.charts.precision_recall import precision_recall
from autolabel_core.foundation.charts.similarity_by_day import similarity_by_day
from autolabel_core.foundation.charts.text_card import text_card

__all__ = [
    "MAX_PNG_BYTES",
    "SOURCE_COLOURS",
    "Box",
    "as_markdown",
    "cluster_map",
    "confidence_histogram",
    "contact_sheet",
    "precision_recall",
    "similarity_by_day",
    "text_card",
    "with_boxes",
]
