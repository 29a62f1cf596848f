"""Ids computed from content: document ids, content hashes, fingerprints."""

from __future__ import annotations

import hashlib
import json


def document_id(collection: str, key: str) -> str:
    """Return the id of the document that the object `key` has in a collection.

    Stable under overwriting: the id belongs to the key, not to the content.
    """
    digest = hashlib.sha256(f"{collection}\0{key}".encode("utf-8", "surrogateescape"))
    return f"doc_{digest.hexdigest()[:20]}"


def object_of(document: str) -> str:
    """Return the document id of the object that a box lies on; of an object, its own."""
    return document.partition("_det_")[0]


def content_hash(data: bytes) -> str:
    """Return the SHA-256 of an object's content, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def fingerprint(*parts: object) -> str:
    """Return a short hash of JSON-serialisable parts, equal exactly when the parts are equal."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
