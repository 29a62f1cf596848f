"""The current box annotations of a collection, from ledger and tables, listed and filtered."""

from __future__ import annotations

from dataclasses import asdict

from autolabel_core.ledger import BoxAnnotation
from autolabel_core.ledger.arrivals import DELETED
from autolabel_core.ledger.box_annotations import CurrentAnnotations, effective
from autolabel_core.tables.boxes.ground_truth import ImageTruth, KnownImage, image_truths
from autolabel_core.tables.raw_objects import RawObjects
from autolabel_core.tables.workspace import OpenCollection


def known_images(raw: RawObjects) -> list[KnownImage]:
    """Return the images that the last sweep could read, by document id."""
    columns = ["document_id", "key", "content_hash", "width_px", "height_px", "reason"]
    images = []
    for batch in raw.batches:
        path = raw.path(batch)
        if raw.warehouse.exists(path):
            for row in raw.warehouse.read_table(path, columns).to_pylist():
                if row.pop("reason") is None and row["width_px"]:
                    images.append(KnownImage(**row))
    return sorted(images, key=lambda image: image.document_id)


def collection_truths(collection: OpenCollection) -> list[ImageTruth]:
    """Return what people said is on the images of a collection; see `image_truths`."""
    raw = RawObjects(collection)
    events = collection.ledger.box_annotations(collection.name)
    return image_truths(events, known_images(raw))


def standing(collection: OpenCollection) -> CurrentAnnotations:
    """Return what holds and what is stale.

    Args:
        collection: opened with its stores.

    Returns:
        Both; images that no sweep has read yet are taken for unchanged.
    """
    raw = RawObjects(collection)
    events = collection.ledger.box_annotations(collection.name)
    contents = {event.image_id: event.content_hash for event in events}
    gone = {i for i in contents if i in raw.objects and raw.objects[i].event == DELETED}
    contents = {image: content for image, content in contents.items() if image not in gone}
    seen = {image.document_id: image.content_hash for image in known_images(raw)}
    return effective(events, {**contents, **{i: c for i, c in seen.items() if i not in gone}})


def listed(
    stands: CurrentAnnotations,
    since: str = "",
    label: str | None = None,
    class_name: str | None = None,
    image: str | None = None,
    annotator: str | None = None,
    retriever: str | None = None,
    stale: bool = False,
) -> list[dict[str, object]]:
    """Return annotations as records.

    Args:
        stands: what holds and what is stale.
        since: only those recorded at this moment or later, ISO 8601 in UTC.
        label: only this label.
        class_name: only this true or predicted class.
        image: only the image with this key.
        annotator: only by this person.
        retriever: only those shown by this retriever.
        stale: only stale ones; else both, the stale after those that hold.

    Returns:
        The columns of each, and `state`: `holds` or `stale`.
    """

    def is_wanted(a: BoxAnnotation) -> bool:
        return (
            a.recorded_at >= since
            and label in (None, a.label)
            and class_name in (None, a.true_class, a.predicted_class)
            and image in (None, a.image_key)
            and annotator in (None, a.annotator)
            and retriever in (None, a.retriever_id)
        )

    groups = {"holds": [] if stale else stands.holding, "stale": stands.stale}
    return [
        {**asdict(annotation), "state": state}
        for state, annotations in groups.items()
        for annotation in annotations
        if is_wanted(annotation)
    ]
