"""Opens what a process needs: paths, declarations, ledger, warehouse."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from autolabel_core.declarations import Collection
from autolabel_core.declarations.collections_folder import CollectionsFolder, pick, read_folder
from autolabel_core.foundation.errors import AutolabelError, DeclarationError, NotFoundError
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.foundation.paths import Paths
from autolabel_core.foundation.project_folder import check_state_exists
from autolabel_core.storage.buckets import ObjectSource
from autolabel_core.storage.local_files import LocalFiles, WarehouseFiles
from autolabel_core.storage.s3 import SCHEME, S3Settings

if TYPE_CHECKING:
    from autolabel_core.ledger import Ledger
    from autolabel_core.models.detectors import DeclaredDetector
    from autolabel_core.models.extractors import Extractor
    from autolabel_core.models.projection_head import Head
    from autolabel_core.models.registry import Registry
    from autolabel_core.storage.run_lock import RunLock
    from autolabel_core.storage.warehouse import Warehouse


@dataclass(frozen=True)
class Workspace:
    """Opens each store when it is first asked for.

    Attributes:
        paths: where state lies.
        s3: how S3 is reached.
        override: declarations in place of those in the folder, to try other ones.
    """

    paths: Paths
    s3: S3Settings = field(default_factory=S3Settings.from_environment)
    override: CollectionsFolder | None = None
    _extractors: dict[str, Extractor] = field(default_factory=dict, init=False, repr=False)
    _detectors: dict[str, DeclaredDetector] = field(default_factory=dict, init=False, repr=False)
    _heads: dict[str, Head] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def from_environment(cls, new: bool = False) -> Workspace:
        """Open the workspace that the environment names.

        Args:
            new: whether state may begin in the working folder where there is none yet.

        Returns:
            The workspace; `NotFoundError` where it would be new and may not.
        """
        if not new:
            check_state_exists(os.environ, Path.cwd())
        return cls(Paths.from_environment())

    @cached_property
    def declared(self) -> CollectionsFolder:
        """The folder of declarations: the collections, and what is wrong with the others."""
        return self.override or read_folder(self.paths.collections)

    @property
    def collections(self) -> dict[str, Collection]:
        """All collections that can be used, by name."""
        return self.declared.collections

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger."""
        from autolabel_core.ledger import Ledger

        return Ledger(self.paths.ledger_url)

    @cached_property
    def registry(self) -> Registry:
        """The model registry."""
        from autolabel_core.models.registry import Registry

        return Registry(self.paths.models, self.paths.locks, self.ledger)

    @cached_property
    def warehouse(self) -> Warehouse:
        """The warehouse."""
        from autolabel_core.storage.warehouse import Warehouse

        return Warehouse(self.warehouse_files, self.paths.locks)

    @cached_property
    def warehouse_files(self) -> WarehouseFiles:
        """The warehouse as files alone."""
        address = self.paths.warehouse_place
        if address.startswith(SCHEME):
            from autolabel_core.storage.s3_files import S3Files

            return S3Files(address, self.paths.cache / "warehouse", self.s3)
        if "://" in address:
            raise AutolabelError(
                f"AUTOLABEL_WAREHOUSE is {address!r}; expected a folder or s3://bucket/prefix."
            )
        return LocalFiles(Path(address))

    def run_lock(self, run_id: str) -> RunLock:
        """Return what a run holds while its process lives."""
        from autolabel_core.storage.run_lock import RunLock

        return RunLock(self.paths.locks / f"run.{run_id}.lock")

    def collection(self, name: str) -> Collection:
        """Return a declared collection.

        Args:
            name: its name.

        Returns:
            The declaration.

        Raises:
            DeclarationError: it cannot be used; the message names file, key, value and cure.
        """
        problem = self.declared.problem_of(name)
        if problem is not None:
            raise DeclarationError(str(problem), name)
        return pick(self.collections, name)

    def open(self, name: str) -> OpenCollection:
        """Return a declared collection with these stores; `NotFoundError` where there is none."""
        return OpenCollection(self, self.collection(name))

    def source(self, collection: Collection) -> ObjectSource:
        """Open the buckets of a collection."""
        return ObjectSource(collection, self.paths, self.s3)

    def extractor(self, collection: Collection) -> Extractor:
        """Return a collection's feature extractor, loaded once (its weights when it embeds).

        Where boxes are documents its feature URI is the detector's; where a projection head is in
        service its vectors go through it.
        """
        base = self.base_extractor(collection)
        if collection.detection is not None:
            return self.detector(collection).crops(base)
        head = self.head(collection)
        if head is None:
            return base
        from autolabel_core.models.projection_head import ProjectedExtractor

        return ProjectedExtractor(base, head)

    def base_extractor(self, collection: Collection) -> Extractor:
        """Return the declared extractor alone."""
        from autolabel_core.models.extractors import load_extractor

        declared = collection.feature_extractor
        known = fingerprint(declared.space, declared.parameters)
        if known not in self._extractors:
            self._extractors[known] = load_extractor(*declared.space, declared.parameters)
        return self._extractors[known]

    def head(self, collection: Collection) -> Head | None:
        """Return the projection head in service: that of the references a collection looks at."""
        owner = self._with_references(collection)
        if not owner.feature_extractor.fine_tune:
            return None
        from autolabel_core.models.projection_head import Head
        from autolabel_core.models.registry import HEAD

        model = self.registry.active(owner.collection_name, HEAD)
        if model is None:
            return None
        if model.checksum not in self._heads:
            self._heads[model.checksum] = Head.load(self.registry.weights(model))
        return self._heads[model.checksum]

    def _with_references(self, collection: Collection) -> Collection:
        """Follow `reference` to its end, so that all who compare vectors share a head."""
        passed = {collection.collection_name}
        while (name := collection.reference_collection) is not None and name not in passed:
            passed.add(name)
            collection = self.collection(name)
        return collection

    def detector(self, collection: Collection) -> DeclaredDetector:
        """Return a collection's detector with the weights that serve now, each loaded once.

        Args:
            collection: the declaration.

        Returns:
            The detector.

        Raises:
            NotFoundError: the collection declares none.
        """
        from autolabel_core.models.detectors import DeclaredDetector
        from autolabel_core.models.detectors.weights import find_weights

        declared, name = collection.detection, collection.collection_name
        if declared is None:
            raise NotFoundError(f"`{name}` has no `detection` in its YAML: nothing finds boxes.")
        weights = find_weights(declared, self.registry, name)
        known = fingerprint(declared.model_dump(), weights.name, weights.version)
        if known not in self._detectors:
            self._detectors[known] = DeclaredDetector(declared, weights, self.paths.pretrained)
        return self._detectors[known]

    def feature_uri(self, collection: Collection) -> str:
        """Return the feature URI that a collection's vectors belong to."""
        return self.extractor(collection).manifest.feature_uri

    def feature_slug(self, collection: Collection) -> str:
        """Return the feature URI in a form fit for file names."""
        from autolabel_core.foundation.feature_uri import feature_slug

        return feature_slug(self.feature_uri(collection))


