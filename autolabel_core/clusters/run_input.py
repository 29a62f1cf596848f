"""Records which documents a run grouped, so that a lost run can be repeated."""

from __future__ import annotations

import base64
import zlib
from typing import Final

import numpy as np
import numpy.typing as npt

from autolabel_core.clusters.definition_state import DefinitionState
from autolabel_core.clusters.documents import VectorRows
from autolabel_core.foundation.ids import object_of
from autolabel_core.ledger import ClusterRun
from autolabel_core.ledger.clusters import DocumentsNote

NOTE: Final = "documents_noted"
"""The key of the payload of a run that holds the note."""


def input_note(defined: DefinitionState) -> DocumentsNote:
    """Return what a run notes of its documents: a few bytes, however many they are.

    Args:
        defined: the definition, before the run.

    Returns:
        `arrivals`: the last arrival among all documents with vectors; `documents`: how many of them
        there are; `chosen`: which of them the filter let in, one bit for each by ascending key,
        packed, compressed, in base64; None where it was all of them; `ordered_by`: `key`, which
        stays where a collection is renamed. Notes without it are ordered by the documents' ids.
    """
    passes = defined.documents.passes
    places = _places(defined)
    bits = None
    if not passes.all():
        packed = np.packbits(passes[_by_key(defined.documents.rows)])
        bits = base64.b64encode(zlib.compress(packed.tobytes(), 9)).decode()
    return {
        "arrivals": int(places.max(initial=0)),
        "documents": len(passes),
        "chosen": bits,
        "ordered_by": "key",
    }


def rows_of_run(defined: DefinitionState, run: ClusterRun) -> VectorRows | None:
    """Return those documents of a past run that are still as they were.

    Args:
        defined: the definition.
        run: a successful one.

    Returns:
        The rows; None where they cannot be told any more: a filter chose them, and others of that
        time changed since.
    """
    note = run.payload.get(NOTE)
    if note is None:
        return _arrived_before(defined, run)
    there = np.flatnonzero(_places(defined) <= note["arrivals"])
    if note["chosen"] is not None:
        if len(there) != note["documents"]:
            return None
        packed = np.frombuffer(zlib.decompress(base64.b64decode(note["chosen"])), np.uint8)
        if note.get("ordered_by") == "key":
            there = there[_by_key(defined.documents.rows.take(there))]
        there = np.sort(there[np.unpackbits(packed, count=len(there)).astype(bool)])
    return defined.documents.rows.take(there)


def _arrived_before(defined: DefinitionState, run: ClusterRun) -> VectorRows:
    """Return what had arrived before a run of an older version, which noted nothing."""
    rows, ledger = defined.documents.chosen, defined.collection.ledger
    arrived = {name: ledger.first_arrivals(name) for name in sorted(set(rows.collections))}
    pairs = zip(rows.collections, rows.document_ids, strict=True)
    moments = [arrived[name].get(object_of(document)) for name, document in pairs]
    then = [i for i, at in enumerate(moments) if at is not None and at <= run.recorded_at]
    return rows.take(np.array(then, np.int64))


def _by_key(rows: VectorRows) -> npt.NDArray[np.int64]:
    """(n,) positions of documents by ascending key."""
    order = sorted(range(len(rows.keys)), key=lambda i: (rows.keys[i], rows.collections[i]))
    return np.array(order, np.int64)


def _places(defined: DefinitionState) -> npt.NDArray[np.int64]:
    """(n,) the last arrival of each document with vectors, in the ledger's order."""
    ids: dict[str, int] = {}
    for collection in defined.documents.collections:
        ids |= defined.collection.ledger.last_arrival_ids(collection.collection_name)
    return np.array([ids[object_of(d)] for d in defined.documents.rows.document_ids], np.int64)
