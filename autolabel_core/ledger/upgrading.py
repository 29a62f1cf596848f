"""Upgrades an older ledger to the newest revision when it is opened."""

from __future__ import annotations

from sqlalchemy import Connection, inspect

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.ledger import schema
from autolabel_core.ledger.database import Database

VERSION_TABLE = "alembic_version"
FIRST_TABLES = (schema.ARRIVALS, schema.ANNOTATIONS, schema.AUDITS)


def upgrade(database: Database) -> None:
    """Apply the revisions that a ledger lacks, in one transaction; a new ledger lacks all.

    Args:
        database: where the ledger is, or shall be.

    Raises:
        AutolabelError: the ledger was written by a newer autolabel, or is something else.
    """
    with database.reading() as connection:
        if version_of(connection) == schema.VERSION:
            return
    with database.writing() as connection:
        version = version_of(connection)
        if version == schema.VERSION:
            return
        if version is None:
            _check_tables(database, connection)
        elif version > schema.VERSION:
            raise AutolabelError(
                f"The ledger at {database.shown} has version {version}; this autolabel knows "
                f"{schema.VERSION}. Install the newer autolabel that wrote it."
            )
        apply_revisions(connection, "head")


def version_of(connection: Connection) -> str | None:
    """Return the revision of a ledger; None for a new one, or one older than revisions."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found = connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}").scalar()
    return None if found is None else str(found)


def _check_tables(database: Database, connection: Connection) -> None:
    """Refuse tables of our names that are not ours, before rows are written among them."""
    inspector = inspect(connection)
    for table in FIRST_TABLES:
        if not inspector.has_table(table.name):
            continue
        missing = set(table.columns.keys()) - {c["name"] for c in inspector.get_columns(table.name)}
        if missing:
            raise AutolabelError(
                f"The database {database.shown} has a table `{table.name}` that is no ledger's: it "
                f"lacks {', '.join(sorted(missing))}. Name an empty database or another schema in "
                "AUTOLABEL_LEDGER_URL."
            )


def apply_revisions(connection: Connection, version: str) -> None:
    """Apply the revisions that a ledger lacks, up to one.

    Args:
        connection: within a transaction.
        version: the last revision to be applied; `head` is the newest.
    """
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "autolabel_core.ledger:migrations")
    config.set_main_option("path_separator", "os")
    command.upgrade(config, version)
