"""Which image is meant: by key, by document or detection id, or by another tool's file name."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import PurePosixPath

from autolabel_core.documents.current_content import ExistingDocuments
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.ids import object_of
from autolabel_core.ledger.arrivals import DELETED
from autolabel_core.tables.boxes.ground_truth import KnownImage
from autolabel_core.tables.workspace import OpenCollection


class Targets:
    """Finds the images of one command's targets, all at once.

    Args:
        collection: opened with its stores.
        targets: keys, document ids, detection ids or file names.

    Raises:
        AutolabelError: the collection's objects are no images.
    """

    def __init__(self, collection: OpenCollection, targets: Iterable[str]) -> None:
        kind = collection.extractor.manifest.input
        if kind != "image":
            raise AutolabelError(
                f"Boxes need images, and `{collection.name}` holds {kind}s "
                f"(`{collection.declaration.feature_extractor.feature_extractor_name}`)."
            )
        self._existing = ExistingDocuments(collection)
        self._objects = collection.ledger.objects(collection.name)
        asked = {target: self._key_of_id(target) or target for target in targets}
        self._images = self._existing.images(list(asked.values()))
        named = {t: self._key_of_name(k) for t, k in asked.items() if k not in self._images}
        self._images |= self._existing.images([key for key in named.values() if key])
        self._keys = {target: named.get(target, key) for target, key in asked.items()}

    @property
    def image_ids(self) -> set[str]:
        """Document ids of the images that were found."""
        return {i.document_id for i in self._images.values() if isinstance(i, KnownImage)}

    def image(self, target: str) -> KnownImage:
        """Return the image that a target means.

        Args:
            target: one of those that were asked for.

        Returns:
            Its key, content and size.

        Raises:
            AutolabelError: there is none, or it cannot be read; near names are suggested.
        """
        key = self._keys[target]
        found = self._images.get(key) if key else None
        if found is None:
            raise AutolabelError(f"no image {target!r}. {self._existing.near(target)}")
        if isinstance(found, str):
            raise AutolabelError(f"the image {key!r} cannot be read: {found}")
        return found

    def _key_of_id(self, target: str) -> str | None:
        arrival = self._objects.get(object_of(target))
        return None if arrival is None or arrival.event == DELETED else arrival.key

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        """Keys by everything that another tool may call the file: ends of the path, no suffix."""
        found: dict[str, list[str]] = {}
        for key in self._existing.listed_keys():
            for name in _names(key):
                found.setdefault(name, []).append(key)
        return found

    def _key_of_name(self, name: str) -> str | None:
        """Return the one key that a file name can mean, the longest common end of paths first."""
        path = PurePosixPath(name.replace("\\", "/"))
        for start in range(len(path.parts)):
            end = PurePosixPath(*path.parts[start:])
            for candidate in (str(end), str(end.with_suffix(""))):
                keys = self._by_name.get(candidate, [])
                if len(keys) == 1:
                    return keys[0]
        return None


def _names(key: str) -> Iterable[str]:
    parts = PurePosixPath(key).parts
    for start in range(len(parts)):
        end = PurePosixPath(*parts[start:])
        yield from {str(end), str(end.with_suffix(""))}
