"""Frames are found without decoding, decoded one by one, and the same whatever is asked beside."""

from __future__ import annotations

import importlib.util
import io
import random
import time
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image
from support.video_samples import (
    MARK_PX,
    grey_of,
    hours_of,
    sound_alone,
    trimmed,
    turned,
    video,
)

from autolabel_core.foundation.errors import UnreadableItemError
from autolabel_core.foundation.media.video_container import VideoInfo, probe_video
from autolabel_core.foundation.media.video_files import video_media_type
from autolabel_core.foundation.media.video_frames import (
    decode_frames,
    frames_at_rate,
    frames_of_scenes,
)

KINDS = [
    ("mp4", "libx264", "video/mp4"),
    ("mp4", "mpeg4", "video/mp4"),
    ("mov", "libx264", "video/quicktime"),
    ("avi", "mpeg4", "video/x-msvideo"),
    ("avi", "libx264", "video/x-msvideo"),
    ("matroska", "libx264", "video/x-matroska"),
    ("webm", "libvpx-vp9", "video/x-matroska"),
]


def grey(picture: Image.Image | UnreadableItemError) -> int:
    assert isinstance(picture, Image.Image), picture
    return int(np.asarray(picture)[picture.height // 2, picture.width // 2].mean())


@pytest.mark.parametrize(("container", "codec", "media_type"), KINDS)
def test_frames_of_every_container_are_those_of_their_time(container, codec, media_type):
    data = video(50, container=container, codec=codec)
    assert video_media_type(data) == media_type
    file = io.BytesIO(data)
    info = probe_video(file)
    assert (info.width_px, info.height_px, len(info.times_ms)) == (160, 120, 50)
    places = frames_at_rate(info, 0.5)
    assert [place.time_ms for place in places] == [0, 520, 1000, 1520]
    pictures = decode_frames(file, info, [place.time_ms for place in places])
    for place, picture in zip(places, pictures, strict=True):
        assert abs(grey(picture) - grey_of(place.number, 50)[0]) <= 16


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_a_frame_is_the_same_alone_and_among_others(codec):
    file = io.BytesIO(video(60, codec=codec))
    info = probe_video(file)
    together = [np.asarray(p) for p in decode_frames(file, info, info.times_ms)]
    for number in random.Random(0).sample(range(60), 12):
        (alone,) = decode_frames(file, info, [info.times_ms[number]])
        assert np.array_equal(np.asarray(alone), together[number])


def test_frames_may_be_made_smaller():
    file = io.BytesIO(video(2))
    (picture,) = decode_frames(file, probe_video(file), [0], min_side_px=60)
    assert picture.size == (80, 60)


@pytest.mark.parametrize(
    ("degrees", "corner"), [(0, (0, 0)), (90, (0, -1)), (180, (-1, -1)), (270, (-1, 0))]
)
def test_a_video_that_was_held_upright_is_upright(degrees, corner):
    file = io.BytesIO(turned(video(2, lambda _: (0, 0, 0)), degrees))
    info = probe_video(file)
    (picture,) = decode_frames(file, info, [0])
    expected = (160, 120) if degrees in (0, 180) else (120, 160)
    assert picture.size == (info.width_px, info.height_px) == expected
    pixels = np.asarray(picture, np.int64)
    half = MARK_PX // 2
    rows, columns = (slice(0, half) if c == 0 else slice(-half, None) for c in corner)
    assert pixels[rows, columns, 0].min() > 150
    assert pixels[:, :, 0].mean() < 30


def test_times_of_a_variable_rate_are_kept():
    times = [0, 40, 80, 120, *(1000 + 200 * i for i in range(26))]
    file = io.BytesIO(video(30, times_ms=times))
    info = probe_video(file)
    assert info.times_ms == tuple(times)
    assert [p.time_ms for p in frames_at_rate(info, 1.0)] == [0, 1000, 2000, 3000, 4000, 5000, 6000]


@pytest.mark.parametrize(("start_s", "seconds"), [(0, 4), (1, 2), (0.5, 1), (1.04, 0.4)])
def test_what_an_edit_list_cuts_away_is_no_frame(start_s, seconds):
    file = io.BytesIO(trimmed(video(100), start_s, seconds))
    info = probe_video(file)
    assert len(info.times_ms) == round(25 * seconds)
    for number, picture in enumerate(decode_frames(file, info, info.times_ms)):
        expected = grey_of(number + round(25 * start_s), 100)[0]
        assert abs(grey(picture) - expected) <= 4


def test_a_video_of_ten_hours_takes_bounded_time_and_memory():
    file = hours_of(10, pictures_a_second=10)
    tracemalloc.start()
    started = time.process_time()
    info = probe_video(file)
    seconds, (_, peak) = time.process_time() - started, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert info.times_ms[-1] == 36_000_000 - 100
    assert (seconds < 60) and (peak < 150_000_000)
    places = frames_at_rate(info, 60.0)
    assert len(places) == 600
    last = [place.time_ms for place in places[-2:]]
    started = time.process_time()
    assert [grey(picture) for picture in decode_frames(file, info, last)] == pytest.approx(
        [128, 128], abs=3
    )
    assert time.process_time() - started < 5
    with pytest.raises(UnreadableItemError, match=r"10\.0 hours; scenes are looked for in 2"):
        frames_of_scenes(file, info, 0.1, 1.0)


@pytest.mark.parametrize("every_seconds", [0.01, 0.04, 0.3, 1.0, 7.0, 100.0])
def test_each_interval_that_has_a_picture_gives_its_first(every_seconds):
    times = sorted(random.Random(3).sample(range(20_000), 300))
    info = VideoInfo(1, 1, tuple(times), (times[0],), 0)
    step = every_seconds * 1000
    naive = [t for before, t in pairwise([-step, *times]) if before // step != t // step]
    assert [place.time_ms for place in frames_at_rate(info, every_seconds)] == naive


def test_scenes_begin_where_the_picture_changes():
    colours = [(0, 0, 0), (255, 255, 255), (90, 90, 90)]
    file = io.BytesIO(video(75, lambda number: colours[number // 25]))
    info = probe_video(file)
    assert [p.number for p in frames_of_scenes(file, info, 0.1, 0)] == [0, 25, 50]
    assert [p.number for p in frames_of_scenes(file, info, 0.1, 1.5)] == [0, 50]


REFUSED = [
    pytest.param(video(50)[:2_000], "cut short", id="cut short"),
    pytest.param(video(50)[:40], "cut short", id="cut at once"),
    pytest.param(sound_alone(), "sound alone", id="sound alone"),
    pytest.param(b"\0\0\0\x18ftypisom" + bytes(500), "damaged", id="a beginning alone"),
]


@pytest.mark.parametrize(("data", "reason"), REFUSED)
def test_what_cannot_be_read_is_refused_with_the_reason(data, reason):
    with pytest.raises(UnreadableItemError, match=reason):
        probe_video(io.BytesIO(data))


def test_an_avi_that_was_cut_short_gives_the_pictures_that_it_has():
    data = video(50, container="avi", codec="mpeg4")
    file = io.BytesIO(data[: len(data) // 2])
    info = probe_video(file)
    assert 5 < len(info.times_ms) < 45
    assert all(isinstance(p, Image.Image) for p in decode_frames(file, info, info.times_ms[:5]))


def test_a_time_without_a_picture_is_an_error_of_that_frame_alone():
    file = io.BytesIO(video(25))
    info = probe_video(file)
    good, bad = decode_frames(file, info, [0, 90_000])
    assert isinstance(good, Image.Image)
    assert "no picture at 90.000 s" in str(bad)


def test_damaged_copies_give_pictures_or_reasons():
    random_, good = random.Random(1), video(30)
    for _ in range(40):
        data = bytearray(good)
        for _ in range(30):
            data[random_.randrange(len(data))] = random_.randrange(256)
        file = io.BytesIO(bytes(data))
        try:
            info = probe_video(file)
        except UnreadableItemError as error:
            assert str(error)
            continue
        for picture in decode_frames(file, info, info.times_ms[:10]):
            assert isinstance(picture, Image.Image | UnreadableItemError)


def test_without_the_extra_the_cure_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UnreadableItemError, match=r"dagster-autolabel\[video\]"):
        probe_video(io.BytesIO(video(2)))
