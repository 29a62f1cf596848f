"""Chooses and decodes frames of videos, one at a time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from autolabel_core.foundation.errors import ItemTooLargeError, UnreadableItemError
from autolabel_core.foundation.media.video_container import (
    StreamClock,
    VideoInfo,
    opened_video,
    rotation_of,
    video_damage,
)

if TYPE_CHECKING:
    import numpy.typing as npt
    from PIL import Image

SMALL_SIDE_PX = 48
MAX_SCENE_SECONDS = 2 * 3600.0
"""Length of a video in which scenes are looked for: all of it has to be decoded."""
_NEVER_MS = 1 << 62
_QUARTERS = {90: 2, 180: 3, 270: 4}


@dataclass(frozen=True)
class FramePlace:
    """A frame: which picture of the video it is, from 0, and when it is shown."""

    number: int
    time_ms: int


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
    from autolabel_core.foundation.media.images import MAX_PIXELS

    width, height = frame.width, frame.height
    if width * height > MAX_PIXELS:
        return ItemTooLargeError(f"frame too large: {width} × {height} pixels")
    scale = 1.0 if min_side_px is None else min(1.0, min_side_px / min(width, height))
    size = {"width": max(round(width * scale), 1), "height": max(round(height * scale), 1)}
    try:
        image: Image.Image = frame.to_image(**size)
    except video_damage() as error:
        return UnreadableItemError(f"damaged frame: {error}")
    turn = _QUARTERS.get(rotation_of(frame))
    return image if turn is None else image.transpose(_transposition(turn))


def _transposition(turn: int) -> Image.Transpose:
    from PIL import Image

    return Image.Transpose(turn)


def _decoded(file: IO[bytes], info: VideoInfo, start_ms: int) -> Generator[tuple[int, Any]]:
    """Yield the time in milliseconds and the frame, from a keyframe on, until damage or the end."""
    with opened_video(file) as (container, stream):
        clock = StreamClock(stream, info.first_pts)
        try:
            if start_ms > 0:
                container.seek(clock.pts(start_ms), stream=stream, backward=True)
            for count, frame in enumerate(container.decode(stream)):
                pts = frame.pts
                yield (clock.nth(count) if pts is None else clock.ms(pts)), frame
        except video_damage():
            return
