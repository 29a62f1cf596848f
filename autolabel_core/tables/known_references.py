"""The references that a cache of neighbours points into, kept once for all batches."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePath

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from autolabel_core.matching.neighbour_lists import ReferenceEdit, compare_keys
from autolabel_core.storage.typed_rows import Column, texts_of
from autolabel_core.storage.warehouse import Warehouse
from autolabel_core.tables.references import ReferenceVectors

WORDS = ("key", "label", "label_source", "fields", "metadata")
"""What a document may take over from a reference, or show of it."""
NONE = ""
"""In place of a name: there were no references."""


@dataclass(frozen=True)
class KnownReferences:
    """References as they were when neighbours were looked for.

    Attributes:
        name: another one for other references, or for a word of them that is another.
        columns: `reference` (id and content) and `WORDS`, ascending by id.
    """

    name: str
    columns: pa.RecordBatch

    @classmethod
    def of(cls, references: ReferenceVectors, name: str) -> KnownReferences:
        """Return the references that count now."""
        words = {word: references.stored.batch.column(word) for word in WORDS}
        keys: Column = pa.array(references.keys, pa.string())
        return cls(name, pa.record_batch({"reference": keys, **words}))

    @cached_property
    def keys(self) -> list[str]:
        """(r,) id and content of each."""
        return texts_of(self.columns, "reference")


@dataclass(frozen=True)
class Edit:
    """What changed from earlier references to those that count now.

    Attributes:
        references: which stayed, went and came.
        changed: (r,) those that stayed, and of which a word is another now.
    """

    references: ReferenceEdit
    changed: npt.NDArray[np.bool_]


class ReferenceEdits:
    """The references that count now, and how they differ from earlier ones.

    Args:
        warehouse: where earlier ones are kept.
        folder: whose neighbours they are kept for.
        references: that count now.
        name: see `KnownReferences`.
    """

    def __init__(
        self, warehouse: Warehouse, folder: PurePath, references: ReferenceVectors, name: str
    ) -> None:
        self.vectors = references.vectors
        self.now = KnownReferences.of(references, name)
        self._warehouse = warehouse
        self._folder = folder
        self._edits: dict[str, Edit | None] = {}

    def since(self, name: str) -> Edit | None:
        """Return what changed; None where the earlier references are not known any more.

        Args:
            name: of the earlier ones.

        Returns:
            The edit.
        """
        if name not in self._edits:
            self._edits[name] = self._compared(name)
        return self._edits[name]

    def _compared(self, name: str) -> Edit | None:
        count = len(self.now.keys)
        if name in (NONE, self.now.name):
            keys = [] if name == NONE else self.now.keys
            return Edit(compare_keys(keys, self.now.keys), np.zeros(count, np.bool_))
        try:
            earlier = KnownReferences(name, self._warehouse.read_batch(self._path(name)))
            edit = compare_keys(earlier.keys, self.now.keys)
        except (OSError, pa.ArrowInvalid, KeyError, ValueError):
            return None
        return Edit(edit, _changed(earlier.columns, self.now.columns, edit))

    def keep(self) -> None:
        """Write the present ones, and forget those that no cache of this folder points into."""
        if not self._warehouse.exists(self._path(self.now.name)):
            self._warehouse.write_batch(self._path(self.now.name), self.now.columns)
        folders = self._warehouse.folders_in(self._path(self.now.name).parent.parent)
        unused = {folder.name: folder for folder in folders if folder.name != self.now.name}
        for file in self._warehouse.files_in(self._folder, "*.arrow") if unused else ():
            unused.pop(references_of(self._warehouse, file), None)
        for folder in unused.values():
            self._warehouse.remove(folder)

    def _path(self, name: str) -> PurePath:
        return self._folder / "references" / name / "words.arrow"


def references_of(warehouse: Warehouse, file: PurePath) -> str:
    """Return the name of the references that a cache of neighbours points into."""
    try:
        metadata = warehouse.read_batch(file).schema.metadata or {}
    except (OSError, pa.ArrowInvalid):
        return NONE
    return metadata.get(b"autolabel.references_name", b"").decode()


def _changed(
    earlier: pa.RecordBatch, now: pa.RecordBatch, edit: ReferenceEdit
) -> npt.NDArray[np.bool_]:
    import pyarrow.compute as pc

    stayed = np.flatnonzero(edit.moved >= 0)
    before = earlier.take(pa.array(stayed, pa.int64()))
    after = now.take(pa.array(edit.moved[stayed], pa.int32()))
    differs = np.zeros(len(stayed), np.bool_)
    for word in WORDS:
        differs |= np.asarray(pc.not_equal(before.column(word), after.column(word)))
    changed = np.zeros(len(now), np.bool_)
    changed[edit.moved[stayed]] = differs
    return changed
