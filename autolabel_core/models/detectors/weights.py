"""Resolves declared detector weights: a version in the registry, a file, or a name to download."""

from __future__ import annotations

from pathlib import Path

from autolabel_core.declarations.detection import ACTIVE_WEIGHTS, Detection
from autolabel_core.foundation.errors import MissingWeightsError
from autolabel_core.models.detectors.collection_detector import Weights
from autolabel_core.models.registry import DETECTOR, Registry
from autolabel_core.models.weights import content_digest, feature_name

_DIGEST_CHARACTERS = 8


def find_weights(declared: Detection, registry: Registry, collection: str) -> Weights:
    """Return the weights that a declaration means now.

    Args:
        declared: the declaration.
        registry: of models.
        collection: whose versions of the registry count.

    Returns:
        The weights; `source` is None where there are none yet.

    Raises:
        MissingWeightsError: a path leads nowhere.
    """
    wanted = declared.weights
    if wanted is None:
        return Weights(None, "", declared.version)
    if wanted == ACTIVE_WEIGHTS:
        return _active(declared, registry, collection)
    file = Path(wanted).expanduser()
    if file.is_file():
        name = feature_name(f"{file.stem}-{content_digest([file.resolve()])}")
        return Weights(file.resolve(), name, declared.version)
    if "/" in wanted:
        raise MissingWeightsError(
            f"The weights of `{declared.detector_name}` are not on this machine: there is no file "
            f"`{file.absolute()}`. Copy the checkpoint there, or correct `weights`"
        )
    return Weights(wanted, feature_name(Path(wanted).stem), declared.version)


def _active(declared: Detection, registry: Registry, collection: str) -> Weights:
    model = registry.active(collection, DETECTOR)
    if model is None:
        return Weights(None, "", declared.version)
    return Weights(registry.weights(model), model.checksum[:_DIGEST_CHARACTERS], model.version)
