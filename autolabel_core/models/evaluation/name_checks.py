"""Checks the names of references by their pictures: what contradicts, what cannot be told."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np

from autolabel_core.matching.nearest import nearest_among_themselves
from autolabel_core.matching.reference_index import ReferenceIndex
from autolabel_core.models.evaluation.verification_record import SuspectRecord

CLEARLY = 0.1
"""So much nearer is another label's picture than the label's own where a name is suspected."""
MOST_SUSPECTS, MIN_CHECKED = 0.25, 4
"""More of the names that can be checked are no chance: names are wrong, not the model."""
LIKE_A_SET_CODE = re.compile(r"[A-Za-z0-9]{2,}-[A-Za-z]{0,2}\d{2,}\b")


@dataclass(frozen=True)
class Suspect:
    """A reference that looks like another label's, and unlike the other pictures of its own.

    Attributes:
        row: the reference.
        other_row: the nearest reference of another label.
        cosine: of the two.
        own_cosine: to the nearest other reference of its own label.
    """

    row: int
    other_row: int
    cosine: float
    own_cosine: float

    def record(self, index: ReferenceIndex) -> SuspectRecord:
        """Return it as JSON holds it."""
        return {
            "key": index.filenames[self.row],
            "label": index.names[self.row],
            "looks_like": index.names[self.other_row],
            "other_key": index.filenames[self.other_row],
            "cosine": self.cosine,
            "own_cosine": self.own_cosine,
        }


@dataclass(frozen=True)
class NameChecks:
    """What pictures say of names.

    Attributes:
        checked: references whose label has another picture; no other name can be checked.
        suspects: those that contradict, the worst first.
        remarks: what a person is to know, in sentences.
    """

    checked: int
    suspects: tuple[Suspect, ...]
    remarks: tuple[str, ...]

    @property
    def contradict(self) -> bool:
        """Whether so many names contradict their pictures that figures say nothing of the model."""
        enough = self.checked >= MIN_CHECKED
        return enough and len(self.suspects) > MOST_SUSPECTS * self.checked


def check_names(index: ReferenceIndex) -> NameChecks:
    """Compare each reference with the others of its label, and with those of other labels.

    Args:
        index: of two labels at least.

    Returns:
        What was found.
    """
    counts = Counter(index.names)
    checked = sum(counts[name] > 1 for name in index.names)
    suspected = [s for row in _contradicted(index) if (s := _suspect(index, row))]
    suspects = tuple(sorted(suspected, key=lambda s: (s.own_cosine - s.cosine, s.row)))
    return NameChecks(checked, suspects, tuple(_remarks(index, checked)))


def _contradicted(index: ReferenceIndex) -> list[int]:
    """Rows whose nearest other reference has another label, where their own label has more."""
    counts = Counter(index.names)
    shared = np.array([counts[name] > 1 for name in index.names])
    nearest = nearest_among_themselves(index.embeddings, 1).position[:, 0]
    rows: list[int] = np.flatnonzero((index.codes[nearest] != index.codes) & shared).tolist()
    return rows


def _suspect(index: ReferenceIndex, row: int) -> Suspect | None:
    cosines = index.embeddings @ index.embeddings[row]
    cosines[row] = -np.inf
    own = index.codes == index.codes[row]
    own_cosine = float(cosines[own].max())
    other_row = int(np.where(own, -np.inf, cosines).argmax())
    cosine = float(cosines[other_row])
    return Suspect(row, other_row, cosine, own_cosine) if cosine - own_cosine > CLEARLY else None


def _remarks(index: ReferenceIndex, checked: int) -> list[str]:
    remarks = []
    if not checked:
        remarks.append(
            "Names cannot be checked with one picture each: wrong ones show only where a label has "
            "a second picture."
        )
    elif checked < len(index):
        remarks.append(
            f"The names of {len(index) - checked} of {len(index)} references cannot be checked: "
            "their labels have one picture each."
        )
    coded = [label for label in index.labels if LIKE_A_SET_CODE.match(label)]
    if coded:
        remarks.append(
            f"{len(coded)} labels begin with what looks like a set code, such as `{coded[0]}`. If "
            "it is one, say what yours look like and index again: --names with `set_code: "
            "'[A-Z0-9]+-[A-Z]*[0-9]+'`."
        )
    alike = sorted({index.names[row] for row in range(len(index)) if index.look_alikes(row)})
    if alike:
        remarks.append(
            f"{len(alike)} labels have variants that look alike, such as `{alike[0]}`: which of "
            "them is seen, and so rarity, set code and price, is a guess there."
        )
    return remarks
