"""Derived tables: Arrow IPC for vectors, Parquet for the rest; atomic, with a fingerprint.

A file's fingerprint says which inputs it was made from. A file whose fingerprint is the wanted one
is up to date, and a file that cannot be read has none: it is made again.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock

from autolabel_core.errors import AutolabelError

FINGERPRINT = b"autolabel.fingerprint"
VECTOR_COLUMNS = ("document_id", "content_hash", "reason", "vector")


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


class Warehouse:
    """Files under one root, `<collection>/<asset>/…`, each with one writer at a time."""

    def __init__(self, root: Path, locks: Path) -> None:
        self.root = root
        self._locks = locks

    def path(self, collection: str, asset: str, *parts: str) -> Path:
        """Return the path of one file of an asset."""
        return self.root.joinpath(collection, asset, *parts)

    @contextmanager
    def writing(self, *names: str) -> Iterator[None]:
        """Hold the file lock of one single-writer thing; the lock of a killed process is free."""
        self._locks.mkdir(parents=True, exist_ok=True)
        with FileLock(self._locks / f"{'.'.join(names)}.lock"):
            yield

    def write_table(self, path: Path, table: pa.Table, fingerprint: str) -> None:
        """Write a Parquet file in one step.

        Args:
            path: where.
            table: the rows; the same rows give the same bytes.
            fingerprint: what it was made from.
        """
        table = table.replace_schema_metadata({FINGERPRINT: fingerprint.encode()})
        write_atomically(path, lambda part: pq.write_table(table, part, compression="zstd"))

    def read_table(self, path: Path, columns: list[str] | None = None) -> pa.Table:
        """Read a Parquet file, or some of its columns."""
        return pq.read_table(path, columns=columns, partitioning=None)

    def write_vectors(self, path: Path, table: VectorTable, fingerprint: str) -> None:
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
        write_batch(path, batch)

    def read_vectors(self, path: Path) -> VectorTable:
        """Read vectors; the matrix is memory-mapped, not copied."""
        batch = read_batch(path)
        ids, contents, reasons, column = (_column(batch, name) for name in VECTOR_COLUMNS)
        vectors = column.flatten().to_numpy(zero_copy_only=True)
        return VectorTable(
            ids.to_pylist(),
            contents.to_pylist(),
            reasons.to_pylist(),
            vectors.reshape(len(batch), column.type.list_size),
        )

    def fingerprint(self, path: Path) -> str | None:
        """Return what a file was made from; None where it is missing or unreadable."""
        try:
            if path.suffix == ".parquet":
                metadata = pq.read_schema(path).metadata
            else:
                with pa.memory_map(str(path)) as source:
                    metadata = pa.ipc.open_file(source).schema.metadata
        except (OSError, pa.ArrowException):
            return None
        value = (metadata or {}).get(FINGERPRINT)
        return None if value is None else value.decode(errors="replace")


def vector_column(vectors: npt.NDArray[np.float32]) -> pa.Array[Any]:
    """Return a matrix `(n, d)` as a column of lists; d is 0 where nothing could be embedded yet."""
    n, d = vectors.shape
    if d == 0:
        return pa.array([[]] * n, pa.list_(pa.float32(), 0))
    flat = pa.array(np.ascontiguousarray(vectors, dtype=np.float32).ravel())
    return pa.FixedSizeListArray.from_arrays(flat, d)


def _column(batch: pa.RecordBatch, name: str) -> Any:
    return batch.column(name)


def write_batch(path: Path, batch: pa.RecordBatch) -> None:
    """Write one record batch as an Arrow IPC file in one step."""

    def write(part: Path) -> None:
        with pa.OSFile(str(part), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
            writer.write_batch(batch)

    write_atomically(path, write)


def read_batch(path: Path) -> pa.RecordBatch:
    """Read the one record batch of an Arrow IPC file, memory-mapped."""
    reader = pa.ipc.open_file(pa.memory_map(str(path)))
    if reader.num_record_batches == 0:
        return pa.RecordBatch.from_pylist([], schema=reader.schema)
    return reader.get_batch(0)


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Write to a temporary name beside `path`, flush it to the disk, and rename it over.

    Args:
        path: where the file shall stand; it is replaced in one step, or left as it was.
        write: writes the content to the path that it is given.

    Raises:
        AutolabelError: the disk is full, or refuses the file.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(part)
        with part.open("rb+") as handle:
            os.fsync(handle.fileno())
        part.replace(path)
    except OSError as error:
        raise AutolabelError(_explained(error, path)) from error
    finally:
        part.unlink(missing_ok=True)


def _explained(error: OSError, path: Path) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"The disk is full: {path} could not be written and stays as it was. "
            "Free some space and run the same command again; nothing is lost."
        )
    return (
        f"{path} could not be written and stays as it was: {error.strerror or error}. "
        "Correct that and run the same command again; nothing is lost."
    )
