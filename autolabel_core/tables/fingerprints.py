"""Fingerprints with several parts: the inputs that a file was computed from.

A file is current while its fingerprint is the wanted one. The parts tell why it is not: other
objects ask for other work than another threshold.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import PurePath
from typing import Self

from autolabel_core.storage.warehouse import Warehouse

SEPARATOR, UNFINISHED = ".", "~"


@dataclass(frozen=True)
class Fingerprint:
    """The parts that a file was made from; each subclass names its own.

    Attributes:
        unfinished: whether something could not be read for now. Such a file is never current, so
            that the next sweep looks again.
    """

    unfinished: bool = field(default=False, kw_only=True)

    def __str__(self) -> str:
        """Return the one text form, as the warehouse keeps it."""
        names = [part.name for part in fields(self) if not part.kw_only]
        text = SEPARATOR.join(str(getattr(self, name)) for name in names)
        return f"{text}{UNFINISHED}" if self.unfinished else text

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text form.

        Args:
            text: what `str` gave.

        Returns:
            The parts.

        Raises:
            ValueError: it has another number of parts.
        """
        parts = text.removesuffix(UNFINISHED).split(SEPARATOR)
        expected = sum(not part.kw_only for part in fields(cls))
        if len(parts) != expected:
            raise ValueError(f"Expected {expected} parts in the fingerprint, found {text!r}.")
        return cls(*parts, unfinished=text.endswith(UNFINISHED))

    @classmethod
    def of_file(cls, warehouse: Warehouse, path: PurePath) -> Self | None:
        """Return what a file was made from; None where that is unknown, so that it is rebuilt."""
        try:
            return cls.parse(warehouse.fingerprint(path) or "")
        except ValueError:
            return None


@dataclass(frozen=True)
class MadeFrom(Fingerprint):
    """All in one part."""

    inputs: str


@dataclass(frozen=True)
class ObjectsFingerprint(Fingerprint):
    """Of `raw_objects`: what the declaration says of the source, and every object's version."""

    declaration: str
    versions: str


@dataclass(frozen=True)
class DetectionsFingerprint(Fingerprint):
    """Of `detections`: the detector with its weights, and what the images were read from."""

    detector: str
    objects: str


@dataclass(frozen=True)
class SuggestionsFingerprint(Fingerprint):
    """Of `suggestions`: names with what is asked about them, and documents with their vectors."""

    asked: str
    documents: str


@dataclass(frozen=True)
class LabelsFingerprint(Fingerprint):
    """Of `taxonomy_labels`: documents with their vectors, rule with references, people's labels."""

    documents: str
    taxonomy: str
    annotations: str


@dataclass(frozen=True)
class BoxExportFingerprint(Fingerprint):
    """Of the exports of boxes: images, declaration, and how many annotations were covered."""

    images: str
    declaration: str
    annotation_count: str
