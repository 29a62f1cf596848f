"""A note of what the file of references was made from, so that the next one exchanges some rows."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from autolabel_core.foundation.atomic_files import write_atomically
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.ledger.annotation_table import LedgerPosition
from autolabel_core.tables.remembered import file_of
from autolabel_core.tables.workspace import OpenCollection

FORMAT = 1
NAME = "references_made_from"


@dataclass(frozen=True)
class MadeReferences:
    """What a file of references was made from.

    Attributes:
        fingerprint: that of the file.
        position: the last annotation that counted.
        sources: by batch, what references were made from beside annotations.
    """

    fingerprint: str
    position: LedgerPosition
    sources: Mapping[str, str | None]

    @classmethod
    def load(cls, collection: OpenCollection, fingerprint: str) -> MadeReferences | None:
        """Return the note of a file; None where there is none, or the ledger is another by now.

        Args:
            collection: whose references.
            fingerprint: that of the file.

        Returns:
            The note.
        """
        try:
            noted = json.loads(file_of(collection, NAME).read_bytes())
            if noted["of"] != [FORMAT, collection.ledger.database.shown, fingerprint]:
                return None
            made = cls(fingerprint, LedgerPosition(*noted["position"]), dict(noted["sources"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        last = made.position.last
        now = collection.ledger.annotation_position(collection.name, last)
        return made if now == made.position else None

    def save(self, collection: OpenCollection) -> None:
        """Keep the note; where nothing can be written, the next file is made from all anew."""
        noted = {
            "of": [FORMAT, collection.ledger.database.shown, self.fingerprint],
            "position": list(self.position),
            "sources": dict(self.sources),
        }
        text = json.dumps(noted)
        with contextlib.suppress(OSError, AutolabelError):
            file = file_of(collection, NAME)
            write_atomically(file, lambda part: part.write_text(text, encoding="utf-8"))
