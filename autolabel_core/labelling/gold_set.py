"""The gold set: documents that judge the rule which labels the others, and never take part in it.

They are drawn by the hash of their content, so that nobody chooses them, among the documents that
the rule has to label. They are judged in the order in which they were drawn, up to the first that
nobody has labelled: which of them people happened to label says nothing then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import numpy.typing as npt

from autolabel_core.documents.documents import Documents
from autolabel_core.documents.label_source_sql import MACHINES
from autolabel_core.documents.stored_vectors import stored_vectors
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.ledger import GoldJudgement
from autolabel_core.ledger.annotations import effective_annotations
from autolabel_core.ledger.gold_judgements import GoldFigures
from autolabel_core.matching.nearest import nearest
from autolabel_core.matching.scores.folds import NEAR_DUPLICATE
from autolabel_core.tables.applied_taxonomy import AppliedTaxonomy
from autolabel_core.tables.embeddings import Embeddings
from autolabel_core.tables.workspace import OpenCollection

DRAWN_AT_ONCE = 500
Vectors = npt.NDArray[np.float32]


class GoldDocument(TypedDict):
    """A document of the gold set; `labelled` by a person, who may have said that no label fits."""

    document_id: str
    key: str
    content_hash: str
    label: str | None
    labelled: bool


@dataclass(frozen=True)
class GoldSet:
    """The gold set as it is now.

    Attributes:
        documents: those that are there, in the order in which they were drawn.
        gone: how many were removed or overwritten since.
    """

    documents: list[GoldDocument]
    gone: int

    @property
    def judging(self) -> list[GoldDocument]:
        """The documents up to the first that nobody has labelled."""
        unlabelled = (i for i, one in enumerate(self.documents) if not one["labelled"])
        return self.documents[: next(unlabelled, len(self.documents))]

    @property
    def waiting(self) -> list[GoldDocument]:
        """The documents that nobody has labelled."""
        return [one for one in self.documents if not one["labelled"]]


def gold_set(collection: OpenCollection) -> GoldSet:
    """Return the gold set of a collection; empty where none was drawn.

    Args:
        collection: opened with its stores.

    Returns:
        The set, as the last sweep left its documents; of equal contents the first key stands for
        all.
    """
    order = {content: i for i, content in enumerate(_contents(collection))}
    if not order:
        return GoldSet([], 0)
    with Documents(collection, clusters=False).connect() as connection:
        rows = connection.execute(
            "SELECT document_id, key, content_hash, label, "
            "coalesce(label_source = 'human', false) FROM documents "
            "WHERE reason IS NULL AND list_contains(?, content_hash) ORDER BY key",
            [list(order)],
        ).fetchall()
    found: dict[str, GoldDocument] = {}
    for document, key, content, label, labelled in rows:
        if content not in found or (labelled and not found[content]["labelled"]):
            found[content] = {
                "document_id": document,
                "key": key,
                "content_hash": content,
                "label": label if labelled else None,
                "labelled": labelled,
            }
    documents = [found[content] for content in order if content in found]
    return GoldSet(documents, len(order) - len(documents))


def draw_gold(collection: OpenCollection, size: int) -> int:
    """Draw documents until the gold set has so many; those that were drawn before stay.

    Documents that people labelled, before the last sweep or since, are references, and what they
    judged in an audit may have chosen a threshold: neither is drawn, nor is what is nearly
    identical to a reference or to another document of the set.

    Args:
        collection: opened with its stores.
        size: how many documents the set shall have, at least 1.

    Returns:
        How many were drawn now.

    Raises:
        AutolabelError: documents are boxes, there is no taxonomy, or too few documents are left;
            nothing is drawn.
    """
    _check(collection)
    missing = size - len(gold_set(collection).documents)
    if missing <= 0:
        return 0
    drawn = _drawn(collection, missing)
    if len(drawn) < missing:
        raise AutolabelError(
            f"Expected {missing} further documents for the gold set of `{collection.name}`, found "
            f"{len(drawn)} that no person has labelled and that are unlike the references. Draw "
            f"fewer, or upload more. Nothing was drawn."
        )
    return collection.ledger.record_gold_images(
        collection.name, {content: {"drawn": "by hash"} for content in drawn}
    )


def _check(collection: OpenCollection) -> None:
    if collection.declaration.detection is not None:
        raise AutolabelError(
            f"The documents of `{collection.name}` are boxes; its gold images are drawn by "
            "`autolabel train`."
        )
    if collection.declaration.taxonomy is None:
        raise AutolabelError(f"`{collection.name}` has no `taxonomy`: there is no rule to judge.")


def _contents(collection: OpenCollection) -> list[str]:
    if collection.declaration.detection is not None:
        return []
    return list(collection.ledger.gold_images(collection.name))


def _drawn(collection: OpenCollection, missing: int) -> list[str]:
    """Return contents in the order of their hash, without near-duplicates."""
    known = {*_contents(collection), *_judged_contents(collection)}
    with Documents(collection, clusters=False).connect() as connection:
        rows = connection.execute(
            "SELECT content_hash, min(document_id) FROM documents WHERE reason IS NULL "
            f"AND content_hash IS NOT NULL GROUP BY content_hash HAVING bool_and({MACHINES})"
        ).fetchall()
    candidates = sorted((fingerprint("gold", content), content, d) for content, d in rows)
    ids = {document: content for _, content, document in candidates if content not in known}
    embeddings = Embeddings(collection)
    members = {one["document_id"] for one in gold_set(collection).documents}
    others = [stored_vectors(embeddings, members)[1], _references(collection)]
    chosen: list[str] = []
    order = list(ids)
    for start in range(0, len(order), DRAWN_AT_ONCE):
        unlabelled = _without_labels(collection, order[start : start + DRAWN_AT_ONCE], ids)
        documents, vectors = _in_order(embeddings, unlabelled)
        near = np.zeros(len(documents), bool)
        for known_vectors in others:
            near |= _is_near(vectors, known_vectors)
        kept: list[int] = []
        for row in np.flatnonzero(~near).tolist():
            if not kept or not _is_near(vectors[row : row + 1], vectors[kept])[0]:
                kept.append(row)
            if len(chosen) + len(kept) == missing:
                break
        chosen += [ids[documents[row]] for row in kept]
        others.append(vectors[kept])
        if len(chosen) == missing:
            break
    return chosen


def _judged_contents(collection: OpenCollection) -> set[str]:
    return {verdict.content_hash for verdict in collection.ledger.audits(collection.name)}


def _without_labels(
    collection: OpenCollection, documents: list[str], contents: Mapping[str, str]
) -> list[str]:
    """Leave out the documents that somebody has labelled since the last sweep."""
    events = collection.ledger.holding_annotations(collection.name, documents)
    since = effective_annotations(events, contents)
    return [document for document in documents if document not in since]


def _references(collection: OpenCollection) -> Vectors:
    return AppliedTaxonomy(collection).all_references.vectors


def _in_order(embeddings: Embeddings, documents: list[str]) -> tuple[list[str], Vectors]:
    """Return those documents that have a vector, in the order given, and the vectors."""
    ids, vectors = stored_vectors(embeddings, set(documents))
    place = {document: i for i, document in enumerate(ids)}
    there = [document for document in documents if document in place]
    return there, vectors[[place[document] for document in there]]


def _is_near(vectors: Vectors, others: Vectors) -> npt.NDArray[np.bool_]:
    """Whether each of some vectors (n, d) is nearly identical to one of others (m, d)."""
    if not len(vectors) or not len(others) or others.shape[1] != vectors.shape[1]:
        return np.zeros(len(vectors), bool)
    return nearest(vectors, others, 1).score[:, 0] >= NEAR_DUPLICATE


def judge_by_gold(collection: OpenCollection) -> GoldJudgement | None:
    """Judge the rule as it is now by the gold set, and record it in the ledger.

    Args:
        collection: opened with its stores; its labels are up to date.

    Returns:
        The judgement; None where no document of a gold set can be judged.
    """
    if collection.declaration.taxonomy is None:
        return None
    judging = gold_set(collection).judging
    if not judging:
        return None
    taxonomy = AppliedTaxonomy(collection)
    references = taxonomy.all_references
    ids, vectors = stored_vectors(Embeddings(collection), {one["document_id"] for one in judging})
    if not len(references.rows) or not ids or vectors.shape[1] != references.vectors.shape[1]:
        return None
    is_near = _is_near(vectors, references.vectors)
    truth = {one["document_id"]: one["label"] for one in judging}
    labels = np.array([truth[document] for document in ids], dtype=object)[~is_near]
    figures = _figures(taxonomy, vectors[~is_near], labels, int(is_near.sum()))
    version = fingerprint(taxonomy.fingerprint, taxonomy.space.encoder_uri)
    seen = sorted((one["content_hash"], one["label"]) for one in judging)
    id_ = fingerprint("gold", collection.name, version, [[c, str(label)] for c, label in seen])
    judgement = GoldJudgement(id_, collection.name, version, figures)
    collection.ledger.append_gold_judgement(judgement)
    return judgement


def _figures(
    taxonomy: AppliedTaxonomy,
    vectors: Vectors,
    truth: npt.NDArray[np.object_],
    near_duplicates: int,
) -> GoldFigures:
    decisions = taxonomy.engine.decide(vectors)
    is_right = np.asarray(decisions.label == truth, bool)
    return {
        "judged": len(truth),
        "matched": int(decisions.matched.sum()),
        "right": int((decisions.matched & is_right).sum()),
        "suggested_right": int(is_right.sum()),
        "near_duplicates": near_duplicates,
        "score": taxonomy.rule.score if taxonomy.score is None else taxonomy.score.name,
        "threshold": taxonomy.rule.thresholds.common,
        "feature_uri": taxonomy.feature_uri,
    }
