"""Tells videos from other files by how they begin."""

from __future__ import annotations

# Pictures and sound in the same kind of container.
_OTHER_BRANDS = (
    *(b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"),
    *(b"crx ", b"M4A ", b"M4B ", b"jp2 ", b"jpx "),
)
_MEDIA_TYPES = (
    (b"\x1aE\xdf\xa3", "video/x-matroska"),
    (b"FLV\x01", "video/x-flv"),
    (b"0&\xb2u\x8ef\xcf\x11", "video/x-ms-wmv"),
    (b"\x00\x00\x01\xba", "video/mpeg"),
    (b"\x00\x00\x01\xb3", "video/mpeg"),
)


def video_media_type(data: bytes) -> str | None:
    """Return the media type of a video such as MP4, QuickTime, AVI, Matroska; None for others.

    Args:
        data: the file, or its first 12 bytes.

    Returns:
        Such as `video/mp4`.
    """
    if data[4:8] == b"ftyp" and data[8:12] not in _OTHER_BRANDS:
        return "video/quicktime" if data[8:12] == b"qt  " else "video/mp4"
    if data[4:8] in (b"moov", b"mdat", b"wide") and len(data) > 16:
        return "video/quicktime"
    if data[:4] == b"RIFF" and data[8:12] == b"AVI ":
        return "video/x-msvideo"
    return next((kind for magic, kind in _MEDIA_TYPES if data.startswith(magic)), None)


def is_video(data: bytes) -> bool:
    """Whether a file begins as videos do."""
    return video_media_type(data) is not None
