"""Records box annotations: finds their images, validates all, and writes all or none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from autolabel_core.declarations import Collection
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.foundation.label_names import NameWarning, inconsistent_names
from autolabel_core.labelling.box_checks import ValidatedBox, validate
from autolabel_core.labelling.box_input import (
    BoxInput,
    ImportReport,
    ParsedAnnotations,
    Problem,
    SourceImage,
    Target,
)
from autolabel_core.labelling.give_labels import listed_problems
from autolabel_core.labelling.standing_predictions import (
    Predictions,
    is_detection_id,
    standing_predictions,
)
from autolabel_core.labelling.targets import Targets
from autolabel_core.ledger import BoxAnnotation
from autolabel_core.tables.boxes.box_labels import REVIEWED
from autolabel_core.tables.lost_ledger import check_ledger
from autolabel_core.tables.workspace import OpenCollection

WHOLE_IMAGE = "whole_image"
"""What the payload of a box holds that came with all the others on its image."""

SHOWN_CHARACTERS = 12
"""So much of an annotation's id is shown in lists, and is enough to name it."""

_NOT_CONTENT = frozenset({"event_id", "recorded_at", "origin"})


def give_boxes(
    collection: OpenCollection,
    given: ParsedAnnotations,
    annotator: str,
    origin: str,
    skip_invalid: bool = False,
) -> ImportReport:
    """Record what people said of boxes, all or nothing; what stands already is not repeated.

    Annotations of whole images are truth, not judgements: they judge no detector.

    Args:
        collection: opened with its stores.
        given: what was said.
        annotator: who said it, where the source does not tell.
        origin: where it comes from, such as `cli` or `coco`.
        skip_invalid: record what is right and leave out the rest; an image with a box that is left
            out is not taken for reviewed.

    Returns:
        What became of it.

    Raises:
        AutolabelError: something is wrong; nothing is recorded, and the message lists the lines.
    """
    name = collection.name
    check_ledger(collection.workspace, name)
    history = _History(collection.ledger.box_annotations(name))
    inputs = [
        replace(
            g,
            annotator=g.annotator or annotator,
            annotation_id=history.full_id(g.annotation_id),
        )
        for g in given.boxes
    ]
    about = [g.target or history.key_of(g.annotation_id) for g in inputs]
    named = [*about, *(g.image_key for g in inputs), *(target for target, _ in given.problems)]
    targets = Targets(collection, [target for target in named if target])
    predictions = Predictions()
    if not given.whole_images:
        judging = any(is_detection_id(g.target) for g in inputs)
        predictions = standing_predictions(collection, targets.image_ids, judging)
    words, invalid, repeated = _read_all(
        inputs, targets, history, predictions, collection.declaration
    )
    problems = [*given.problems, *invalid]
    if problems and not skip_invalid:
        listed = listed_problems(list(dict.fromkeys(problem for _, problem in problems)))
        raise AutolabelError(f"{listed}\nNothing was recorded.")
    kept, withheld = _reviewed_in_full(words, problems, given.incomplete, targets)
    twice = [f"{repeated} lines say what another line says, and count once."] if repeated else []
    notes = [*given.notes, *targets.notes, *twice, *withheld]
    events = [replace(word.annotation, origin=origin) for word in kept]
    if given.whole_images:
        events = [_as_whole(event) for event in events]
        events += history.replaced_by(events)
    fresh = history.new_among(events)
    warnings = _spelling(collection, fresh)
    collection.ledger.append_box_annotations(fresh)
    counted = Counter("withdrawn" if e.action == "withdraw" else e.label for e in fresh)
    return ImportReport(
        dict(counted),
        len(events) - len(fresh),
        len({event.image_id for event in events}),
        tuple(problem for _, problem in problems),
        warnings,
        tuple(notes),
    )


def _reviewed_in_full(
    words: Sequence[ValidatedBox],
    problems: Sequence[Problem],
    incomplete: frozenset[Target],
    targets: Targets,
) -> tuple[list[ValidatedBox], list[str]]:
    """Leave out that an image was reviewed where an object on it was left out, and say so.

    A problem that may be about any image speaks against all of them: an image that is taken for
    reviewed without one of its objects teaches that nothing is there.
    """
    about_any = any(target is None for target, _ in problems)
    damaged = {targets.image_id(target) for target, _ in problems if target is not None}
    damaged |= {targets.image_id(target) for target in incomplete}
    kept, withheld = [], []
    for word in words:
        event = word.annotation
        is_word = event.label == REVIEWED and event.action == "annotate"
        if is_word and (about_any or event.image_id in damaged):
            withheld.append(event.image_key)
        else:
            kept.append(word)
    return kept, [
        f"{key!r} is not taken for reviewed, because something on it may have been left out."
        for key in dict.fromkeys(withheld)
    ]


