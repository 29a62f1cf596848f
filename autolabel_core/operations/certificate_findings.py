"""Advice on certificates: whether the labels are as precise as declared, by people's verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autolabel_core.operations.finding import Finding

if TYPE_CHECKING:
    from autolabel_core.operations.status_record import CollectionStatus


def labels_certified(s: CollectionStatus) -> Finding:
    """Of collections that declare a target precision: whether all that is declared is certified."""
    records = s["certificates"]
    passed = all(record["state"] == "certified" for record in records)
    # What is missing comes first: a long list may be cut where it is shown.
    ordered = sorted(records, key=lambda record: record["state"] == "certified")
    text = ". ".join(record["text"][:1].upper() + record["text"][1:] for record in ordered)
    return Finding("labels_certified", "taxonomy_labels", passed, f"{text}.")
