"""Searches a collection's documents: by a declared retriever, or by what they are like."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from autolabel_core.declarations import Retriever
from autolabel_core.declarations.conditions import Comparison, Condition, fill, parse
from autolabel_core.documents.classifier import decode_file, require_same_encoder
from autolabel_core.documents.documents import Documents
from autolabel_core.documents.record import DocumentRecord
from autolabel_core.documents.stored_vectors import stored_vectors
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.ids import frame_key, object_of
from autolabel_core.foundation.suggestions import did_you_mean
from autolabel_core.matching.nearest import nearest
from autolabel_core.models.extractors import (
    embed_checked,
    embed_texts_checked,
    embeds_texts,
)
from autolabel_core.tables.applied_taxonomy import check_feature_uri
from autolabel_core.tables.embeddings import Embeddings
from autolabel_core.tables.reference_filter import filter_references
from autolabel_core.tables.reference_set import ReferenceSet
from autolabel_core.tables.references import ReferenceVectors
from autolabel_core.tables.workspace import OpenCollection

LIKE_LIMIT = 20
LABELLED_BY_PEOPLE = Comparison("label_source", "in", ("human", "promoted"))


def retrieve(
    collection: OpenCollection,
    retriever: Retriever,
    inputs: Mapping[str, str],
    limit: int | None = None,
) -> list[DocumentRecord]:
    """Run a retriever over a collection's documents.

    Args:
        collection: the collection searched.
        retriever: the declaration.
        inputs: values for `{{INPUT.name}}`, for each of them and for no other. For the query of a
            search: a document's key, a file, or words where the extractor embeds texts.
        limit: at most so many; a search never gives more than its `top_k`.

    Returns:
        Stages count in their order: a filter before the search narrows what is searched, one after
        it narrows what was found. A retriever that a taxonomy decides by searches references
        alone. Documents as `Documents.find` gives them; after a search with `score` (cosine in
        [-1, 1], 1 is the same direction), best first.
    """
    _check_inputs(retriever, inputs)
    view, search = Documents(collection), retriever.search
    before = _filled(retriever.conditions_before_search, inputs)
    references = _references(collection, retriever, before)
    if search is None:
        narrowed = before if references is None else _only(references.document_ids)
        return view.find(narrowed, limit=limit)
    embeddings = Embeddings(collection)
    check_feature_uri(retriever, collection.name, embeddings.extractor.manifest)
    query = fill(search.query_template, inputs)
    vector = _query_vector(collection, embeddings, str(query))
    if references is None:
        ids, vectors = stored_vectors(embeddings, view.ids(before))
    else:
        require_same_encoder(references, embeddings.extractor)
        ids, vectors = references.document_ids, references.vectors
    hits = nearest(vector[None, :], vectors, search.top_k)
    least = -np.inf if search.min_score is None else search.min_score
    pairs = zip(hits.position[0].tolist(), hits.score[0].tolist(), strict=True)
    scores = {ids[position]: score for position, score in pairs if position >= 0 and score >= least}
    narrowed = _only(scores, references is not None)
    after = _filled(retriever.conditions_after_search, inputs)
    return _scored(view, scores, [*narrowed, *after])[:limit]


def find_like(
    collection: OpenCollection,
    query: str,
    conditions: Sequence[Condition] = (),
    limit: int | None = None,
) -> list[DocumentRecord]:
    """Return the documents that are most like something.

    Args:
        collection: whose documents.
        query: a document's key, a file, or words where the extractor embeds texts.
        conditions: all of them must hold.
        limit: at most so many; None takes the nearest LIKE_LIMIT.

    Returns:
        Documents as `Documents.find` gives them, with `score` (cosine in [-1, 1], 1 is the same
        direction), best first. A query that is none of these is an `AutolabelError`.
    """
    view, embeddings = Documents(collection), Embeddings(collection)
    vector = _query_vector(collection, embeddings, query)
    ids, vectors = stored_vectors(embeddings, view.ids(conditions))
    most = LIKE_LIMIT if limit is None else limit
    hits = nearest(vector[None, :], vectors, max(most, 1))
    pairs = zip(hits.position[0].tolist(), hits.score[0].tolist(), strict=True)
    scores = {ids[position]: score for position, score in pairs if position >= 0}
    return _scored(view, scores, _only(scores, by_people=False))[:most]


def _scored(
    view: Documents, scores: Mapping[str, float], conditions: Sequence[Condition]
) -> list[DocumentRecord]:
    """Return the documents for which the conditions hold, each with its score, in that order."""
    records = {record["document_id"]: record for record in view.find(conditions)}
    results: list[DocumentRecord] = []
    for document, score in scores.items():
        if document in records:
            results.append({**records[document], "score": score})
    return results


def _only(document_ids: Iterable[str], by_people: bool = True) -> list[Condition]:
    listed = Comparison("document_id", "in", tuple(document_ids))
    return [listed, LABELLED_BY_PEOPLE] if by_people else [listed]


def _filled(conditions: Sequence[object], inputs: Mapping[str, str]) -> list[Condition]:
    return [parse(fill(condition, inputs)) for condition in conditions]


def _check_inputs(retriever: Retriever, inputs: Mapping[str, str]) -> None:
    """Refuse inputs that nothing asks for: a misspelt one would be ignored."""
    surplus = sorted(set(inputs) - set(retriever.inputs))
    if surplus:
        takes = ", ".join(retriever.inputs) or "none"
        raise AutolabelError(
            f"The retriever `{retriever.retriever_name}` has no input "
            f"{', '.join(repr(name) for name in surplus)}."
            f"{did_you_mean(surplus[0], retriever.inputs)} Its inputs: {takes}."
        )


def _references(
    collection: OpenCollection,
    retriever: Retriever,
    conditions: Sequence[Condition],
) -> ReferenceVectors | None:
    """Return what a taxonomy's retriever searches: references; None where no taxonomy has it."""
    taxonomies = (c.taxonomy for c in collection.workspace.collections.values())
    if retriever.retriever_name not in {t.retriever for t in taxonomies if t is not None}:
        return None
    references = ReferenceSet(collection).load()
    return filter_references(references, conditions, collection.declaration.label_field)


