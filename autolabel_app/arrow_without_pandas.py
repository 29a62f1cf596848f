"""Keep pyarrow from importing pandas, which no command uses and which takes a quarter second."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


def keep_pandas_out() -> None:
    """Let pyarrow find no pandas when it looks for it, once, before its first array.

    For the process of a command alone: afterwards `pa.array` reads a pandas Series value by value,
    so that NaN is no null. `to_pandas` and `from_pandas` work. Where pyarrow or pandas is loaded
    already nothing happens.
    """
    if "pyarrow" not in sys.modules and "pandas" not in sys.modules:
        sys.meta_path.insert(0, _PyarrowFinder())


class _PyarrowFinder(MetaPathFinder):
    """Finds pyarrow once, as the others do, and has it look for pandas as soon as it is loaded."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return pyarrow's own spec with a loader around its loader; None for all else."""
        if name != "pyarrow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = _PyarrowLoader(spec.loader)
        return spec


class _PyarrowLoader(Loader):
    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Let pyarrow's own loader do it."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Load pyarrow; its first array makes it look for pandas."""
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        finder = _NoPandas()
        sys.meta_path.insert(0, finder)
        try:
            module.array([])
        finally:
            sys.meta_path.remove(finder)


class _NoPandas(MetaPathFinder):
    """Says that pandas is not installed."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Refuse pandas; leave all else to the other finders."""
        if name == "pandas":
            raise ModuleNotFoundError("No module named 'pandas'", name=name)
        return None