@dataclass(frozen=True)
class OpenCollection:
    """What tables and commands work on: one collection, and where its facts and data lie.

    Attributes:
        workspace: the stores, shared by all collections.
        declaration: what the YAML file says.
    """

    workspace: Workspace
    declaration: Collection

    @property
    def name(self) -> str:
        """The collection's name."""
        return self.declaration.collection_name

    @property
    def paths(self) -> Paths:
        """Where state lies."""
        return self.workspace.paths

    @property
    def ledger(self) -> Ledger:
        """The ledger."""
        return self.workspace.ledger

    @property
    def registry(self) -> Registry:
        """The model registry."""
        return self.workspace.registry

    @property
    def warehouse(self) -> Warehouse:
        """The warehouse."""
        return self.workspace.warehouse

    @property
    def extractor(self) -> Extractor:
        """The feature extractor, through the head in service and over boxes where declared."""
        return self.workspace.extractor(self.declaration)

    @property
    def base_extractor(self) -> Extractor:
        """The declared extractor alone."""
        return self.workspace.base_extractor(self.declaration)

    @property
    def head(self) -> Head | None:
        """The projection head in service, that of the references the collection looks at."""
        return self.workspace.head(self.declaration)

    @property
    def detector(self) -> DeclaredDetector:
        """The detector with the weights that serve now; `NotFoundError` where none is declared."""
        return self.workspace.detector(self.declaration)

    @property
    def feature_uri(self) -> str:
        """The feature URI that the collection's vectors belong to."""
        return self.workspace.feature_uri(self.declaration)

    def source(self) -> ObjectSource:
        """Open the collection's buckets; each call lists their manifests anew."""
        return self.workspace.source(self.declaration)

    def other(self, name: str) -> OpenCollection:
        """Return another collection of the same workspace, as `Workspace.open` does."""
        return self.workspace.open(name)
