"""Records that a person agrees with the classes that boxes were given automatically."""

from __future__ import annotations

from collections.abc import Sequence

from autolabel_core.foundation.ids import object_of
from autolabel_core.labelling.box_input import BoxInput, ParsedAnnotations
from autolabel_core.labelling.give_boxes import give_boxes
from autolabel_core.labelling.standing_predictions import standing_predictions
from autolabel_core.tables.boxes.box_labels import CONFIRMED, CORRECTED
from autolabel_core.tables.workspace import OpenCollection


def judge_as(collection: OpenCollection, labels: Sequence[tuple[str, str]], reviewer: str) -> int:
    """Record that a person agreed to classes of boxes: confirmed where the detector saw the same.

    Args:
        collection: opened with its stores.
        labels: id of a box and the class that it has.
        reviewer: who agreed.

    Returns:
        How many annotations are new.
    """
    images = {object_of(document) for document, _ in labels}
    predictions = standing_predictions(collection, images, judging=True)
    boxes = []
    for document, label in labels:
        seen = predictions.by_id.get(document)
        same = seen is not None and seen.class_name == label
        word = CONFIRMED if same else CORRECTED
        boxes.append(BoxInput(label=word, target=document, true_class=label))
    report = give_boxes(collection, ParsedAnnotations(boxes), reviewer, "promotion")
    return sum(report.recorded.values())
