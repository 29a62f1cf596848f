"""Builds the table of labels: a person's label first, else the match, else none."""

from __future__ import annotations

from collections.abc import Collection as AnyCollection
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from autolabel_core.declarations.zero_shot import SUGGESTED, SUGGESTION_COLUMNS
from autolabel_core.ledger import Annotation
from autolabel_core.matching.decision import Decisions
from autolabel_core.matching.nearest import Nearest
from autolabel_core.storage.typed_rows import Column
from autolabel_core.tables.applied_taxonomy import AppliedTaxonomy
from autolabel_core.tables.carried_annotations import VERDICT
from autolabel_core.tables.document_table import DocumentRow
from autolabel_core.tables.enriched_fields import (
    FieldValues,
    field_columns,
    field_values,
    nearest_of_label,
)
from autolabel_core.tables.suggestions import Suggestion

RejectedLabel = tuple[str, str, str]
"""Document id, content hash, and the auto-label that somebody judged."""

_NEIGHBOUR: list[tuple[str, pa.DataType]] = [("document_id", pa.string()), ("score", pa.float32())]
_NEIGHBOURS = pa.list_(pa.struct(_NEIGHBOUR))


@dataclass(frozen=True)
class Labelling:
    """What is known of the documents of one batch, n of them.

    Attributes:
        objects: (n,) their rows of the table that holds the documents.
        reasons: (n,) why there is no vector, or None.
        neighbours: (n, k) their nearest references, themselves left out.
        decisions: (n,) what the rule says of those.
        held: annotations that hold, by document id.
        rejected: auto-labels that are not given again.
        columns: name and type of what documents take over from their rows.
        suggestions: labels proposed by name, by document id and content; None: none are declared.
    """

    objects: Sequence[DocumentRow]
    reasons: Sequence[str | None]
    neighbours: Nearest
    decisions: Decisions
    held: Mapping[str, Annotation]
    rejected: AnyCollection[RejectedLabel]
    columns: Mapping[str, pa.DataType] = field(default_factory=dict)
    suggestions: Mapping[tuple[str, str], Suggestion] | None = None


@dataclass(frozen=True)
class LabelTable:
    """The published table, and the values that its columns of fields are typed from.

    Attributes:
        table: one row for each document.
        values: (n,) of the declared fields, by name.
    """

    table: pa.Table
    values: list[FieldValues]


def label_table(batch: Labelling, taxonomy: AppliedTaxonomy) -> LabelTable:
    """Return the published table: one row for each object, in the order given.

    Args:
        batch: what is known of the documents.
        taxonomy: whose references and fields.

    Returns:
        The table; `matched` holds exactly where `label_source` is `auto`.
    """
    decided = batch.decisions
    annotations = [batch.held.get(row["document_id"]) for row in batch.objects]
    auto = decided.matched & _is_open(batch, annotations)
    ids = np.array(taxonomy.references.document_ids, dtype=object)
    proposed = _proposals(batch)
    either = [
        (a.label, a.source) if a else (label, "auto") if given else proposal
        for a, label, given, proposal in zip(
            annotations, decided.label, auto.tolist(), proposed, strict=True
        )
    ]
    labels = taxonomy.references.labels
    by_person = nearest_of_label(annotations, batch.neighbours, labels)
    sources = np.where(auto, decided.position, by_person).astype(np.int32)
    values = field_values(batch.objects, annotations, sources, taxonomy)
    columns: dict[str, Column] = {
        **{name: _texts(batch, name) for name in ("document_id", "key", "content_hash")},
        "media_type": _texts(batch, "media_type"),
        "label": pa.array([label for label, _ in either], pa.string()),
        "label_source": pa.array([source for _, source in either], pa.string()),
        "matched": pa.array(auto),
        "confidence": _nullable(decided.confidence),
        "source_document_id": _where(auto, ids, decided.position),
        "suggested_label": _suggested_labels(decided, proposed),
        "margin": _nullable(decided.margin),
        "margin_lower_bound": _nullable(decided.margin_lower_bound),
        "similarity": _nullable(decided.similarity),
        "probability": _nullable(decided.probability),
        "score_name": _score_names(decided, taxonomy),
        "neighbours": _neighbour_lists(batch.neighbours, ids),
        "reason": pa.array(batch.reasons, pa.string()),
        **field_columns(values, taxonomy.collection.declaration.fields),
        "metadata": _texts(batch, "metadata"),
        **_suggestion_columns(batch),
        **_taken_over(batch, annotations),
    }
    return LabelTable(pa.table(columns), values)


