"""Renames a collection: its facts get the new name, and derived tables are built again."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table, func, select, update

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.ids import document_id, object_of
from autolabel_core.ledger import Event, event_id
from autolabel_core.ledger.events import append_events
from autolabel_core.ledger.history_schema import EXPORTS, RULES
from autolabel_core.ledger.schema import (
    ANNOTATIONS,
    ARRIVALS,
    BOX_ANNOTATIONS,
    EVENTS,
    metadata,
)
from autolabel_core.ledger.store import utc_now
from autolabel_core.tables.workspace import OpenCollection, Workspace

RENAMED_EVENT = "collection.renamed"
FACTS = tuple(
    table for table in metadata.tables.values() if "collection" in table.c and table is not EVENTS
)
"""What belongs to a collection; what others were told of it stays as it was told."""
MAY_BE_THERE = frozenset({"arrivals", "alert_firings", "requests", "rules"})
"""What a sweep under the new name may have recorded already."""


def rename(workspace: Workspace, old: str, new: str, by: str) -> dict[str, int]:
    """Give the facts of a collection that is declared no more to the one that took its place.

    It is one transaction. Document ids belong to a collection's name, so every one is written anew,
    also where it stands in the provenance of promotions elsewhere.

    Args:
        workspace: the stores.
        old: the name that is declared no more.
        new: the name that is declared now.
        by: who says so.

    Returns:
        How many rows were renamed, by table.

    Raises:
        AutolabelError: the old name is still declared or unknown to the ledger, or the new one has
            labels, models or clusters of its own; nothing is changed.
    """
    collection = workspace.open(new)
    if old in workspace.collections:
        raise AutolabelError(
            f"`{old}` is still declared; two collections do not become one. Change its name in its "
            "YAML first."
        )
    with workspace.ledger.database.writing() as connection:
        _check(connection, old, new)
        _move_folders(collection, old)
        ids = _document_ids(connection, old, new) | _cluster_declarations(collection, old)
        counts = {table.name: _rename(connection, table, old, new, ids) for table in FACTS}
        _rename_in_payloads(connection, old, new)
        payload = {"from": old, "to": new, "by": by}
        at = utc_now()
        event = Event(event_id(RENAMED_EVENT, old, new, at), RENAMED_EVENT, new, new, payload)
        append_events(connection, [event], at)
    workspace.warehouse.remove(workspace.warehouse.path(old))
    return {name: rows for name, rows in counts.items() if rows}


def renamed_from(collection: OpenCollection) -> str:
    """Ask whether a collection without labels is one that had another name.

    Args:
        collection: that is declared.

    Returns:
        The question and the command; empty where nothing speaks for it.
    """
    name, declared = collection.name, collection.workspace.collections
    labelled = func.count(func.distinct(ANNOTATIONS.c.document_id))
    with collection.ledger.database.reading() as connection:
        query = select(ANNOTATIONS.c.collection, labelled).group_by(ANNOTATIONS.c.collection)
        labels: dict[str, int] = {row[0]: row[1] for row in connection.execute(query)}
        if name in labels:
            return ""
        keys = _keys(connection, name)
        for old, count in sorted(labels.items(), key=lambda item: -item[1]):
            before = _keys(connection, old) if old not in declared else set()
            if before and (not keys or 2 * len(keys & before) >= min(len(keys), len(before))):
                return (
                    f"Did you rename `{old}`? Its {count} labels are there: "
                    f"`autolabel rename {old} {name}`."
                )
    return ""


def _keys(connection: Connection, name: str) -> set[str]:
    query = select(ARRIVALS.c.key).where(ARRIVALS.c.collection == name).distinct()
    return set(connection.execute(query).scalars())


def _check(connection: Connection, old: str, new: str) -> None:
    def rows(table: Table, name: str) -> int:
        query = select(func.count()).select_from(table).where(table.c.collection == name)
        return connection.execute(query).scalar_one()

    if not any(rows(table, old) for table in FACTS):
        query = select(ARRIVALS.c.collection).distinct()
        known = ", ".join(sorted(connection.execute(query).scalars())) or "none"
        raise AutolabelError(f"The ledger knows no collection `{old}`. It knows: {known}.")
    existing = {t.name: n for t in FACTS if t.name not in MAY_BE_THERE and (n := rows(t, new))}
    if existing:
        shown = ", ".join(f"{count} {name}" for name, count in existing.items())
        raise AutolabelError(
            f"`{new}` has facts of its own ({shown}); two collections do not become one. Nothing "
            "was changed. Export the labels of one as CSV and give them to the other."
        )


def _move_folders(collection: OpenCollection, old: str) -> None:
    """Move weights, and the embedded bucket where the declaration names none."""
    paths, new = collection.paths, collection.name
    moved = [(paths.models / old, paths.models / new)]
    if any(b.uri is None and b.bucket_name is None for b in collection.declaration.source.buckets):
        moved.append((paths.buckets / old, paths.buckets / new))
    for source, target in moved:
        if source.is_dir() and not (target.is_dir() and any(target.iterdir())):
            if target.is_dir():
                target.rmdir()
            shutil.move(source, target)


def _document_ids(connection: Connection, old: str, new: str) -> dict[str, str]:
    """Return the new id of every document that was ever recorded."""
    keys = _keys(connection, old)
    for column in (ANNOTATIONS.c.key, BOX_ANNOTATIONS.c.image_key):
        query = select(column).where(column.table.c.collection == old).distinct()
        keys |= set(connection.execute(query).scalars())
    return {document_id(old, key): document_id(new, key) for key in keys}


def _cluster_declarations(collection: OpenCollection, old: str) -> dict[str, str]:
    """Return what the runs of clusters were declared by, as it is now: it covers the name."""
    from autolabel_core.clusters.definition_state import DefinitionState

    states = [DefinitionState(collection, found) for found in collection.declaration.clusters]
    return {state.declaration_under(old): state.declaration for state in states}


def _rename(
    connection: Connection, table: Table, old: str, new: str, ids: Mapping[str, str]
) -> int:
    wanted = table.c.collection == old
    if table is ANNOTATIONS:
        wanted |= table.c.source == "promoted"
    changed = 0
    for row in connection.execute(select(table).where(wanted)).mappings().all():
        renamed = {name: _renamed(value, ids) for name, value in row.items()}
        if row["collection"] == old:
            renamed["collection"] = new
        if (provenance := renamed.get("provenance")) and provenance.get("collection") == old:
            provenance["collection"] = new
        if renamed != dict(row):
            connection.execute(update(table).where(table.c.id == row["id"]).values(renamed))
            changed += row["collection"] == old
    return changed


def _rename_in_payloads(connection: Connection, old: str, new: str) -> None:
    """Write the new name where exports and rules, of any collection, refer to the old one."""
    for table in (EXPORTS, RULES):
        for id_, payload in connection.execute(select(table.c.id, table.c.payload)).all():
            renamed = _referring(payload, old, new)
            if renamed != payload:
                connection.execute(update(table).where(table.c.id == id_).values(payload=renamed))


def _referring(value: Any, old: str, new: str) -> Any:
    """Return a value with a collection's new name, where it is a reference or says how far."""
    if isinstance(value, list):
        return [_referring(part, old, new) for part in value]
    if not isinstance(value, Mapping):
        return value
    renamed = {name: _referring(part, old, new) for name, part in value.items()}
    if renamed.get("reference") == old:
        renamed["reference"] = new
    searched = renamed.get("collection_identifiers", [])
    if old in searched:
        renamed["collection_identifiers"] = [new if one == old else one for one in searched]
    until = renamed.get("annotations_until")
    if isinstance(until, Mapping):
        renamed["annotations_until"] = {new if n == old else n: last for n, last in until.items()}
    return renamed


def _renamed(value: object, ids: Mapping[str, str]) -> Any:
    """Return a value with the new document ids in it, those of boxes on them among others."""
    if isinstance(value, str):
        document = object_of(value)
        return ids[document] + value[len(document) :] if document in ids else value
    if isinstance(value, Mapping):
        return {name: _renamed(part, ids) for name, part in value.items()}
    if isinstance(value, list):
        return [_renamed(part, ids) for part in value]
    return value
