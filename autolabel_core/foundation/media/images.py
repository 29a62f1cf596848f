"""Reads images from untrusted bytes: header, pixels, or why they cannot be read."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from autolabel_core.foundation.errors import ItemTooLargeError, UnreadableItemError
from autolabel_core.foundation.media.further_formats import (
    RAW,
    jxl_size,
    known_format,
    open_reader,
)

MAX_PIXELS = 89_478_485
# Formats with a signature of their own; EPS is left out because opening it runs a program.
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP", "PPM", "JPEG2000", "AVIF", "QOI", "ICO")
_REDUCED, _SUBFILE_TYPE_TAG, _SUB_IFDS_TAG, _DNG_VERSION_TAG = 1, 254, 330, 50_706
_ORIENTATION_TAG = 0x0112
_TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What Pillow's readers raise on damaged files.
_DAMAGE = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    RuntimeError,
    MemoryError,
    ZeroDivisionError,
    struct.error,
    zlib.error,
)
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)


@dataclass(frozen=True)
class ImageInfo:
    """What an image's header says; width and height are those of the upright picture.

    `upright` tells whether the stored pixels stand as the picture is to be seen.
    """

    format: str
    width_px: int
    height_px: int
    mode: str
    frames: int
    upright: bool = True


def probe_image(data: bytes, max_pixels: int = MAX_PIXELS) -> ImageInfo:
    """Return what the header says, without decoding pixels.

    Args:
        data: the object's content.
        max_pixels: more are refused.

    Returns:
        Format, upright size in pixels, Pillow's mode and the number of frames, at least 1.

    Raises:
        UnreadableItemError: no bytes, no image of a known format, a damaged header, or more than
            `max_pixels` pixels.
    """
    image = _open(data, max_pixels)
    try:
        width_px, height_px = image.size
        orientation = _orientation(image)
        if orientation >= 5:
            width_px, height_px = height_px, width_px
        frames = int(getattr(image, "n_frames", 1))
    except _DAMAGE as error:
        raise UnreadableItemError(f"damaged image: {_reason(error)}") from error
    upright = orientation == 1
    return ImageInfo(str(image.format), width_px, height_px, image.mode, max(frames, 1), upright)


def decode_image(
    data: bytes, min_side_px: int | None = None, max_pixels: int = MAX_PIXELS
) -> Image.Image:
    """Return the upright picture as 8-bit RGB: the first frame, transparency laid on white.

    Deep greys are scaled from the range of their depth, the least of 8, 10, 12 and 16 bits that
    holds them, as microscopes and sensors fill sixteen bits in part; wider ones are stretched.

    Args:
        data: the object's content.
        min_side_px: a JPEG may be decoded smaller, by a factor of 2, 4 or 8, as long as both sides
            keep this many pixels; None keeps the full size.
        max_pixels: more are refused before they are decoded.

    Returns:
        A Pillow image of mode `RGB`, loaded.

    Raises:
        UnreadableItemError: what `probe_image` refuses, and truncated or damaged pixels.
        ItemTooLargeError: more than `max_pixels` pixels, as far as decoding finds.
    """
    image = _open(data, max_pixels)
    try:
        orientation = _orientation(image)
        if min_side_px is not None:
            image.draft(image.mode, (min_side_px, min_side_px))
        image.load()
        rgb = _to_rgb(image)
    except _BOMBS as error:
        raise ItemTooLargeError(_too_large(*image.size, max_pixels)) from error
    except _DAMAGE as error:
        raise UnreadableItemError(f"damaged or truncated image: {_reason(error)}") from error
    transposition = _TRANSPOSITIONS.get(orientation)
    return rgb if transposition is None else rgb.transpose(transposition)


def _open(data: bytes, max_pixels: int) -> Image.Image:
    if not data:
        raise UnreadableItemError("empty: the object has 0 bytes")
    further = open_reader(data)
    if (size := jxl_size(data)) is not None and size[0] * size[1] > max_pixels:
        raise ItemTooLargeError(_too_large(*size, max_pixels))
    try:
        image = Image.open(io.BytesIO(data), formats=(*FORMATS, *further))
    except _BOMBS as error:
        raise ItemTooLargeError(
            f"image too large: {_reason(error)}; store a smaller copy"
        ) from error
    except UnidentifiedImageError as error:
        raise UnreadableItemError(_unidentified(data)) from error
    except _DAMAGE as error:
        raise UnreadableItemError(f"damaged image header: {_reason(error)}") from error
    try:
        is_raw = _is_raw(image)
    except _DAMAGE as error:
        raise UnreadableItemError(f"damaged image header: {_reason(error)}") from error
    width_px, height_px = image.size
    if is_raw:
        raise UnreadableItemError(f"not an image: {RAW}")
    # Pillow itself only warns up to twice its limit.
    if width_px * height_px > max_pixels:
        raise ItemTooLargeError(_too_large(width_px, height_px, max_pixels))
    return image


def _unidentified(data: bytes) -> str:
    name = known_format(data)
    if name == "TIFF":
        return (
            "a TIFF image in a form that is not read, such as colours in floating point or more "
            "than four channels, or with a damaged header; store it as PNG, 8 or 16 bits"
        )
    if name is not None:
        return f"a damaged {name} image, or one that was cut short: no header; copy it again"
    return f"not an image: it begins with {_shown(data[:8])}; expected one of {', '.join(FORMATS)}"


def _is_raw(image: Image.Image) -> bool:
    """Whether a TIFF's first picture is the preview of a camera's raw file (DNG, NEF, ARW …)."""
    tags = getattr(image, "tag_v2", {}) if image.format == "TIFF" else {}
    kind = tags.get(_SUBFILE_TYPE_TAG)
    is_preview = isinstance(kind, int) and kind & _REDUCED and _SUB_IFDS_TAG in tags
    return bool(is_preview) or _DNG_VERSION_TAG in tags


def _shown(begin: bytes) -> str:
    """Return the first bytes of a file for people: as text where they are one, else as numbers."""
    text = begin.decode("ascii", "replace")
    is_text = text.isprintable() and "\ufffd" not in text
    return f'the text "{text}"' if is_text else f"the bytes {begin.hex(' ')}"


def _too_large(width_px: int, height_px: int, max_pixels: int) -> str:
    return (
        f"image too large: {width_px} × {height_px} is more than {max_pixels} pixels; "
        "store a smaller copy"
    )


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _orientation(image: Image.Image) -> int:
    # A PNG's EXIF may follow the pixels, so asking for it would decode them; TIFF turns itself.
    # What JPEG XL says of itself counts, and its reader turns it; a JPEG inside it is not turned.
    if image.format == "JXL" and not getattr(image, "jpeg", False):
        return 1
    if image.format == "TIFF" or (image.format == "PNG" and "exif" not in image.info):
        return 1
    try:
        found = image.getexif().get(_ORIENTATION_TAG, 1)
    except _DAMAGE:
        return 1
    return found if isinstance(found, int) and found in _TRANSPOSITIONS else 1


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return Image.fromarray(_to_8_bit(np.asarray(image))).convert("RGB")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("RGB")


def _to_8_bit(values: npt.NDArray[np.number]) -> npt.NDArray[np.uint8]:
    finite = np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = _range(finite)
    scaled = (finite - low) * (255.0 / (high - low))
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def _range(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    if low >= 0.0:
        for usual in (1.0, 255.0, 1023.0, 4095.0, 65535.0):
            if high <= usual:
                return 0.0, usual
    return low, max(high, low + 1.0)
