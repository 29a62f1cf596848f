"""The model registry: weights with their cards in a folder, decisions about them in the ledger."""

from autolabel_core.models.registry.card import AGPL, ModelCard
from autolabel_core.models.registry.decisions import (
    GATE,
    DecisionsChangedError,
    active_version,
    needs_a_person,
)
from autolabel_core.models.registry.folder import Registry

DETECTOR = "detector"
"""The kind of weights that find boxes on images."""
HEAD = "projection_head"
"""The kind of weights that project an encoder's features."""

__all__ = [
    "AGPL",
    "DETECTOR",
    "GATE",
    "HEAD",
    "DecisionsChangedError",
    "ModelCard",
    "Registry",
    "active_version",
    "needs_a_person",
]
