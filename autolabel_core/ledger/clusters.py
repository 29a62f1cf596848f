"""Runs of cluster definitions, and the events of each cluster id that they gave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NotRequired, TypedDict

from sqlalchemy import Connection

from autolabel_core.foundation.json_types import Json
from autolabel_core.ledger.events import Event, append_events
from autolabel_core.ledger.rows import Rows, append, unknown
from autolabel_core.ledger.schema import CLUSTER_EVENTS, CLUSTER_RUNS


class DocumentsNote(TypedDict):
    """Which documents a run saw, in a few bytes: see `autolabel_core.clusters.run_input`."""

    arrivals: int
    documents: int
    chosen: str | None
    ordered_by: NotRequired[str]


class Answered(TypedDict):
    """The last request that a run answers, and who asked."""

    answers: int
    asked_by: list[str]


class NamingUsage(TypedDict):
    """What naming took, what went wrong, and which clusters took the label of another."""

    usage: dict[str, float | None]
    problems: list[str]
    merged: NotRequired[dict[str, str]]


class ClusterRunPayload(TypedDict, total=False):
    """What a run was made from and its figures; a figure that cannot be measured is None.

    A failed one has its `reason`, one of the same input `same_as`, a deletion only `answers` and
    the declaration that makes no run by itself.
    """

    answers: int
    asked_by: list[str]
    declaration: str | None
    reason: str
    same_as: str
    input: str
    documents_noted: DocumentsNote
    previous: str | None
    feature_uris: list[str]
    chosen: Json
    naming: NamingUsage
    documents: int
    clusters: int
    all_levels: int
    silhouette_score: float | None
    mean_cosine_to_centroid: float | None
    noise_ratio: float
    cluster_size_entropy: float | None
    should_recluster: int
    remarks: list[str]


class StoredName(TypedDict, total=False):
    """The name of a cluster as the payload of an event holds it.

    Attributes:
        label: the short name.
        summary: a sentence or two; empty where none was wanted.
        keywords: most telling first.
        confidence: from 0 (a guess) to 1 (sure).
        extra: the further keys of the declared response shape.
        source: what it comes from: `llm`, `labels`, `keywords`, `reference` or `number`.
    """

    label: str
    summary: str
    keywords: list[str]
    confidence: float
    extra: dict[str, Json]
    source: str


class ClusterEventPayload(TypedDict, total=False):
    """What became of an identity.

    `others` are the identities that it came from or went to, `shared` how many documents they have
    in common, `core` its most central documents, `label` what a person said.
    """

    others: list[str]
    shared: int
    jaccard: float
    size: int
    core: list[str]
    name: StoredName
    label: str
    documents: int
    reviewer: str
    stability: float
    forced: bool


@dataclass(frozen=True)
class ClusterRun:
    """One run of a definition: what it was made from, its figures, how it ended.

    The `run_id` follows from the input and from the run before, so that the same run is never
    two. The `mode` is `full` or `delete`; the `status` is `succeeded`, `failed`, `unchanged` (the
    input was that of the last run) or `deleted`, which ends the history before it. `id` is the
    place in the ledger's order, 0 before the run is recorded.
    """

    run_id: str
    collection: str
    cluster_name: str
    mode: str
    status: str
    payload: ClusterRunPayload = field(default_factory=ClusterRunPayload)
    recorded_at: str = ""
    id: int = 0


@dataclass(frozen=True)
class ClusterEvent:
    """Something in the life of one identity: birth, kept, split, merge, death, promotion."""

    event_id: str
    collection: str
    cluster_name: str
    cluster_id: str
    kind: str
    run_id: str
    payload: ClusterEventPayload = field(default_factory=ClusterEventPayload)
    recorded_at: str = ""
    id: int = 0


class ClusterRows(Rows):
    """Cluster runs and the life of identities in the ledger."""

    def append_cluster_run(
        self,
        run: ClusterRun,
        changes: Sequence[ClusterEvent] = (),
        events: Sequence[Event] = (),
    ) -> bool:
        """Append a run, the changes of identities and what others are told, all or nothing.

        Args:
            run: the run.
            changes: what became of each identity.
            events: such as `cluster.completed`.

        Returns:
            Whether the run is new; one whose `run_id` is known leaves everything as it is.
        """
        at = self._now()
        with self._database.writing() as connection:
            rows = unknown(connection, CLUSTER_RUNS.c.run_id, [_row(run, at)])
            append(connection, CLUSTER_RUNS, rows)
            if rows:
                _append_changes(connection, changes, at)
                append_events(connection, events, at)
        return bool(rows)

    def append_cluster_events(self, changes: Sequence[ClusterEvent]) -> int:
        """Append what became of identities outside a run, and return how many were new."""
        with self._database.writing() as connection:
            return _append_changes(connection, changes, self._now())

    def cluster_runs(
        self, collection: str | None = None, cluster_name: str | None = None
    ) -> list[ClusterRun]:
        """Return runs in order: of one collection, of one definition, or all."""
        wanted = {"collection": collection, "cluster_name": cluster_name}
        return self._listed(ClusterRun, CLUSTER_RUNS, wanted)

    def cluster_events(
        self,
        collection: str | None = None,
        cluster_name: str | None = None,
        kind: str | None = None,
        run_id: str | None = None,
    ) -> list[ClusterEvent]:
        """Return the life of identities in order: of one definition, kind or run, or all."""
        wanted = {"collection": collection, "cluster_name": cluster_name}
        return self._listed(ClusterEvent, CLUSTER_EVENTS, wanted | {"kind": kind, "run_id": run_id})


def _append_changes(connection: Connection, changes: Sequence[ClusterEvent], at: str) -> int:
    rows = unknown(connection, CLUSTER_EVENTS.c.event_id, [_row(change, at) for change in changes])
    append(connection, CLUSTER_EVENTS, rows)
    return len(rows)


def _row(fact: ClusterRun | ClusterEvent, at: str) -> dict[str, object]:
    row = vars(fact) | {"recorded_at": fact.recorded_at or at}
    del row["id"]
    return row
