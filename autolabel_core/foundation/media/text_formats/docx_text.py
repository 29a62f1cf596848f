"""Takes the text out of a Word document: a ZIP archive with XML, guarded against bombs of both."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from xml.parsers import expat

from autolabel_core.foundation.errors import UnreadableItemError
from autolabel_core.foundation.media.text_formats.limits import MAX_CHARACTERS, too_long

DOCUMENT = "word/document.xml"
# Letterheads, notes and footers stand in files of their own, in this order around the text.
_BEFORE = re.compile(r"word/header\d*\.xml")
_AFTER = re.compile(r"word/(?:footnotes|endnotes|footer)\d*\.xml")
# Some programs number the document itself.
_NUMBERED = re.compile(r"word/document\d*\.xml")
_OTHER_KINDS = (
    ("content.xml", "an OpenDocument file"),
    ("xl/workbook.xml", "an Excel workbook"),
    ("xl/workbook.bin", "an Excel workbook"),
    ("ppt/presentation.xml", "a PowerPoint presentation"),
    ("META-INF/container.xml", "an EPUB book"),
    ("Index/Document.iwa", "a Pages document"),
)
MAX_PART_BYTES = 64_000_000
MAX_ENTRIES = 20_000
_SEPARATOR = "|"
_BREAKS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
# What stands there a second time for older programs, and what was moved away.
_LEFT_OUT = frozenset(("Fallback", "moveFrom"))
# What these say of formatting is not about the text of a run: the mark that ends a paragraph, and
# how a run was formatted before a tracked change.
_OTHER_FORMATTING = frozenset(("pPr", "rPrChange"))
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
        Letterhead, what the document shows, notes and footers; what was deleted or moved away in
        tracked changes, and what is formatted as hidden, is left out.

    Raises:
        UnreadableItemError: no Word document, damaged, too large, or with entities in its XML.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            parts = [_part(archive, name) for name in _parts_of(names)]
    except UnreadableItemError:
        raise
    except _DAMAGE as error:
        raise UnreadableItemError(f"damaged Word document: {error}") from error
    return "\n".join(text for part in parts if (text := _xml_text(part)).strip())


def _parts_of(names: list[str]) -> list[str]:
    """Return the parts that hold text, in the order in which they are read."""
    document = DOCUMENT if DOCUMENT in names else next(filter(_NUMBERED.fullmatch, names), None)
    if document is None:
        kind = next((kind for name, kind in _OTHER_KINDS if name in names), None)
        found = kind or f"a ZIP archive without a Word document ({_shown(names)})"
        archive = "" if kind else ", or put the files of the archive into the bucket"
        raise UnreadableItemError(f"{found}; expected .docx: export it as PDF{archive}")
    before = sorted(filter(_BEFORE.fullmatch, names))
    return [*before, document, *sorted(filter(_AFTER.fullmatch, names))]


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
        self._left_out, self._other_formatting = 0, 0
        # Of the runs around, outermost first: a text box lies in a run, and has runs of its own.
        self._is_hidden = [False]

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Take note of an element."""
        local = name.rpartition(_SEPARATOR)[2]
        self._left_out += local in _LEFT_OUT
        self._other_formatting += local in _OTHER_FORMATTING
        if local == "r":
            self._is_hidden.append(False)
        elif local == "vanish" and not self._other_formatting:
            values = (v for key, v in attributes.items() if key.rpartition(_SEPARATOR)[2] == "val")
            self._is_hidden[-1] = next(values, "1") not in ("0", "false", "off")
        self._is_text = local == "t" and not self._left_out and not any(self._is_hidden)
        if not self._left_out:
            self._add(_BREAKS.get(local, ""))

    def end(self, name: str) -> None:
        """End an element; a paragraph ends a line, a cell of a table a column."""
        local = name.rpartition(_SEPARATOR)[2]
        self._left_out -= local in _LEFT_OUT
        self._other_formatting -= local in _OTHER_FORMATTING
        if local == "r":
            self._is_hidden.pop()
        self._is_text = False
        if not self._left_out:
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
