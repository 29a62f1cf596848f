"""Revocation: takes back what was said, and exactly the promotions and moves that rest on it.

Nothing is deleted: each annotation that is taken back gets an event that says so, in one
transaction, and another that gives it back is possible at any time.
"""

from __future__ import annotations

import uuid
from collections.abc import Container, Sequence
from dataclasses import dataclass, field, replace

from autolabel_core.foundation.errors import AutolabelError, NotFoundError
from autolabel_core.foundation.ids import object_of
from autolabel_core.labelling.descendants import descendants_of, resting_on
from autolabel_core.ledger import Annotation, Ledger
from autolabel_core.ledger.revocations import (
    REINSTATE,
    REVOCATION_ID,
    REVOKE,
    REVOKED_EVENT,
    in_force,
    with_revocations,
)

MIN_ID_CHARACTERS = 6


@dataclass(frozen=True)
class RevocationFilter:
    """Which annotations are meant: those that meet every condition that is given.

    Attributes:
        annotator: who said them.
        since: recorded at this moment or later (ISO 8601 in UTC, as the ledger writes it).
        recorded_at: recorded in one go at this very moment, such as an import.
        batch: about objects of this batch of uploads.
        event_ids: with one of these ids.
    """

    annotator: str | None = None
    since: str | None = None
    recorded_at: str | None = None
    batch: str | None = None
    event_ids: frozenset[str] = frozenset()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked for; that never means everything."""
        return self == RevocationFilter()

    def meets(self, event: Annotation, batch: str | None) -> bool:
        """Whether an annotation of a document in that batch is meant."""
        return (
            self.annotator in (None, event.annotator)
            and (self.since is None or event.recorded_at >= self.since)
            and self.recorded_at in (None, event.recorded_at)
            and self.batch in (None, batch)
            and (not self.event_ids or event.event_id in self.event_ids)
        )

    def check(self) -> None:
        """Refuse to mean everything, be it by an empty text, such as that of an unset variable.

        Raises:
            AutolabelError: no condition is given, or one is an empty text.
        """
        if self.is_empty:
            raise AutolabelError(
                "Say which annotations are to be revoked: by whom, since when, of which import or "
                "batch, or by id. Nothing was recorded."
            )
        if "" in (self.annotator, self.since, self.recorded_at, self.batch):
            raise AutolabelError(
                "Expected a name or a moment in each condition, found an empty text. Leave the "
                "condition out, or say what it is. Nothing was recorded."
            )


@dataclass(frozen=True)
class Revocable:
    """What a revocation takes back, in the order of the ledger.

    Attributes:
        chosen: what was asked for.
        descendants: promotions and moved labels that rest on it.
        revocation_id: names the revocation, once it is recorded.
    """

    chosen: list[Annotation] = field(default_factory=list)
    descendants: list[Annotation] = field(default_factory=list)
    revocation_id: str = ""

    @property
    def annotations(self) -> list[Annotation]:
        """Everything that is taken back."""
        return [*self.chosen, *self.descendants]


def revocable(ledger: Ledger, collections: Sequence[str], wanted: RevocationFilter) -> Revocable:
    """Return what a revocation would take back; what is revoked already is left out.

    Args:
        ledger: where the annotations are.
        collections: whose.
        wanted: which.

    Returns:
        The annotations. No condition at all, and an empty text as one, is an `AutolabelError`.
    """
    wanted.check()
    found = Revocable()
    for name in collections:
        history = ledger.annotation_history(name)
        arrivals = ledger.objects(name) if wanted.batch else {}
        batches = {document: arrival.batch for document, arrival in arrivals.items()}
        chosen = [
            event
            for event in in_force(history)
            if wanted.meets(event, batches.get(object_of(event.document_id)))
        ]
        found.chosen.extend(chosen)
        found.descendants.extend(descendants_of(history, {event.event_id for event in chosen}))
    return found


def revoke(
    ledger: Ledger,
    collections: Sequence[str],
    wanted: RevocationFilter,
    revoked_by: str,
    reason: str | None = None,
) -> Revocable:
    """Take annotations back with what rests on them, in one transaction.

    Args:
        ledger: where to.
        collections: whose annotations.
        wanted: which.
        revoked_by: who takes them back.
        reason: why, for `explain`.

    Returns:
        What was taken back; nothing where nothing was found.
    """
    revocation_id = uuid.uuid4().hex
    with ledger.together():
        found = revocable(ledger, collections, wanted)
        ledger.append_annotations(
            [_about(e, REVOKE, revocation_id, revoked_by, reason) for e in found.annotations]
        )
    return replace(found, revocation_id=revocation_id if found.annotations else "")


def reinstate(
    ledger: Ledger, collections: Sequence[str], revocation_id: str, by: str
) -> list[Annotation]:
    """Undo a revocation: what it took back counts again, as if it had never been revoked.

    What rests on an annotation that another revocation has taken back stays revoked, and so this
    revocation stands for it.

    Args:
        ledger: where to.
        collections: where it may have taken something back.
        revocation_id: its id, or how that begins.
        by: who undoes it.

    Returns:
        What counts again.

    Raises:
        NotFoundError: there is no such revocation, or everything that it took back counts.
        AutolabelError: all of it rests on what another revocation has taken back.
    """
    with ledger.together():
        found: list[tuple[Annotation, str]] = []
        resting: set[str] = set()
        for name in collections:
            history = ledger.annotation_history(name)
            revoked = [(e, str(r.provenance[REVOCATION_ID])) for e, r in with_revocations(history)]
            others = {e.event_id for e, id_ in revoked if not id_.startswith(revocation_id)}
            found += [(e, id_) for e, id_ in revoked if e.event_id not in others]
            resting |= {event.event_id for event in resting_on(history, others)}
        ids = {id_ for _, id_ in found}
        if not revocation_id or len(ids) != 1:
            raise NotFoundError(
                f"Expected the id of one revocation that stands, found {revocation_id!r}, which "
                f"{len(ids)} have. `autolabel revoke --list` shows them. Nothing was recorded."
            )
        events = [event for event, _ in found if event.event_id not in resting]
        if not events:
            raise AutolabelError(
                f"All that {revocation_id} took back rests on annotations that another revocation "
                "has taken back. Undo that one first; `autolabel revoke --list` shows it. Nothing "
                "was recorded."
            )
        whole_id = ids.pop()
        ledger.append_annotations([_about(e, REINSTATE, whole_id, by, None) for e in events])
    return events


def _about(
    event: Annotation, action: str, revocation_id: str, by: str, reason: str | None
) -> Annotation:
    return Annotation(
        collection=event.collection,
        document_id=event.document_id,
        key=event.key,
        label=None,
        content_hash=event.content_hash,
        annotator=by,
        origin="cli",
        action="revoke" if action == REVOKE else "reinstate",
        reason=reason,
        provenance={REVOKED_EVENT: event.event_id, REVOCATION_ID: revocation_id},
    )


@dataclass(frozen=True)
class RevocationRecord:
    """A revocation that stands.

    Attributes:
        revocation_id: its id.
        revoked_by: who took back.
        recorded_at: when.
        reason: why.
        annotations: how many it took back that were not given back.
    """

    revocation_id: str
    revoked_by: str
    recorded_at: str
    reason: str | None
    annotations: int


def standing_revocations(ledger: Ledger, collections: Sequence[str]) -> list[RevocationRecord]:
    """Return the revocations that stand, the oldest first."""
    found: dict[str, list[Annotation]] = {}
    for name in collections:
        for _, revocation in with_revocations(ledger.annotation_history(name)):
            found.setdefault(str(revocation.provenance[REVOCATION_ID]), []).append(revocation)
    records = [
        RevocationRecord(id_, rows[0].annotator, rows[0].recorded_at, rows[0].reason, len(rows))
        for id_, rows in found.items()
    ]
    return sorted(records, key=lambda record: (record.recorded_at, record.revocation_id))


def find_annotation(
    ledger: Ledger, event_id: str, collections: Container[str] | None = None
) -> Annotation:
    """Return the annotation of an id, or of the beginning of one.

    Args:
        ledger: where it is looked for.
        event_id: at least 6 characters of it.
        collections: only in these; None is all.

    Returns:
        The annotation.

    Raises:
        NotFoundError: none or several have such an id.
    """
    enough = len(event_id) >= MIN_ID_CHARACTERS
    found = ledger.annotations_by_id(event_id) if enough else []
    found = [e for e in found if collections is None or e.collection in collections]
    if len(found) != 1:
        raise NotFoundError(
            f"Expected the id of one annotation (at least {MIN_ID_CHARACTERS} characters of it), "
            f"found {event_id!r}, which {len(found)} have. `autolabel annotations list COLLECTION` "
            "shows the ids."
        )
    return found[0]
