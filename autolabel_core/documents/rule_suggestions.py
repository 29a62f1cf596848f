"""What the rule says of documents that no person labelled, were there no threshold."""

from __future__ import annotations

from typing import NamedTuple

from autolabel_core.documents.documents import Documents
from autolabel_core.documents.label_source_sql import MACHINES
from autolabel_core.tables.applied_taxonomy import AppliedTaxonomy
from autolabel_core.tables.workspace import OpenCollection

NEAREST_COSINE = "neighbours[1].score"


class RuleSuggestion(NamedTuple):
    """The likeliest label of a document that is known enough to be given one."""

    document_id: str
    key: str
    content_hash: str
    label: str
    confidence: float
    label_source: str | None


def rule_suggestions(collection: OpenCollection) -> list[RuleSuggestion]:
    """Return what a low enough threshold would label, as the last sweep left it.

    Documents that a person labelled are left out, and those that the rule takes for unknown,
    whatever their confidence.

    Args:
        collection: whose documents.

    Returns:
        Suggestions by key.
    """
    gates, numbers = _gates(AppliedTaxonomy(collection))
    columns = "document_id, key, content_hash, suggested_label, confidence::DOUBLE, label_source"
    known = "suggested_label IS NOT NULL AND confidence IS NOT NULL AND content_hash IS NOT NULL"
    with Documents(collection).connect() as connection:
        rows = connection.execute(
            f"SELECT {columns} FROM documents WHERE {' AND '.join([MACHINES, known, *gates])} "
            "ORDER BY key",
            numbers,
        ).fetchall()
    return [RuleSuggestion(*row) for row in rows]


def _gates(taxonomy: AppliedTaxonomy) -> tuple[list[str], list[float]]:
    """Conditions beside the threshold, with their numbers."""
    rule, similarity = taxonomy.rule, taxonomy.engine.similarity_threshold
    gates, numbers = [], []
    if similarity is not None:
        gates.append("similarity::DOUBLE >= ?")
        numbers.append(similarity)
    if rule.min_score is not None:
        cosine = "confidence" if rule.score == "nearest" else NEAREST_COSINE
        gates.append(f"{cosine}::DOUBLE >= ?")
        numbers.append(rule.min_score)
    return gates, numbers
