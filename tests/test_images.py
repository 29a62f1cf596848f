"""Images from bytes: upright 8-bit RGB, or a reason; never another exception."""

from __future__ import annotations

import io
import random
import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from autolabel_core.foundation.errors import UnreadableItemError
from autolabel_core.foundation.media.images import ImageInfo, decode_image, probe_image

NOISE = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)


def encoded(image, format_, **options):
    stream = io.BytesIO()
    image.save(stream, format_, **options)
    return stream.getvalue()


def noise():
    return Image.fromarray(NOISE)


def png_header(width_px, height_px):
    def chunk(kind, body):
        crc = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + crc

    header = struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(b"\0" * 100))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


REFUSED_HEADERS = [
    pytest.param(b"", "0 bytes", id="no bytes"),
    pytest.param(b"just some text", 'not an image: it begins with the text "just som"', id="text"),
    pytest.param(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image", id="EPS"),
    pytest.param(encoded(noise(), "PNG")[:12], "not an image|damaged", id="cut inside the header"),
    pytest.param(png_header(50_000, 50_000), "too large", id="bomb of 50,000 × 50,000"),
    pytest.param(b"GIF89a" + bytes(7) + b";", "a damaged GIF image", id="0 × 0"),
    pytest.param(png_header(10_000, 9_000), "too large", id="just above the limit"),
]


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("read", [probe_image, decode_image])
@pytest.mark.parametrize(("data", "reason"), REFUSED_HEADERS)
def test_bad_headers_are_refused_with_the_reason(read, data, reason):
    with pytest.raises(UnreadableItemError, match=reason):
        read(data)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(np.zeros((4, 4, 3), np.float32), id="colours in floating point"),
        pytest.param(np.zeros((4, 4, 5), np.uint8), id="five channels"),
    ],
)
def test_a_tiff_of_a_form_that_is_not_read_is_called_a_tiff(values):
    tifffile = pytest.importorskip("tifffile")
    file = io.BytesIO()
    kind = "rgb" if values.shape[2] == 3 else "minisblack"
    tifffile.imwrite(file, values, photometric=kind, planarconfig="contig")
    with pytest.raises(UnreadableItemError, match=r"^a TIFF image in a form .* store it as PNG"):
        probe_image(file.getvalue())


