"""What things mean: declarations, stores, models, tables. No Dagster, no HTTP server.

Authors of plug-ins import what they need from here: `Manifest` for an extractor, `Detections` and
`DetectorManifest` for a detector.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autolabel_core.models.detectors import Detections, DetectorManifest
    from autolabel_core.models.extractors import Manifest

__all__ = ["Detections", "DetectorManifest", "Manifest"]

_HOMES = {
    "Detections": "autolabel_core.models.detectors",
    "DetectorManifest": "autolabel_core.models.detectors",
    "Manifest": "autolabel_core.models.extractors",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for, so that commands start light."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
