"""Finds and decodes frames of videos from strangers, one at a time, through the extra `video`."""

from __future__ import annotations

import importlib.util
from bisect import bisect_right
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import IO, TYPE_CHECKING, Any

from autolabel_core.foundation.errors import ItemTooLargeError, UnreadableItemError
from autolabel_core.foundation.media.images import MAX_PIXELS

if TYPE_CHECKING:
    import numpy.typing as npt
    from PIL import Image

INSTALL = "pip install 'dagster-autolabel[video]'"
SMALL_SIDE_PX = 48
MAX_SCENE_SECONDS = 2 * 3600.0
"""Length of a video in which scenes are looked for: all of it has to be decoded."""
MAX_TIME_MS = 999_999_999
_NEVER_MS = 1 << 62
_QUARTERS = {90: 2, 180: 3, 270: 4}


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


@dataclass(frozen=True)
class FramePlace:
    """A frame: which picture of the video it is, from 0, and when it is shown."""

    number: int
    time_ms: int


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
    with _opened(file) as (container, stream):
        times, keyframes = _packet_times(container, stream)
        width_px, height_px = _upright_size(container, stream)
        created = _created(container)
    if not times:
        with _opened(file) as (container, stream):
            times, keyframes = _decoded_times(container, stream)
    if not times:
        raise UnreadableItemError("a video without pictures, or one that is damaged throughout")
    clock = _Clock(stream, min(times))
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
                times.add(packet.pts)
                keyframes |= {packet.pts} if packet.is_keyframe else set()
    except _damage():
        pass
    return times, keyframes


