"""Opens videos from strangers, and reads what their packets say, through the extra `video`."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import IO, Any

from autolabel_core.foundation.errors import ItemTooLargeError, UnreadableItemError

INSTALL = "pip install 'dagster-autolabel[video]'"
MAX_TIME_MS = 999_999_999


@dataclass(frozen=True)
class VideoInfo:
    """What is known of a video without decoding it.

    Attributes:
        width_px: of the upright picture.
        height_px: likewise.
        times_ms: when each picture is shown, ascending, from the first one on, in milliseconds.
        keyframes_ms: those from which decoding can start.
        first_pts: time of the first picture in the stream's own units.
        created: when it was taken, as its container says; None where it does not.
    """

    width_px: int
    height_px: int
    times_ms: tuple[int, ...]
    keyframes_ms: tuple[int, ...]
    first_pts: int
    created: datetime | None = None

    @property
    def tolerance_ms(self) -> float:
        """How much later a picture may be than its packet says: AVI counts out of order."""
        return 3 * self.times_ms[-1] / max(len(self.times_ms) - 1, 1)


def has_video() -> bool:
    """Whether the extra is installed."""
    return importlib.util.find_spec("av") is not None


def probe_video(file: IO[bytes]) -> VideoInfo:
    """Read where the pictures of a video are, without decoding them.

    Args:
        file: the video, open for reading from any place.

    Returns:
        What its packets say, as far as they can be read.

    Raises:
        UnreadableItemError: no video stream, no pictures, damaged, or the extra is missing.
    """
    with opened_video(file) as (container, stream):
        times, keyframes = _packet_times(container, stream)
        width_px, height_px = _upright_size(container, stream)
        created = _created(container)
    if not times:
        with opened_video(file) as (container, stream):
            times, keyframes = _decoded_times(container, stream)
    if not times:
        raise UnreadableItemError("a video without pictures, or one that is damaged throughout")
    clock = StreamClock(stream, min(times))
    if clock.ms(max(times)) > MAX_TIME_MS:
        raise UnreadableItemError("a video of more than 277 hours, or one with damaged times")
    return VideoInfo(
        width_px,
        height_px,
        tuple(sorted({clock.ms(pts) for pts in times})),
        tuple(sorted({clock.ms(pts) for pts in keyframes or {min(times)}})),
        min(times),
        created,
    )


def _packet_times(container: Any, stream: Any) -> tuple[set[int], set[int]]:
    """Return when pictures are shown, and which of them are keyframes, up to any damage."""
    times, keyframes = set[int](), set[int]()
    try:
        for packet in container.demux(stream):
            if packet.size and packet.pts is not None:
                # What an edit list cuts away is needed to decode the rest, and never shown.
                times |= set() if packet.is_discard else {packet.pts}
                keyframes |= {packet.pts} if packet.is_keyframe else set()
    except video_damage():
        pass
    return times, keyframes


def rotation_of(frame: Any) -> int:
    """Return by how many degrees a frame has to be turned to the left: 0, 90, 180 or 270."""
    return round(getattr(frame, "rotation", 0) / 90) * 90 % 360


def _decoded_times(container: Any, stream: Any) -> tuple[set[int], set[int]]:
    """Count the pictures of a container that does not say when they are shown."""
    clock, times = StreamClock(stream, 0), set[int]()
    try:
        for count, frame in enumerate(container.decode(stream)):
            times.add(clock.pts(clock.nth(count)) if frame.pts is None else frame.pts)
    except video_damage():
        pass
    return times, {min(times)} if times else set()


class StreamClock:
    """Turns a stream's units of time into milliseconds since its first picture."""

    def __init__(self, stream: Any, first_pts: int) -> None:
        self._unit = Fraction(stream.time_base or Fraction(1, 1000))
        self._rate = Fraction(stream.average_rate or 25)
        self._start = first_pts

    def ms(self, pts: int) -> int:
        """Return milliseconds."""
        return round((pts - self._start) * self._unit * 1000)

    def pts(self, time_ms: int) -> int:
        """Return the stream's time."""
        return round(Fraction(time_ms, 1000) / self._unit) + self._start

    def nth(self, count: int) -> int:
        """Return when the n-th picture is shown where nothing says so."""
        return round(count / self._rate * 1000)


@contextmanager
def opened_video(file: IO[bytes]) -> Iterator[tuple[Any, Any]]:
    """Open a video, for one at a time to read.

    Args:
        file: open for reading from any place.

    Yields:
        tuple[Any, Any]: PyAV's container and its first stream of pictures.

    Raises:
        UnreadableItemError: it cannot be opened, holds no pictures, or the extra is missing.
        ItemTooLargeError: its pictures have too many pixels.
    """
    if not has_video():
        raise UnreadableItemError(f"a video: {INSTALL}, then `autolabel sweep`")
    import av

    from autolabel_core.foundation.media.images import MAX_PIXELS

    # Of FFmpeg itself: a callback of Python from the threads of a decoder could wait for ever.
    av.logging.set_libav_level(av.logging.PANIC)
    file.seek(0)
    try:
        container = av.open(file, mode="r", metadata_errors="replace")
    except video_damage() as error:
        raise UnreadableItemError(
            f"damaged video, or one that was cut short: {_reason(error)}"
        ) from error
    with container:
        if not container.streams.video:
            raise UnreadableItemError("a video file without pictures: it holds sound alone")
        stream = container.streams.video[0]
        if stream.codec_context is None:
            raise UnreadableItemError("a video in a coding that is not known; store it as MP4")
        stream.thread_type = "AUTO"
        width, height = stream.codec_context.width or 0, stream.codec_context.height or 0
        if width * height > MAX_PIXELS:
            raise ItemTooLargeError(f"video too large: {width} × {height} pixels a picture")
        yield container, stream


def _upright_size(container: Any, stream: Any) -> tuple[int, int]:
    """Return width and height of the upright picture; decoding one tells how it is turned."""
    width, height = stream.codec_context.width or 0, stream.codec_context.height or 0
    try:
        container.seek(0)
        first = next(iter(container.decode(stream)), None)
    except video_damage():
        first = None
    if first is not None:
        width, height = first.width, first.height
        if rotation_of(first) in (90, 270):
            width, height = height, width
    return width, height


def _created(container: Any) -> datetime | None:
    written = container.metadata.get("creation_time")
    try:
        return None if written is None else datetime.fromisoformat(written)
    except ValueError:
        return None


def _reason(error: BaseException) -> str:
    return str(getattr(error, "strerror", "") or error)


def video_damage() -> tuple[type[BaseException], ...]:
    """Return what PyAV raises on damaged files."""
    import av

    return (av.FFmpegError, ValueError, EOFError, OSError, IndexError, MemoryError, TypeError)
