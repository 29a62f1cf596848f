"""The fields of documents beside their label: their own values, else those of their reference."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from autolabel_core.declarations.conditions.values import NUMBER, scalar_of, text_of
from autolabel_core.foundation.json_types import Json, Scalar
from autolabel_core.ledger import Annotation
from autolabel_core.matching.nearest import Nearest
from autolabel_core.storage.typed_rows import Column
from autolabel_core.tables.applied_taxonomy import AppliedTaxonomy
from autolabel_core.tables.document_table import DocumentRow

FieldValues: TypeAlias = "dict[str, Scalar]"
"""Values of one document by the name of the field."""
LARGEST_EXACT = 2**53
"""Greater whole numbers are not told apart as floating point numbers."""


def field_values(
    rows: Sequence[DocumentRow],
    annotations: Sequence[Annotation | None],
    sources: npt.NDArray[np.int32],
    taxonomy: AppliedTaxonomy,
) -> list[FieldValues]:
    """Return the values of the declared fields.

    Args:
        rows: (n,) the documents.
        annotations: (n,) what a person said of each, or None.
        sources: (n,) position of the reference that a document takes fields from; -1: of none.
        taxonomy: whose references and fields.

    Returns:
        (n,) by name; a field without a value is absent.
    """
    references = taxonomy.references.rows
    values = []
    for row, annotation, source in zip(rows, annotations, sources.tolist(), strict=True):
        taken = taxonomy.enrichment_from(references[source]) if source >= 0 else {}
        own_values = _own_values(json.loads(row["metadata"] or "{}"), annotation, taxonomy)
        values.append({**taken, **own_values})
    names = taxonomy.collection.declaration.fields
    return [
        {name: found for name in names if (found := row.get(name)) is not None} for row in values
    ]


def field_columns(values: Sequence[FieldValues], names: Iterable[str]) -> dict[str, Column]:
    """Return a column for each field.

    Args:
        values: (n,) of each document by name.
        names: of the fields.

    Returns:
        The columns by name: numbers where all values read as numbers, else texts.
    """
    return {name: typed_column([row.get(name) for row in values]) for name in names}


def _own_values(
    metadata: Mapping[str, Json], annotation: Annotation | None, taxonomy: AppliedTaxonomy
) -> dict[str, Scalar]:
    """What the document itself says; who labels it makes it the reference of its own fields."""
    known: dict[str, Scalar] = {
        name: value for name, raw in metadata.items() if (value := scalar_of(raw)) is not None
    }
    declared = taxonomy.collection.declaration
    if annotation is None:
        return {name: known[name] for name in declared.fields if name in known}
    known |= annotation.fields
    if annotation.label is not None:
        known |= {"label": annotation.label, declared.label_field: annotation.label}
        known.setdefault(taxonomy.reference_collection.label_field, annotation.label)
    enriched = {e.target: known[e.source] for e in declared.enrichment if e.source in known}
    return enriched | {name: known[name] for name in declared.fields if name in known}


def nearest_of_label(
    annotations: Sequence[Annotation | None], neighbours: Nearest, labels: npt.NDArray[np.object_]
) -> npt.NDArray[np.int32]:
    """Return where documents that a person labelled take the fields that they lack themselves.

    Args:
        annotations: (n,) what a person said of each document, or None.
        neighbours: (n, k) their nearest references, themselves left out.
        labels: (r,) label of each reference.

    Returns:
        (n,) position of the nearest reference with the label that the person gave; -1 where none
        of the k has it.
    """
    positions = np.full(len(annotations), -1, np.int32)
    for i, annotation in enumerate(annotations):
        if annotation is not None and annotation.label is not None:
            near = neighbours.position[i]
            same = [p for p in near[near >= 0].tolist() if labels[p] == annotation.label]
            positions[i] = same[0] if same else -1
    return positions


def typed_column(values: Sequence[Scalar | None]) -> Column:
    """Return values as a column of one type; numbers stay numbers, also beside texts of digits.

    Args:
        values: of one field; None where a document has none.

    Returns:
        Truth values, whole numbers, numbers or texts; the type `null` where there is no value, so
        that another batch decides.
    """
    there = [value for value in values if value is not None]
    if not there:
        return pa.nulls(len(values))
    if all(isinstance(value, bool) for value in there):
        return pa.array(values, pa.bool_())
    if any(isinstance(v, int | float) and not isinstance(v, bool) for v in there):
        numbers = [_number(value) for value in values]
        if all(n is not None or v is None for n, v in zip(numbers, values, strict=True)):
            return _numbers(values, numbers)
    return pa.array([text_of(value) for value in values], pa.string())


def _number(value: Scalar | None) -> float | None:
    if isinstance(value, str):
        return float(value) if NUMBER.fullmatch(value) else None
    return None if value is None or isinstance(value, bool) else float(value)


def _numbers(values: Sequence[Scalar | None], numbers: Sequence[float | None]) -> Column:
    exact = all(n is None or abs(n) <= LARGEST_EXACT for n in numbers)
    if all(value is None or isinstance(value, int) for value in values) and exact:
        return pa.array(values, pa.int64())
    return pa.array(numbers, pa.float64()) if exact else pa.array([text_of(v) for v in values])
