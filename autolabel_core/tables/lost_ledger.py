"""Detects a lost ledger: it is empty, but tables contain labels of people."""

from __future__ import annotations

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.tables.workspace import Workspace

PATTERN = "*.parquet"
PEOPLE = ("human", "promoted")


class LostLedgerError(AutolabelError):
    """The warehouse knows labels by people, and the ledger knows nothing of the collection."""


def check_ledger(workspace: Workspace, name: str) -> None:
    """Refuse to take a lost ledger for a new one.

    Args:
        workspace: the stores.
        name: of the collection.

    Raises:
        LostLedgerError: the ledger has no arrival of the collection, and its tables have labels
            of people.
    """
    if workspace.ledger.knows(name):
        return
    labels = _labels_of_people(workspace, name)
    if labels:
        shown = workspace.ledger.database.shown
        raise LostLedgerError(
            f"The ledger {shown} knows nothing of `{name}`, while the warehouse holds {labels} of "
            "its labels by people: the ledger was emptied, or is another one than before. Nothing "
            "was changed. Put the old file back, or move the empty one away and run "
            "`autolabel ledger restore BACKUP`; or name the right one by AUTOLABEL_LEDGER_URL. To "
            f"begin anew without those labels: `autolabel sweep {name} --yes`."
        )


def _labels_of_people(workspace: Workspace, name: str) -> int:
    """Count documents that a person labelled, as the last sweep wrote them."""
    files = workspace.warehouse.files_in(workspace.warehouse.path(name, "taxonomy_labels"), PATTERN)
    tables = [workspace.warehouse.read_table(file, ["label_source"]) for file in files]
    return sum(source in PEOPLE for table in tables for source in table["label_source"].to_pylist())
