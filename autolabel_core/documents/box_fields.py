"""The fields of documents that are boxes: columns, names for filters, records."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from autolabel_core.documents.record import BoxFields
from autolabel_core.foundation.errors import NotFoundError

BOX_TYPES = {
    "kind": "VARCHAR",
    "image_id": "VARCHAR",
    "image_key": "VARCHAR",
    "width_px": "INTEGER",
    "height_px": "INTEGER",
    "detected_class": "VARCHAR",
    "detected_confidence": "DOUBLE",
    "bbox": "VARCHAR",
    "bbox_format": "VARCHAR",
    "verdict": "VARCHAR",
    "detections": "VARCHAR",
}
BOX_COLUMNS = tuple(BOX_TYPES)
SIDES = ("x", "y", "w", "h")
_CONFIDENCES = "json_extract(detections, '$[*].confidence')::DOUBLE[]"
OVER_ALL = {
    "detections.count": "json_array_length(detections)",
    "detections.classes": "json_extract_string(detections, '$[*].class')",
    "detections.min_confidence": f"list_min({_CONFIDENCES})",
    "detections.max_confidence": f"list_max({_CONFIDENCES})",
}
"""What is true of all boxes of an image together."""
_OF_ONE = ("class", "confidence", "bbox_format", *(f"bbox.{side}" for side in SIDES))


def detection_expression(field: str) -> str | None:
    """Return the SQL expression of a field that only documents with boxes have.

    Args:
        field: a column; `bbox.x` and so on; `detections.<n>.<part>` of the n-th most confident box
            on the image, from 0; or one of `OVER_ALL`.

    Returns:
        An expression over the view of documents; None where the field is another one's.

    Raises:
        NotFoundError: the field does not say which box is meant.
    """
    if field in BOX_COLUMNS:
        return f'"{field}"'
    if field in OVER_ALL:
        return OVER_ALL[field]
    head, _, tail = field.partition(".")
    if head == "bbox" and tail in SIDES:
        return f"json_extract_string(bbox, '/{tail}')"
    if head != "detections":
        return None
    number, _, part = tail.partition(".")
    if number.isdecimal() and part in _OF_ONE:
        return f"json_extract_string(detections, '/{int(number)}/{part.replace('.', '/')}')"
    raise NotFoundError(
        f"No field `{field}`: an image has many detections. Over all of them there are "
        f"{', '.join(OVER_ALL)}; of the most confident one `detections.0.<part>` with the part "
        f"{', '.join(_OF_ONE)}; of the document's own box `detected_class` and "
        "`detected_confidence`."
    )


def detection_record(row: Mapping[str, Any]) -> BoxFields:
    """Return what a document says of boxes: an image lists them, a box says where it is.

    Args:
        row: its columns.

    Returns:
        `kind` and `image_id`, `image_key`, `width_px`, `height_px`; of an image `detections` (None
        where it could not be looked at), of a box the columns of a box.
    """
    record: BoxFields = {
        "kind": row["kind"],
        "image_id": row["image_id"],
        "image_key": row["image_key"],
        "width_px": row["width_px"],
        "height_px": row["height_px"],
    }
    if row["kind"] == "image":
        listed = row["detections"]
        record["detections"] = None if listed is None else json.loads(listed)
        return record
    record["detected_class"] = row["detected_class"]
    record["detected_confidence"] = row["detected_confidence"]
    record["bbox"] = json.loads(row["bbox"])
    record["bbox_format"], record["verdict"] = row["bbox_format"], row["verdict"]
    return record
