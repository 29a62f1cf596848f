"""The model of `frames:`: which pictures of a video become documents, and what names tell."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from autolabel_core.declarations.model import Count, Declaration, KeyedError, Text

FRAME_COLUMNS = ("kind", "video_id", "video_key", "frame", "seconds")
"""What documents have beside the columns of every collection, where frames are documents."""
NAMED_GROUPS = frozenset(("camera_id", "timestamp"))
EVERY_SECONDS = 1.0


class Frames(Declaration):
    """How videos in the bucket become frames, each of which is a document.

    Attributes:
        every_seconds: a frame each so many seconds of the video, from 0.01 to 86,400 (a day); by
            default 1. With `scene_change` the least time between two frames.
        scene_change: take the first frame of each scene instead: a new one begins where the mean
            difference of brightness to the frame before exceeds this share, from 0.01 to 1
            (0.1 is a start).
        max_frames: a video that would give more is refused, with the reason.
        file_name: regular expression, searched in the name of a file; its groups
            `(?P<camera_id>…)` and `(?P<timestamp>…)` become metadata that a sidecar does not give.
        timestamp_format: how that timestamp is written, such as `%Y%m%d_%H%M%S`; left out: ISO
            8601.
    """

    every_seconds: Annotated[float, Field(strict=True, ge=0.01, le=86_400)] | None = None
    scene_change: Annotated[float, Field(strict=True, ge=0.01, le=1.0)] | None = None
    max_frames: Count = 10_000
    file_name: Text | None = None
    timestamp_format: Text | None = None

    @field_validator("file_name")
    @classmethod
    def file_name_is_an_expression(cls, value: str | None) -> str | None:
        """Refuse what `re` does not understand, and groups that nothing is made of."""
        if value is None:
            return None
        try:
            groups = set(re.compile(value).groupindex)
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from error
        if not groups or groups - NAMED_GROUPS:
            raise ValueError(
                "has to have the group `(?P<camera_id>…)` or `(?P<timestamp>…)`, and no other "
                f"name; found {', '.join(sorted(groups)) or 'none'}"
            )
        return value

    @model_validator(mode="after")
    def format_can_be_used(self) -> Frames:
        """Refuse a format of timestamps that the name has no group for."""
        if self.timestamp_format is not None and "timestamp" not in (self.file_name or ""):
            raise KeyedError(
                ("timestamp_format",),
                "needs `file_name` with a group `(?P<timestamp>…)`",
            )
        return self

    @property
    def seconds_apart(self) -> float:
        """The least time between two frames."""
        if self.every_seconds is None:
            return 0.0 if self.scene_change is not None else EVERY_SECONDS
        return self.every_seconds

    def named(self, name: str) -> dict[str, str]:
        """Return what the name of a file tells: `camera_id`, `timestamp` in ISO 8601.

        Args:
            name: the last part of a key.

        Returns:
            What was found; a timestamp that is none in the declared format is left out.
        """
        match = re.search(self.file_name, name) if self.file_name else None
        if match is None:
            return {}
        fields = {group: text for group, text in match.groupdict().items() if text}
        if "timestamp" in fields:
            moment = self._moment(fields.pop("timestamp"))
            fields |= {} if moment is None else {"timestamp": moment.isoformat()}
        return fields

    def _moment(self, text: str) -> datetime | None:
        try:
            if self.timestamp_format is None:
                return datetime.fromisoformat(text)
            # Without a zone in the name the time stays without one: it is that of the camera.
            return datetime.strptime(text, self.timestamp_format)
        except ValueError:
            return None
