"""A ledger that lacks what the tables were made from is lost, and not a new one."""

from __future__ import annotations

from pathlib import PurePath

import pyarrow as pa

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.storage.warehouse import FINGERPRINT
from autolabel_core.tables.workspace import Workspace

PATTERN = "*.parquet"
PEOPLE = ("human", "promoted")
CURE = (
    "Nothing was changed. Put the old file back, or move this one away and run `autolabel ledger "
    "restore BACKUP`; or name the right one by AUTOLABEL_LEDGER_URL."
)


class LostLedgerError(AutolabelError):
    """The warehouse was made from words of people that the ledger does not hold."""


def check_ledger(workspace: Workspace, name: str) -> None:
    """Refuse to take a lost, older or other ledger for the one that the tables were made from.

    Args:
        workspace: the stores.
        name: of the collection.

    Raises:
        LostLedgerError: the ledger has no arrival of the collection, and its tables have labels
            of people; or it lacks the annotation that was its last one at the last sweep.
    """
    shown = workspace.ledger.database.shown
    if not workspace.ledger.knows(name):
        labels = _labels_of_people(workspace, name)
        if labels:
            raise LostLedgerError(
                f"The ledger {shown} knows nothing of `{name}`, while the warehouse holds {labels} "
                f"of its labels by people: the ledger was emptied, or is another one than before. "
                f"{CURE} To begin anew without those labels: `autolabel sweep {name} --yes`."
            )
        return
    noted = workspace.warehouse.fingerprint(_note(workspace, name))
    if noted and not workspace.ledger.holds_annotations(noted.split()):
        raise LostLedgerError(
            f"The ledger {shown} lacks annotations of `{name}` that the tables in the warehouse "
            f"were made from: it is an older one, such as a backup, or another one. {CURE} To go "
            f"on with this one and without what it lacks: `autolabel sweep {name} --yes`."
        )


def note_ledger(workspace: Workspace, name: str) -> None:
    """Note the last annotations of the ledger, for `check_ledger` to look for.

    Args:
        workspace: the stores.
        name: of the collection.
    """
    path = _note(workspace, name)
    last = " ".join(workspace.ledger.last_annotation_ids(name))
    if (workspace.warehouse.fingerprint(path) or "") != last:
        empty = pa.record_batch({"event_id": pa.array([], pa.string())})
        noted = empty.replace_schema_metadata({FINGERPRINT: last.encode()})
        workspace.warehouse.write_batch(path, noted, last)


def noted_annotations(workspace: Workspace, name: str) -> list[str]:
    """Return the event ids of the last annotations that the last sweep of a collection saw."""
    return (workspace.warehouse.fingerprint(_note(workspace, name)) or "").split()


def _note(workspace: Workspace, name: str) -> PurePath:
    return workspace.warehouse.path(name, "ledger", "last_annotations.arrow")


def _labels_of_people(workspace: Workspace, name: str) -> int:
    """Count documents that a person labelled, as the last sweep wrote them."""
    files = workspace.warehouse.files_in(workspace.warehouse.path(name, "taxonomy_labels"), PATTERN)
    tables = [workspace.warehouse.read_table(file, ["label_source"]) for file in files]
    return sum(source in PEOPLE for table in tables for source in table["label_source"].to_pylist())
