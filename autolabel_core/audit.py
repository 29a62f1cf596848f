"""Audits: a random sample of auto-labels looked at by a person, and the rate of wrong ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from autolabel_core.declarations import Collection
from autolabel_core.documents import Documents
from autolabel_core.statistics import wilson_interval
from autolabel_core.workspace import Workspace


def audit_sample(
    workspace: Workspace, collection: Collection, size: int, rng: np.random.Generator
) -> list[dict[str, Any]]:
    """Draw auto-labelled documents uniformly, leaving out those whose label was audited already.

    Args:
        workspace: the stores.
        collection: the declaration.
        size: how many to draw; fewer where fewer are left.
        rng: the source of randomness.

    Returns:
        Records with document_id, key, content_hash, label, confidence, source_document_id.
    """
    done = {
        (v.document_id, v.content_hash, v.auto_label)
        for v in workspace.ledger.audits(collection.collection_name)
    }
    names = ["document_id", "key", "content_hash", "label", "confidence", "source_document_id"]
    with Documents(workspace, collection).connect() as connection:
        rows = connection.execute(
            f"SELECT {', '.join(names)} FROM documents WHERE label_source = 'auto' ORDER BY key"
        ).fetchall()
    records = [dict(zip(names, row, strict=True)) for row in rows]
    left = [r for r in records if (r["document_id"], r["content_hash"], r["label"]) not in done]
    chosen = rng.permutation(len(left))[:size]
    return [left[i] for i in sorted(chosen.tolist())]


def audit_summary(workspace: Workspace, collection: Collection) -> dict[str, Any]:
    """Return the false-positive rate over all verdicts of the collection.

    Args:
        workspace: the stores.
        collection: the declaration.

    Returns:
        audited, wrong, rate (share of audited auto-labels that were wrong; None before the first
        audit) and its 95 % Wilson interval low, high. The latest verdict of a document counts.
    """
    verdicts = workspace.ledger.audits(collection.collection_name)
    latest = {(v.document_id, v.content_hash, v.auto_label): v.verdict for v in verdicts}
    audited, wrong = len(latest), sum(verdict == "wrong" for verdict in latest.values())
    low, high = wilson_interval(wrong, audited)
    rate = wrong / audited if audited else None
    return {"audited": audited, "wrong": wrong, "rate": rate, "low": low, "high": high}