class _History:
    """What the ledger holds, and what of something new is really new."""

    def __init__(self, events: Sequence[BoxAnnotation]) -> None:
        self.latest = {event.annotation_id: event for event in events}
        self._counts = Counter(event.annotation_id for event in events)
        self._moved = {e.identity: e.annotation_id for e in events if e.moved_from}

    def full_id(self, annotation_id: str | None) -> str | None:
        """Return the id that lists show the beginning of; another id as it is."""
        if annotation_id is None or len(annotation_id) < SHOWN_CHARACTERS:
            return annotation_id
        candidates = [known for known in self.latest if known.startswith(annotation_id)]
        return candidates[0] if len(candidates) == 1 else annotation_id

    def under_its_id(self, word: ValidatedBox) -> ValidatedBox:
        """Return what is said anew of an annotation that was carried over under its own id."""
        event = word.annotation
        known = self._moved.get(event.annotation_id, event.annotation_id)
        return replace(word, annotation=replace(event, annotation_id=known))

    def key_of(self, annotation_id: str | None) -> str | None:
        """Return the image of a known annotation."""
        known = self.latest.get(annotation_id or "")
        return known.image_key if known else None

    def holding(self, image_id: str, target: Target, given: BoxInput) -> BoxAnnotation | None:
        """Return a person's word about a detection, or that an image was reviewed."""
        for event in reversed(list(self.latest.values())):
            is_meant = event.detection_id == target or event.label == given.label == REVIEWED
            whose = (event.image_id, event.annotator, event.action)
            if is_meant and whose == (image_id, given.annotator, "annotate"):
                return event
        return None

    def new_among(self, events: Sequence[BoxAnnotation]) -> list[BoxAnnotation]:
        """Leave out what stands already; the id of an event follows from what it says, and when."""
        fresh = []
        for event in events:
            if _content_of(self.latest.get(event.annotation_id)) == _content_of(event):
                continue
            ordinal = self._counts[event.annotation_id]
            fact = fingerprint("box", ordinal, sorted(_content_of(event).items()))
            fresh.append(replace(event, event_id=fact))
            self.latest[event.annotation_id] = event
            self._counts[event.annotation_id] += 1
        return fresh

    def replaced_by(self, events: Sequence[BoxAnnotation]) -> list[BoxAnnotation]:
        """Withdraw what the same person gave for the whole of an image, and gives no more."""
        ids = {event.annotation_id for event in events}
        reviewed = {_session(event) for event in events if event.label == REVIEWED}
        return [
            replace(old, action="withdraw", origin=events[0].origin, recorded_at="")
            for old in self.latest.values()
            if old.payload.get(WHOLE_IMAGE)
            and old.action == "annotate"
            and old.annotation_id not in ids
            and _session(old) in reviewed
        ]


def _read_all(
    inputs: Sequence[BoxInput],
    targets: Targets,
    history: _History,
    predictions: Predictions,
    collection: Collection,
) -> tuple[list[ValidatedBox], list[Problem], int]:
    """Check each word alone; of one annotation said twice, both must say the same.

    An image that is not found is one problem, however many boxes it has.
    """
    words: dict[str, ValidatedBox] = {}
    problems: list[Problem] = []
    not_found: set[Target] = set()
    repeated = 0
    for g in inputs:
        if g.target in not_found:
            continue
        try:
            word = history.under_its_id(_word(g, targets, history, predictions, collection))
            other = words.setdefault(word.annotation.annotation_id, word)
            repeated += other is not word
            if _content_of(other.annotation) != _content_of(word.annotation):
                raise AutolabelError(
                    f"says otherwise of the same annotation than {other.where or 'before'}"
                )
        except AutolabelError as error:
            problems.append((g.target, f"{g.where}: {error}" if g.where else str(error)))
            if isinstance(g.target, SourceImage) and targets.image_id(g.target) is None:
                not_found.add(g.target)
    return list(words.values()), problems, repeated


def _word(
    g: BoxInput,
    targets: Targets,
    history: _History,
    predictions: Predictions,
    collection: Collection,
) -> ValidatedBox:
    known = history.latest.get(g.annotation_id or "")
    if g.withdraw and known is not None:
        return ValidatedBox(replace(known, action="withdraw", recorded_at=""), g.where)
    target = g.target or (known.image_key if known else None)
    if target is None:
        raise AutolabelError(
            f"no annotation {g.annotation_id!r}; `autolabel annotations list` shows their ids"
            if g.annotation_id
            else "expected the key of an image or the id of a detection, found neither"
        )
    image = targets.image(target)
    if g.image_key and targets.image_id(g.image_key) not in (None, image.document_id):
        raise AutolabelError(f"{g.target!r} is about {image.key!r}, and the key is {g.image_key!r}")
    if not g.withdraw:
        return validate(g, image, predictions, collection)
    holds = history.holding(image.document_id, target, g)
    if holds is None:
        raise AutolabelError(
            f"nothing of {g.annotator} to withdraw from {target!r}; give a detection's id, a key "
            "with --label reviewed, or --id: `autolabel annotations list` shows the current ones"
        )
    return ValidatedBox(replace(holds, action="withdraw", recorded_at=""), g.where)


def _as_whole(event: BoxAnnotation) -> BoxAnnotation:
    return replace(event, payload={**event.payload, WHOLE_IMAGE: True})


def _content_of(event: BoxAnnotation | None) -> dict[str, object]:
    if event is None:
        return {}
    own = {name: value for name, value in vars(event).items() if name not in _NOT_CONTENT}
    return {**own, "payload": event.own_payload}


def _session(event: BoxAnnotation) -> tuple[str, str, str]:
    return event.image_id, event.content_hash, event.annotator


def _spelling(
    collection: OpenCollection, fresh: Sequence[BoxAnnotation]
) -> tuple[NameWarning, ...]:
    in_use = Counter(
        event.true_class
        for event in collection.ledger.box_annotations(collection.name)
        if event.true_class
    )
    return tuple(inconsistent_names(sorted({e.true_class for e in fresh if e.true_class}), in_use))
