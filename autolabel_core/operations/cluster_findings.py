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
    said = []
    for one in s["clusters"]:
        if one["failed"]:
            said.append(f"the last run of {one['definition']} failed: {one['failed']}")
        elif one["should_recluster"]:
            said.append(f"{one['definition']}: {'; '.join(one['reasons'])}")
    if said:
        cure = (
            f" `autolabel clusters run {s['collection']}` groups everything anew; where it says "
            "the same again, change the definition."
        )
        return Finding(name, asset, False, ". ".join(said) + "." + cure)
    ran = [one for one in s["clusters"] if one["run_id"]]
    if not ran:
        text = f"No clusters yet: `autolabel clusters run {s['collection']}` makes them."
        return Finding(name, asset, True, text)
    shown = ", ".join(
        f"{one['definition']} ({one['clusters']} clusters of {one['documents']} documents, "
        f"{one['new_documents']} assigned since)"
        for one in ran
    )
    look = f" `autolabel clusters list {s['collection']}` shows what could become a label."
    return Finding(name, asset, True, f"{shown}.{look}")


def noise_ratio(s: CollectionStatus) -> Finding:
    """Whether too many documents are in no cluster."""
    ran = [one for one in s["clusters"] if one["run_id"]]
    shown = ", ".join(f"{one['definition']} {one['noise_ratio']:.1%}" for one in ran) or "no run"
    passed = all((one["noise_ratio"] or 0.0) <= MAX_NOISE_RATIO for one in ran)
    cure = "" if passed else " Lower min_cluster_size or min_samples, or use a stronger encoder."
    return Finding("noise_ratio", "clusters", passed, f"Documents in no cluster: {shown}.{cure}")
