"""Videos that tests make: a mark in one corner, a colour that tells the time."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Sequence
from fractions import Fraction

import av
import numpy as np

RATE = 25
MARK_PX = 12
_UNIT = 1 << 16
_CLOCKS = (b"mvhd", b"mdhd")
# The matrix in the header of a track, by how far players turn the picture to the right.
_TURNS = {
    0: (_UNIT, 0, 0, 0, _UNIT, 0, 0, 0, 1 << 30),
    90: (0, _UNIT, 0, -_UNIT, 0, 0, 0, 0, 1 << 30),
    180: (-_UNIT, 0, 0, 0, -_UNIT, 0, 0, 0, 1 << 30),
    270: (0, -_UNIT, 0, _UNIT, 0, 0, 0, 0, 1 << 30),
}


def grey_of(number: int, pictures: int) -> tuple[int, int, int]:
    """From black to white over the whole video."""
    return (number * 255 // max(pictures - 1, 1),) * 3


def video(
    pictures: int = 50,
    colour: Callable[[int], tuple[int, int, int]] | None = None,
    size: tuple[int, int] = (160, 120),
    container: str = "mp4",
    codec: str = "libx264",
    times_ms: Sequence[int] | None = None,
    created: str | None = None,
) -> bytes:
    """Return a video; a red mark stands in its top left corner."""
    colour = colour or (lambda number: grey_of(number, pictures))
    file = io.BytesIO()
    with av.open(file, "w", format=container) as opened:
        if created is not None:
            opened.metadata["creation_time"] = created
        stream = opened.add_stream(codec, rate=RATE)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.gop_size = 12
        if times_ms is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for number in range(pictures):
            picture = np.zeros((size[1], size[0], 3), np.uint8)
            picture[:] = colour(number)
            picture[:MARK_PX, :MARK_PX] = (255, 0, 0)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            if times_ms is not None:
                frame.pts, frame.time_base = times_ms[number], Fraction(1, 1000)
            for packet in stream.encode(frame):
                opened.mux(packet)
        for packet in stream.encode():
            opened.mux(packet)
    return file.getvalue()


def turned(mp4: bytes, degrees: int) -> bytes:
    """Return an MP4 that players turn to the right, as phones write what they hold upright."""
    start = mp4.index(b"tkhd") + 44
    return mp4[:start] + struct.pack(">9i", *_TURNS[degrees]) + mp4[start + 36 :]


def trimmed(mp4: bytes, start_s: float, seconds: float) -> bytes:
    """Return an MP4 of which players show a part, as phones trim: its edit list is another."""
    at = mp4.index(b"elst")
    movie, media = (struct.unpack_from(">I", mp4, mp4.index(kind) + 16)[0] for kind in _CLOCKS)
    _, begin, rate = struct.unpack_from(">iiI", mp4, at + 12)
    edit = struct.pack(">iiI", round(seconds * movie), begin + round(start_s * media), rate)
    return mp4[: at + 12] + edit + mp4[at + 24 :]


def hours_of(hours: float, pictures_a_second: int = 25) -> io.BytesIO:
    """Return a long MP4: one small picture, again and again."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as opened:
        stream = opened.add_stream("mpeg4", rate=pictures_a_second)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = 32, 32, "yuv420p", 1
        grey = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 128, np.uint8), format="rgb24")
        (picture,) = [*stream.encode(grey), *stream.encode()]
        content = bytes(picture)
        for number in range(round(hours * 3600 * pictures_a_second)):
            packet = av.Packet(content)
            packet.stream, packet.is_keyframe = stream, True
            packet.pts = packet.dts = number
            packet.time_base = Fraction(1, pictures_a_second)
            opened.mux(packet)
    return file


def sound_alone() -> bytes:
    """Return an MP4 without pictures."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as opened:
        stream = opened.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = 8000
        for packet in [*stream.encode(frame), *stream.encode()]:
            opened.mux(packet)
    return file.getvalue()