def _proposals(batch: Labelling) -> list[tuple[str | None, str | None]]:
    """Label and source by name alone, for where neither a person nor a reference has decided."""
    found = [_suggestion_of(batch, row) for row in batch.objects]
    return [
        (s.label, SUGGESTED) if s is not None and s.label is not None else (None, None)
        for s in found
    ]


def _suggested_labels(
    decided: Decisions, proposed: Sequence[tuple[str | None, str | None]]
) -> Column:
    """The nearest reference's label, the proposal by name where there is no reference at all."""
    pairs = zip(decided.label.tolist(), proposed, strict=True)
    return pa.array([name if label is None else label for label, (name, _) in pairs], pa.string())


def _suggestion_columns(batch: Labelling) -> dict[str, Column]:
    if batch.suggestions is None:
        return {}
    found = [_suggestion_of(batch, row) for row in batch.objects]
    score, reason = SUGGESTION_COLUMNS
    return {
        score: pa.array([None if s is None else s.score for s in found], pa.float32()),
        reason: pa.array([None if s is None else s.reason for s in found], pa.string()),
    }


def _suggestion_of(batch: Labelling, row: DocumentRow) -> Suggestion | None:
    key = row["document_id"], row["content_hash"] or ""
    suggestion = (batch.suggestions or {}).get(key)
    judged = suggestion is not None and (*key, suggestion.label) in batch.rejected
    return None if judged else suggestion


def _is_open(batch: Labelling, annotations: Sequence[Annotation | None]) -> npt.NDArray[np.bool_]:
    """Where no person has spoken, neither about the document nor about this label for it."""
    judged = (
        (row["document_id"], row["content_hash"], label)
        for row, label in zip(batch.objects, batch.decisions.label, strict=True)
    )
    pairs = zip(annotations, judged, strict=True)
    return np.array([a is None and j not in batch.rejected for a, j in pairs], bool)


def _taken_over(batch: Labelling, annotations: Sequence[Annotation | None]) -> dict[str, Column]:
    """Columns of the rows, and the word that a person chose where boxes are judged."""
    if not batch.columns:
        return {}
    columns: dict[str, Column] = {
        name: pa.array(_values(batch, name), type_) for name, type_ in batch.columns.items()
    }
    if "bbox" not in batch.columns:
        return columns
    verdicts = [a.provenance.get(VERDICT) if a else None for a in annotations]
    return {**columns, VERDICT: pa.array(verdicts, pa.string())}


def _values(batch: Labelling, name: str) -> list[object]:
    rows: Sequence[Mapping[str, object]] = batch.objects
    return [row[name] for row in rows]


def _texts(batch: Labelling, name: str) -> Column:
    return pa.array(_values(batch, name), pa.string())


def _nullable(values: npt.NDArray[np.float32]) -> Column:
    return pa.array(values, pa.float32(), from_pandas=True)


def _where(
    given: npt.NDArray[np.bool_], ids: npt.NDArray[np.object_], position: npt.NDArray[np.int32]
) -> Column:
    values = np.full(len(given), None, dtype=object)
    values[given] = ids[position[given]]
    return pa.array(values.tolist(), pa.string())


def _score_names(decided: Decisions, taxonomy: AppliedTaxonomy) -> Column:
    """Name the score wherever it said something."""
    score = taxonomy.stored_engine.score
    name = "nearest" if score is None else score.name
    return pa.array([None if label is None else name for label in decided.label], pa.string())


def _neighbour_lists(neighbours: Nearest, ids: npt.NDArray[np.object_]) -> Column:
    there = neighbours.position >= 0
    offsets = np.concatenate([[0], np.cumsum(there.sum(axis=1))]).astype(np.int32)
    names = pa.array(ids[neighbours.position[there]].tolist(), pa.string())
    scores = pa.array(neighbours.score[there], pa.float32())
    values = pa.StructArray.from_arrays([names, scores], ["document_id", "score"])
    lists = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values, type=_NEIGHBOURS)
    return lists.cast(_NEIGHBOURS)
