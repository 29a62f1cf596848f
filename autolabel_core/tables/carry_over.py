"""Records what people said of objects that were renamed or moved, about the keys of today."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import pyarrow as pa

from autolabel_core.ledger import Annotation, BoxAnnotation
from autolabel_core.tables.document_table import DocumentTable
from autolabel_core.tables.moved_boxes import BoxHistories
from autolabel_core.tables.moves import Moves, UnclearMove, moves_of
from autolabel_core.tables.object_annotations import COLUMNS, ObjectAnnotations


class CollectionMoves(NamedTuple):
    """What moved in a collection."""

    labels: Moves[Annotation]
    boxes: Moves[BoxAnnotation]

    @property
    def unclear(self) -> list[UnclearMove]:
        """What a person has to decide."""
        return [claim.as_json() for moves in self for claim in moves.claims]


def collection_moves(objects: DocumentTable, unwritten: Mapping[str, pa.Table]) -> CollectionMoves:
    """Return what people said of contents that lie under other keys now.

    Args:
        objects: the table of objects.
        unwritten: `COLUMNS` of batches that are not written yet.

    Returns:
        Labels (where objects are what people label, not the boxes on them) and annotations of
        boxes.
    """
    return CollectionMoves(_moved_labels(objects, unwritten), _moved_boxes(objects, unwritten))


def _moved_labels(objects: DocumentTable, unwritten: Mapping[str, pa.Table]) -> Moves[Annotation]:
    if objects.collection.declaration.detection is not None:
        return Moves()
    position = objects.collection.ledger.annotation_position(objects.collection_name)
    return ObjectAnnotations(objects, position).moves(unwritten)


def _moved_boxes(objects: DocumentTable, unwritten: Mapping[str, pa.Table]) -> Moves[BoxAnnotation]:
    events = objects.collection.ledger.box_annotations(objects.collection_name)
    if not events:
        return Moves()
    tables = [*unwritten.values()]
    for batch in objects.batches:
        if batch not in unwritten and objects.warehouse.exists(objects.path(batch)):
            tables.append(objects.warehouse.read_table(objects.path(batch), COLUMNS))
    return moves_of(BoxHistories(events), tables)


def record_moves(objects: DocumentTable, unwritten: Mapping[str, pa.Table]) -> None:
    """Record what moved; nobody annotates between the look that counts and the record.

    Args:
        objects: the table of objects.
        unwritten: `COLUMNS` of batches that are not written yet.
    """
    if not any(moves.carried for moves in collection_moves(objects, unwritten)):
        return
    ledger = objects.collection.ledger
    with ledger.together():
        moves = collection_moves(objects, unwritten)
        ledger.append_annotations(moves.labels.carried)
        ledger.append_box_annotations(moves.boxes.carried)
