"""Image formats that an extra reads, and files that are no pictures: what to do."""

from __future__ import annotations

import importlib.util
import re

from autolabel_core.foundation.errors import UnreadableItemError
from autolabel_core.foundation.media.video_files import is_video

HEIF_EXTRA, JXL_EXTRA = "heif", "jxl"
_MODULES = {HEIF_EXTRA: "pillow_heif", JXL_EXTRA: "pillow_jxl"}
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_JXL_CODESTREAM, _JXL_CONTAINER = b"\xff\x0a", b"\x00\x00\x00\x0cJXL \r\n\x87\n"
RAW = "a camera's raw file; export it as JPEG"
LFS_POINTER = "a pointer of Git LFS in place of the file; run `git lfs pull` where it comes from"
_SVG = re.compile(rb"<svg\b", re.IGNORECASE)
_PAGE = re.compile(rb"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_HEAD_BYTES = 4_096
_NO_PICTURES = (
    (b"%PDF-", "a PDF: a collection with `feature_extractor_name: text_extractor` reads its text"),
    (b"8BPS", "a Photoshop file; export it as PNG or JPEG"),
    (b"%!PS", "PostScript, a program that draws; export it as PNG"),
    (b"\xc5\xd0\xd3\xc6", "PostScript, a program that draws; export it as PNG"),
    (b"PK\x03\x04", "a ZIP archive; put the files that it holds into the bucket"),
    (b"\x1f\x8b", "a gzip archive; put the files that it holds into the bucket"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; put the files that it holds into the bucket"),
    (b"Rar!\x1a\x07", "a RAR archive; put the files that it holds into the bucket"),
    (b"\xd7\xcd\xc6\x9a", "a Windows metafile, a drawing; export it as PNG"),
    (b"FUJIFILMCCD-RAW", RAW),
    (b"IIRO", RAW),
    (b"IIU\0", RAW),
    (b"version https://git-lfs", LFS_POINTER),
)
_BEGINNINGS = (
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (_JXL_CONTAINER, "JPEG XL"),
)
_JXL_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))


def installed_readers() -> list[str]:
    """Return the extras for image formats that are installed."""
    return [name for name, module in _MODULES.items() if importlib.util.find_spec(module)]


def open_reader(data: bytes) -> tuple[str, ...]:
    """Make Pillow read a format for which it needs an extra.

    Args:
        data: the file's content.

    Returns:
        Pillow's names of the formats that it has to be asked for beside the usual ones. Where the
        extra is not installed, or this is a file of another kind, an `UnreadableItemError` says
        what to do.
    """
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS:
        _require(HEIF_EXTRA, "HEIC")
        import pillow_heif

        pillow_heif.register_heif_opener()
        return ("HEIF",)
    if data.startswith((_JXL_CODESTREAM, _JXL_CONTAINER)):
        _require(JXL_EXTRA, "JPEG XL")
        import pillow_jxl  # noqa: F401  (importing it registers the format)

        return ("JXL",)
    _refuse_other_kinds(data)
    return ()


def _require(extra: str, name: str) -> None:
    if not importlib.util.find_spec(_MODULES[extra]):
        raise UnreadableItemError(
            f"{name}: pip install 'dagster-autolabel[{extra}]', then `autolabel sweep`; or store "
            "it as JPEG"
        )


def _refuse_other_kinds(data: bytes) -> None:
    head = data[:_HEAD_BYTES]
    for magic, message in _NO_PICTURES:
        if head.startswith(magic):
            raise UnreadableItemError(f"not an image: {message}")
    if head[128:132] == b"DICM":
        raise UnreadableItemError("not an image: a DICOM file; export its pictures as PNG")
    if head[4:12] == b"ftypcrx " or head[8:11] == b"CR\x02":
        raise UnreadableItemError(f"not an image: {RAW}")
    if is_video(data):
        raise UnreadableItemError(
            "a video: with `frames: {every_seconds: 1}` in the collection's YAML its frames are "
            "documents"
        )
    begin = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if begin.startswith(b"<") and _PAGE.search(begin):
        raise UnreadableItemError(
            "not an image: a web page, as servers send in place of a picture; fetch it again"
        )
    if begin.startswith(b"<") and _SVG.search(begin):
        raise UnreadableItemError("not an image: SVG, a drawing; export it as PNG")


def known_format(data: bytes) -> str | None:
    """Return the name of the image format that a file begins like; None for others."""
    if data[4:8] == b"ftyp":
        is_heif = data[8:12] in _HEIF_BRANDS
        return "HEIC" if is_heif else "AVIF" if data[8:12] in (b"avif", b"avis") else None
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    return next((name for begin, name in _BEGINNINGS if data.startswith(begin)), None)


def jxl_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height in pixels that a JPEG XL file states; None for other files.

    Its reader decodes all pixels at once, so that the size has to be known before.
    """
    start = 0
    if data.startswith(_JXL_CONTAINER):
        start = _codestream(data)
    if not data.startswith(_JXL_CODESTREAM, start):
        return None
    bits = _Bits(int.from_bytes(data[start + 2 : start + 18], "little"))
    is_small = bits.take(1) == 1
    height = bits.side(is_small)
    ratio = bits.take(3)
    if ratio == 0:
        return bits.side(is_small), height
    across, down = _JXL_RATIOS[ratio - 1]
    return height * across // down, height


def _codestream(data: bytes) -> int:
    """Return where the picture begins in a file of boxes."""
    position = 0
    while position + 8 <= len(data):
        size = int.from_bytes(data[position : position + 4], "big")
        kind, head = data[position + 4 : position + 8], 8
        if size == 1:
            size, head = int.from_bytes(data[position + 8 : position + 16], "big"), 16
        if kind == b"jxlc":
            return position + head
        if kind == b"jxlp":
            return position + head + 4
        if size < head:
            break
        position += size
    return len(data)


class _Bits:
    """Reads numbers from bits, the lowest first."""

    def __init__(self, value: int) -> None:
        self._value = value

    def take(self, count: int) -> int:
        """Return the next number of so many bits."""
        found = self._value & ((1 << count) - 1)
        self._value >>= count
        return found

    def side(self, is_small: bool) -> int:
        """Return a side in pixels."""
        if is_small:
            return (self.take(5) + 1) * 8
        return self.take((9, 13, 18, 30)[self.take(2)]) + 1
