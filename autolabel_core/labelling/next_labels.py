"""What a person should label next: the documents whose labels make the most others right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple, TypedDict

import numpy as np
import numpy.typing as npt

from autolabel_core.documents.documents import Documents
from autolabel_core.documents.label_source_sql import MACHINES
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.ledger.annotations import effective_annotations
from autolabel_core.matching.next_labels.pace import LabelPace, pace_of
from autolabel_core.matching.next_labels.selection import Choice, Reason, choose
from autolabel_core.matching.scores.fit import one_thread
from autolabel_core.tables.applied_taxonomy import AppliedTaxonomy
from autolabel_core.tables.candidate_doubt import candidate_doubt
from autolabel_core.tables.label_candidates import (
    PART_SIZE,
    CandidatePart,
    candidate_part,
    documents_by_hash,
)
from autolabel_core.tables.workspace import OpenCollection

PARTS_AT_ONCE = 4
"""Parts of the documents that are looked at in one go, where those before are labelled."""


PACE_FROM = 500
"""The last so many labels say how fast people label."""


class NextDocument(TypedDict):
    """A document to label.

    `reason` is `typical` (many documents are like it, and nothing labelled is), `unsure` (two
    labels are about equally probable) or `unknown` (it is like no reference: perhaps a new label).
    `why` says it in a sentence. `alike` estimates how many documents are like it. `gain` is the
    share of all doubt about labels that its label answers, from 0 to 1.
    """

    document_id: str
    key: str
    suggested_label: str | None
    reason: Reason
    why: str
    alike: int
    gain: float


class _ChosenOfPart(NamedTuple):
    """The documents chosen of a part, their positions in it, and the doubt in it before."""

    documents: list[NextDocument]
    positions: list[int]
    open_doubt: float


class _OpenDocument(NamedTuple):
    """A document that nobody had labelled when its collection was swept last."""

    key: str
    content_hash: str


def next_labels(collection: OpenCollection, most: int) -> list[NextDocument]:
    """Return the documents to label next, the most useful first.

    Labels that were given since the last sweep count: their documents, and what is like them, are
    not asked about again.

    Args:
        collection: opened with its stores.
        most: at most so many, at least 0.

    Returns:
        Documents without a label of a person; fewer where the others are near-duplicates of
        labelled ones. The same for the same facts. Boxes, and a collection of which nothing is
        embedded yet, are an `AutolabelError`.
    """
    first = _first_part(collection)
    taxonomy = AppliedTaxonomy(collection)
    queue: list[NextDocument] = []
    asked: list[npt.NDArray[np.float32]] = []
    of_parts: list[_ChosenOfPart] = []
    parts = _parts(collection, first)
    with one_thread():
        while len(queue) < most and (part := next(parts, None)) is not None:
            chosen = _chosen(taxonomy, part, most - len(queue), asked)
            queue += chosen.documents
            asked += [part.candidates.vectors[position] for position in chosen.positions]
            of_parts.append(chosen)
    _share_gains(of_parts)
    return queue


def _share_gains(of_parts: Sequence[_ChosenOfPart]) -> None:
    """Turn shares of the doubt in each part into shares of that in all parts looked at."""
    whole = sum(chosen.open_doubt for chosen in of_parts)
    for chosen in of_parts:
        weight = chosen.open_doubt / whole if whole else 0.0
        for document in chosen.documents:
            document["gain"] = round(document["gain"] * weight, 6)


def label_pace(collection: OpenCollection) -> LabelPace | None:
    """Return how long people took for each of the last labels; None where too few tell.

    Args:
        collection: opened with its stores.

    Returns:
        The pace.
    """
    return pace_of(collection.ledger.last_labels_by_people(collection.name, PACE_FROM))


def _first_part(collection: OpenCollection) -> CandidatePart:
    """Return the first part of the documents, or say why there is none to choose from."""
    if collection.declaration.detection is not None:
        raise AutolabelError(
            f"The documents of `{collection.name}` are boxes; which images to look at next is what "
            f"`autolabel review {collection.name}` says."
        )
    part = candidate_part(collection, 0)
    if not part.document_ids or not Documents(collection, clusters=False).files:
        raise AutolabelError(
            f"`{collection.name}` has no document with a vector yet. Run `autolabel sweep "
            f"{collection.name}`; `autolabel status {collection.name}` says what is missing."
        )
    return part


def _parts(collection: OpenCollection, first: CandidatePart) -> Iterator[CandidatePart]:
    """Yield the first part, then those that have documents without a label, a few of them."""
    yield first
    if first.documents <= PART_SIZE:
        return
    ids, unlabelled = documents_by_hash(collection), _open_documents(collection)
    numbers = {i // PART_SIZE for i, document in enumerate(ids) if document in unlabelled}
    for number in islice(sorted(numbers - {0}), PARTS_AT_ONCE):
        yield candidate_part(collection, number)


def _chosen(
    taxonomy: AppliedTaxonomy,
    part: CandidatePart,
    most: int,
    asked: Sequence[npt.NDArray[np.float32]],
) -> _ChosenOfPart:
    """Choose among the documents of a part; `asked` are vectors of those chosen before."""
    doubt = candidate_doubt(taxonomy, part)
    unlabelled = _still_open(taxonomy.collection, part.document_ids)
    gold = _judging_documents(taxonomy.collection, part.document_ids)
    answered = np.array([document not in unlabelled for document in part.document_ids], bool)
    judging = np.array([document in gold for document in part.document_ids], bool)
    beside = np.stack(asked) if asked else None
    choices = choose(part.candidates, doubt, answered, most, beside, judging)
    queue = []
    for choice in choices:
        document = part.document_ids[choice.position]
        label = doubt.label[choice.position]
        alike = _estimated_alike(choice, part)
        queue.append(
            NextDocument(
                document_id=document,
                key=unlabelled[document].key,
                suggested_label=label,
                reason=choice.reason,
                why=_why(choice, label, alike),
                alike=alike,
                gain=choice.gain,
            )
        )
    open_doubt = choices[0].open_doubt if choices else 0.0
    return _ChosenOfPart(queue, [choice.position for choice in choices], open_doubt)


def _estimated_alike(choice: Choice, part: CandidatePart) -> int:
    """Estimate how many documents of the collection are like one, itself among them."""
    others = len(part.document_ids) - 1
    scale = (part.documents - 1) / others if others else 0.0
    return 1 + round((choice.alike - 1) * scale)


def _why(choice: Choice, label: str | None, alike: int) -> str:
    others = f"about {alike} documents are like it" if alike > 1 else "no document is like it"
    if choice.reason == "unknown":
        return f"unlike every reference, perhaps a new label; {others}"
    if choice.reason == "unsure":
        return f"in doubt whether {label}; {others}"
    return f"typical; {others}"


def _still_open(collection: OpenCollection, documents: Sequence[str]) -> dict[str, _OpenDocument]:
    """Return which documents nobody has labelled, before the last sweep or since."""
    unlabelled = _open_documents(collection, documents)
    contents = {document: one.content_hash for document, one in unlabelled.items()}
    events = collection.ledger.holding_annotations(collection.name, list(contents))
    since = effective_annotations(events, contents)
    return {document: one for document, one in unlabelled.items() if document not in since}


def _judging_documents(collection: OpenCollection, documents: Sequence[str]) -> set[str]:
    """Return which documents judge the rule, labelled or not: their labels teach nothing."""
    contents = list(collection.ledger.gold_images(collection.name))
    if not contents:
        return set()
    where = "list_contains(?, content_hash) AND document_id IN (SELECT unnest(?))"
    with Documents(collection, clusters=False).connect() as connection:
        rows = connection.execute(
            f"SELECT document_id FROM documents WHERE {where}", [contents, list(documents)]
        ).fetchall()
    return {document for (document,) in rows}


def _open_documents(
    collection: OpenCollection, documents: Sequence[str] | None = None
) -> dict[str, _OpenDocument]:
    """Return the documents that had no label of a person at the last sweep; None: among all.

    What judges the rule is left out: a label of it would make no other document right.
    """
    where = f"{MACHINES} AND reason IS NULL AND content_hash IS NOT NULL"
    parameters: list[object] = []
    if documents is not None:
        where, parameters = f"{where} AND document_id IN (SELECT unnest(?))", [list(documents)]
    with Documents(collection, clusters=False).connect() as connection:
        rows = connection.execute(
            f"SELECT document_id, key, content_hash FROM documents WHERE {where}", parameters
        ).fetchall()
    gold = collection.ledger.gold_images(collection.name).keys()
    return {d: _OpenDocument(key, content) for d, key, content in rows if content not in gold}
