"""Advice on the clusters of a collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autolabel_core.operations.finding import Finding

if TYPE_CHECKING:
    from autolabel_core.operations.status_record import CollectionStatus

MAX_NOISE_RATIO = 0.50


def should_recluster(s: CollectionStatus) -> Finding:
    """Whether a full run of some definition is due, or its last one failed."""
    name, asset = "should_recluster", "clusters"
    reasons = []
    for status in s["clusters"]:
        if status["failed"]:
            reasons.append(f"the last run of {status['definition']} failed: {status['failed']}")
        elif status["should_recluster"]:
            reasons.append(f"{status['definition']}: {'; '.join(status['reasons'])}")
    if reasons:
        cure = (
            f" `autolabel clusters run {s['collection']}` groups everything anew; where it says "
            "the same again, change the definition."
        )
        return Finding(name, asset, False, ". ".join(reasons) + "." + cure)
    ran = [status for status in s["clusters"] if status["run_id"]]
    if not ran:
        text = f"No clusters yet: `autolabel clusters run {s['collection']}` makes them."
        return Finding(name, asset, True, text)
    shown = ", ".join(
        f"{status['definition']} ({status['clusters']} clusters of {status['documents']} "
        f"documents, {status['new_documents']} assigned since)"
        for status in ran
    )
    look = f" `autolabel clusters list {s['collection']}` shows what could become a label."
    return Finding(name, asset, True, f"{shown}.{look}")


def noise_ratio(s: CollectionStatus) -> Finding:
    """Whether too many documents are in no cluster."""
    ran = [status for status in s["clusters"] if status["run_id"]]
    shown = (
        ", ".join(f"{status['definition']} {status['noise_ratio']:.1%}" for status in ran)
        or "no run"
    )
    passed = all((status["noise_ratio"] or 0.0) <= MAX_NOISE_RATIO for status in ran)
    cure = "" if passed else " Lower min_cluster_size or min_samples, or use a stronger encoder."
    return Finding("noise_ratio", "clusters", passed, f"Documents in no cluster: {shown}.{cure}")
