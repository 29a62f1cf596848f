"""Questions asked now: run a retriever, or classify files on the spot. Nothing is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from autolabel_core.declarations import Collection, Retriever
from autolabel_core.declarations.conditions import fill, parse
from autolabel_core.documents.documents import Documents
from autolabel_core.foundation.errors import AutolabelError, UnreadableItemError
from autolabel_core.foundation.ids import object_of
from autolabel_core.foundation.media.images import decode_image
from autolabel_core.foundation.media.texts import decode_text
from autolabel_core.matching.decision import decide
from autolabel_core.matching.nearest import nearest
from autolabel_core.models.extractors import embed_checked
from autolabel_core.tables.applied_taxonomy import AppliedTaxonomy, check_feature_uri
from autolabel_core.tables.embeddings import Embeddings
from autolabel_core.tables.taxonomy_labels import PUBLISHED_NEIGHBOURS
from autolabel_core.tables.workspace import Workspace


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
    """
    conditions = [parse(fill(condition, inputs)) for condition in retriever.conditions]
    view = Documents(workspace, collection)
    search = retriever.search
    if search is None:
        return view.find(conditions, limit=limit)
    embeddings = Embeddings(workspace, collection)
    check_feature_uri(retriever, collection.collection_name, embeddings.extractor.manifest)
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


def _vectors_of(
    embeddings: Embeddings, wanted: set[str]
) -> tuple[list[str], npt.NDArray[np.float32]]:
    ids: list[str] = []
    parts: list[npt.NDArray[np.float32]] = []
    for batch in embeddings.batches:
        if not embeddings.warehouse.exists(embeddings.path(batch)):
            continue
        table = embeddings.warehouse.read_vectors(embeddings.path(batch))
        pairs = zip(table.document_ids, table.reasons, strict=True)
        rows = [i for i, (d, reason) in enumerate(pairs) if reason is None and d in wanted]
        if rows:
            ids += [table.document_ids[i] for i in rows]
            whole = len(rows) == len(table.document_ids)
            parts.append(table.vectors if whole else table.vectors[rows])
    if not ids:
        return [], np.zeros((0, embeddings.extractor.manifest.embedding_dim or 1), np.float32)
    order = np.argsort(np.array(ids), kind="stable")
    return [ids[i] for i in order.tolist()], np.concatenate(parts)[order]


def _query_vector(
    workspace: Workspace, collection: Collection, embeddings: Embeddings, query: str
) -> npt.NDArray[np.float32]:
    stored = _stored_vector(embeddings, collection.document_id(query))
    if stored is not None:
        return stored
    is_text = embeddings.extractor.manifest.input == "text"
    is_file = _names_a_file(query)
    if not is_file and not is_text:
        raise AutolabelError(
            f"The query {query!r} is neither a document's key in `{collection.collection_name}` "
            "nor a file."
        )
    item = _decode_file(Path(query), embeddings) if is_file else query
    return np.asarray(embed_checked(embeddings.extractor, [item])[0])


def _stored_vector(embeddings: Embeddings, document: str) -> npt.NDArray[np.float32] | None:
    arrival = embeddings.objects.get(object_of(document))
    if arrival is None or not embeddings.warehouse.exists(embeddings.path(arrival.batch)):
        return None
    table = embeddings.warehouse.read_vectors(embeddings.path(arrival.batch))
    rows = [i for i, d in enumerate(table.document_ids) if d == document and not table.reasons[i]]
    return np.asarray(table.vectors[rows[0]]) if rows else None


def _names_a_file(text: str) -> bool:
    """Whether a text is the path of a file; a long text is no valid path on most systems."""
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False


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
        AutolabelError: there is no taxonomy, or its references are of another feature URI.
    """
    if collection.taxonomy is None:
        raise AutolabelError(
            f"`{collection.collection_name}` has no `taxonomy` in its YAML: nothing decides labels."
        )
    taxonomy = AppliedTaxonomy(workspace, collection)
    references = taxonomy.all_references
    if len(references.rows) and references.encoder_uri != taxonomy.space.encoder_uri:
        raise AutolabelError(
            f"The references are still vectors of {references.feature_uri}, but the declaration "
            f"says {taxonomy.feature_uri}. Sweep until every batch has the new ones."
        )
    embeddings = Embeddings(workspace, collection)
    items: dict[int, Any] = {}
    reasons: dict[int, str] = {}
    for i, file in enumerate(files):
        try:
            items[i] = _decode_file(file, embeddings)
        except UnreadableItemError as error:
            reasons[i] = str(error)
    decided: dict[int, tuple[str, float, bool, int]] = {}
    if items and references.rows:
        vectors = embed_checked(embeddings.extractor, list(items.values()))
        found = decide(
            nearest(vectors, references.vectors, PUBLISHED_NEIGHBOURS),
            references.labels,
            taxonomy.rule,
        )
        columns = (found.label, found.confidence, found.matched, found.position)
        rows = zip(*(column.tolist() for column in columns), strict=True)
        decided = dict(zip(items, rows, strict=True))
    return [
        _classified(file, taxonomy, decided.get(i), reasons.get(i)) for i, file in enumerate(files)
    ]


def _classified(
    file: Path,
    taxonomy: AppliedTaxonomy,
    decided: tuple[str, float, bool, int] | None,
    reason: str | None,
) -> dict[str, Any]:
    label, confidence, matched, position = decided or (None, None, False, -1)
    reference = taxonomy.all_references.rows[position] if matched else None
    return {
        "file": str(file),
        "label": label if matched else None,
        "suggested_label": label,
        **({} if reference is None else taxonomy.enrichment_from(reference)),
        "taxonomy_match": {
            "matched": matched,
            "confidence": confidence,
            "source_document_id": None if reference is None else reference["document_id"],
        },
        "reason": reason,
    }
