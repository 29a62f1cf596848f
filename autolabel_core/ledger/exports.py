"""Exports that people wrote: where to, and how far the labels in them reach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypedDict

from autolabel_core.ledger.history_schema import EXPORTS
from autolabel_core.ledger.rows import Rows


class ExportPayload(TypedDict):
    """What an export rests on.

    `annotations_until` is, by collection, the id of the last annotation that its labels follow
    from, and `labels_digest` the fingerprint of those that held; `documents` were written.
    """

    documents: int
    annotations_until: Mapping[str, int]
    labels_digest: str


@dataclass(frozen=True)
class RecordedExport:
    """A dataset was written to a folder in a format; the folder may be gone since."""

    export_id: str
    collection: str
    format: str
    place: str
    payload: ExportPayload
    recorded_at: str = ""


class ExportRows(Rows):
    """Exports in the ledger."""

    def append_export(self, export: RecordedExport) -> bool:
        """Append an export; one whose id is known is left out.

        Args:
            export: what was written.

        Returns:
            Whether it was appended.
        """
        return self._append_unknown(EXPORTS.c.export_id, [export]) == 1

    def exports(self, collection: str | None = None) -> list[RecordedExport]:
        """Return the exports of a collection, or all, in order."""
        return self._listed(RecordedExport, EXPORTS, {"collection": collection})
