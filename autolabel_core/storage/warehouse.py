"""Stores derived tables: Arrow IPC for vectors, Parquet for the rest; atomic, with a fingerprint.

A file's fingerprint says which inputs it was made from. A file whose fingerprint is the wanted one
is up to date, and a file that cannot be read has none: it is made again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from autolabel_core.storage.file_watch import FileWatch
from autolabel_core.storage.local_files import WarehouseFiles
from autolabel_core.storage.typed_rows import Column, optional_texts_of, texts_of

FINGERPRINT = b"autolabel.fingerprint"


@dataclass(frozen=True)
class VectorTable:
    """Vectors of one batch, rows in the order of document ids.

    Attributes:
        document_ids: (n,) ids, ascending.
        content_hashes: (n,) content that each vector was made from.
        reasons: (n,) why there is no vector, or None where there is one.
        vectors: (n, d) float32 of unit length; rows with a reason are zero.
    """

    document_ids: list[str]
    content_hashes: list[str]
    reasons: list[str | None]
    vectors: npt.NDArray[np.float32]

    @property
    def readable(self) -> npt.NDArray[np.bool_]:
        """(n,) True where there is a vector."""
        return np.array([reason is None for reason in self.reasons], dtype=bool)

    def only(self, places: npt.NDArray[np.int64]) -> VectorTable:
        """Return some rows, rising; the matrix is not copied where all are wanted."""
        if len(places) == len(self.document_ids):
            return self
        rows = places.tolist()
        return VectorTable(
            [self.document_ids[i] for i in rows],
            [self.content_hashes[i] for i in rows],
            [self.reasons[i] for i in rows],
            self.vectors[places],
        )


class Warehouse:
    """Files under one root, `<collection>/<asset>/…`, each with one writer at a time."""

    def __init__(self, files: WarehouseFiles, locks: Path) -> None:
        self._files = files
        self._locks = locks
        self._fingerprints: dict[PurePath, tuple[tuple[int, int, int], str | None]] = {}
        self._watch = FileWatch(files.address)
        self.path = files.path
        self.address = files.address
        self.files_in = files.files_in
        self.folders_in = files.folders_in
        self.local = files.local
        self.folder = files.folder
        self.written_in = files.written_in
        self.forget = files.forget
        self.undisturbed = self._watch.undisturbed
        self.noting = self._watch.noting

    @contextmanager
    def writing(self, *names: str) -> Iterator[None]:
        """Hold the file lock of one single-writer thing; the lock of a killed process is free."""
        from filelock import FileLock

        self._locks.mkdir(parents=True, exist_ok=True)
        with FileLock(self._locks / f"{'.'.join(names)}.lock"):
            yield

    def exists(self, path: PurePath) -> bool:
        """Whether there is such a file; a damaged one is set aside."""
        there = self._files.exists(path)
        if not there:
            self._watch.check_gone(path)
        return there

    def remove(self, folder: PurePath) -> None:
        """Remove a folder with all that it holds; an absent one is no error."""
        self._files.remove(folder)
        self._watch.forget_below(folder)

    def write_table(self, path: PurePath, table: pa.Table, fingerprint: str) -> None:
        """Write a Parquet file in one step.

        Args:
            path: where.
            table: the rows; the same rows give the same bytes.
            fingerprint: what it was made from.
        """
        # Replaced and not extended: metadata of other writers would change the bytes.
        table = table.replace_schema_metadata({FINGERPRINT: fingerprint.encode()})
        self._write(path, fingerprint, lambda part: pq.write_table(table, part, compression="zstd"))

    def read_table(self, path: PurePath, columns: Sequence[str] | None = None) -> pa.Table:
        """Read a Parquet file, or some of its columns; one version, if it is replaced meanwhile."""
        chosen = None if columns is None else list(columns)
        # By a path, pyarrow would open the file twice: for the footer, and for the rows.
        with pa.OSFile(str(self.local(path)), "r") as opened:
            table = pq.read_table(opened, columns=chosen, partitioning=None)
        self._check_content(path, table.schema.metadata)
        return table

    def write_vectors(self, path: PurePath, table: VectorTable, fingerprint: str) -> None:
        """Write vectors as one Arrow IPC record batch.

        Args:
            path: where.
            table: the vectors.
            fingerprint: what they were made from.
        """
        batch = pa.record_batch(
            {
                "document_id": pa.array(table.document_ids, pa.string()),
                "content_hash": pa.array(table.content_hashes, pa.string()),
                "reason": pa.array(table.reasons, pa.string()),
                "vector": vector_column(table.vectors),
            }
        ).replace_schema_metadata({FINGERPRINT: fingerprint.encode()})
        self.write_batch(path, batch, fingerprint)

    def read_vectors(self, path: PurePath) -> VectorTable:
        """Read vectors; the matrix is memory-mapped, not copied."""
        batch = self.read_batch(path)
        return VectorTable(
            texts_of(batch, "document_id"),
            texts_of(batch, "content_hash"),
            optional_texts_of(batch, "reason"),
            matrix_of(batch),
        )

    def write_batch(
        self, path: PurePath, batch: pa.RecordBatch, fingerprint: str | None = None
    ) -> None:
        """Write one record batch as an Arrow IPC file in one step.

        Args:
            path: where.
            batch: the rows, with the schema's metadata.
            fingerprint: what it was made from, as its metadata says.
        """

        def write(part: Path) -> None:
            with pa.OSFile(str(part), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
                writer.write_batch(batch)

        self._write(path, fingerprint, write)

    def read_batch(self, path: PurePath) -> pa.RecordBatch:
        """Read the one record batch of an Arrow IPC file, memory-mapped."""
        # A file is replaced by renaming, so a map of the old one stays valid while it is in use.
        reader = pa.ipc.open_file(pa.memory_map(str(self.local(path))))
        self._check_content(path, reader.schema.metadata)
        if reader.num_record_batches == 0:
            return pa.RecordBatch.from_pylist([], schema=reader.schema)
        return reader.get_batch(0)

    def fingerprint(self, path: PurePath) -> str | None:
        """Return what a file was made from; None where it is missing or unreadable."""
        found = self._fingerprint(path)
        self._watch.check(path, found)
        return found

    def _check_content(self, path: PurePath, metadata: Mapping[bytes, bytes] | None) -> None:
        """Refuse a content with another fingerprint than before; one without any may change."""
        found = _fingerprint_of(metadata)
        if found is not None:
            self._watch.check(path, found)

    def _fingerprint(self, path: PurePath) -> str | None:
        # On S3 the fingerprint is in the object's metadata: no download, to know what is stale.
        noted = self._files.note(path)
        if noted is not None:
            return noted
        try:
            file = self.local(path)
            status = file.stat()
        except OSError:
            return None
        stamp = status.st_size, status.st_mtime_ns, status.st_ino
        known = self._fingerprints.get(path)
        if known is None or known[0] != stamp:
            known = self._fingerprints[path] = stamp, _fingerprint_in(file)
        return known[1]

    def _write(
        self, path: PurePath, fingerprint: str | None, write: Callable[[Path], None]
    ) -> None:
        self._files.write(path, fingerprint, write)
        # A file that is replaced twice at once may look as it did before: size, time and inode.
        self._fingerprints.pop(path, None)
        self._watch.forget(path)


def _fingerprint_in(file: Path) -> str | None:
    try:
        if file.suffix == ".parquet":
            metadata = pq.read_schema(file).metadata
        else:
            with pa.memory_map(str(file)) as source:
                metadata = pa.ipc.open_file(source).schema.metadata
    except (OSError, pa.ArrowException):
        return None
    return _fingerprint_of(metadata)


def _fingerprint_of(metadata: Mapping[bytes, bytes] | None) -> str | None:
    value = (metadata or {}).get(FINGERPRINT)
    return None if value is None else value.decode(errors="replace")


def vector_column(vectors: npt.NDArray[np.float32]) -> Column:
    """Return a matrix `(n, d)` as a column of lists; d is 0 where nothing could be embedded yet."""
    n, d = vectors.shape
    # Arrow cannot tell from flat values how many lists of length 0 there are.
    if d == 0:
        return pa.array([[]] * n, pa.list_(pa.float32(), 0))
    flat = pa.array(np.ascontiguousarray(vectors, dtype=np.float32).ravel())
    return pa.FixedSizeListArray.from_arrays(flat, d)


def matrix_of(batch: pa.RecordBatch, name: str = "vector") -> npt.NDArray[np.float32]:
    """Return a column of lists of one length d as a matrix `(n, d)` that shares its memory."""
    column = batch.column(name)
    assert isinstance(column, pa.FixedSizeListArray)
    d, first = column.type.list_size, column.offset
    # `flatten` does the same, and imports pyarrow.compute for it.
    flat = column.values[first * d : (first + len(column)) * d].to_numpy(zero_copy_only=True)
    return flat.reshape(len(batch), d)
