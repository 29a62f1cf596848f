"""Deploys packages of extractors below `AUTOLABEL_HOME`, side by side, and loads them from there.

Code of a package runs with all rights of whoever sweeps, so the owner allows it by a setting.
"""

from __future__ import annotations

import importlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.paths import Paths
from autolabel_core.models.extractor_packages import (
    PIPELINE,
    ExtractorPackage,
    deployed_name,
    read_package,
    unpack,
)

SETTING = "AUTOLABEL_EXTRACTOR_UPLOADS"
ALLOWED = "allow"
NAMESPACE = "autolabel_deployed"
FACTORY, STEPS = "extractor", "build_steps"


def require_allowed(environ: Mapping[str, str] = os.environ) -> None:
    """Refuse where the owner has not allowed code from packages.

    Args:
        environ: the environment, which holds the settings of the project's `.env` too.

    Raises:
        AutolabelError: it is not allowed; the message names the setting.
    """
    if environ.get(SETTING) != ALLOWED:
        raise AutolabelError(
            "Deployed extractors are code that runs with your rights, and are off. Whoever owns "
            f"this project allows them in its `.env`: {SETTING}={ALLOWED}"
        )


def deployed_folder() -> Path:
    """Return the folder of all that is deployed."""
    return Paths.from_environment().home / "extractors"


def deployed() -> list[ExtractorPackage]:
    """Return what is deployed, by name; nothing of it is run."""
    folder = deployed_folder()
    places = sorted(folder.iterdir()) if folder.is_dir() else []
    return [read_package(place) for place in places if not place.name.startswith(".")]


def deploy(source: Path) -> ExtractorPackage:
    """Put a package beside those that are deployed, in one step.

    Args:
        source: a zip, or a folder.

    Returns:
        The package where it is deployed; the same package again changes nothing.

    Raises:
        AutolabelError: it is not allowed or not safe, or that version is deployed with other files.
    """
    require_allowed()
    folder = deployed_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".part-") as part:
        package = _opened(source, Path(part) / "unpacked")
        target = folder / package.name
        if target.is_dir():
            known = read_package(target)
            if known.checksum == package.checksum:
                return known
            raise AutolabelError(
                f"`{package.name}` is deployed with other files. What vectors were made by never "
                "changes: raise `version` in the manifest; both then stand side by side."
            )
        ready = Path(part) / "ready"
        for name, file in package.files:
            (ready / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, ready / name)
        ready.rename(target)
    return read_package(target)


def deployed_factory(name: str, version: str) -> Callable[..., Any] | None:
    """Return what makes a deployed extractor; None where that version is not deployed.

    Args:
        name: of the extractor.
        version: of the extractor.

    Returns:
        A factory like that of an entry point.

    Raises:
        AutolabelError: it is deployed and not allowed, or cannot be imported.
    """
    place = deployed_folder() / deployed_name(name, version)
    if not place.is_dir():
        return None
    require_allowed()
    package = read_package(place)
    pipeline = _imported(package)
    factory: Callable[..., Any] | None = getattr(pipeline, FACTORY, None)
    if factory is not None:
        return factory
    build = getattr(pipeline, STEPS, None)
    if build is None:
        raise AutolabelError(
            f"{package.name}/{PIPELINE} has neither `{FACTORY}(version, model=None)` nor "
            f"`{STEPS}()`; add one."
        )
    return lambda version, model=None, **more: PipelineExtractor(package, build(**more))


@dataclass(frozen=True)
class PipelineExtractor:
    """An extractor from the steps of a pipeline, each of which takes and returns a data frame.

    The frame has a column `data` with the items; the last step leaves the vectors in a column that
    is called as the manifest's embedding. Rows are brought to unit length.
    """

    package: ExtractorPackage
    built: Mapping[str, Any]
    min_side_px: int | None = None

    @property
    def manifest(self) -> dict[str, Any]:
        """The manifest as it is written."""
        written = self.package.manifest
        spaces = written.features_of("embedding")
        return {
            "feature_extractor_name": written.feature_extractor_name,
            "version": written.version,
            "features": [vars(space) for space in spaces],
            "input_mappings": {name: name for name in written.inputs},
            "description": written.description,
        }

    def embed(self, batch: Sequence[Any]) -> npt.NDArray[np.float32]:
        """Run the steps over a batch, and return rows of unit length."""
        import pandas as pd

        frame: Any = self.built.get("prepare", lambda frame: frame)(
            pd.DataFrame({"data": pd.Series(list(batch), dtype=object)})
        )
        for step in self.built["steps"]:
            frame = getattr(step, "_process_batch", step)(frame)
        (space,) = self.package.manifest.features_of("embedding")
        vectors = np.array(frame[space.feature_name].tolist(), np.float32)
        lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
        unit: npt.NDArray[np.float32] = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
        return unit


def _opened(source: Path, unpacked: Path) -> ExtractorPackage:
    if not source.is_file():
        return read_package(source)
    unpacked.mkdir()
    unpack(source, unpacked)
    return read_package(unpacked)


def _imported(package: ExtractorPackage) -> ModuleType:
    """Import the pipeline under a name of its own, so that versions stand side by side."""
    name = f"{NAMESPACE}.{package.folder.name}_{package.checksum[:12]}"
    if name in sys.modules:
        return sys.modules[f"{name}.pipeline"]
    folder = str(package.folder)
    sys.modules.setdefault(NAMESPACE, ModuleType(NAMESPACE))
    parent = ModuleType(name)
    parent.__path__ = [folder]
    sys.modules[name] = parent
    try:
        return importlib.import_module(f"{name}.pipeline")
    except Exception as error:
        del sys.modules[name]
        raise AutolabelError(
            f"{package.name}/{PIPELINE} cannot be imported: {type(error).__name__}: {error}. Files "
            "of the package are imported relatively: `from . import helper`"
        ) from error
