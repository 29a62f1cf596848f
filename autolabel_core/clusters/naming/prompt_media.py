"""Turns a document into what a language model is shown of it: texts, images, videos, sounds."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from autolabel_core.clusters.naming.samples import SampleBlob, SampleDocument
from autolabel_core.declarations.llm_naming import InputMapping, LLMLabeling
from autolabel_core.foundation.errors import AutolabelError, UnreadableItemError
from autolabel_core.foundation.media.data_urls import image_data_url
from autolabel_core.foundation.media.texts import decode_text
from autolabel_core.storage.s3 import SCHEME

MAX_MEDIA_BYTES = 10_000_000
BLOB_LISTS = ("document_blobs", "source_blobs")
MIME = {"video_url": "video/mp4", "audio_url": "audio/mpeg"}

Sign = Callable[[str], str]
"""Makes an `s3://` address one that can be fetched for a while."""


@dataclass(frozen=True)
class Medium:
    """An image, video or sound that a model is shown.

    Attributes:
        kind: `image_url`, `video_url` or `audio_url`.
        identity: says what is shown, the same from run to run; never a signed address.
        url: makes the address; reads the file where it lies on this machine.
    """

    kind: str
    identity: str
    url: Callable[[], str]


@dataclass(frozen=True)
class TextPart:
    """One text that a model is shown; a literal is the declaration's, not the document's."""

    text: str
    is_literal: bool = False


@dataclass(frozen=True)
class Shown:
    """One document as a model sees it.

    Attributes:
        texts: in the order of the mappings, none of them empty.
        media: images, videos and sounds.
    """

    texts: tuple[TextPart, ...]
    media: tuple[Medium, ...] = ()

    @property
    def text(self) -> str:
        """All texts, joined by line breaks."""
        return "\n".join(part.text for part in self.texts)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is of the document itself: neither a medium nor a text."""
        return not self.media and all(part.is_literal for part in self.texts)

    def within(self, characters: int) -> Shown:
        """The same with at most so much text; literals are cut last."""
        literals = sum(len(part.text) for part in self.texts if part.is_literal)
        left = {True: characters, False: max(characters - literals, 0)}
        parts = []
        for part in self.texts:
            text = part.text[: left[part.is_literal]]
            left[part.is_literal] -= len(text)
            parts.append(replace(part, text=text))
        return replace(self, texts=tuple(part for part in parts if part.text))

    def loaded(self) -> Shown:
        """The same with the addresses of its media made; what cannot be read is left out."""
        return replace(self, media=tuple(m for m in map(_loaded, self.media) if m is not None))


def _loaded(medium: Medium) -> Medium | None:
    try:
        address = medium.url()
    except AutolabelError:
        return None
    return replace(medium, url=lambda: address)


def shown(document: SampleDocument, settings: LLMLabeling, sign: Sign) -> Shown:
    """Return what is shown of a document; values that it lacks are left out.

    Args:
        document: the document.
        settings: which values, and how many characters of each text; literals are never cut.
        sign: for addresses on S3.

    Returns:
        The texts, without mappings the payload as JSON; and the media.
    """
    mappings = settings.labeling_inputs.input_mappings
    texts, media = [], []
    for mapping in mappings:
        if mapping.input_key == "text":
            text = _text(document, mapping)
            texts.append(TextPart(text, mapping.source_type == "literal"))
        elif (medium := _medium(document, mapping, sign)) is not None:
            media.append(medium)
    if not mappings and document.payload:
        payload = dict(document.payload)
        text = json.dumps(payload, ensure_ascii=False, sort_keys=True, default=str)
        texts.append(TextPart(text))
    limit = settings.sample_text_max_length
    cut = (part if part.is_literal else replace(part, text=part.text[:limit]) for part in texts)
    return Shown(tuple(part for part in cut if part.text.strip()), tuple(media))


def at_path(value: object, path: str) -> object:
    """Return what lies at a dotted path of mappings and lists, None where nothing does.

    Args:
        value: mappings and lists.
        path: such as `metadata.title` or `detections.0.label`; a prefix `payload.` is dropped.

    Returns:
        The value; a key that holds dots itself is found too.
    """
    path = path.removeprefix("payload.")
    if isinstance(value, Mapping) and path in value:
        return value[path]
    head, _, tail = path.partition(".")
    if isinstance(value, Mapping):
        below = value.get(head)
    elif isinstance(value, Sequence) and not isinstance(value, str) and head.isdecimal():
        below = value[int(head)] if int(head) < len(value) else None
    else:
        return None
    return at_path(below, tail) if tail else below


def _text(document: SampleDocument, mapping: InputMapping) -> str:
    if mapping.source_type == "literal":
        return mapping.override or ""
    if mapping.source_type == "blob":
        blob = blob_at(document, mapping.path or "")
        try:
            return "" if blob is None else decode_text(blob.read())
        except UnreadableItemError:
            return ""
    value = at_path(document.payload, mapping.path or "")
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def blob_at(document: SampleDocument, path: str) -> SampleBlob | None:
    """Return the blob at `document_blobs.0.url`, `source_blobs.0.url` or `0.url`.

    Args:
        document: whose.
        path: without the name of a list, the blobs made from the document come first.

    Returns:
        The blob; None where there is none, or the path is of another form.
    """
    parts = path.removesuffix(".url").split(".")
    if parts[0] in BLOB_LISTS:
        lists, parts = [getattr(document, parts[0])], parts[1:]
    else:
        lists = [getattr(document, name) for name in BLOB_LISTS]
    if len(parts) != 1 or not parts[0].isdecimal():
        return None
    number = int(parts[0])
    return next((blobs[number] for blobs in lists if number < len(blobs)), None)


def _medium(document: SampleDocument, mapping: InputMapping, sign: Sign) -> Medium | None:
    if mapping.source_type == "blob":
        blob = blob_at(document, mapping.path or "")
        if blob is None:
            return None
        identity = f"{mapping.path} of {document.content_hash} at {blob.address}"
        return Medium(mapping.input_key, identity, lambda: _blob_url(blob, mapping.input_key, sign))
    literal = mapping.source_type == "literal"
    source = mapping.override if literal else at_path(document.payload, mapping.path or "")
    if not isinstance(source, str) or not source:
        return None
    address = source
    if not address.startswith(("https://", "http://", "data:", SCHEME)):
        return None
    signed = address.startswith(SCHEME)
    return Medium(mapping.input_key, address, lambda: sign(address) if signed else address)


def _blob_url(blob: SampleBlob, kind: str, sign: Sign) -> str:
    address = blob.address or ""
    if address.startswith(SCHEME):
        return sign(address)
    if address.startswith(("https://", "http://")):
        return address
    data = blob.read()
    if kind == "image_url":
        return image_data_url(data)
    if len(data) > MAX_MEDIA_BYTES:
        raise UnreadableItemError(f"{len(data):,} bytes; at most {MAX_MEDIA_BYTES:,} are sent")
    return f"data:{MIME[kind]};base64,{base64.b64encode(data).decode()}"
