"""The report of an export, and what each writer returns for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from autolabel_core.foundation.statistics import field_distribution

UNLABELLED = "unlabelled"
UNREADABLE = "unreadable"
OTHER_SOURCE = "other label source"

ReadObject = Callable[[str], bytes]


@dataclass(frozen=True)
class ExportReport:
    """What went into an export, and what did not.

    Attributes:
        format: name of the format.
        out: the folder that now holds the export.
        written: how many documents went in.
        per_label: documents written by label, most frequent first.
        per_source: documents written by label source; those without a label, which only tables
            hold, count as `unlabelled` in both.
        skipped: documents left out by reason: `unlabelled`, `other label source`, `unreadable`.
        unreadable: key and reason of each object that could not be read.
    """

    format: str
    out: Path
    written: int
    per_label: Mapping[str, int]
    per_source: Mapping[str, int]
    skipped: Mapping[str, int]
    unreadable: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Written:
    """What a writer hands back: the documents that went in, and the objects that did not."""

    documents: pa.Table
    unreadable: tuple[tuple[str, str], ...] = ()


def report_of(fmt: str, out: Path, written: Written, skipped: Counter[str]) -> ExportReport:
    """The report of what a writer did, after `skipped` documents were held back from it."""
    left_out = skipped + Counter({UNREADABLE: len(written.unreadable)})
    labels = written.documents["label"].to_pylist()
    sources = written.documents["label_source"].to_pylist()
    labelled_sources = [
        UNLABELLED if label is None else str(source)
        for label, source in zip(labels, sources, strict=True)
    ]
    return ExportReport(
        format=fmt,
        out=out,
        written=len(labels),
        per_label=counts_of([UNLABELLED if label is None else label for label in labels]),
        per_source=counts_of(labelled_sources),
        skipped=dict(sorted(left_out.items())),
        unreadable=written.unreadable,
    )


def counts_of(values: list[str]) -> dict[str, int]:
    """How often each text occurs, most frequent first."""
    return {str(value): count for value, count in field_distribution(values).items()}
