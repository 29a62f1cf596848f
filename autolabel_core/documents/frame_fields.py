"""The fields of documents that are frames of videos: columns and records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autolabel_core.documents.record import FrameFields

FRAME_TYPES = {
    "kind": "VARCHAR",
    "video_id": "VARCHAR",
    "video_key": "VARCHAR",
    "frame": "BIGINT",
    "seconds": "DOUBLE",
    "width_px": "INTEGER",
    "height_px": "INTEGER",
}


def frame_record(row: Mapping[str, Any]) -> FrameFields:
    """Return what a document says of its video.

    Args:
        row: its columns.

    Returns:
        Of a frame the video, its number among the video's pictures from 0, and its time in
        seconds; of a video its length in seconds; of an image that it is one.
    """
    record: FrameFields = {
        "kind": row["kind"],
        "width_px": row["width_px"],
        "height_px": row["height_px"],
    }
    if row["kind"] == "video":
        record["seconds"] = row["seconds"]
    if row["kind"] == "frame":
        record["video_id"], record["video_key"] = row["video_id"], row["video_key"]
        record["frame"], record["seconds"] = row["frame"], row["seconds"]
    return record
