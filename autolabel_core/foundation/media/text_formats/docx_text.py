"""Takes the text out of a Word document: a ZIP archive with XML, guarded against bombs of both."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from xml.parsers import expat

from autolabel_core.foundation.errors import UnreadableItemError
from autolabel_core.foundation.media.text_formats.limits import MAX_CHARACTERS, too_long

DOCUMENT = "word/document.xml"
# Notes and heads stand in files of their own.
_PARTS = (DOCUMENT, "word/footnotes.xml", "word/endnotes.xml")
MAX_PART_BYTES = 64_000_000
MAX_ENTRIES = 20_000
_SEPARATOR = "|"
_BREAKS = {"tab": "\t", "br": "\n", "cr": "\n"}
# What `zipfile` raises on damaged archives.
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError),
    *(ValueError, struct.error, OverflowError, MemoryError, KeyError, IndexError, LookupError),
)


def docx_text(data: bytes) -> str:
    """Return the text of a Word document, a paragraph a line.

    Args:
        data: the file.

    Returns:
        What the document shows, then its notes; text that was deleted in tracked changes is left
        out.

    Raises:
        UnreadableItemError: no Word document, damaged, too large, or with entities in its XML.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            if DOCUMENT not in names:
                raise UnreadableItemError(
                    f"a ZIP archive without a Word document ({_shown(names)}); expected .docx: "
                    "export it as PDF, or put the files of the archive into the bucket"
                )
            parts = [_part(archive, name) for name in _PARTS if name in names]
    except UnreadableItemError:
        raise
    except _DAMAGE as error:
        raise UnreadableItemError(f"damaged Word document: {error}") from error
    return "\n".join(text for part in parts if (text := _xml_text(part)).strip())


def _shown(names: list[str]) -> str:
    return f"it holds {len(names)} files" + (f" such as {names[0]!r:.80}" if names else "")


def _part(archive: zipfile.ZipFile, name: str) -> bytes:
    """Read a file of the archive no further than the limit, whatever size the archive states."""
    if len(archive.namelist()) > MAX_ENTRIES:
        raise UnreadableItemError(f"a Word document of more than {MAX_ENTRIES} files")
    with archive.open(name) as opened:
        found = opened.read(MAX_PART_BYTES + 1)
    if len(found) > MAX_PART_BYTES:
        raise UnreadableItemError(
            f"too large: {name} unpacks to more than {MAX_PART_BYTES // 10**6} MB; split the "
            "document, or export it as PDF"
        )
    return found


class _Collector:
    """Gathers the text of one XML part as its elements pass by."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self._is_text, self._characters = False, 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Take note of an element."""
        local = name.rpartition(_SEPARATOR)[2]
        self._is_text = local == "t"
        self._add(_BREAKS.get(local, ""))

    def end(self, name: str) -> None:
        """End an element; a paragraph ends a line, a cell of a table a column."""
        local = name.rpartition(_SEPARATOR)[2]
        self._is_text = False
        self._add({"p": "\n", "tc": "\t"}.get(local, ""))

    def characters(self, text: str) -> None:
        """Take text that the document shows."""
        if self._is_text:
            self._add(text)

    def _add(self, text: str) -> None:
        self._characters += len(text)
        if self._characters > MAX_CHARACTERS:
            raise UnreadableItemError(too_long())
        if text:
            self.parts.append(text)


def _refuse_doctype(*_: object) -> None:
    raise UnreadableItemError(
        "a Word document whose XML declares entities, which Word never writes; save it anew"
    )


def _xml_text(part: bytes) -> str:
    collector, parser = _Collector(), expat.ParserCreate(namespace_separator=_SEPARATOR)
    parser.StartElementHandler = collector.start
    parser.EndElementHandler = collector.end
    parser.CharacterDataHandler = collector.characters
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(part, True)
    except expat.ExpatError as error:
        raise UnreadableItemError(f"damaged Word document: its XML has {error}") from error
    return "".join(collector.parts)
