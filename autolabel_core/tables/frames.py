"""Frames of videos as documents: their rows beside the video's own, and their pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import PurePosixPath
from threading import Lock
from typing import TYPE_CHECKING, cast

from autolabel_core.declarations.frames import Frames
from autolabel_core.foundation.errors import AutolabelError, UnreadableItemError
from autolabel_core.foundation.ids import document_id, fingerprint, frame_key
from autolabel_core.foundation.json_types import JsonObject
from autolabel_core.foundation.media.video_container import VideoInfo, probe_video
from autolabel_core.foundation.media.video_files import video_media_type
from autolabel_core.foundation.media.video_frames import (
    FramePlace,
    decode_frames,
    frames_at_rate,
    frames_of_scenes,
)
from autolabel_core.storage.buckets import ObjectSource
from autolabel_core.storage.buckets.spooled_content import SpooledContent, spool
from autolabel_core.storage.buckets.stored_objects import Blob
from autolabel_core.tables.document_table import CHANGED, DocumentRow, Item, Unreadable
from autolabel_core.tables.layout import FRAME, IMAGE, VIDEO
from autolabel_core.tables.object_content import describe
from autolabel_core.tables.object_rows import ObjectRow, as_json
from autolabel_core.tables.workspace import OpenCollection

if TYPE_CHECKING:
    from PIL import Image

FRAME_MEDIA_TYPE = "image/png"


@dataclass(frozen=True)
class _OpenedVideo:
    key: str
    content: SpooledContent
    info: VideoInfo


class FrameReader:
    """Reads videos of one collection; the last one that was opened stays open.

    Args:
        collection_name: whose documents the frames are.
        declared: which frames are documents.
        max_object_mb: the limit of an object's size.
        blob_of: gives the content of the object with a key.
    """

    def __init__(
        self,
        collection_name: str,
        declared: Frames,
        max_object_mb: float,
        blob_of: Callable[[str], Blob],
    ) -> None:
        self._collection, self._declared = collection_name, declared
        self._max_object_mb, self._blob_of = max_object_mb, blob_of
        self._opened: _OpenedVideo | None = None
        self._one_at_a_time = Lock()

    def read(self, row: ObjectRow, blob: Blob, metadata: JsonObject) -> list[ObjectRow]:
        """Fill in the row of an object, and return the rows of its frames.

        Args:
            row: of the object; its `kind` becomes `image` or `video`.
            blob: its content.
            metadata: what its sidecar says.

        Returns:
            A row for each frame, none for an image. What cannot be read is an
            `UnreadableItemError`.
        """
        content = spool(blob, self._max_object_mb)
        with content.file:
            row["size"], row["content_hash"] = content.size, content.content_hash
            named = self._declared.named(PurePosixPath(row["key"]).name)
            known = {**named, **metadata}
            media_type = video_media_type(content.head)
            row["kind"] = IMAGE if media_type is None else VIDEO
            if media_type is None:
                image = describe("image", content.read(), blob.suffix)
                row["media_type"] = image.media_type
                row["width_px"], row["height_px"] = image.width_px, image.height_px
                row["metadata"] = as_json(known)
                return []
            row["media_type"] = media_type
            info = probe_video(content.file)
            places = self._places(content, info)
        row["width_px"], row["height_px"] = info.width_px, info.height_px
        row["seconds"] = info.times_ms[-1] / 1000
        start = {} if info.created is None else {"timestamp": info.created.isoformat()}
        known = {**start, **known}
        row["metadata"] = as_json({"frames": len(places), **known})
        frames = [self._frame(row, place, known) for place in places]
        return sorted(frames, key=lambda frame: frame["document_id"])

    def _places(self, content: SpooledContent, info: VideoInfo) -> list[FramePlace]:
        declared, apart = self._declared, self._declared.seconds_apart
        if declared.scene_change is None:
            places = frames_at_rate(info, apart)
        else:
            places = frames_of_scenes(content.file, info, declared.scene_change, apart)
        if len(places) > declared.max_frames:
            raise UnreadableItemError(
                f"a video of {info.times_ms[-1] / 1000:.0f} s gives {len(places)} frames; the "
                f"limit is frames.max_frames: {declared.max_frames}. Raise it or `every_seconds` "
                "in the collection's YAML, or split the video"
            )
        return places

    def _frame(
        self, video: ObjectRow, place: FramePlace, metadata: Mapping[str, object]
    ) -> ObjectRow:
        key = frame_key(video["key"], place.time_ms)
        moment = _later(metadata.get("timestamp"), place.time_ms)
        own = {**metadata, **({} if moment is None else {"timestamp": moment})}
        return {
            **video,
            "document_id": document_id(self._collection, key),
            "key": key,
            "content_hash": fingerprint(video["content_hash"], place.time_ms),
            "size": None,
            "media_type": FRAME_MEDIA_TYPE,
            "metadata": as_json(own),
            "kind": FRAME,
            "video_id": video["document_id"],
            "video_key": video["key"],
            "frame": place.number,
            "seconds": place.time_ms / 1000,
        }

    def pictures(
        self, frames: Sequence[ObjectRow], min_side_px: int | None
    ) -> Iterator[Item | Unreadable]:
        """Yield the picture of each frame, in order; those of one video stand together."""
        for video_key, group in groupby(frames, key=lambda frame: frame["video_key"]):
            yield from self._of_one_video(str(video_key), list(group), min_side_px)

    def png(self, frame: ObjectRow, wanted: str | None) -> bytes:
        """Return a frame as a file.

        Args:
            frame: its row.
            wanted: hash of the content that is meant.

        Returns:
            A PNG.

        Raises:
            UnreadableItemError: it has another content by now, or cannot be decoded.
        """
        from autolabel_core.foundation.charts.png import lossless_png

        if frame["content_hash"] != wanted:
            raise UnreadableItemError(CHANGED)
        with self._one_at_a_time:
            picture = next(self.pictures([frame], None))
        if isinstance(picture, Unreadable):
            raise UnreadableItemError(picture.reason)
        return lossless_png(cast("Image.Image", picture))

    def _of_one_video(
        self, video_key: str, frames: Sequence[ObjectRow], min_side_px: int | None
    ) -> Iterator[Item | Unreadable]:
        times = [round((frame["seconds"] or 0) * 1000) for frame in frames]
        try:
            opened = self._open(video_key, frames[0]["content_hash"], times[0])
        except UnreadableItemError as error:
            yield from [Unreadable.because(error)] * len(frames)
            return
        for found in decode_frames(opened.content.file, opened.info, times, min_side_px):
            yield Unreadable.because(found) if isinstance(found, UnreadableItemError) else found

    def _open(self, video_key: str, wanted: str | None, time_ms: int) -> _OpenedVideo:
        """Open a video that has the frame of this content hash; else it has changed."""
        opened = self._opened
        if opened is None or opened.key != video_key:
            if opened is not None:
                opened.content.file.close()
            self._opened = None
            content = spool(self._blob_of(video_key), self._max_object_mb)
            opened = self._opened = _OpenedVideo(video_key, content, probe_video(content.file))
        if fingerprint(opened.content.content_hash, time_ms) != wanted:
            raise UnreadableItemError(CHANGED)
        return opened


def frame_reader(collection: OpenCollection, source: ObjectSource) -> FrameReader | None:
    """Return what reads the videos of a collection.

    Args:
        collection: opened with its stores.
        source: its buckets.

    Returns:
        The reader; None where frames are no documents.

    Raises:
        AutolabelError: its extractor takes texts.
    """
    declared = collection.declaration
    if declared.frames is None:
        return None
    if (kind := collection.extractor.manifest.input) != "image":
        raise AutolabelError(
            f"`{collection.name}` declares `frames`, which are pictures, and its extractor takes "
            f"{kind}s. Declare an extractor of images, or leave `frames` out."
        )
    mapped = declared.feature_extractor.input_mappings.get("image")

    def blob_of(key: str) -> Blob:
        return source.open(key).input_blob("image", mapped)

    return FrameReader(collection.name, declared.frames, declared.max_object_mb, blob_of)


def is_read_video(row: ObjectRow) -> bool:
    """Whether a row is a video's, whose frames are documents in its place."""
    return row.get("kind") == VIDEO and not row["reason"]


def without_parts(rows: Iterable[ObjectRow]) -> list[ObjectRow]:
    """Leave out videos and frames: what a sidecar says of a video is no label of each frame."""
    return [row for row in rows if row.get("kind") not in (VIDEO, FRAME)]


def is_frame(row: DocumentRow) -> bool:
    """Whether a document is a frame of a video."""
    return row.get("kind") == FRAME


def frames_among(rows: Iterable[DocumentRow]) -> list[ObjectRow]:
    """Return the rows that are frames, as what they are."""
    return [cast("ObjectRow", row) for row in rows if is_frame(row)]


def _later(start: object, time_ms: int) -> str | None:
    """Return a moment of a video in ISO 8601; None where its start is no timestamp."""
    try:
        moment = datetime.fromisoformat(start) if isinstance(start, str) else None
    except ValueError:
        return None
    return None if moment is None else (moment + timedelta(milliseconds=time_ms)).isoformat()
