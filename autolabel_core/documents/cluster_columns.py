"""The cluster of each document as columns, joined when documents are queried.

Clusters may depend on labels, so that no table of labels holds them: they meet here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from autolabel_core.declarations.cluster_fields import (
    COLUMN_OF,
    EXTRA,
    NUMBERS,
    PARTS,
    PREFIX,
    covering,
    enriched_fields,
    enriching,
)
from autolabel_core.tables.workspace import OpenCollection

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Joined:
    """SQL that brings clusters to documents.

    Attributes:
        fields: the fields of documents that definitions enrich.
        parts: `clusters.<definition>.<part>` of every definition.
        columns: what a query selects for all of these.
        joins: what stands behind its FROM.
        tables: what the joins name; read here in one go, because the files are replaced as
            documents are assigned.
    """

    fields: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    columns: str = ""
    joins: str = ""
    tables: Mapping[str, pa.Table] = field(default_factory=dict)

    def split_extra(self, name: str) -> tuple[str, str] | None:
        """Return the column and the key of `cluster_extra.<key>` or `clusters.<one>.extra.<key>`.

        Args:
            name: a field.

        Returns:
            None where it is another field.
        """
        whole = [c for c in self.fields if c == COLUMN_OF[EXTRA]]
        whole += [c for c in self.parts if c.rpartition(".")[2] == EXTRA]
        columns = (column for column in whole if name.startswith(f"{column}."))
        return next(((column, name[len(column) + 1 :]) for column in columns), None)


def join_clusters(collection: OpenCollection, documents: str) -> Joined:
    """Return the SQL that joins the clusters of a collection's documents.

    Args:
        collection: whose documents.
        documents: name of the relation that holds them.

    Returns:
        The SQL; columns of definitions without a run are null.
    """
    name = collection.name
    columns: list[str] = []
    parts: list[str] = []
    joins: list[str] = []
    tables: dict[str, pa.Table] = {}
    enriched = enriching(collection.workspace.collections, name)
    for number, (owner, definition) in enumerate(covering(collection.workspace.collections, name)):
        from autolabel_core.tables.cluster_files import DefinitionFiles

        files = DefinitionFiles(collection.warehouse, owner, definition.cluster_name)
        members = files.current_table(
            ["document_id", *(COLUMN_OF.get(part, part) for part in PARTS)]
        )
        there = members is not None
        alias = f"clusters_{number}"
        if members is not None:
            tables[alias] = members
            joins.append(f"LEFT JOIN {alias} ON {alias}.document_id = {documents}.document_id")
        for part in PARTS:
            full = f"{PREFIX}.{definition.cluster_name}.{part}"
            kind = "FLOAT" if part in NUMBERS else "VARCHAR"
            source = f"{alias}.{COLUMN_OF.get(part, part)}" if there else f"NULL::{kind}"
            columns.append(f'{source} AS "{full}"')
            parts.append(full)
            if enriched and enriched[1] is definition and part in definition.enrich:
                columns.append(f'{source} AS "{COLUMN_OF[part]}"')
    return Joined(
        enriched_fields(collection.workspace.collections, name),
        tuple(parts),
        "".join(f", {column}" for column in columns),
        " ".join(joins),
        tables,
    )
