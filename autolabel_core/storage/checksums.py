"""Checksums of derived files: a damaged one is set aside, and then missing, so that it is remade.

A disk that was full, a copy that broke off or a flipped bit leaves a file that fails somewhere
deep in a library, or worse, does not fail. Each file's size and CRC-32 lie in `.checksums` beside
the tables, and the first look at a file in a process compares them.
"""

from __future__ import annotations

import contextlib
import glob
import logging
import mmap
import os
import zlib
from pathlib import Path

from autolabel_core.foundation.errors import AutolabelError

FOLDER = ".checksums"
DAMAGED = ".damaged"
LOGGER = logging.getLogger("autolabel")
OUTSIDE_PARTS = 4
TABLES = (".parquet", ".arrow")


class Checksums:
    """The checksums of the files below one folder.

    Args:
        root: the folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._seen: dict[Path, tuple[int, int, int]] = {}

    def expect(self, path: Path, part: Path) -> None:
        """Note that `part` is about to replace `path`: until it has, both contents are right.

        Args:
            path: the file.
            part: what will be renamed over it.
        """
        self._write(path, [*self._noted(path)[-1:], _sum_of(part)])

    def settle(self, path: Path) -> None:
        """Note that the file now has the content that was expected last; forget a damaged one."""
        self._write(path, self._noted(path)[-1:])
        path.with_name(path.name + DAMAGED).unlink(missing_ok=True)

    def is_missing(self, path: Path) -> bool:
        """Whether there is no such file, or a damaged one, which is set aside and logged.

        Args:
            path: the file.

        Returns:
            True where nothing can be read. A damaged file that cannot be set aside is an
            `AutolabelError` that names it.
        """
        while (stamp := _stamp(path)) is not None:
            if self._seen.get(path) == stamp:
                return False
            problem = self._problem(path)
            if problem is None:
                self._seen[path] = stamp
                return False
            # Where it was replaced while it was looked at, the new one is looked at.
            if problem and _stamp(path) == stamp:
                self._set_aside(path, problem)
                return True
        return True

    def forget(self, path: Path) -> None:
        """Drop what is noted of a file."""
        self._note(path).unlink(missing_ok=True)

    def folder_of(self, folder: Path) -> Path:
        """Return where the checksums of a folder's files lie."""
        return self._note(folder).with_suffix("")

    def _problem(self, path: Path) -> str | None:
        """Say what is wrong; None where all is well. An empty text: it is gone meanwhile."""
        try:
            noted = self._noted(path)
            if noted:
                return None if _sum_of(path) in noted else "it is not as it was written"
            problem = _unreadable(path)
            if problem is None and path.suffix in TABLES:
                self._adopt(path)
            return problem
        except FileNotFoundError:
            return ""
        except OSError as error:
            return error.strerror or type(error).__name__

    def _adopt(self, path: Path) -> None:
        """Note the checksum of a file that could be read whole; a reader may not be let write."""
        with contextlib.suppress(OSError):
            self._write(path, [_sum_of(path)])

    def _set_aside(self, path: Path, problem: str) -> None:
        aside = path.with_name(path.name + DAMAGED)
        try:
            path.replace(aside)
        except FileNotFoundError:
            return
        except OSError as error:
            raise AutolabelError(
                f"{path} is damaged ({problem}) and cannot be set aside: {error.strerror}. It is "
                "derived: delete it, and `autolabel sweep` makes it anew."
            ) from error
        LOGGER.warning(
            "%s was damaged (%s); it is set aside as %s, and `autolabel sweep` makes it anew.",
            *(path, problem, aside.name),
        )

    def _note(self, path: Path) -> Path:
        if path.is_relative_to(self._root):
            place = path.relative_to(self._root)
        else:
            place = Path("outside", *path.parts[-OUTSIDE_PARTS:])
        return self._root / FOLDER / f"{place}.crc32"

    def _noted(self, path: Path) -> list[str]:
        try:
            return self._note(path).read_text(encoding="ascii", errors="replace").split("\n")[:-1]
        except OSError:
            return []

    def _write(self, path: Path, sums: list[str]) -> None:
        note = self._note(path)
        note.parent.mkdir(parents=True, exist_ok=True)
        part = note.with_name(f".{note.name}.{os.getpid()}.part")
        text = "".join(f"{one}\n" for one in sums)
        # What is noted may be garbage, and is then kept as what fits nothing.
        part.write_text(text, encoding="ascii", errors="replace")
        part.replace(note)
        for left in note.parent.glob(f".{glob.escape(note.name)}.*.part"):
            if not _is_running(left.suffixes[-2].removeprefix(".")):
                left.unlink(missing_ok=True)


def _is_running(process: str) -> bool:
    """Whether there is such a process here; what names none is nobody's to clear."""
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except (ValueError, OverflowError, OSError):
        return True
    return True


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino


def _sum_of(path: Path) -> str:
    """Size in bytes and CRC-32."""
    with path.open("rb") as opened:
        size = os.fstat(opened.fileno()).st_size
        if not size:
            return "0 00000000"
        with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return f"{size} {zlib.crc32(content):08x}"


def _unreadable(path: Path) -> str | None:
    """Read all of a file that no checksum is known of."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if path.suffix == ".parquet":
            pq.read_table(path, partitioning=None)
        elif path.suffix == ".arrow":
            with pa.memory_map(str(path)) as source:
                pa.ipc.open_file(source).read_all().validate(full=True)
    except (OSError, pa.ArrowException) as error:
        return " ".join(str(error).split())[:120]
    return None
