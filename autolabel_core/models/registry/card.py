"""The card of a model version: its training data, its parameters, its results."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import cast

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.json_types import JsonObject
from autolabel_core.ledger.models import CardRecord

AGPL = (
    "AGPL-3.0: weights trained with ultralytics fall under its licence; whoever offers a service "
    "with them offers its source, or buys an ultralytics licence"
)
TOLD = ("ultralytics", "torch", "torchvision", "numpy")


@dataclass(frozen=True)
class ModelCard:
    """What is known of weights; kept beside them as `card.json` and in the ledger.

    Attributes:
        weights_name: the file's name in the version's folder, such as `weights.pt`.
        data_hash: fingerprint of the training data; empty for weights that came from elsewhere.
        parent: what training began from: a version of the registry, an architecture or a file.
        parameters: of the training.
        metrics: of the training's own validation, and counts such as `images`.
        classes: names in the order of their ids.
        licence: what binds whoever uses the weights.
        created_at: ISO 8601 in UTC.
        asked_by: id of the request that the training was for; empty where nothing was asked.
        environment: versions of the libraries and of Python, and the device.
        note: in a person's words.
        annotations_until: id in the ledger of the last annotation that was learned from; None where
            that is not known.
    """

    weights_name: str
    data_hash: str
    parent: str | None
    parameters: JsonObject
    metrics: JsonObject
    classes: tuple[str, ...]
    licence: str
    created_at: str
    asked_by: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    annotations_until: int | None = None

    def as_json(self) -> CardRecord:
        """Return the card as JSON holds it."""
        return cast("CardRecord", {**asdict(self), "classes": list(self.classes)})

    @classmethod
    def from_json(cls, value: CardRecord) -> ModelCard:
        """Read a card.

        Args:
            value: what `as_json` gave.

        Returns:
            The card.

        Raises:
            AutolabelError: a field is missing or of another version.
        """
        try:
            make: Callable[..., ModelCard] = cls
            return make(**{**value, "classes": tuple(value["classes"])})
        except (TypeError, KeyError) as error:
            raise AutolabelError(
                f"A model's card has the fields {', '.join(sorted(value))}, which this version "
                f"does not read ({error}). Was it written by a newer autolabel?"
            ) from error


def environment(device: str) -> dict[str, str]:
    """Return the versions that a training depends on."""
    versions = {"python": platform.python_version(), "device": device}
    for name in TOLD:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions
