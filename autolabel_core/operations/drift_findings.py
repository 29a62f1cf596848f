"""Advice on uploads that differ from those before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autolabel_core.operations.finding import Finding

if TYPE_CHECKING:
    from autolabel_core.operations.status_record import CollectionStatus


def uploads_as_before(s: CollectionStatus) -> Finding:
    """Whether uploads are like those before, by similarity, score and shares of labels."""
    name, asset, drift = "uploads_as_before", "taxonomy_labels", s["drift"]
    if drift is None or not drift["judged"]:
        text = (
            "Uploads of a later day, after at least 50 documents, are compared with those before."
        )
        return Finding(name, asset, True, text)
    if drift["text"] is None:
        text = (
            f"Uploads are as before: {drift['judged']} documents of {drift['days']} days compared "
            "(at most 1 false alarm in 100 years)."
        )
        return Finding(name, asset, True, text)
    return Finding(name, asset, False, f"{drift['text']}{drift['cure']}")
