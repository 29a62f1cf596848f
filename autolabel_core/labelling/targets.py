"""Resolves the target of a command to an image: by key, by id, or by another tool's name."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from autolabel_core.documents.current_content import ExistingDocuments
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.ids import object_of
from autolabel_core.labelling.box_input import SourceImage, Target
from autolabel_core.labelling.image_names import ImageKeys
from autolabel_core.ledger.arrivals import DELETED
from autolabel_core.tables.boxes.ground_truth import KnownImage
from autolabel_core.tables.workspace import OpenCollection

MAX_HINTS = 3
"""Near keys are searched for so many names; the search goes through all keys."""


class Targets:
    """Finds the images of one command's targets, all at once.

    Args:
        collection: opened with its stores.
        targets: images as files name them, keys, document ids or detection ids.

    Raises:
        AutolabelError: the collection's objects are no images.
    """

    def __init__(self, collection: OpenCollection, targets: Iterable[Target]) -> None:
        kind = collection.extractor.manifest.input
        if kind != "image":
            raise AutolabelError(
                f"Boxes need images, and `{collection.name}` holds {kind}s "
                f"(`{collection.declaration.feature_extractor.feature_extractor_name}`)."
            )
        self._existing = ExistingDocuments(collection)
        self._objects = collection.ledger.objects(collection.name)
        self._problems: dict[Target, str] = {}
        self._keys: dict[Target, str] = {}
        self._hints = 0
        self._uploaded: list[tuple[str, str]] = []
        wanted = list(dict.fromkeys(targets))
        known = {t: self._key_of_id(t) for t in wanted if isinstance(t, str)}
        ids: dict[Target, str] = {target: key for target, key in known.items() if key}
        keys = [t for t in wanted if isinstance(t, str) and t not in ids]
        self._images = self._existing.images([*ids.values(), *keys])
        for target in wanted:
            self._find(target, ids)
        self._images |= self._existing.images(
            [key for key in self._keys.values() if key not in self._images]
        )
        self._refuse_shared([target for target in self._keys if target not in ids])

    @property
    def image_ids(self) -> set[str]:
        """Document ids of the images that were found."""
        return {i.document_id for i in self._images.values() if isinstance(i, KnownImage)}

    @property
    def notes(self) -> tuple[str, ...]:
        """What was read into names: prefixes of uploads that were taken off."""
        if not self._uploaded:
            return ()
        name, key = self._uploaded[0]
        return (
            f"{len(self._uploaded)} names have the prefix of an upload to Label Studio, which was "
            f"taken off: {name!r} is {key!r}.",
        )

    def image(self, target: Target) -> KnownImage:
        """Return the image that a target means.

        Args:
            target: one of those that were asked for.

        Returns:
            Its key, content and size.

        Raises:
            AutolabelError: there is none, it cannot be read, or another one leads to it as well;
                near names are suggested.
        """
        if target in self._problems:
            raise AutolabelError(self._problems[target])
        key = self._keys[target]
        image = self._images.get(key)
        if image is None:
            raise AutolabelError(f"no image {target!r}. {self._existing.near(str(target))}")
        if isinstance(image, str):
            raise AutolabelError(f"the image {key!r} cannot be read: {image}")
        return image

    def image_id(self, target: Target) -> str | None:
        """Return the document id of the image that a target means; None where it means none."""
        try:
            return self.image(target).document_id
        except AutolabelError:
            return None

    def _find(self, target: Target, ids: dict[Target, str]) -> None:
        if target in ids:
            self._keys[target] = ids[target]
        elif isinstance(target, str) and target in self._images:
            self._keys[target] = target
        else:
            image = SourceImage(target.strip()) if isinstance(target, str) else target
            try:
                match = self._image_keys.find(image)
            except AutolabelError as error:
                self._problems[target] = self._with_hint(image, str(error))
                return
            self._keys[target] = match.key
            if match.without_prefix:
                self._uploaded.append((image.path, match.key))

    def _with_hint(self, image: SourceImage, problem: str) -> str:
        if self._hints >= MAX_HINTS or self._image_keys.near(image.path):
            return problem
        self._hints += 1
        return f"{problem} {self._existing.near(image.path)}"

    def _refuse_shared(self, targets: list[Target]) -> None:
        """Refuse two images of a source that lead to one key: their boxes would be mixed."""
        sharing: dict[str, list[Target]] = {}
        for target in targets:
            sharing.setdefault(self._keys[target], []).append(target)
        for key, shared in sharing.items():
            if len(shared) > 1:
                names = ", ".join(t if isinstance(t, str) else str(t) for t in shared[:3])
                problem = f"{len(shared)} images of the source lead to the one key {key!r}: {names}"
                self._problems |= dict.fromkeys(shared, problem)

    def _key_of_id(self, target: str) -> str | None:
        arrival = self._objects.get(object_of(target))
        return None if arrival is None or arrival.event == DELETED else arrival.key

    @cached_property
    def _image_keys(self) -> ImageKeys:
        return ImageKeys(self._existing.listed_keys())