def frames_at_rate(info: VideoInfo, every_seconds: float) -> list[FramePlace]:
    """Return the first picture of each interval of a video."""
    places: list[FramePlace] = []
    following = 0.0
    for number, time_ms in enumerate(info.times_ms):
        if time_ms >= following:
            places.append(FramePlace(number, time_ms))
            # The next interval on the grid, so that a late picture shifts no later one.
            following = (time_ms // (every_seconds * 1000) + 1) * every_seconds * 1000
    return places


def frames_of_scenes(
    file: IO[bytes], info: VideoInfo, change: float, seconds_apart: float
) -> list[FramePlace]:
    """Return the first picture of each scene.

    Args:
        file: the video.
        info: of it.
        change: mean difference of brightness between neighbours, above which a scene begins, from
            0 to 1.
        seconds_apart: least time between two scenes.

    Returns:
        The pictures; the first one is always among them.

    Raises:
        UnreadableItemError: longer than two hours.
    """
    import numpy as np

    if info.times_ms[-1] > MAX_SCENE_SECONDS * 1000:
        raise UnreadableItemError(
            f"a video of {info.times_ms[-1] / 3_600_000:.1f} hours; scenes are looked for in "
            f"{MAX_SCENE_SECONDS / 3600:g} at most: declare `every_seconds` alone, or split it"
        )
    places: list[FramePlace] = []
    before: npt.NDArray[Any] | None = None
    number_of = {time_ms: number for number, time_ms in enumerate(info.times_ms)}
    for time_ms, frame in _decoded(file, info, 0):
        small = frame.reformat(SMALL_SIDE_PX, SMALL_SIDE_PX, "gray").to_ndarray()
        shade = np.asarray(small[:SMALL_SIDE_PX, :SMALL_SIDE_PX], np.float32) / 255
        differs = before is None or float(np.abs(shade - before).mean()) > change
        before = shade
        is_apart = not places or time_ms - places[-1].time_ms >= seconds_apart * 1000
        if differs and is_apart and time_ms in number_of:
            places.append(FramePlace(number_of[time_ms], time_ms))
    return places


def decode_frames(
    file: IO[bytes], info: VideoInfo, times_ms: Sequence[int], min_side_px: int | None = None
) -> Iterator[Image.Image | UnreadableItemError]:
    """Yield frames, each when it is asked for; one is in memory at a time.

    Args:
        file: the video.
        info: of it.
        times_ms: when the frames are shown, ascending.
        min_side_px: frames may be made smaller as long as both sides keep this; None keeps all.

    Yields:
        Image.Image | UnreadableItemError: the upright frame as RGB, or why it cannot be decoded.
    """
    decoding: Generator[tuple[int, Any]] | None = None
    position, frame = -1, None
    for time_ms in times_ms:
        # From the last keyframe before it, so that a frame is the same whatever is asked beside.
        start = info.keyframes_ms[max(bisect_right(info.keyframes_ms, time_ms) - 1, 0)]
        if decoding is None or start > position:
            if decoding is not None:
                decoding.close()
            decoding, position, frame = _decoded(file, info, start), -1, None
        while position < time_ms:
            position, frame = next(decoding, (_NEVER_MS, None))
        if frame is None or position - time_ms > info.tolerance_ms:
            yield UnreadableItemError(
                f"the video is damaged or cut short: no picture at {time_ms / 1000:.3f} s"
            )
        else:
            yield _picture(frame, min_side_px)


def _picture(frame: Any, min_side_px: int | None) -> Image.Image | UnreadableItemError:
    width, height = frame.width, frame.height
    if width * height > MAX_PIXELS:
        return ItemTooLargeError(f"frame too large: {width} × {height} pixels")
    scale = 1.0 if min_side_px is None else min(1.0, min_side_px / min(width, height))
    size = {"width": max(round(width * scale), 1), "height": max(round(height * scale), 1)}
    try:
        image: Image.Image = frame.to_image(**size)
    except _damage() as error:
        return UnreadableItemError(f"damaged frame: {error}")
    turn = _QUARTERS.get(_rotation(frame))
    return image if turn is None else image.transpose(_transposition(turn))


def _transposition(turn: int) -> Image.Transpose:
    from PIL import Image

    return Image.Transpose(turn)


def _rotation(frame: Any) -> int:
    """Return by how many degrees a frame has to be turned to the left: 0, 90, 180 or 270."""
    return round(getattr(frame, "rotation", 0) / 90) * 90 % 360


def _decoded(file: IO[bytes], info: VideoInfo, start_ms: int) -> Generator[tuple[int, Any]]:
    """Yield the time in milliseconds and the frame, from a keyframe on, until damage or the end."""
    with _opened(file) as (container, stream):
        clock = _Clock(stream, info.first_pts)
        try:
            if start_ms > 0:
                container.seek(clock.pts(start_ms), stream=stream, backward=True)
            for count, frame in enumerate(container.decode(stream)):
                pts = frame.pts
                yield (clock.nth(count) if pts is None else clock.ms(pts)), frame
        except _damage():
            return


def _decoded_times(container: Any, stream: Any) -> tuple[set[int], set[int]]:
    """Count the pictures of a container that does not say when they are shown."""
    clock, times = _Clock(stream, 0), set[int]()
    try:
        for count, frame in enumerate(container.decode(stream)):
            times.add(clock.pts(clock.nth(count)) if frame.pts is None else frame.pts)
    except _damage():
        pass
    return times, {min(times)} if times else set()


class _Clock:
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
def _opened(file: IO[bytes]) -> Iterator[tuple[Any, Any]]:
    if not has_video():
        raise UnreadableItemError(f"a video: {INSTALL}, then `autolabel sweep`")
    import av

    # Of FFmpeg itself: a callback of Python from the threads of a decoder could wait for ever.
    av.logging.set_libav_level(av.logging.PANIC)
    file.seek(0)
    try:
        container = av.open(file, mode="r", metadata_errors="replace")
    except _damage() as error:
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
    except _damage():
        first = None
    if first is not None:
        width, height = first.width, first.height
        if _rotation(first) in (90, 270):
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


def _damage() -> tuple[type[BaseException], ...]:
    """What PyAV raises on damaged files."""
    import av

    return (av.FFmpegError, ValueError, EOFError, OSError, IndexError, MemoryError, TypeError)
