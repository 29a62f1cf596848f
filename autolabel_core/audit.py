"""Audits: a random sample of auto-labels looked at by a person, and the rate of wrong ones.

Wrong labels are corrected where the right one is known, and not given again; right ones stay
auto-labels and do not become references.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from autolabel_core.conditions import parse
from autolabel_core.declarations import Collection
from autolabel_core.documents import Documents
from autolabel_core.errors import AutolabelError
from autolabel_core.labelling import ExistingDocuments
from autolabel_core.labelling import GivenLabel, give_labels
from autolabel_core.ledger import AuditVerdict
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


class Judged(NamedTuple):
    """One verdict: key, the auto-label that was judged, `right` or `wrong`, the right label if known."""

    key: str
    label: str
    verdict: str
    correct_label: str | None
    where: str


def record_verdicts(
    workspace: Workspace, collection: Collection, judged: Sequence[Judged], auditor: str
) -> None:
    """Record verdicts and corrections, all or nothing.

    Args:
        workspace: the stores.
        collection: the declaration.
        judged: the verdicts.
        auditor: who looked.

    Raises:
        AutolabelError: a verdict is neither right nor wrong, or the document does not carry that
            auto-label (any more); nothing is recorded.
    """
    if not judged:
        return
    keys = [j.key for j in judged]
    held = {
        r["key"]: r
        for r in Documents(workspace, collection).find(
            [parse({"field": "key", "operator": "in", "value": keys})]
        )
    }
    problems = [p for j in judged if (p := _problem(j, held.get(j.key)))]
    hashes = ExistingDocuments(workspace, collection).content_hashes(keys)
    if problems:
        raise AutolabelError("\n".join([*problems[:20], "Nothing was recorded."]))
    corrections = [
        GivenLabel(j.key, j.correct_label, {}, j.where)
        for j in judged
        if j.verdict == "wrong" and j.correct_label
    ]
    if corrections:
        give_labels(workspace, collection, corrections, auditor, "audit")
    verdicts = [
        AuditVerdict(
            document_id=held[j.key]["document_id"],
            key=j.key,
            content_hash=hashes[j.key],
            auto_label=j.label,
            verdict="right" if j.verdict == "right" else "wrong",
            corrected_label=j.correct_label,
            auditor=auditor,
        )
        for j in judged
        if j.key in hashes
    ]
    workspace.ledger.append_audits(collection.collection_name, verdicts)


def _problem(judged: Judged, record: dict | None) -> str | None:  # type: ignore[type-arg]
    where = f"{judged.where}: " if judged.where else ""
    if judged.verdict not in ("right", "wrong"):
        return f"{where}verdict {judged.verdict!r}; expected right or wrong"
    if record is None:
        return f"{where}no document with the key {judged.key!r}"
    if record["label_source"] != "auto" or record["label"] != judged.label:
        return (
            f"{where}{judged.key!r} does not carry the auto-label {judged.label!r} "
            f"(now {record['label']!r}, {record['label_source'] or 'unlabelled'})"
        )
    if judged.verdict == "right" and judged.correct_label:
        return f"{where}{judged.key!r} is judged right, yet `correct_label` is given"
    return None
