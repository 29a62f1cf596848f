"""Domain logic: declarations, storage, models, tables. Imports no Dagster and no HTTP server.

Notebooks and scripts start with `Project.open()`. Authors of plug-ins import what they need from
here: `Manifest` for an extractor, `Detections` and `DetectorManifest` for a detector.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autolabel_core.models.detectors import Detections, DetectorManifest
    from autolabel_core.models.extractors import Manifest
    from autolabel_core.operations.project import Project

__all__ = ["Detections", "DetectorManifest", "Manifest", "Project"]

_HOMES = {
    "Detections": "autolabel_core.models.detectors",
    "DetectorManifest": "autolabel_core.models.detectors",
    "Manifest": "autolabel_core.models.extractors",
    "Project": "autolabel_core.operations.project",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for, so that commands start light."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
