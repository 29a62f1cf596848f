"""Decides what sensors and schedules request: relabelling, audits, clustering, training.

Nothing here remembers: what should be is compared with what is, each time anew, so that a lost
tick, a crash between two writes or a run that somebody killed heals at the next look.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from autolabel_core.declarations.automation import Relabel
from autolabel_core.documents.corrections import count_corrections
from autolabel_core.exports.box_exports_table import BoxExports
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.ledger.requests import RETRAIN, Request, RequestPayload
from autolabel_core.tables.boxes.detector_figures import count_mistakes
from autolabel_core.tables.detections import DetectionTable
from autolabel_core.tables.reference_rows import ReferenceRow
from autolabel_core.tables.reference_set import ReferenceSet
from autolabel_core.tables.table import LedgerSnapshot
from autolabel_core.tables.taxonomy_labels import TaxonomyLabels
from autolabel_core.tables.workspace import OpenCollection, Workspace

FIRST_REST_SECONDS = 15.0
LONGEST_REST_SECONDS = 600.0


@dataclass(frozen=True)
class Waiting:
    """What labels and rules made stale.

    Attributes:
        documents: documents whose label is not applied yet, or words about boxes that are not
            exported yet, whichever are more.
        oldest: when the oldest of those labels was given, in UTC as ISO 8601; None where no label
            was given, as when a reference is gone or a verdict came in.
        at_once: batches carry labels of another rule, or of other references than stand now, so
            that no threshold is to be waited for.
    """

    documents: int
    oldest: str | None
    at_once: bool

    def __bool__(self) -> bool:
        """Whether anything waits."""
        return self.at_once or self.documents > 0


def waiting(collection: OpenCollection) -> Waiting:
    """Compare what people said with what the references and each batch were made from.

    What counts is, for each batch, the references that it was labelled by: one that arrived, or was
    in the middle of a run, while the others were relabelled is found like any other.

    Args:
        collection: opened with its stores.

    Returns:
        What waits.
    """
    recorded = LedgerSnapshot(collection.workspace, collection.name)
    references = ReferenceSet(collection, recorded)
    labels = TaxonomyLabels(collection, recorded)
    boxes = _boxes_waiting(references)
    stale_set, stale_labels = references.stale(), labels.stale()
    if not stale_set and not stale_labels:
        return boxes
    changed = _changed(references)
    annotations = references.embeddings.items.annotations(changed)
    given = [annotations[document].recorded_at for document in sorted(annotations)]
    uri = references.embeddings.extractor.manifest.feature_uri
    moved = bool(stale_set) and references.feature_uri != uri
    inputs = set(labels.stale_by_uploads())
    has_annotations = bool(stale_set) or any(batch not in inputs for batch in stale_labels)
    at_once = moved or bool(labels.stale_by_taxonomy())
    waits = max(len(changed), int(has_annotations), boxes.documents)
    oldest = min([*given, *filter(None, [boxes.oldest])], default=None)
    return Waiting(waits, oldest, at_once)


def _boxes_waiting(references: ReferenceSet) -> Waiting:
    """Annotations of boxes that is not exported yet."""
    if references.collection.declaration.detection is None:
        return Waiting(0, None, False)
    annotations = references.sibling(BoxExports).unexported()
    return Waiting(len(annotations), min((e.recorded_at for e in annotations), default=None), False)


def _changed(references: ReferenceSet) -> set[str]:
    """Documents that are, or were, a reference and are to be another one, or none."""
    before, after = (
        {document: _content_of(row) for document, row in rows.items()}
        for rows in references.changes()
    )
    return {i for i in before.keys() | after.keys() if before.get(i) != after.get(i)}


def _content_of(row: ReferenceRow) -> tuple[object, ...]:
    return (row["content_hash"], row["label"], row["label_source"], sorted(row["fields"].items()))


def relabel_is_due(state: Waiting, rule: Relabel, since: datetime, now: datetime) -> bool:
    """Whether the threshold of the declaration is reached.

    Args:
        state: what waits.
        rule: the threshold.
        since: when something was first seen to wait; the oldest label may be older.
        now: the present moment; one before `since` means that the clock went back, and is due.

    Returns:
        True when everything should be relabelled now.
    """
    if not state:
        return False
    if state.at_once or state.documents >= rule.after_labels:
        return True
    given = datetime.fromisoformat(state.oldest) if state.oldest else since
    began = min(given, since)
    return now < began or now - began >= timedelta(minutes=rule.after_minutes)


@dataclass(frozen=True)
class Outcome:
    """One run that was asked for: what it was to bring about, and how it ended.

    Attributes:
        wanted: fingerprint of the plan.
        ended: Unix time of its end; None while it is queued or running.
        succeeded: whether it came to a good end.
    """

    wanted: str
    ended: float | None
    succeeded: bool


def may_ask(wanted: str, outcomes: Iterable[Outcome], now: float) -> bool:
    """Whether to ask again: not while a run is in flight, and after failures with growing rests.

    Args:
        wanted: fingerprint of the plan.
        outcomes: the latest runs of the same sensor, newest first.
        now: Unix time; one before the last end means that the clock went back, and does not wait.

    Returns:
        True when a run should be asked for.
    """
    outcomes = list(outcomes)
    if any(o.ended is None for o in outcomes):
        return False
    in_vain = 0
    for outcome in outcomes:
        if outcome.succeeded and outcome.wanted != wanted:
            break
        in_vain += 1
    if not in_vain:
        return True
    passed = now - (outcomes[0].ended or now)
    return passed < 0 or passed >= rest_seconds(in_vain)


def rest_seconds(in_vain: int) -> float:
    """Return how long to rest after so many runs in vain: 0 after the first, then doubling."""
    if in_vain < 2:
        return 0.0
    return min(FIRST_REST_SECONDS * 2.0 ** min(in_vain - 2, 20), LONGEST_REST_SECONDS)


def run_key(sensor: str, collection: str, wanted: str, ended_before: int) -> str:
    """Return a key that no earlier run had: Dagster never runs one key twice.

    Args:
        sensor: which one asks.
        collection: for which collection.
        wanted: fingerprint of the content.
        ended_before: how many runs for that content ended already, well or badly; what is still
            wrong after a good run, such as a table that was deleted since, is asked for again.

    Returns:
        The key.
    """
    # Slashes, because versions that counted runs by other tags wrote keys with colons.
    return f"{collection}/{sensor}/{wanted}/{ended_before}"


def request_retraining(collection: OpenCollection) -> bool:
    """Ask for training in the ledger when enough was corrected since the last time.

    Labels that differ from the auto-label before them count, and boxes that a detector had wrong.
    The request's id counts the requests, so that two processes that see the same crossing record
    it once.

    Args:
        collection: opened with its stores.

    Returns:
        Whether a request was recorded.
    """
    name = collection.name
    corrected = _corrected(collection.workspace, name)
    asked = collection.ledger.requests(name, RETRAIN)
    before = asked[-1].payload["corrections"] if asked else 0
    if corrected - before < collection.declaration.automation.retrain.after_corrections:
        return False
    payload: RequestPayload = {"corrections": corrected, "since_last": corrected - before}
    return _ask(collection.workspace, name, len(asked), payload)


def ask_for_training(collection: OpenCollection, by: str) -> bool:
    """Ask for training because a person wants it; corrections are counted anew from here.

    Args:
        collection: opened with its stores.
        by: who asks.

    Returns:
        Whether a request was recorded; another process may have asked at the same moment.
    """
    name = collection.name
    asked = collection.ledger.requests(name, RETRAIN)
    payload: RequestPayload = {"corrections": _corrected(collection.workspace, name), "by": by}
    return _ask(collection.workspace, name, len(asked), payload)


def _corrected(workspace: Workspace, name: str) -> int:
    labels = count_corrections(workspace.ledger.annotations(name))
    return labels + count_mistakes(workspace.ledger.box_annotations(name))


def _ask(workspace: Workspace, name: str, asked: int, payload: RequestPayload) -> bool:
    request_id = fingerprint(RETRAIN, name, asked + 1)
    request = Request(request_id, name, RETRAIN, payload)
    return workspace.ledger.append_requests([request]) == 1


def weights_wait(collection: OpenCollection) -> list[str]:
    """Return the batches that other weights looked at, and those in service have not yet.

    Args:
        collection: the declaration, with `detection`.

    Returns:
        Batches, in order; those that nobody looked at yet belong to the uploads.
    """
    table = DetectionTable(collection)
    warehouse = collection.warehouse
    others = [f for f in warehouse.folders_in(table.folder.parent) if f != table.folder]
    return [
        batch
        for batch in table.batches
        if not warehouse.exists(table.path(batch))
        and any(warehouse.exists(folder / f"{batch}.parquet") for folder in others)
    ]
