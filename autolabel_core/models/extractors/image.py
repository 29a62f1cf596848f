"""The built-in image extractor: EfficientNet-Lite with the descriptor, and other models."""

from __future__ import annotations

from autolabel_core.models.extractors.manifest import Extractor
from autolabel_core.models.extractors.model_choice import ModelChoice

DESCRIPTOR = "descriptor"
DEFAULT_MODEL = "efficientnet_lite0+descriptor"
MODELS = ModelChoice(
    extractor="image_extractor",
    default=DEFAULT_MODEL,
    installed=(DEFAULT_MODEL, "efficientnet_lite0", "efficientnet_lite2", DESCRIPTOR),
    without_parameters=(DESCRIPTOR,),
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
        model: `efficientnet_lite0+descriptor` (also None: photographs, marks and digits),
            `efficientnet_lite0` or `efficientnet_lite2` (photographs), `descriptor` (marks, digits;
            no weights), or `open_clip:<model>/<pretrained tag or path to a checkpoint>`.
        device: for models with weights: a torch device; None takes the fastest that this machine
            has.
        batch_size: for models with weights: images in one forward pass; None chooses by device.

    Returns:
        The extractor.
    """
    name, weights = MODELS.parse(model, device=device, batch_size=batch_size)
    if name == DESCRIPTOR:
        from autolabel_core.models.extractors.descriptor import DescriptorExtractor

        return DescriptorExtractor(version)
    if weights:
        from autolabel_core.models.extractors.open_clip import open_clip_extractor

        return open_clip_extractor(version, weights, device, batch_size)
    from autolabel_core.models.extractors.efficientnet import efficientnet_extractor

    network, _, block = name.partition("+")
    return efficientnet_extractor(version, network, bool(block), device, batch_size)
