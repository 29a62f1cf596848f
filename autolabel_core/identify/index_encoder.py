"""The encoder of an index: an image extractor by its model's name, perhaps with a head."""

from __future__ import annotations

from pathlib import Path

from autolabel_core.matching.reference_index import IndexOrigin, ReferenceIndex
from autolabel_core.models.extractors import Extractor, load_extractor
from autolabel_core.models.extractors.image import DESCRIPTOR
from autolabel_core.models.projection_head import Head, ProjectedExtractor, safetensors_path

EXTRACTOR = "image_extractor"
VERSION = "v1"


def load_encoder(
    model: str | None = None, projection: Path | None = None, version: str = VERSION
) -> Extractor:
    """Return the image extractor of a model, its vectors through a head if there is one.

    Args:
        model: any of `image_extractor`; None is `descriptor`.
        projection: file of a head that `train` wrote.
        version: part of the feature URI.

    Returns:
        The extractor; weights load when it first embeds, the head at once.
    """
    base = load_extractor(EXTRACTOR, version, model or DESCRIPTOR, {})
    return base if projection is None else ProjectedExtractor(base, Head.load(projection))


def origin_of(
    encoder: Extractor,
    refs: Path,
    model: str | None = None,
    projection: Path | None = None,
    reference_views: int = 0,
) -> IndexOrigin:
    """Return what an index that is made with this encoder says of itself."""
    manifest = encoder.manifest
    return IndexOrigin(
        feature_uri=manifest.feature_uri,
        model=model or DESCRIPTOR,
        version=manifest.version,
        projection=str(safetensors_path(projection)) if projection else "",
        reference_views=reference_views,
        refs=str(refs),
    )


def encoder_of(
    index: ReferenceIndex, model: str | None = None, projection: Path | None = None
) -> Extractor:
    """Return the encoder that an index was made with.

    Args:
        index: the index.
        model: another name for its model, such as a checkpoint's path on this machine.
        projection: another place of its head.

    Returns:
        The extractor.
    """
    origin = index.origin
    head = projection or (Path(origin.projection) if origin.projection else None)
    encoder = load_encoder(model or origin.model, head, origin.version)
    index.require(encoder.manifest.feature_uri)
    return encoder
