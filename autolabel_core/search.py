"""Questions asked now: run a retriever, or classify files on the spot. Nothing is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from autolabel_core.conditions import fill, inputs_of, parse
from autolabel_core.declarations import Collection, Retriever
from autolabel_core.decision import decide
from autolabel_core.derived.embeddings import Embeddings
from autolabel_core.derived.taxonomy_labels import KEPT, TaxonomyLabels
from autolabel_core.documents import Documents
from autolabel_core.errors import AutolabelError, UnreadableItemError
from autolabel_core.extractors import embed_checked
from autolabel_core.identity import document_id
from autolabel_core.images import decode_image
from autolabel_core.matching import nearest
from autolabel_core.texts import decode_text
from autolabel_core.workspace import Workspace


def retrieve(
    workspace: Workspace,
    collection: Collection,
    retriever: Retriever,
    inputs: Mapping[str, str],
    limit: int | None = None,
) -> list[dict[str, Any]]:
    """Run a retriever over a collection's documents.

    Args:
        workspace: the stores.
        collection: the collection searched.
        retriever: the declaration.
        inputs: values for `{{INPUT.name}}`. For the query of a search: a document's key, a file,
            or (texts) the text itself.
        limit: at most so many; a search never gives more than its `top_k`.

    Returns:
        Documents as `Documents.find` gives them; after a search with `score` (cosine in [-1, 1],
        1 is the same direction), best first.

    Raises:
        AutolabelError: the search names a feature URI that the collection does not have.
    """
    conditions = [parse(fill(condition, inputs)) for condition in retriever.conditions]
    view = Documents(workspace, collection)
    search = retriever.search
    if search is None:
        return view.find(conditions, limit=limit)
    embeddings = Embeddings(workspace, collection)
    own_uri = embeddings.extractor.manifest.feature_uri
    if search.feature_uri is not None and search.feature_uri != own_uri:
        raise AutolabelError(
            f"The retriever `{retriever.retriever_name}` searches {search.feature_uri}, but "
            f"`{collection.collection_name}` has {own_uri}; vectors of two feature URIs are never "
            "compared. Correct `feature_uri`, or leave it out."
        )
    query = fill(search.query_template, inputs)
    vector = _query_vector(workspace, collection, embeddings, str(query))
    records = {record["document_id"]: record for record in view.find(conditions)}
    ids, vectors = _vectors_of(embeddings, set(records))
    found = nearest(vector[None, :], vectors, search.top_k)
    results = []
    for position, score in zip(found.position[0].tolist(), found.score[0].tolist(), strict=True):
        if position >= 0 and (search.min_score is None or score >= search.min_score):
            results.append({**records[ids[position]], "score": score})
    return results[:limit]


def inputs_wanted(retriever: Retriever) -> tuple[str, ...]:
    """Return the names of the inputs that a retriever's templates use, sorted."""
    search = retriever.search
    templates = [*retriever.conditions, *([search.query_template] if search else [])]
    return inputs_of(templates)


def _vectors_of(
    embeddings: Embeddings, wanted: set[str]
) -> tuple[list[str], npt.NDArray[np.float32]]:
    ids: list[str] = []
    parts: list[npt.NDArray[np.float32]] = []
    for batch in embeddings.batches:
        if not embeddings.path(batch).exists():
            continue
        table = embeddings.warehouse.read_vectors(embeddings.path(batch))
        pairs = zip(table.document_ids, table.reasons, strict=True)
        rows = [i for i, (d, reason) in enumerate(pairs) if reason is None and d in wanted]
        ids += [table.document_ids[i] for i in rows]
        parts.append(table.vectors if len(rows) == len(table.document_ids) else table.vectors[rows])
    order = np.argsort(np.array(ids), kind="stable") if ids else np.array([], int)
    width = parts[0].shape[1] if parts else 1
    stacked = np.concatenate(parts)[order] if ids else np.zeros((0, width), np.float32)
    return [ids[i] for i in order.tolist()], stacked


def _query_vector(
    workspace: Workspace, collection: Collection, embeddings: Embeddings, query: str
) -> npt.NDArray[np.float32]:
    document = embeddings.objects.get(document_id(collection.collection_name, query))
    if document is not None and embeddings.path(document.batch).exists():
        table = embeddings.warehouse.read_vectors(embeddings.path(document.batch))
        row = table.document_ids.index(document.document_id)
        if table.reasons[row] is None:
            return np.asarray(table.vectors[row])
    is_text = embeddings.extractor.manifest.input == "text"
    is_file = len(query) < 4096 and "\n" not in query and Path(query).is_file()
    if not is_file and not is_text:
        raise AutolabelError(
            f"The query {query!r} is neither a document's key in `{collection.collection_name}` "
            "nor a file."
        )
    item = _decode_file(Path(query), embeddings) if is_file else query
    return np.asarray(embed_checked(embeddings.extractor, [item])[0])


def _decode_file(path: Path, embeddings: Embeddings) -> Any:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableItemError(f"{path} cannot be read: {error.strerror}") from error
    if embeddings.extractor.manifest.input == "text":
        return decode_text(data)
    return decode_image(data, embeddings.extractor.min_side_px)


def classify(
    workspace: Workspace, collection: Collection, files: Sequence[Path]
) -> list[dict[str, Any]]:
    """Decide files as if they had been uploaded: the query-time join.

    Args:
        workspace: the stores.
        collection: whose taxonomy decides.
        files: images or texts.

    Returns:
        For each file: `file`, `label` (None: unknown), `taxonomy_match`, `suggested_label`, the
        enriched fields, and `reason` where it cannot be read.

    Raises:
        AutolabelError: the collection has no taxonomy.
    """
    if collection.taxonomy is None:
        raise AutolabelError(
            f"`{collection.collection_name}` has no `taxonomy` in its YAML, so nothing decides labels."
        )
    labels = TaxonomyLabels(workspace, collection)
    references = labels.all_references
    items, reasons = [], {}
    for i, file in enumerate(files):
        try:
            items.append((i, _decode_file(file, labels.own.embeddings)))
        except UnreadableItemError as error:
            reasons[i] = str(error)
    extractor = labels.own.embeddings.extractor
    width = references.vectors.shape[1]
    vectors = np.zeros((0, width), np.float32)
    if items:
        vectors = embed_checked(extractor, [item for _, item in items])
    found = nearest(vectors, references.vectors, KEPT) if len(references.rows) else None
    decisions = decide(found, references.labels, labels.rule) if found else None
    rank = {i: row for row, (i, _) in enumerate(items)}
    records = []
    for i, file in enumerate(files):
        row = rank.get(i)
        record: dict[str, Any] = {"file": str(file), "label": None, "suggested_label": None}
        match = {"matched": False, "confidence": None, "source_document_id": None}
        if row is not None and decisions is not None:
            reference = references.rows[int(decisions.position[row])]
            matched = bool(decisions.matched[row])
            match = {
                "matched": matched,
                "confidence": float(decisions.confidence[row]),
                "source_document_id": reference["document_id"] if matched else None,
            }
            record["suggested_label"] = decisions.label[row]
            record["label"] = decisions.label[row] if matched else None
            if matched:
                record |= labels.enrichment_from(reference)
        records.append({**record, "taxonomy_match": match, "reason": reasons.get(i)})
    return records
