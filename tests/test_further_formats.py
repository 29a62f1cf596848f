"""HEIC, AVIF and JPEG XL are pictures; what is no picture is named with its cure."""

from __future__ import annotations

import importlib.util
import io
import struct

import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from autolabel_core.foundation.errors import ItemTooLargeError, UnreadableItemError
from autolabel_core.foundation.media import further_formats
from autolabel_core.foundation.media.images import decode_image, probe_image

HEIC_BEGIN = b"\x00\x00\x00\x18ftypheic" + bytes(40)
JXL_BEGIN = b"\xff\x0a" + bytes(40)


def encoded(name: str, size=(64, 32)) -> bytes:
    picture = np.zeros((size[1], size[0], 3), np.uint8)
    picture[:, : size[0] // 2] = 255
    file = io.BytesIO()
    if name == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()
    if name == "JXL":
        import pillow_jxl  # noqa: F401  (importing it registers the format)
    Image.fromarray(picture).save(file, name)
    return file.getvalue()


@pytest.mark.parametrize("name", ["HEIF", "AVIF", "JXL"])
def test_they_are_read(name):
    data = encoded(name)
    info = probe_image(data)
    assert (info.width_px, info.height_px) == (64, 32)
    pixels = np.asarray(decode_image(data), np.int64)
    assert pixels[16, 8].min() > 240
    assert pixels[16, 56].max() < 15


@pytest.mark.parametrize("size", [(64, 32), (300, 200), (1001, 77), (8, 16), (3000, 2000)])
def test_the_size_of_a_jpeg_xl_is_known_before_its_pixels(size):
    assert further_formats.jxl_size(encoded("JXL", size)) == size


def test_a_jpeg_xl_that_states_too_many_pixels_is_not_decoded():
    # not small; height by 30 bits: 100,000; ratio 1, as wide as high.
    bits = 0 | 3 << 1 | 99_999 << 3 | 1 << 33
    with pytest.raises(ItemTooLargeError, match="100000 × 100000"):
        probe_image(b"\xff\x0a" + struct.pack("<Q", bits))


@pytest.mark.parametrize(("data", "extra"), [(HEIC_BEGIN, "heif"), (JXL_BEGIN, "jxl")])
def test_without_the_extra_the_cure_is_named(monkeypatch, data, extra):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert further_formats.installed_readers() == []
    with pytest.raises(UnreadableItemError, match=rf"dagster-autolabel\[{extra}\]"):
        probe_image(data)


@pytest.mark.parametrize("data", [HEIC_BEGIN, JXL_BEGIN])
def test_a_damaged_one_is_refused(data):
    with pytest.raises(UnreadableItemError):
        decode_image(data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"<?xml version='1.0'?>\n<svg xmlns='x'/>", "SVG.*export it as PNG"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"%PDF-1.4", "text_extractor"),
        (b"8BPS\0\1", "Photoshop"),
        (b"PK\x03\x04", "ZIP"),
        (bytes(128) + b"DICM", "DICOM"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:x\n", "git lfs pull"),
        (b"II*\0\x10\0\0\0CR\x02\0" + bytes(99), "raw file"),
        (b"IIU\0" + bytes(99), "raw file"),
        (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1" + bytes(99), "a damaged AVIF image"),
        (b"\xff\xd8\xff\xe0" + bytes(50), "a damaged JPEG image"),
        (b"\0\0\0\x18ftypisom" + bytes(20), "frames: {every_seconds: 1}"),
    ],
)
def test_what_is_no_picture_is_named(data, reason):
    with pytest.raises(UnreadableItemError, match=reason):
        probe_image(data)


@pytest.mark.parametrize("tags", [{254: 1, 330: 8}, {50_706: b"\x01\x04\x00\x00"}])
def test_the_preview_of_a_raw_file_is_not_taken_for_the_picture(tags):
    written = ImageFileDirectory_v2()
    for tag, value in tags.items():
        written[tag] = value
    file = io.BytesIO()
    Image.new("RGB", (160, 120)).save(file, "TIFF", tiffinfo=written)
    with pytest.raises(UnreadableItemError, match="raw file; export it as JPEG"):
        probe_image(file.getvalue())


@pytest.mark.parametrize(("value", "type_"), [("x", 2), (1.5, 12), (b"a", 7)])
def test_odd_values_where_a_raw_file_is_told_stop_nothing(value, type_):
    written = ImageFileDirectory_v2()
    written.tagtype[254] = type_
    written[254] = value
    written[330] = 8
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "TIFF", tiffinfo=written)
    assert probe_image(file.getvalue()).width_px == 8


def test_further_pages_of_a_tiff_may_be_smaller_copies():
    file = io.BytesIO()
    whole, small = Image.new("RGB", (160, 120)), Image.new("RGB", (40, 30))
    whole.save(file, "TIFF", save_all=True, append_images=[small])
    assert (probe_image(file.getvalue()).width_px, decode_image(file.getvalue()).width) == (
        160,
        160,
    )