def test_bombs_are_refused_where_warnings_are_errors_too():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UnreadableItemError, match="too large"):
            probe_image(png_header(10_000, 9_000))


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP"])
def test_truncated_pixels_are_refused(format_):
    data = encoded(noise(), format_)
    with pytest.raises(UnreadableItemError):
        decode_image(data[: len(data) // 2])


FRAMES = [Image.new("RGB", (8, 6), colour) for colour in ("red", "lime", "blue")]
ROTATED = Image.Exif()
ROTATED[0x0112] = 6
HEADERS = [
    pytest.param(encoded(noise(), "PNG"), ImageInfo("PNG", 60, 40, "RGB", 1), id="PNG"),
    pytest.param(
        encoded(noise(), "JPEG", exif=ROTATED),
        ImageInfo("JPEG", 40, 60, "RGB", 1, False),
        id="rotated",
    ),
    pytest.param(
        encoded(FRAMES[0], "GIF", save_all=True, append_images=FRAMES[1:]),
        ImageInfo("GIF", 8, 6, "P", 3),
        id="animated",
    ),
    pytest.param(
        encoded(noise().convert("CMYK"), "JPEG"), ImageInfo("JPEG", 60, 40, "CMYK", 1), id="CMYK"
    ),
    pytest.param(encoded(Image.new("L", (1, 1)), "PNG"), ImageInfo("PNG", 1, 1, "L", 1), id="1×1"),
]


@pytest.mark.parametrize(("data", "info"), HEADERS)
def test_probe_says_what_decoding_gives(data, info):
    assert probe_image(data) == info
    assert decode_image(data).size == (info.width_px, info.height_px)


def test_probe_reads_the_header_only():
    whole = encoded(noise(), "PNG")
    assert probe_image(whole[:60]).width_px == 60


@pytest.mark.parametrize("format_", ["PNG", "BMP", "TIFF", "PPM", "QOI"])
def test_lossless_formats_keep_every_pixel(format_):
    assert np.array_equal(np.asarray(decode_image(encoded(noise(), format_))), NOISE)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_", ["PNG", "TIFF", "WEBP"])
def test_orientation_is_applied(orientation, format_):
    turns = {1: (0, 0), 2: (0, 1), 3: (2, 0), 4: (2, 1), 5: (3, 1), 6: (3, 0), 7: (1, 1), 8: (1, 0)}
    quarter_turns, mirrored = turns[orientation]
    expected = np.rot90(NOISE, quarter_turns)
    expected = expected[:, ::-1] if mirrored else expected
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if format_ == "WEBP" else {}
    data = encoded(noise(), format_, exif=exif, **options)
    assert np.array_equal(np.asarray(decode_image(data)), expected)
    info = probe_image(data)
    assert (info.height_px, info.width_px) == expected.shape[:2]


def grey_ramp(dtype, high):
    return np.linspace(0, high, 256).astype(dtype).reshape(16, 16)


DEEP = [
    pytest.param(grey_ramp(np.uint16, 65535), "PNG", id="16-bit PNG"),
    pytest.param(grey_ramp(np.uint16, 65535), "TIFF", id="16-bit TIFF"),
    pytest.param(grey_ramp(np.uint16, 4095), "TIFF", id="12 bits in 16"),
    pytest.param(grey_ramp(np.uint16, 1023), "PNG", id="10 bits in 16"),
    pytest.param(grey_ramp(np.uint16, 255), "PNG", id="8 bits in 16"),
    pytest.param(grey_ramp(np.int32, 65535), "TIFF", id="32-bit, values of 16 bits"),
    pytest.param(grey_ramp(np.int32, 2**31 - 1), "TIFF", id="32-bit, stretched"),
    pytest.param(grey_ramp(np.float32, 1.0), "TIFF", id="floats 0 to 1"),
    pytest.param(grey_ramp(np.float32, 255.0), "TIFF", id="floats 0 to 255"),
    pytest.param(grey_ramp(np.float32, 2000.0) - 1000, "TIFF", id="floats, stretched"),
]


@pytest.mark.parametrize(("values", "format_"), DEEP)
def test_deep_greys_span_8_bits(values, format_):
    pixels = np.asarray(decode_image(encoded(Image.fromarray(values), format_)))
    assert np.abs(pixels[..., 0].ravel().astype(int) - np.arange(256)).max() <= 1
    assert (pixels == pixels[..., :1]).all()


def test_values_that_are_not_finite_are_black_and_flat_images_stay_finite():
    values = np.full((4, 4), -5.0, dtype=np.float32)
    values[0, 0] = np.nan
    assert np.asarray(decode_image(encoded(Image.fromarray(values), "TIFF")))[0, 0, 0] == 255
    flat = Image.fromarray(np.full((4, 4), -5, dtype=np.int32))
    assert np.asarray(decode_image(encoded(flat, "TIFF"))).max() == 0


def transparent_palette():
    image = Image.new("P", (4, 4), 0)
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.putpixel((1, 0), 1)
    return encoded(image, "PNG", transparency=0)


TRANSPARENT = [
    pytest.param(transparent_palette(), [(255, 255, 255), (0, 255, 0)], id="palette"),
    pytest.param(
        encoded(Image.new("RGBA", (2, 1), (0, 0, 255, 0)), "PNG"), [(255,) * 3] * 2, id="RGBA"
    ),
    pytest.param(
        encoded(Image.new("RGBA", (2, 1), (0, 0, 0, 127)), "PNG"), [(128,) * 3] * 2, id="half"
    ),
    pytest.param(encoded(Image.new("LA", (2, 1), (0, 0)), "PNG"), [(255,) * 3] * 2, id="LA"),
    pytest.param(
        encoded(Image.new("RGB", (2, 1), "red"), "PNG", transparency=(255, 0, 0)),
        [(255,) * 3] * 2,
        id="one transparent colour",
    ),
]


@pytest.mark.parametrize(("data", "first_pixels"), TRANSPARENT)
def test_transparency_is_laid_on_white(data, first_pixels):
    image = decode_image(data)
    assert [image.getpixel((x, 0)) for x in (0, 1)] == first_pixels


def test_cmyk_becomes_rgb():
    cyan = encoded(Image.new("CMYK", (8, 8), (255, 0, 0, 0)), "JPEG", quality=95)
    red, green, blue = decode_image(cyan).getpixel((4, 4))
    assert red < 20 < 200 < min(green, blue)


def test_animations_give_their_first_frame():
    data = encoded(FRAMES[0], "GIF", save_all=True, append_images=FRAMES[1:])
    assert decode_image(data).getpixel((0, 0)) == (255, 0, 0)


@pytest.mark.parametrize(
    ("min_side_px", "size"),
    [(None, (640, 480)), (60, (80, 60)), (61, (160, 120)), (999, (640, 480))],
)
def test_jpegs_are_decoded_no_smaller_than_asked(min_side_px, size):
    data = encoded(noise().resize((640, 480)), "JPEG")
    assert decode_image(data, min_side_px).size == size


def test_what_readers_raise_late_is_a_reason_too(monkeypatch):
    class Late:
        format, mode, size, info = "JPEG", "RGB", (4, 3), {}

        def getexif(self):
            raise SyntaxError("not a TIFF file")

        @property
        def n_frames(self):
            raise EOFError

        def load(self):
            raise Image.DecompressionBombError

    monkeypatch.setattr(Image, "open", lambda stream, formats: Late())
    with pytest.raises(UnreadableItemError, match="damaged image: EOFError"):
        probe_image(b"data")
    with pytest.raises(UnreadableItemError, match="too large: 4 × 3"):
        decode_image(b"data")


@pytest.mark.filterwarnings("ignore")
def test_a_bomb_inside_an_icon_is_refused():
    bomb = png_header(20_000, 20_000)
    entry = struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, len(bomb), 22)
    icon = struct.pack("<HHH", 0, 1, 1) + entry + bomb
    with pytest.raises(UnreadableItemError, match="too large"):
        decode_image(icon)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("exif", [b"Exif\0\0MM\0*garbage", b"Exif\0\0nothing of the kind"])
def test_a_broken_orientation_is_ignored(exif):
    data = encoded(noise(), "JPEG", exif=exif)
    assert decode_image(data).size == (60, 40)


@pytest.mark.filterwarnings("ignore")
def test_damaged_files_give_pixels_or_a_reason():
    seeds = [encoded(noise(), f) for f in ("PNG", "JPEG", "GIF", "WEBP", "BMP", "ICO", "AVIF")]
    rng = random.Random(0)
    for _ in range(700):
        data = bytearray(rng.choice(seeds))
        for _ in range(rng.choice([1, 3, 20])):
            data[rng.randrange(min(len(data), rng.choice([60, 5000])))] = rng.randrange(256)
        for read in (probe_image, decode_image):
            try:
                read(bytes(data))
            except UnreadableItemError as error:
                assert str(error)
