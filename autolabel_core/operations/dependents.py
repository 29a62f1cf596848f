"""What rests on annotations beyond the tables: exports that people wrote, and trained models."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from autolabel_core.exports.atomic_folder import MARKER, REVOKED_MARK
from autolabel_core.ledger import Annotation, Ledger, ModelVersion, effective_annotations
from autolabel_core.ledger.exports import RecordedExport
from autolabel_core.ledger.revocations import revoked_events


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
    exports = [
        export
        for export in ledger.exports()
        if any(
            held_until(ledger, event, export.payload["annotations_until"].get(event.collection, 0))
            for event in annotations
        )
    ]
    models: list[ModelVersion] = []
    perhaps: list[ModelVersion] = []
    for name in sorted({event.collection for event in annotations}):
        own = [event for event in annotations if event.collection == name]
        for model in ledger.model_versions(name):
            until = model.card.get("annotations_until")
            if until is not None:
                models += [model] if any(held_until(ledger, e, until) for e in own) else []
            elif model.card["data_hash"] and model.recorded_at > min(e.recorded_at for e in own):
                perhaps.append(model)
    return Dependents(exports, models, perhaps)


def held_until(ledger: Ledger, event: Annotation, until: int) -> bool:
    """Whether an annotation gave its document the label at an earlier moment.

    Args:
        ledger: where it is.
        event: the annotation.
        until: the last id in the ledger's order that counted then.

    Returns:
        False also where it was given later.
    """
    about_it = ledger.annotations_of(event.collection, [event.document_id], until)
    held = effective_annotations(about_it, {event.document_id: event.content_hash})
    return event.event_id in {one.event_id for one in held.values()}


def revoked_annotations(ledger: Ledger, names: Iterable[str]) -> list[Annotation]:
    """Return the annotations of collections that are revoked now, in order."""
    found: list[Annotation] = []
    for name in names:
        history = ledger.annotation_history(name)
        revoked = revoked_events(history)
        found += [event for event in history if event.event_id in revoked]
    return found


def mark_exports(ledger: Ledger, names: Sequence[str]) -> list[Path]:
    """Put a file into each export that rests on revoked annotations; take it out of others.

    Args:
        ledger: where exports and revocations are.
        names: of the collections whose annotations may be revoked.

    Returns:
        The folders that are marked now. Those that are gone, or were replaced by something else,
        are left alone.
    """
    revoked = revoked_annotations(ledger, names)
    latest = {export.place: export for export in ledger.exports()}
    resting = {export.export_id for export in dependents(ledger, revoked).exports}
    marked: list[Path] = []
    for place, export in sorted(latest.items()):
        folder = Path(place)
        if not (folder / MARKER).is_file():
            continue
        if export.export_id not in resting:
            (folder / REVOKED_MARK).unlink(missing_ok=True)
            continue
        (folder / REVOKED_MARK).write_text(
            "This export rests on annotations that were revoked since. "
            f"`autolabel export {export.collection} --format {export.format} --out {place}` "
            "writes it anew.\n",
            encoding="utf-8",
        )
        marked.append(folder)
    return marked
