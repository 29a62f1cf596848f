"""Registers weights that were trained elsewhere, with a card of what is known."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.ledger import ModelVersion
from autolabel_core.models.registry import DETECTOR, ModelCard
from autolabel_core.models.registry.card import environment
from autolabel_core.models.registry.folder import checksum_of
from autolabel_core.models.ultralytics_setup import quiet_ultralytics
from autolabel_core.models.weights import load_failures
from autolabel_core.tables.workspace import OpenCollection


def add_detector(
    collection: OpenCollection,
    weights: Path,
    version: str | None,
    note: str,
    licence: str,
) -> ModelVersion:
    """Register a detector that somebody trained elsewhere, after reading it.

    Args:
        collection: whose.
        weights: a `.pt` file of ultralytics.
        version: such as `2.0.0`; None is the next major.
        note: where it comes from.
        licence: what binds its users.

    Returns:
        The version; it is not in service yet.

    Raises:
        AutolabelError: the file is no detector, or its weights are registered already.
    """
    ultralytics = quiet_ultralytics(collection.paths.cache)
    failures: tuple[type[Exception], ...] = load_failures()
    try:
        model = ultralytics.YOLO(str(weights))
        classes = tuple(model.names[i] for i in sorted(model.names))
    except failures as error:
        raise AutolabelError(
            f"{weights} holds no YOLO detector ({error}). Expected the `.pt` file that "
            "ultralytics' training writes."
        ) from error
    if model.task != "detect":
        raise AutolabelError(f"{weights} is a model for `{model.task}`; expected one for `detect`.")
    _check_new(collection, weights)
    card = ModelCard(
        weights_name="weights.pt",
        data_hash="",
        parent=None,
        parameters={"imgsz": model.overrides.get("imgsz", 640)},
        metrics={},
        classes=classes,
        licence=licence,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        environment=environment("unknown"),
        note=note,
    )
    return collection.registry.add(collection.name, DETECTOR, weights, card, version)


def _check_new(collection: OpenCollection, weights: Path) -> None:
    """Refuse weights that are there: under another version all images would be looked at anew."""
    checksum = checksum_of(weights)
    for model in collection.registry.versions(collection.name, DETECTOR):
        if model.checksum == checksum:
            raise AutolabelError(
                f"{weights} holds the weights of version {model.version}, which is registered. "
                f"`autolabel models promote {collection.name} {model.version}` puts it into "
                "service."
            )
