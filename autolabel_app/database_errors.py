"""What a database refuses, as one line: the ledger's, or the storage of Dagster."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy.exc import DBAPIError

FULL = "disk is full"


def database_errors() -> tuple[type[DBAPIError], ...]:
    """Return the errors of databases; none where no command has loaded SQLAlchemy."""
    if "sqlalchemy" not in sys.modules:
        return ()
    from sqlalchemy.exc import DBAPIError

    return (DBAPIError,)


def explained(error: DBAPIError) -> str:
    """Return what happened and what to do; nothing that was recorded is lost by it."""
    reason = " ".join(str(error.orig).split())
    if FULL in reason:
        return (
            f"The disk is full ({reason}). Free some space and run the same command again; "
            "nothing is lost."
        )
    return (
        f"A database refused: {reason}. See that the ledger (AUTOLABEL_LEDGER_URL) and Dagster's "
        "storage (DAGSTER_HOME) can be reached and written, then run the same command again."
    )