def _query_vector(
    collection: OpenCollection, embeddings: Embeddings, query: str
) -> npt.NDArray[np.float32]:
    stored = _stored_vector(embeddings, collection.declaration.document_id(query))
    if stored is not None:
        return stored
    extractor = embeddings.extractor
    if _names_a_file(query):
        return np.asarray(embed_checked(extractor, [decode_file(Path(query), extractor)])[0])
    is_text = extractor.manifest.input == "text"
    if not is_text and (why := _without_vector(embeddings, query)):
        raise AutolabelError(why)
    if not embeds_texts(extractor) or (not is_text and _looks_like_a_file(query)):
        raise AutolabelError(
            f"The query {query!r} is neither a document's key in `{collection.name}` nor a file."
            + (" It reads like a file's name, not like words." if embeds_texts(extractor) else "")
        )
    return np.asarray(embed_texts_checked(extractor, [query])[0])


def _stored_vector(embeddings: Embeddings, document: str) -> npt.NDArray[np.float32] | None:
    arrival = embeddings.objects.get(object_of(document))
    if arrival is None or not embeddings.warehouse.exists(embeddings.path(arrival.batch)):
        return None
    table = embeddings.warehouse.read_vectors(embeddings.path(arrival.batch))
    rows = [i for i, d in enumerate(table.document_ids) if d == document and not table.reasons[i]]
    return np.asarray(table.vectors[rows[0]]) if rows else None


def _without_vector(embeddings: Embeddings, query: str) -> str:
    """Say why a key of the collection has no vector; empty where it is no key of it."""
    collection = embeddings.collection
    document = collection.declaration.document_id(query)
    arrival = embeddings.objects.get(object_of(document))
    if arrival is None:
        return ""
    sweep = f"`autolabel sweep {collection.name}`"
    if not embeddings.warehouse.exists(embeddings.path(arrival.batch)):
        return f"`{query}` has no vector yet. Make it: {sweep}."
    table = embeddings.warehouse.read_vectors(embeddings.path(arrival.batch))
    reasons = dict(zip(table.document_ids, table.reasons, strict=True))
    if document in reasons:
        return f"`{query}` has no vector: {reasons[document]}. Replace it, then {sweep}."
    if collection.declaration.detection is not None:
        return (
            f"`{query}` is an image of `{collection.name}`, whose vectors are those of the boxes "
            f"on it. Name a box on it, such as `{query}#det_0`, or an image file."
        )
    if collection.declaration.frames is not None and document == object_of(document):
        return (
            f"`{query}` is a video of `{collection.name}`, whose vectors are those of its frames. "
            f"Name one, such as `{frame_key(query, 0)}`, or an image file."
        )
    return f"`{query}` has no vector yet. Make it: {sweep}."


def _looks_like_a_file(text: str) -> bool:
    """Whether a text ends as the names of images do: a slip in a name is no description."""
    from PIL import Image

    return Path(text).suffix.lower() in Image.registered_extensions()


def _names_a_file(text: str) -> bool:
    """Whether a text is the path of a file; a long text is no valid path on most systems."""
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False
