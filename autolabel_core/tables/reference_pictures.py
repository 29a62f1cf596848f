"""References by pictures: the mean of augmented views, and whether they can be distinguished."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from autolabel_core.foundation.charts import contact_sheet
from autolabel_core.foundation.errors import UnreadableItemError
from autolabel_core.foundation.json_types import Report
from autolabel_core.foundation.progress import Progress
from autolabel_core.matching.reference_index import IndexOrigin, ReferenceIndex
from autolabel_core.models.evaluation.augmentation import AugmentationSplit, mean_of_views
from autolabel_core.models.evaluation.augmentation_cache import ViewCache
from autolabel_core.models.evaluation.verification import Verification, verify_index
from autolabel_core.models.evaluation.verification_record import VerificationRecord
from autolabel_core.models.extractors import Extractor
from autolabel_core.tables.document_table import DocumentRow, DocumentTable, Unreadable
from autolabel_core.tables.reference_rows import ReferenceRow

MOST_VERIFIED = 500
PAIRS_SHOWN = 5
Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ReferencePicture:
    """The picture of one reference of a collection."""

    items: DocumentTable
    row: DocumentRow

    @property
    def checksum(self) -> str:
        """SHA-256 of the content."""
        return str(self.row["content_hash"])

    def picture(self, min_side_px: int | None) -> Image.Image:
        """Decode it; an error where the object is gone, or has another content by now."""
        (item,) = self.items.decoded([self.row], min_side_px)
        if isinstance(item, Unreadable):
            raise UnreadableItemError(item.reason)
        if isinstance(item, str):
            raise UnreadableItemError("is a text, not a picture")
        return item


class ReferencePictures:
    """The references of one collection, with their pictures (or texts) at hand.

    Args:
        items: where the pictures are read.
        extractor: of the vectors.
        cache: of embedded views.
        rows: of the references.
    """

    def __init__(
        self,
        items: DocumentTable,
        extractor: Extractor,
        cache: ViewCache,
        rows: Sequence[ReferenceRow],
    ) -> None:
        self._extractor, self._cache, self._rows = extractor, cache, rows
        documents = {r["document_id"]: r for r in items.rows_of({r["document_id"] for r in rows})}
        self.pictures = [ReferencePicture(items, documents[r["document_id"]]) for r in rows]

    def means(self, views: int, progress: Progress) -> Vectors:
        """Return `(r, d)`: the mean of so many augmented views of each picture."""
        drawn = self._cache.vectors(self.pictures, AugmentationSplit.REFERENCE, views, progress)
        return mean_of_views(drawn)

    def verify(self, vectors: Vectors, views: int, progress: Progress) -> Verification | None:
        """Ask for views that the references were not made from.

        Args:
            vectors: (r, d) of the references.
            views: whose mean they are; 0 for the pictures themselves.
            progress: told how many pictures have their views.

        Returns:
            What was found of at most `MOST_VERIFIED` references, spread evenly; None where they
            have fewer than two labels.
        """
        step = max(1, -(-len(self._rows) // MOST_VERIFIED))
        chosen = list(range(0, len(self._rows), step))
        rows = [self._rows[i] for i in chosen]
        if len({row["label"] for row in rows}) < 2:
            return None
        index = ReferenceIndex(
            vectors[chosen],
            tuple(row["label"] for row in rows),
            tuple(row["key"] for row in rows),
            tuple(row["content_hash"] for row in rows),
            IndexOrigin(self._extractor.manifest.feature_uri, reference_views=views),
            tuple(row["fields"] for row in rows),
        )
        pictures = [self.pictures[i] for i in chosen]
        return verify_index(
            index, pictures, self._extractor, self._cache, compared=(views,), progress=progress
        )


def distinguishability_report(verification: VerificationRecord) -> Report:
    """Return what a person wants to know of a verification: numbers, and two tables."""
    top1 = verification["top1"]
    return {
        "top-1 on views": top1["share"],
        "top-1 from": top1["low"],
        "top-1 to": top1["high"],
        "median margin": verification["median_margin"],
        "advice": verification["advice"],
        "smallest margins": [
            {"label": worst["label"], "median_margin": worst["median_margin"]}
            for worst in verification["worst"]
        ],
        "confusable": [
            {
                "label": pair["label"],
                "other": pair["other"],
                "mistaken": pair["mistaken"],
                "views": pair["views"],
                "cosine": pair["cosine"],
            }
            for pair in verification["confusable"]
        ],
    }


def confusable_sheet(items: DocumentTable, verification: VerificationRecord) -> bytes | None:
    """Draw the most confusable pairs side by side; None where there is none to draw.

    Args:
        items: where the pictures are read.
        verification: as `Verification.as_json` gave it.

    Returns:
        A PNG, two pictures a row.
    """
    pairs = verification["confusable"][:PAIRS_SHOWN]
    keys = {key for pair in pairs for key in (pair["key"], pair["other_key"])}
    rows = {row["key"]: row for row in items.rows_of(keys, "key")}
    tiles = []
    for pair in pairs:
        sides = ((pair["key"], pair["label"]), (pair["other_key"], pair["other"]))
        for key, label in sides:
            row = rows.get(key)
            picture = next(iter(items.decoded([row], 96))) if row else None
            if not isinstance(picture, Image.Image):
                break
            tiles.append((picture, f"{label}\n{pair['cosine']:.2f}", "#1b7f4b"))
    return contact_sheet(tiles, columns=2) if tiles else None
