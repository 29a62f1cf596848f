"""Pictures for reports, as small PNG files: a sheet of labelled tiles, the spread of confidences.

A picture goes into a run's metadata, so both stay under 100 KB by construction: colours and tiles
shrink until they fit. The same input gives the same bytes.
"""

from __future__ import annotations

from autolabel_core.pictures.histogram import confidence_histogram
from autolabel_core.pictures.png import MAX_PNG_BYTES, as_markdown
from autolabel_core.pictures.sheet import SOURCE_COLOURS, contact_sheet

__all__ = [
    "MAX_PNG_BYTES",
    "SOURCE_COLOURS",
    "as_markdown",
    "confidence_histogram",
    "contact_sheet",
]
