"""The built-in image extractor: the embedded descriptor, or open_clip with pretrained weights."""

from __future__ import annotations

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.models.extractors.manifest import Extractor, refuse_parameters

DEFAULT_MODEL = "descriptor"


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

    Raises:
        AutolabelError: the model is of neither form, or the descriptor is given parameters.
    """
    chosen = model or DEFAULT_MODEL
    if chosen == DEFAULT_MODEL:
        from autolabel_core.models.extractors.descriptor import DescriptorExtractor

        refuse_parameters(DEFAULT_MODEL, device=device, batch_size=batch_size)
        return DescriptorExtractor(version)
    kind, _, rest = chosen.partition(":")
    if kind == "open_clip" and rest:
        from autolabel_core.models.extractors.open_clip import open_clip_extractor

        return open_clip_extractor(version, rest, device, batch_size)
    raise AutolabelError(
        f"image_extractor does not know the model `{chosen}`. Use `{DEFAULT_MODEL}` (no weights) "
        "or `open_clip:<model>/<pretrained tag or path>`, such as "
        "`open_clip:ViT-B-32/laion2b_s34b_b79k`"
    )
