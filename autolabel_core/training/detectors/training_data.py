"""The training data of a detector: the training set as a folder named by its content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.tables.boxes.ground_truth import ImageTruth
from autolabel_core.tables.boxes.splits import GOLD, TRAIN, VAL
from autolabel_core.tables.boxes.training_set import TrainingSet

MIN_IMAGES = 2


def learnt_hash(data: TrainingSet) -> str:
    """Return the fingerprint of everything that is learnt from."""
    parts = [[asdict(truth) for truth in data.images[split]] for split in (TRAIN, VAL)]
    return fingerprint(parts, dict(data.class_ids))


def gold_hash(data: TrainingSet) -> str:
    """Return the fingerprint of everything that judges."""
    return fingerprint([asdict(truth) for truth in data.images[GOLD]])


def boxes_on(truths: Sequence[ImageTruth]) -> int:
    """Return how many boxes there are on images."""
    return sum(len(truth.boxes) for truth in truths)


def check_enough(collection_name: str, data: TrainingSet) -> None:
    """Refuse to train from what teaches nothing.

    Args:
        collection_name: for the message.
        data: what there is.

    Raises:
        AutolabelError: there are too few images, or none with a box on it.
    """
    cure = (
        f"Review more images of `{collection_name}` (`autolabel annotate`), then "
        f"`autolabel train {collection_name}`."
    )
    found, gold = len(data.images[TRAIN]), len(data.images[GOLD])
    if found < MIN_IMAGES:
        kept = f", besides {gold} gold images that judge" if gold else ""
        raise AutolabelError(
            f"Training needs at least {MIN_IMAGES} reviewed images, found {found}{kept}. {cure}"
        )
    if not boxes_on(data.images[TRAIN]):
        raise AutolabelError(
            f"Training needs boxes, and none of the {found} reviewed images has one. {cure}"
        )
