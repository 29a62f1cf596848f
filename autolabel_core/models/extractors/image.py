"""The built-in image extractor: the embedded descriptor, or open_clip with pretrained weights."""

from __future__ import annotations

from autolabel_core.models.extractors.manifest import Extractor
from autolabel_core.models.extractors.model_choice import ModelChoice

DEFAULT_MODEL = "descriptor"
MODELS = ModelChoice(
    extractor="image_extractor",
    default=DEFAULT_MODEL,
    kind="open_clip",
    named="<model>/<pretrained tag or path>",
    example="open_clip:ViT-B-32/laion2b_s34b_b79k",
)


def image_extractor(
    version: str,
    model: str | None = None,
    *,
    device: str | None = None,
    batch_size: int | None = None,
) -> Extractor:
    """Return the image extractor for a model; weights load when it first embeds.

    Args:
        version: part of the feature URI.
        model: `descriptor` (also None: the embedded default, no weights), or
            `open_clip:<model>/<pretrained tag or path to a checkpoint>`.
        device: for open_clip: a torch device; None takes the fastest that this machine has.
        batch_size: for open_clip: images in one forward pass; None chooses by device.

    Returns:
        The extractor.
    """
    weights = MODELS.weights_of(model, device=device, batch_size=batch_size)
    if weights is None:
        from autolabel_core.models.extractors.descriptor import DescriptorExtractor

        return DescriptorExtractor(version)
    from autolabel_core.models.extractors.open_clip import open_clip_extractor

    return open_clip_extractor(version, weights, device, batch_size)
