"""What the members of clusters are: their files, pictures, texts and fields."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from PIL import Image

from autolabel_core.buckets.objects import StoredObject
from autolabel_core.buckets.source import ObjectSource
from autolabel_core.declarations import Collection
from autolabel_core.derived.cluster_definition import DefinedClusters
from autolabel_core.documents import Documents
from autolabel_core.errors import StoreUnavailableError, UnreadableItemError
from autolabel_core.identity import content_hash
from autolabel_core.images import decode_image
from autolabel_core.pictures import text_card
from autolabel_core.texts import decode_text

FIELDS = ("key", "label", "label_source", "suggested_label")


@dataclass(frozen=True)
class Member:
    """One document of a definition."""

    document_id: str
    collection: str
    key: str
    content_hash: str


class MemberContents:
    """Opens the documents of a definition; what is gone or was overwritten since is None."""

    def __init__(self, one: DefinedClusters) -> None:
        self._one = one
        self._collections = {c.collection_name: c for c in one.documents.collections}
        self._sources: dict[str, ObjectSource] = {}

    @cached_property
    def kinds(self) -> dict[str, str]:
        """What each collection holds: `image` or `text`."""
        opened = self._one.workspace
        return {n: opened.extractor(c).manifest.input for n, c in self._collections.items()}

    def collection(self, member: Member) -> Collection:
        """Return the collection of a member."""
        return self._collections[member.collection]

    def stored(self, member: Member) -> StoredObject | None:
        """Return a member's object; its files are read when they are asked for."""
        if member.collection not in self._sources:
            source = self._one.workspace.source(self.collection(member))
            self._sources[member.collection] = source
        try:
            return self._sources[member.collection].open(member.key)
        except (UnreadableItemError, StoreUnavailableError):
            return None

    def data(self, member: Member) -> bytes | None:
        """Return the content that a member's vector was made from."""
        stored = self.stored(member)
        kind = self.kinds[member.collection]
        mapped = self.collection(member).feature_extractor.input_mappings.get(kind)
        try:
            data = None if stored is None else stored.input_blob(kind, mapped).read()
        except (UnreadableItemError, StoreUnavailableError):
            return None
        return data if data is not None and content_hash(data) == member.content_hash else None

    def text(self, member: Member) -> str:
        """Return a member's text; empty for images, and where it cannot be read."""
        data = self.data(member) if self.kinds[member.collection] == "text" else None
        try:
            return "" if data is None else decode_text(data)
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
    def fields(self) -> dict[str, dict[str, Any]]:
        """Key, label, label source, suggestion, declared fields and metadata, by document id."""
        found: dict[str, dict[str, Any]] = {}
        for collection in self._collections.values():
            view = Documents(self._one.workspace, collection, clusters=False)
            names = [*FIELDS, *collection.fields]
            columns = ", ".join(f'"{name}"' for name in ("document_id", *names, "metadata"))
            with view.connect() as connection:
                rows = connection.execute(f"SELECT {columns} FROM documents").fetchall()
            for document, *values, metadata in rows:
                given = {n: v for n, v in zip(names, values, strict=True) if v is not None}
                found[document] = {**given, "metadata": json.loads(metadata or "{}")}
        return found


def members_of(rows: Sequence[dict[str, Any]]) -> list[Member]:
    """Return the documents of rows of a members table."""
    names = ("document_id", "collection", "key", "content_hash")
    return [Member(*(row[name] for name in names)) for row in rows]
