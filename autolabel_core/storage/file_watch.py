"""Watches which versions of files a piece of work reads, so that it goes by one of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import PurePath
from threading import local
from typing import TypeVar

from autolabel_core.foundation.errors import AutolabelError

ATTEMPTS = 5
Result = TypeVar("Result")


class ReplacedFileError(AutolabelError):
    """A file has another content than when its fingerprint was asked for in the same work."""


@dataclass
class FirstLooks:
    """What files were when something was first known of them, by whoever keeps what it reads.

    Attributes:
        fingerprints: by file; None where there was none.
        is_broken: whether a file was found replaced since, so that what is kept does not fit.
    """

    fingerprints: dict[PurePath, str | None] = field(default_factory=dict)
    is_broken: bool = False

    def fits(self, path: PurePath, found: str | None) -> bool:
        """Note a look at a file, and say whether it is as it was at the first one."""
        is_same = self.fingerprints.setdefault(path, found) == found
        self.is_broken = self.is_broken or not is_same
        return is_same


class _Watched(local):
    """What is watched in one thread, and whether a replaced file ends the work."""

    looks: FirstLooks | None = None
    is_strict: bool = False


class FileWatch:
    """Compares each look at a file with the first one, where somebody asked for that.

    Args:
        address: gives the name of a file that messages use.
    """

    def __init__(self, address: Callable[[PurePath], str]) -> None:
        self._address = address
        self._watched = _Watched()

    def undisturbed(
        self, work: Callable[[], Result], looks: Callable[[], FirstLooks] = FirstLooks
    ) -> Result:
        """Do work for which every file is one version; it is begun anew where one was replaced.

        Work asks for the fingerprints of its inputs first, gives its result a name by them, and
        reads them later. Were a file replaced in between, the name would belong to another content,
        for ever where the earlier content comes back.

        Args:
            work: does all its reading in this thread, and may be repeated.
            looks: gives for each attempt the looks that it goes on from: work that uses what was
                read before has to know which versions these were.

        Returns:
            What it returned. Files that were replaced at every one of `ATTEMPTS` attempts are a
            `ReplacedFileError`.
        """
        if self._watched.is_strict:
            return work()
        for _ in range(ATTEMPTS - 1):
            with suppress(ReplacedFileError), self._watching(looks(), True):
                return work()
        with self._watching(looks(), True):
            return work()

    def noting(self, looks: FirstLooks) -> AbstractContextManager[None]:
        """Note the versions of files that are read in a block, for undisturbed work that follows.

        Args:
            looks: where to; undisturbed work has its own, and goes on with that.

        Returns:
            The block; a file that was replaced meanwhile ends nothing there.
        """
        return nullcontext() if self._watched.is_strict else self._watching(looks, False)

    @contextmanager
    def _watching(self, looks: FirstLooks, is_strict: bool) -> Iterator[None]:
        watched = self._watched
        before = watched.looks, watched.is_strict
        watched.looks, watched.is_strict = looks, is_strict
        try:
            yield
        finally:
            watched.looks, watched.is_strict = before

    def check(self, path: PurePath, found: str | None) -> None:
        """Note a look at a file.

        Args:
            path: the file.
            found: its fingerprint; None where there is no such file, or it has none.

        Raises:
            ReplacedFileError: undisturbed work found another one at its first look.
        """
        looks = self._watched.looks
        if looks is None or looks.fits(path, found) or not self._watched.is_strict:
            return
        raise ReplacedFileError(
            f"{self._address(path)} is written by another process again and again, so that "
            "nothing can be made from it. Run `autolabel sweep` when that is done."
        )

    def check_gone(self, path: PurePath) -> None:
        """Note that there is no such file, where one was looked at before."""
        looks = self._watched.looks
        if looks is not None and path in looks.fingerprints:
            self.check(path, None)

    def forget(self, path: PurePath) -> None:
        """Forget a file, because the work itself has written it."""
        if self._watched.looks is not None:
            self._watched.looks.fingerprints.pop(path, None)

    def forget_below(self, folder: PurePath) -> None:
        """Forget all files of a folder, because the work itself has removed it."""
        looks = self._watched.looks or FirstLooks()
        for path in [path for path in looks.fingerprints if path.is_relative_to(folder)]:
            self.forget(path)
