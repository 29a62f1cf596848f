"""The training set of a collection's reviewed images, shared by exports, training and the gate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from autolabel_core.foundation.errors import NotFoundError, UnreadableItemError
from autolabel_core.foundation.ids import content_hash, fingerprint
from autolabel_core.foundation.media.images import decode_image
from autolabel_core.foundation.media.perceptual_hash import (
    MAX_DISTANCE,
    SIDE_PX,
    Bits,
    perceptual_hash,
)
from autolabel_core.foundation.parallel import read_in_order
from autolabel_core.tables.boxes.current_annotations import collection_truths
from autolabel_core.tables.boxes.ground_truth import ImageTruth
from autolabel_core.tables.boxes.splits import GOLD, Splits, split_images
from autolabel_core.tables.workspace import OpenCollection

HASHES = "image_hashes.parquet"
MADE_BY = fingerprint("perceptual hash", 1, SIDE_PX, MAX_DISTANCE)
BITS = "perceptual_hash"


@dataclass(frozen=True)
class TrainingSet:
    """Reviewed images by split (`train`, `val`, `test`; `test` is gold and never trained on).

    Attributes:
        splits: the images, and those left out with the reason.
        class_ids: the number of every class, the same in every export.
        open_image: gives the bytes of an image.
    """

    splits: Splits
    class_ids: Mapping[str, int]
    open_image: Callable[[ImageTruth], bytes]

    @property
    def images(self) -> Mapping[str, Sequence[ImageTruth]]:
        """Images by split."""
        return self.splits.images


def training_set(collection: OpenCollection) -> TrainingSet:
    """Split what people reviewed; new gold images and new classes are noted in the ledger.

    Args:
        collection: opened with its stores.

    Returns:
        The set; the same annotations and images give the same one.
    """
    name, ledger = collection.name, collection.ledger
    truths = collection_truths(collection)
    reviewed = [truth for truth in truths if truth.reviewed]
    source = collection.source()
    mapped = collection.declaration.feature_extractor.input_mappings.get("image")

    def open_image(truth: ImageTruth) -> bytes:
        return source.open(truth.key).input_blob("image", mapped).read()

    hashes = _hashes(collection, reviewed, open_image)
    noted = ledger.gold_images(name).items()
    gold = {content: _bits(str(p[BITS])) for content, p in noted if BITS in p}
    splits = split_images(truths, hashes, gold)
    ledger.record_gold_images(
        name,
        {
            truth.content_hash: {"key": truth.key, BITS: hashes[truth.content_hash].tobytes().hex()}
            for truth in splits.images[GOLD]
        },
    )
    return TrainingSet(splits, _class_ids(collection, reviewed), open_image)


def _class_ids(collection: OpenCollection, truths: Sequence[ImageTruth]) -> dict[str, int]:
    """Give classes their numbers: the declared ones in their order, then others by name."""
    declared = (
        collection.declaration.detection.classes if collection.declaration.detection else None
    ) or ()
    used = sorted({box.class_name for truth in truths for box in truth.boxes})
    return collection.ledger.give_class_ids(collection.name, [*declared, *used])


def _hashes(
    collection: OpenCollection,
    truths: Sequence[ImageTruth],
    open_image: Callable[[ImageTruth], bytes],
) -> dict[str, Bits]:
    """Return perceptual hashes by content; those known from before are kept beside exports."""
    warehouse = collection.warehouse
    path = warehouse.path(collection.name, "annotation_exports", HASHES)
    known: dict[str, Bits] = {}
    if warehouse.fingerprint(path) == MADE_BY:
        rows = warehouse.read_table(path).to_pylist()
        known = {row["content_hash"]: _bits(row[BITS]) for row in rows}
    wanted = {truth.content_hash: truth for truth in truths}
    fresh = dict(_computed([t for c, t in wanted.items() if c not in known], open_image))
    hashes = {content: bits for content, bits in {**known, **fresh}.items() if content in wanted}
    if fresh:
        columns = {
            "content_hash": pa.array(sorted(hashes), pa.string()),
            BITS: pa.array([hashes[content].tobytes().hex() for content in sorted(hashes)]),
        }
        warehouse.write_table(path, pa.table(columns), MADE_BY)
    return hashes


def _computed(
    truths: Sequence[ImageTruth], open_image: Callable[[ImageTruth], bytes]
) -> Iterator[tuple[str, Bits]]:
    def compute(truth: ImageTruth) -> Bits | None:
        try:
            data = open_image(truth)
            if content_hash(data) != truth.content_hash:
                return None
            return perceptual_hash(decode_image(data, min_side_px=SIDE_PX))
        except (UnreadableItemError, NotFoundError, FileNotFoundError, PermissionError):
            return None

    for truth, bits in zip(truths, read_in_order(compute, truths), strict=True):
        if bits is not None:
            yield truth.content_hash, bits


def _bits(text: str) -> Bits:
    return np.frombuffer(bytes.fromhex(text), dtype=np.uint64)
