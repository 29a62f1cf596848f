"""What rests on annotations beyond the tables: exports that people wrote, and trained models."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autolabel_core.exports.atomic_folder import MARKER, REVOKED_MARK
from autolabel_core.ledger import Annotation, Ledger, ModelVersion, effective_annotations
from autolabel_core.ledger.exports import RecordedExport
from autolabel_core.ledger.revocations import with_revocations

LOGGER = logging.getLogger("autolabel")


@dataclass(frozen=True)
class Dependents:
    """What rests on some annotations.

    Attributes:
        exports: those that were written from tables in which one of them held.
        models: versions that were trained while one of them held.
        perhaps: versions of which it is not known: they were trained after one of them was given,
            before autolabel noted what a training rests on.
    """

    exports: Sequence[RecordedExport]
    models: Sequence[ModelVersion]
    perhaps: Sequence[ModelVersion]

    @property
    def described(self) -> list[str]:
        """A line for each export and model."""
        return [
            *(f"export {e.format} in {e.place} ({e.recorded_at[:19]}Z)" for e in self.exports),
            *(f"{m.kind} {m.version} of {m.collection}" for m in self.models),
        ]


def dependents(ledger: Ledger, annotations: Sequence[Annotation]) -> Dependents:
    """Return what rests on annotations, revoked or not.

    Args:
        ledger: where they are.
        annotations: of any collections.

    Returns:
        What rests on at least one of them.
    """
    by_collection: dict[str, list[Annotation]] = defaultdict(list)
    for event in annotations:
        by_collection[event.collection].append(event)
    asked: dict[tuple[str, int], bool] = {}

    def held(name: str, until: int) -> bool:
        if (name, until) not in asked:
            asked[name, until] = any_held_until(ledger, name, by_collection[name], until)
        return asked[name, until]

    def rests(until: Mapping[str, int]) -> bool:
        return any(held(name, last) for name, last in until.items() if name in by_collection)

    exports = [e for e in ledger.exports() if rests(e.payload["annotations_until"])]
    models: list[ModelVersion] = []
    perhaps: list[ModelVersion] = []
    for name, own in sorted(by_collection.items()):
        for model in ledger.model_versions(name):
            until = model.card.get("annotations_until")
            if until is not None:
                models += [model] if held(name, until) else []
            elif model.card["data_hash"] and model.recorded_at > min(e.recorded_at for e in own):
                perhaps.append(model)
    return Dependents(exports, models, perhaps)


def any_held_until(
    ledger: Ledger, collection: str, annotations: Sequence[Annotation], until: int
) -> bool:
    """Whether one of some annotations gave its document the label at an earlier moment.

    Args:
        ledger: where they are.
        collection: theirs.
        annotations: of that collection.
        until: the last id in the ledger's order that counted then.

    Returns:
        False also where all were given later.
    """
    documents = {event.document_id for event in annotations}
    about: dict[tuple[str, str], list[Annotation]] = defaultdict(list)
    for event in ledger.annotations_of(collection, documents, until):
        about[event.document_id, event.content_hash].append(event)
    held: set[str] = set()
    for (document, content), events in about.items():
        held |= {e.event_id for e in effective_annotations(events, {document: content}).values()}
    return any(event.event_id in held for event in annotations)


def revoked_annotations(ledger: Ledger, names: Iterable[str]) -> list[Annotation]:
    """Return the annotations of collections that are revoked now, in order."""
    histories = map(ledger.annotation_history, names)
    return [event for history in histories for event, _ in with_revocations(history)]


def mark_exports(ledger: Ledger, names: Sequence[str]) -> list[Path]:
    """Put a file into each export that rests on revoked annotations; take it out of others.

    Args:
        ledger: where exports and revocations are.
        names: of the collections whose annotations may be revoked.

    Returns:
        The folders that are marked now. Those that are gone, or were replaced by something else,
        are left alone; of those that cannot be written to a warning says so.
    """
    revoked = revoked_annotations(ledger, names)
    latest = {export.place: export for export in ledger.exports()}
    resting = {export.export_id for export in dependents(ledger, revoked).exports}
    marked: list[Path] = []
    for place, export in sorted(latest.items()):
        try:
            if _mark(export, export.export_id in resting):
                marked.append(Path(place))
        except OSError as error:
            LOGGER.warning(
                "%s in %s could not be written: %s. What was revoked is in the ledger all the "
                "same, and `autolabel exports` tells which exports rest on it.",
                *(REVOKED_MARK, place, error.strerror or error),
            )
    return marked


def _mark(export: RecordedExport, is_revoked: bool) -> bool:
    """Bring the mark of an export up to date, and say whether there is one now."""
    folder = Path(export.place)
    if not (folder / MARKER).is_file():
        return False
    if is_revoked:
        (folder / REVOKED_MARK).write_text(
            "This export rests on annotations that were revoked since. `autolabel export "
            f"{export.collection} --format {export.format} --out {export.place}` writes it anew.\n",
            encoding="utf-8",
        )
    else:
        (folder / REVOKED_MARK).unlink(missing_ok=True)
    return is_revoked
