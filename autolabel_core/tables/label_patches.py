"""What a batch's labels were made from, so that only rows that an edit concerns are made again.

A row depends on its document, on what people said of it, and on the references in its list of
neighbours. Where a score looks at all references, or labels are proposed by name, it depends on
more, and all rows are made again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from autolabel_core.matching.neighbour_lists import NEEDED
from autolabel_core.storage.typed_rows import Column, texts_of
from autolabel_core.storage.warehouse import FINGERPRINT, Warehouse
from autolabel_core.tables.enriched_fields import field_columns
from autolabel_core.tables.known_references import Edit
from autolabel_core.tables.label_columns import LabelTable
from autolabel_core.tables.neighbour_cache import NeighbourState

FORMAT = 1


@dataclass(frozen=True)
class MadeLabels:
    """What a batch's labels were made from, beside neighbours and documents.

    Attributes:
        fingerprint: that of the file.
        documents: the part of it for documents and vectors.
        declared: see `AppliedTaxonomy.declared`.
        rejected: fingerprint of the auto-labels of the batch that are not given again.
        position: the last annotation that counted, as the ledger tells its position.
    """

    fingerprint: str
    documents: str
    declared: str
    rejected: str
    position: tuple[int, int, str]

    @classmethod
    def of(cls, note: Mapping[str, str]) -> MadeLabels | None:
        """Read what `note` gave; None where it is another format or nothing."""
        try:
            noted = json.loads(note["labels"])
            if noted.pop("format") != FORMAT:
                return None
            number, last, event_id = noted.pop("position")
            return cls(**noted, position=(number, last, event_id))
        except (KeyError, TypeError, ValueError, AttributeError):
            return None

    def differs_by_labels_alone(self, now: MadeLabels) -> bool:
        """Whether what may differ now is what people said, and the references."""
        earlier = (self.documents, self.declared, self.rejected)
        return earlier == (now.documents, now.declared, now.rejected)

    @property
    def note(self) -> dict[str, str]:
        """The text form, to be kept with the neighbours."""
        return {"labels": json.dumps({"format": FORMAT, **vars(self)})}


def concerned(before: NeighbourState, after: NeighbourState, edit: Edit) -> npt.NDArray[np.bool_]:
    """Return which documents have other neighbours now, or neighbours that say something else.

    Args:
        before: the neighbours then.
        after: the neighbours now.
        edit: what became of the references.

    Returns:
        (n,) for each document now.
    """
    old, new = before.table.position[:, :NEEDED], after.table.position[:, :NEEDED]
    others = before.documents != after.documents
    if others or not len(edit.references.moved) or not len(edit.changed):
        return np.ones(len(new), np.bool_)
    moved = np.where(old >= 0, edit.references.moved[np.maximum(old, 0)], -1)
    scores = before.table.score[:, :NEEDED] != after.table.score[:, :NEEDED]
    says_other = (new >= 0) & edit.changed[np.maximum(new, 0)]
    concerned: npt.NDArray[np.bool_] = ((moved != new) | scores | says_other).any(axis=1)
    return concerned


def patched(
    known: LabelTable, places: npt.NDArray[np.int64], rows: LabelTable, fields: Sequence[str]
) -> LabelTable:
    """Return a table with some rows exchanged.

    Args:
        known: the table.
        places: (m,) which rows.
        rows: (m,) the rows in their place.
        fields: names of the columns that are typed by all their values.

    Returns:
        What would be found by making all rows.
    """
    order = np.arange(known.table.num_rows)
    order[places] = len(order) + np.arange(len(places))
    values = list(known.values)
    for place, of_row in zip(places.tolist(), rows.values, strict=True):
        values[place] = of_row
    typed = field_columns(values, fields)
    columns: dict[str, Column] = {}
    for name in rows.table.column_names:
        if name in typed:
            columns[name] = typed[name]
        else:
            new = rows.table[name].combine_chunks()
            old = known.table[name].combine_chunks().cast(new.type)
            columns[name] = pa.concat_arrays([old, new]).take(pa.array(order, pa.int64()))
    return LabelTable(pa.table(columns), values)


def read_labels(
    warehouse: Warehouse, path: PurePath, values: PurePath, fingerprint: str
) -> LabelTable | None:
    """Return a batch's labels with the values of its fields; None where one is not there.

    Args:
        warehouse: where they lie.
        path: of the labels.
        values: of the values.
        fingerprint: what both were made from.

    Returns:
        The labels.
    """
    if {warehouse.fingerprint(file) for file in (path, values)} != {fingerprint}:
        return None
    texts = texts_of(warehouse.read_batch(values), "values")
    table = warehouse.read_table(path)
    if len(texts) != table.num_rows:
        return None
    return LabelTable(table, json.loads(f"[{','.join(texts)}]"))


def write_labels(
    warehouse: Warehouse, path: PurePath, values: PurePath, labels: LabelTable, fingerprint: str
) -> None:
    """Write a batch's labels, and the values of its fields beside them.

    Args:
        warehouse: where they lie.
        path: of the labels.
        values: of the values.
        labels: both.
        fingerprint: what they were made from.
    """
    # Most documents have no fields; ten thousand calls of the encoder take longer than all else.
    texts = pa.array([json.dumps(row) if row else "{}" for row in labels.values], pa.string())
    batch = pa.record_batch({"values": texts})
    noted = batch.replace_schema_metadata({FINGERPRINT: fingerprint.encode()})
    warehouse.write_batch(values, noted, fingerprint)
    warehouse.write_table(path, labels.table, fingerprint)
