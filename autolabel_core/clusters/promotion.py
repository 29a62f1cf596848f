"""Promotes a cluster: its most central members become references, after a person's review."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection as AnyCollection
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from autolabel_core.clusters.definition_state import DefinitionState
from autolabel_core.clusters.history import PROMOTION
from autolabel_core.clusters.promotion_gate import disagreement, promotion_verdict
from autolabel_core.clusters.report import current_documents
from autolabel_core.clusters.stability import run_in_force, stabilities
from autolabel_core.clusters.table import Clusters
from autolabel_core.declarations.conditions import parse
from autolabel_core.declarations.zero_shot import SUGGESTED
from autolabel_core.documents.documents import Documents
from autolabel_core.foundation.errors import AutolabelError, NotFoundError
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.foundation.json_types import JsonObject
from autolabel_core.foundation.label_names import check_label
from autolabel_core.foundation.suggestions import did_you_mean
from autolabel_core.labelling.promotion import (
    Promotion,
    already_promoted,
    check_taxonomy,
    outstanding,
    prepared,
    proposed,
)
from autolabel_core.ledger import ClusterEvent
from autolabel_core.ledger.clusters import ClusterEventPayload
from autolabel_core.tables.cluster_files import RunFiles
from autolabel_core.tables.workspace import OpenCollection, Workspace

PROMOTED_MEMBERS = 20
"""So many of the most central members become references; the sweep labels the others by them."""


COSINE = "cosine_similarity_to_centroid"


class RankedMember(NamedTuple):
    """One document of a cluster, with its cosine to the centroid in [-1, 1], 1 is the centre."""

    collection: str
    document_id: str
    content_hash: str
    cosine: float


@dataclass(frozen=True)
class ClusterPromotion:
    """What would become references, and whether the cluster is fit for it.

    Attributes:
        defined: the definition.
        cluster_id: the cluster.
        label: the label that it shall have.
        size: documents that the cluster has now.
        stability: mean Jaccard over resamples, from 0 (never found again) to 1 (always).
        reasons: why it should not be promoted; none where it may.
        said: labels that people gave to its members, with their numbers.
        chosen: by collection, the most central first.
        promoted: members that carry the label by an earlier promotion; they count as chosen.
    """

    defined: DefinitionState
    cluster_id: str
    label: str
    size: int
    stability: float
    reasons: tuple[str, ...]
    said: dict[str, int]
    chosen: dict[str, list[Promotion]]
    promoted: int = 0

    @property
    def images_to_review(self) -> int:
        """Images that hold boxes among the chosen: they train once they are `reviewed`."""
        return sum(
            len({p.record.get("image_key") for p in chosen} - {None})
            for chosen in self.chosen.values()
        )


def find_cluster(collection: OpenCollection, wanted: str) -> tuple[DefinitionState, str]:
    """Find a cluster by `cl_3`, `definition/cl_3` or its name.

    Args:
        collection: the collection that declares the definition.
        wanted: what a person calls it.

    Returns:
        The definition and the cluster's id.

    Raises:
        NotFoundError: there is no such cluster in force, or there are several.
    """
    definition, _, rest = wanted.rpartition("/")
    matches: list[tuple[DefinitionState, str]] = []
    known: list[str] = []
    for state in Clusters(collection).defined:
        if (
            (definition and state.name != definition)
            or state.last is None
            or not state.last.complete
        ):
            continue
        ids = [row["cluster_id"] for row in state.last.clusters]
        known += [f"{state.name}/{cluster}" for cluster in ids]
        labels = {cluster: state.history.names.get(cluster, {}).get("label") for cluster in ids}
        matches += [(state, cluster) for cluster in ids if rest in (cluster, labels[cluster])]
    if len(matches) == 1:
        return matches[0]
    if matches:
        places = ", ".join(f"{state.name}/{cluster}" for state, cluster in matches)
        raise NotFoundError(f"`{wanted}` may be {places}: say which.")
    near = did_you_mean(wanted, known)
    raise NotFoundError(
        f"No cluster `{wanted}` in `{collection.name}`.{near} "
        f"`autolabel clusters list {collection.name}` shows what is there."
    )


def propose_promotion(
    collection: OpenCollection,
    cluster: str,
    label: str,
    core: int | None = PROMOTED_MEMBERS,
    exclude: AnyCollection[str] = (),
) -> ClusterPromotion:
    """Return what a promotion of a cluster would do.

    Args:
        collection: the collection that declares the definition.
        cluster: what a person calls the cluster.
        label: the label that it shall have.
        core: so many of the most central members; None is all.
        exclude: keys that the reviewer left out.

    Returns:
        The promotion; members that carry a person's label are left out.
    """
    state, cluster_id = find_cluster(collection, cluster)
    run, label = run_in_force(state), check_label(label)
    stable = stabilities(state)[cluster_id]
    because: JsonObject = {
        "cluster_name": state.name,
        "run_id": run.run_id,
        "cluster_id": cluster_id,
        "stability": round(stable, 6),
    }
    ranked, promoted = _ranked(state, run, cluster_id), 0
    said, chosen = Counter[str](), dict[str, list[Promotion]]()
    for grouped in state.documents.collections:
        own = [member for member in ranked if member.collection == grouped.collection_name]
        if own:
            check_taxonomy(grouped)
            opened = OpenCollection(collection.workspace, grouped)
            given, promotions = _of_collection(opened, own, label, because)
            said.update(given)
            promoted += already_promoted(opened, promotions)
            wanted = [p for p in promotions if p.record["key"] not in exclude]
            chosen[opened.name] = outstanding(opened, wanted)
    # Who asks twice gets the same members, and not the next ones.
    nearest = _nearest(chosen, None if core is None else max(core - promoted, 0))
    records = [p.record for p in _all(nearest) if p.record["label_source"] != SUGGESTED]
    labels = Counter(str(record["label"]) for record in records if record["label"])
    reasons = (
        *promotion_verdict(state, cluster_id, stable).reasons,
        *disagreement(labels, "its most central members"),
        *_contradicted(said, label),
    )
    return ClusterPromotion(
        state, cluster_id, label, len(ranked), stable, reasons, dict(said), nearest, promoted
    )


def _all(chosen: Mapping[str, list[Promotion]]) -> list[Promotion]:
    return [promotion for promotions in chosen.values() for promotion in promotions]


def _of_collection(
    collection: OpenCollection,
    members: list[RankedMember],
    label: str,
    because: JsonObject,
) -> tuple[list[str], list[Promotion]]:
    """Return what people said of the members, and a promotion of each."""
    own = {member.document_id: member for member in members}
    condition = parse({"field": "document_id", "operator": "in", "value": list(own)})
    records = Documents(collection).find([condition])
    given = [
        name
        for r in records
        if r["label_source"] in ("human", "promoted") and (name := r["label"]) is not None
    ]
    promotions = []
    for record in records:
        member = own[record["document_id"]]
        why = {**because, COSINE: round(member.cosine, 6)}
        promotions.append(proposed(collection, record, member.content_hash, label, why))
    return given, promotions


def confirm_promotion(
    workspace: Workspace, promotion: ClusterPromotion, reviewer: str, force: bool = False
) -> int:
    """Make the members references, and note it in the life of the cluster: both, or neither.

    Args:
        workspace: the stores.
        promotion: what the reviewer accepted.
        reviewer: who reviewed.
        force: whether a cluster that is not fit is promoted all the same.

    Returns:
        How many labels were recorded.

    Raises:
        AutolabelError: the cluster is not fit for it.
    """
    if promotion.reasons and not force:
        raise AutolabelError(
            f"`{promotion.cluster_id}` cannot become a label yet: "
            f"{'; '.join(promotion.reasons)}. --force promotes it all the same."
        )
    ready = [
        prepared(workspace.open(name), chosen, reviewer)
        for name, chosen in promotion.chosen.items()
    ]
    state, keys = promotion.defined, _keys(promotion)
    identity = (state.collection.name, state.name, promotion.cluster_id)
    payload: ClusterEventPayload = {
        "label": promotion.label,
        "documents": len(keys),
        "reviewer": reviewer,
        "stability": round(promotion.stability, 6),
        "forced": bool(promotion.reasons),
    }
    id_ = fingerprint(PROMOTION, *identity, promotion.label, keys)
    event = ClusterEvent(id_, *identity, PROMOTION, run_in_force(state).run_id, payload)
    with workspace.ledger.together():
        recorded = sum(record() for record in ready)
        if keys:
            workspace.ledger.append_cluster_events([event])
    return recorded


def _ranked(state: DefinitionState, run: RunFiles, cluster: str) -> list[RankedMember]:
    """Return the members that the cluster has now."""
    members = set(current_documents(state).get(cluster, ()))
    rows = state.documents.rows
    own = [i for i, document in enumerate(rows.document_ids) if document in members]
    cosines = rows.vectors[own] @ run.centroids[run.place[cluster]]
    return [
        RankedMember(rows.collections[i], rows.document_ids[i], rows.content_hashes[i], cosine)
        for i, cosine in zip(own, cosines.tolist(), strict=True)
    ]


def _nearest(chosen: dict[str, list[Promotion]], core: int | None) -> dict[str, list[Promotion]]:
    """Return so many of the most central, by collection, the most central first."""
    every = [(name, promotion) for name, promotions in chosen.items() for promotion in promotions]
    every.sort(key=lambda pair: (-float(str(pair[1].provenance[COSINE])), pair[1].key, pair[0]))
    kept: dict[str, list[Promotion]] = {name: [] for name in chosen}
    for name, promotion in every[:core]:
        kept[name].append(promotion)
    return kept


def _contradicted(labels: Counter[str], label: str) -> tuple[str, ...]:
    others = labels.total() - labels[label]
    if 2 * others <= labels.total():
        return ()
    shown = ", ".join(f"{name} ({n})" for name, n in labels.most_common(3))
    return (f"people labelled {others} of its members otherwise: {shown}",)


def _keys(promotion: ClusterPromotion) -> list[str]:
    return sorted(
        f"{name}/{p.key}" for name, promotions in promotion.chosen.items() for p in promotions
    )
