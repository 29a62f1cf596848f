"""Forgets documents on request: what the ledger says of them, and what the warehouse keeps."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

import pyarrow as pa

from autolabel_core.declarations.collection import BOX_KEY
from autolabel_core.documents.current_content import ExistingDocuments
from autolabel_core.foundation.errors import AutolabelError, NotFoundError, UnreadableItemError
from autolabel_core.foundation.ids import object_of
from autolabel_core.ledger.arrivals import DELETED
from autolabel_core.storage.warehouse import Warehouse
from autolabel_core.tables.raw_objects import RawObjects
from autolabel_core.tables.vector_index import discard_index
from autolabel_core.tables.workspace import OpenCollection

CACHES = ("views", "label_answers", "cluster_names", "warehouse")
"""Folders of the cache that may hold contents, or answers about them."""
REBUILT = (".neighbours", ".dropped", ".parts", ".candidates")
"""Folders of the warehouse that hold copies by content, made anew when they are needed."""
IDS = ("document_id", "image_id")


@dataclass(frozen=True)
class Forgotten:
    """What was forgotten.

    Attributes:
        documents: how many.
        ledger_rows: blanked rows of the ledger, by table.
        files: files of the warehouse that held something of them.
    """

    documents: int
    ledger_rows: Mapping[str, int]
    files: int


def forget(collection: OpenCollection, keys: Sequence[str]) -> Forgotten:
    """Forget documents whose objects are gone: labels, vectors, what was cached of them.

    Args:
        collection: theirs.
        keys: of the objects; those of boxes go with their image.

    Returns:
        What was forgotten. A key that nobody knows, or whose object is still in the bucket or was
        not swept since it went, is an `AutolabelError`, and nothing is forgotten.
    """
    table = RawObjects(collection)
    documents = {collection.declaration.document_id(key): key for key in keys}
    for document, key in documents.items():
        _check_gone(table, document, key)
    blanked = collection.ledger.forget_documents(collection.name, documents)
    files = sum(
        _without_documents(collection.warehouse, collection.name, folder, set(documents))
        for folder in collection.warehouse.folders_in(collection.warehouse.path(collection.name))
    )
    cache = collection.paths.cache
    for place in (*(cache / name for name in CACHES), cache / "remembered" / collection.name):
        shutil.rmtree(place, ignore_errors=True)
    with collection.warehouse.writing("vector_index"):
        discard_index(collection.paths.vector_index)
    collection.ledger.compact()
    return Forgotten(len(documents), blanked, files)


def _check_gone(table: RawObjects, document: str, key: str) -> None:
    name = table.collection_name
    if table.collection.declaration.detection is not None and BOX_KEY.fullmatch(key):
        raise AutolabelError(f"{key!r} is a box; forget the image that it lies on.")
    arrival = table.objects.get(document)
    if arrival is None:
        near = ExistingDocuments(table.collection).near(key)
        raise NotFoundError(f"`{name}` never had an object {key!r}. {near}")
    try:
        table.source.open(key)
    except (UnreadableItemError, NotFoundError):
        pass
    else:
        raise AutolabelError(
            f"{key!r} is still in the bucket of `{name}`, so that the next sweep would read it "
            f"again. Delete it there, then `autolabel sweep {name}`, and forget it then."
        )
    if arrival.event != DELETED:
        raise AutolabelError(
            f"{key!r} is gone from the bucket, but `{name}` was not swept since. Run `autolabel "
            f"sweep {name}`, which ends what rests on it, and forget it then."
        )


def _without_documents(
    warehouse: Warehouse, collection: str, folder: PurePath, documents: set[str]
) -> int:
    """Write the files below a table's folder anew without some documents; count them."""
    changed = 0
    with warehouse.writing(collection, folder.name):
        for file in _files(warehouse, folder):
            changed += _rewrite(warehouse, file, documents)
    return changed


def _files(warehouse: Warehouse, folder: PurePath) -> Iterator[PurePath]:
    for inner in warehouse.folders_in(folder):
        if inner.name in REBUILT:
            warehouse.remove(inner)
        else:
            yield from _files(warehouse, inner)
    for pattern in ("*.parquet", "*.arrow"):
        yield from warehouse.files_in(folder, pattern)


def _rewrite(warehouse: Warehouse, file: PurePath, documents: set[str]) -> bool:
    """Write a file anew without the rows of some documents; the rest of it stays as it was."""
    made_from = warehouse.fingerprint(file)
    if made_from is None:
        return False
    if file.suffix == ".arrow":
        batch = warehouse.read_batch(file)
        kept = _kept(batch.schema.names, lambda name: batch.column(name).to_pylist(), documents)
        if all(kept):
            return False
        filtered = batch.filter(pa.array(kept, pa.bool_()))
        warehouse.write_batch(
            file, filtered.replace_schema_metadata(batch.schema.metadata), made_from
        )
        return True
    table = warehouse.read_table(file)
    kept = _kept(table.column_names, lambda name: table.column(name).to_pylist(), documents)
    if all(kept):
        return False
    warehouse.write_table(file, table.filter(pa.array(kept, pa.bool_())), made_from)
    return True


def _kept(
    names: Iterable[str], values: Callable[[str], list[object]], documents: set[str]
) -> list[bool]:
    """Say of each row whether it is about none of the documents; of other files nothing."""
    columns = [values(name) for name in names if name in IDS]
    return [
        all(one is None or object_of(str(one)) not in documents for one in row)
        for row in zip(*columns, strict=True)
    ]
