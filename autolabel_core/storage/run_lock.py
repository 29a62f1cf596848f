"""A lock that a run holds while its process lives; the system frees it when the process dies."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout

PROBE_SECONDS = 5.0
"""Longer than any other process holds a lock only to see whether it is free."""


class RunLock:
    """Held by the run, looked at by others. It tells of processes on one machine."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = FileLock(path, timeout=0, thread_local=False)

    def acquire(self) -> None:
        """Hold it until `release`, or until the process dies."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._lock.acquire(timeout=PROBE_SECONDS)

    def release(self) -> None:
        """Let go, and leave nothing behind."""
        self._lock.release(force=True)
        self._path.unlink(missing_ok=True)

    @property
    def is_left_behind(self) -> bool:
        """Whether a run held it and its process ended without letting go."""
        return self._path.exists() and not self.is_alive()

    def is_alive(self) -> bool:
        """Whether a living process holds it."""
        if not self._path.exists():
            return False
        try:
            self._lock.acquire()
        except Timeout:
            return True
        self._lock.release()
        return False
