"""What the references say of the documents that may be asked about, kept while neither changes."""

from __future__ import annotations

from typing import TypedDict

import numpy as np

from autolabel_core.foundation.ids import fingerprint
from autolabel_core.matching.next_labels.doubt import Doubt, doubt_of
from autolabel_core.tables.applied_taxonomy import AppliedTaxonomy
from autolabel_core.tables.label_candidates import CandidatePart
from autolabel_core.tables.remembered import remembered

FORMAT = 1
"""Of what is kept; another number has it computed anew."""


class _KeptDoubt(TypedDict):
    """A `Doubt` as JSON holds it."""

    doubt: list[float]
    is_unknown: list[bool]
    label: list[str | None]
    covered: list[float]
    has_labels: bool


def candidate_doubt(taxonomy: AppliedTaxonomy, part: CandidatePart) -> Doubt:
    """Ask the references about the documents of a part.

    Args:
        taxonomy: of their collection.
        part: the documents.

    Returns:
        What the references say; that nothing is known, where there are none in the same space.
    """
    references = taxonomy.all_references
    in_one_space = bool(references.rows) and references.encoder_uri == taxonomy.space.encoder_uri

    def compute() -> _KeptDoubt:
        if not in_one_space:
            none = np.zeros((0, part.candidates.vectors.shape[1]), np.float32)
            return _kept(doubt_of(part.candidates, none, None))
        return _kept(doubt_of(part.candidates, references.vectors, taxonomy.probabilities))

    made_from = fingerprint(
        FORMAT, part.version, taxonomy.declared, references.version, in_one_space
    )
    name = f"doubt_{part.number:04d}"
    kept: _KeptDoubt = remembered(taxonomy.collection, name, lambda: made_from, compute)
    return Doubt(
        np.array(kept["doubt"], np.float32),
        np.array(kept["is_unknown"], bool),
        np.array(kept["label"], object),
        np.array(kept["covered"], np.float32),
        kept["has_labels"],
    )


def _kept(doubt: Doubt) -> _KeptDoubt:
    return {
        "doubt": doubt.doubt.tolist(),
        "is_unknown": doubt.is_unknown.tolist(),
        "label": doubt.label.tolist(),
        "covered": doubt.covered.tolist(),
        "has_labels": doubt.has_labels,
    }
