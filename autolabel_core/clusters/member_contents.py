"""Opens the members of clusters: their files, pictures, texts and fields."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import PurePosixPath

from PIL import Image

from autolabel_core.clusters.definition_state import DefinitionState
from autolabel_core.clusters.naming import SampleBlob
from autolabel_core.declarations.collection import BOX_KEY, Collection
from autolabel_core.documents.box_fields import BOX_COLUMNS
from autolabel_core.documents.documents import Documents, quote
from autolabel_core.foundation.charts import text_card
from autolabel_core.foundation.errors import StoreUnavailableError, UnreadableItemError
from autolabel_core.foundation.ids import video_of
from autolabel_core.foundation.media.images import decode_image
from autolabel_core.foundation.media.text_formats import read_text, text_media_type
from autolabel_core.tables.cluster_files import StoredMember
from autolabel_core.tables.workspace import OpenCollection

FIELDS = ("key", "label", "label_source", "suggested_label")
JSON_FIELDS = ("metadata", "bbox", "detections")


@dataclass(frozen=True)
class Member:
    """One document of a definition."""

    document_id: str
    collection: str
    key: str
    content_hash: str


class MemberContents:
    """Opens the documents of a definition; what is gone or was overwritten since is None."""

    def __init__(self, state: DefinitionState) -> None:
        self._one = state
        self._items = {t.collection_name: t.items for t in state.documents.embeddings}

    @cached_property
    def kinds(self) -> dict[str, str]:
        """What each collection holds: `image` or `text`."""
        opened = self._one.collection.workspace
        return {
            n: opened.extractor(t.collection.declaration).manifest.input
            for n, t in self._items.items()
        }

    def blobs(self, member: Member) -> tuple[tuple[SampleBlob, ...], tuple[SampleBlob, ...]]:
        """Return the files of a member's object, and the picture that its vector was made from.

        Args:
            member: of a box, the files are those of the image that it lies on; of a frame, those of
                its video.

        Returns:
            Source blobs and document blobs; of a text, and of what is gone, none of the second.
        """
        items, kind = self._items[member.collection], self.kinds[member.collection]
        declared = items.collection.declaration
        whole = _object_key(declared, member.key)
        try:
            stored = items.source.open(whole or member.key)
            mapped = declared.feature_extractor.input_mappings.get(kind)
            address = None if whole else stored.input_blob(kind, mapped).address
        except (UnreadableItemError, StoreUnavailableError):
            return (), ()
        limit_mb = declared.max_object_mb
        sources = tuple(
            SampleBlob(blob.address, partial(blob.read_within, limit_mb), blob.type, blob.property)
            for blob in stored.blobs
        )
        if kind == "text":
            return sources, ()
        return sources, (SampleBlob(address, partial(self._content, member), kind),)

    def _content(self, member: Member) -> bytes:
        return self._items[member.collection].content(member.key, member.content_hash)

    def data(self, member: Member) -> bytes | None:
        """Return the content that a member's vector was made from."""
        try:
            return self._content(member)
        except (UnreadableItemError, StoreUnavailableError):
            return None

    def text(self, member: Member) -> str:
        """Return a member's text; empty for images, and where it cannot be read."""
        data = self.data(member) if self.kinds[member.collection] == "text" else None
        try:
            return "" if data is None else read_text(data, text_media_type(data, _suffix(member)))
        except UnreadableItemError:
            return ""

    def picture(self, member: Member, side_px: int) -> Image.Image | None:
        """Return a member as a picture: an image small, a text as a card."""
        if self.kinds[member.collection] == "text":
            text = self.text(member)
            return text_card(text) if text else None
        data = self.data(member)
        try:
            return None if data is None else decode_image(data, side_px)
        except UnreadableItemError:
            return None

    @cached_property
    def fields(self) -> dict[str, dict[str, object]]:
        """Key, labels, declared fields, metadata and what a box says of itself, by document id."""
        fields: dict[str, dict[str, object]] = {}
        for collection in self._one.documents.collections:
            view = Documents(
                OpenCollection(self._one.collection.workspace, collection), clusters=False
            )
            names = [*FIELDS, *collection.fields, "metadata"]
            names += BOX_COLUMNS if collection.detection is not None else ()
            columns = ", ".join(quote(name) for name in ("document_id", *names))
            with view.connect() as connection:
                rows = connection.execute(f"SELECT {columns} FROM all_documents").fetchall()
            for document, *values in rows:
                given = zip(names, values, strict=True)
                known = {n: _from_json(n, v) for n, v in given if v is not None}
                fields[document] = {"metadata": {}, **known}
        return fields


def _object_key(collection: Collection, key: str) -> str | None:
    """Return the key of the image or video that a document is a part of; None for a whole one."""
    if collection.detection is None:
        return video_of(key) if collection.frames is not None else None
    box = BOX_KEY.fullmatch(key)
    return box[1] if box else None


def _suffix(member: Member) -> str:
    return PurePosixPath(member.key).suffix


def _from_json(name: str, value: object) -> object:
    return json.loads(str(value)) if name in JSON_FIELDS else value


def members_of(rows: Sequence[StoredMember]) -> list[Member]:
    """Return the documents of rows of a members table."""
    return [
        Member(row["document_id"], row["collection"], row["key"], row["content_hash"])
        for row in rows
    ]
