"""Ids computed from content: document ids, content hashes, fingerprints."""

from __future__ import annotations

import hashlib
import json
import re

_FRAME_KEY = re.compile(r"(.+)#t=(\d{1,6})\.(\d{3})", re.DOTALL)
_PART_OF_OBJECT = re.compile(r"_(?:frame|det)_")


def document_id(collection: str, key: str) -> str:
    """Return the id of the document that a key has in a collection, an object's or a frame's.

    Stable under overwriting: the id belongs to the key, not to the content.
    """
    frame = _FRAME_KEY.fullmatch(key)
    if frame is not None:
        return f"{document_id(collection, frame[1])}_frame_{frame[2]:0>6}{frame[3]}"
    digest = hashlib.sha256(f"{collection}\0{key}".encode("utf-8", "surrogateescape"))
    return f"doc_{digest.hexdigest()[:20]}"


def frame_key(video_key: str, time_ms: int) -> str:
    """Return the key of a frame: the video's with the time in seconds, as media fragments have it.

    Source: W3C, Media Fragments URI 1.0, 2012: `#t=` and the time.
    """
    return f"{video_key}#t={time_ms // 1000}.{time_ms % 1000:03d}"


def video_of(key: str) -> str | None:
    """Return the key of the video that a frame is from; None for the keys of other documents."""
    frame = _FRAME_KEY.fullmatch(key)
    return None if frame is None else frame[1]


def object_of(document: str) -> str:
    """Return the document id of the object that a box or frame is from; of an object, its own."""
    return _PART_OF_OBJECT.split(document, maxsplit=1)[0]


def content_hash(data: bytes) -> str:
    """Return the SHA-256 of an object's content, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def fingerprint(*parts: object) -> str:
    """Return a short hash of JSON-serialisable parts, equal exactly when the parts are equal."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
