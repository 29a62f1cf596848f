"""Which documents exist now, and the content that a person sees of one."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Sequence
from typing import TypedDict

import pyarrow as pa

from autolabel_core.foundation.errors import NotFoundError, UnreadableItemError
from autolabel_core.foundation.ids import content_hash, document_id, object_of, video_of
from autolabel_core.foundation.parallel import read_in_order
from autolabel_core.ledger.arrivals import DELETED, batches_of
from autolabel_core.storage.typed_rows import rows_as
from autolabel_core.tables.boxes.ground_truth import KnownImage
from autolabel_core.tables.object_content import describe
from autolabel_core.tables.raw_objects import RawObjects
from autolabel_core.tables.workspace import OpenCollection


class RecordedObject(TypedDict):
    """What the last sweep noted of an object."""

    document_id: str
    key: str
    version: str
    content_hash: str | None
    width_px: int | None
    height_px: int | None
    reason: str | None


class ExistingDocuments:
    """Which documents exist, and the hash of the content that a person sees now."""

    def __init__(self, collection: OpenCollection) -> None:
        self._raw = RawObjects(collection)
        self._source = collection.source()
        self._collection = collection.declaration
        self._name = collection.name
        self._ledger = collection.ledger
        self._kind = collection.extractor.manifest.input

    def content_hashes(self, keys: Sequence[str]) -> dict[str, str]:
        """Return the present content hash of each key that exists.

        What the last sweep read is used where the object's version has not changed since; other
        objects are read from the bucket.

        Args:
            keys: any texts.

        Returns:
            SHA-256 by key.

        Raises:
            UnreadableItemError: an object exists and cannot be read; the message names it.
        """
        recorded = self._recorded(keys)
        hashes: dict[str, str] = {}
        for key in dict.fromkeys(keys):
            known = recorded.get(key)
            if known is not None and known["content_hash"] and self._is_as_recorded(known):
                hashes[key] = known["content_hash"]
            elif self._version(key) is not None and not self._is_frame(key):
                try:
                    hashes[key] = content_hash(self._read(key))
                except UnreadableItemError as error:
                    raise UnreadableItemError(f"The object {key!r} {error}") from error
        return hashes

    def other_forms(self, keys: Sequence[str]) -> dict[str, str]:
        """Return keys that exist in another Unicode form, by those that were asked for."""
        found: dict[str, str] = {}
        for key in keys:
            for form in () if key.isascii() else ("NFC", "NFD"):
                other = unicodedata.normalize(form, key)
                if other != key and self._version(other) is not None:
                    found.setdefault(key, other)
        return found

    def quarantined(self, keys: Sequence[str]) -> dict[str, str]:
        """Return why objects cannot be read, as far as is known, by key; readable ones are absent.

        Args:
            keys: of objects that exist.

        Returns:
            What the last sweep noted, or what a look at the bytes says where it has not seen them.
        """
        recorded = self._recorded(keys)
        reasons: dict[str, str] = {}
        for key in dict.fromkeys(keys):
            known = recorded.get(key)
            if known is not None and self._is_as_recorded(known):
                reason = known["reason"]
            else:
                reason = self._problem(key)
            if reason:
                reasons[key] = reason
        return reasons

    def _problem(self, key: str) -> str | None:
        try:
            describe(self._kind, self._read(key))
        except UnreadableItemError as error:
            return str(error)
        return None

    def images(self, keys: Sequence[str]) -> dict[str, KnownImage | str]:
        """Return content and size of each image that exists, read from the image itself.

        Args:
            keys: any texts.

        Returns:
            The image by key, or why it cannot be read.
        """
        from autolabel_core.foundation.media.images import probe_image

        recorded = self._recorded(keys)

        def look(key: str) -> KnownImage | str | None:
            version = self._version(key)
            if version is None:
                return None
            known = recorded.get(key)
            if known is not None and known["version"] == version and known["width_px"]:
                content = known["content_hash"] or ""
                size = known["width_px"], known["height_px"] or 0
            else:
                try:
                    data = self._read(key)
                    info = probe_image(data)
                except UnreadableItemError as error:
                    return str(error)
                content, size = content_hash(data), (info.width_px, info.height_px)
            return KnownImage(document_id(self._name, key), key, content, *size)

        wanted = list(dict.fromkeys(keys))
        looked = zip(wanted, read_in_order(look, wanted), strict=True)
        return {key: image for key, image in looked if image is not None}

    def listed_keys(self) -> list[str]:
        """Return the keys of all objects that are in the buckets now."""
        return [listed.key for listed in self._source.list()]

    def near(self, key: str) -> str:
        """Return a hint for a key that does not exist."""
        if self._is_frame(key) and (frames := self._frames_of(self._object_key(key))):
            nearest = min(frames, key=lambda frame: abs(_time_of(frame) - _time_of(key)))
            return f"Its video has {len(frames)} frames; the nearest is {nearest!r}."
        registered = [a.key for a in self._raw.objects.values() if a.event != DELETED]
        known = registered or self.listed_keys()
        if key in registered:
            return "It is registered, and not in the bucket now: is the disk mounted?"
        near = difflib.get_close_matches(key, known, n=1)
        if near:
            return f"Did you mean {near[0]!r}?"
        return f"The collection has {len(known)} objects; see `autolabel documents`."

    def without_label(self, key: str) -> str:
        """Say why a key is one of a document that takes no label; empty where it takes one."""
        if self._collection.frames is None or not (frames := self._frames_of(key)):
            return ""
        return f"{key!r} is a video; its frames take labels, such as {frames[0]!r}"

    def _frames_of(self, video_key: str) -> list[str]:
        rows = self._raw.rows_of({document_id(self._name, video_key)}, "video_id")
        return [row["key"] for row in rows]

    def _version(self, key: str) -> str | None:
        try:
            return self._source.version(self._object_key(key))
        except (UnreadableItemError, NotFoundError):
            return None

    def _is_as_recorded(self, known: RecordedObject) -> bool:
        """Whether an object is as the last sweep saw it; first by a look at its file alone."""
        key, version = self._object_key(known["key"]), known["version"]
        try:
            return self._source.is_as_listed(key, version) or self._version(key) == version
        except (UnreadableItemError, NotFoundError):
            return False

    def _object_key(self, key: str) -> str:
        """Return the key of the object that a document is from: of a frame its video."""
        return (video_of(key) or key) if self._is_frame(key) else key

    def _is_frame(self, key: str) -> bool:
        return self._collection.frames is not None and video_of(key) is not None

    def _recorded(self, keys: Sequence[str]) -> dict[str, RecordedObject]:
        """Return what the last sweep noted of each key."""
        import pyarrow.compute as pc

        ids = {document_id(self._name, key) for key in keys}
        objects = {object_of(document) for document in ids}
        wanted = pa.array(sorted(ids), pa.string())
        rows: dict[str, RecordedObject] = {}
        columns = list(RecordedObject.__annotations__)
        for batch in batches_of(self._ledger.objects_of(self._name, objects)):
            path = self._raw.path(batch)
            if self._raw.warehouse.exists(path):
                table = self._raw.warehouse.read_table(path, columns)
                kept = table.filter(pc.is_in(table["document_id"], value_set=wanted))
                rows |= {row["key"]: row for row in rows_as(kept, RecordedObject)}
        return rows

    def _read(self, key: str) -> bytes:
        mapped = self._collection.feature_extractor.input_mappings.get(self._kind)
        return self._source.open(key).input_blob(self._kind, mapped).read()


def _time_of(key: str) -> float:
    return float(key.rpartition("#t=")[2])
