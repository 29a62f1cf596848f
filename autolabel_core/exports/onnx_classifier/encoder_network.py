"""Encoders as torch networks from the bytes of pictures to unit vectors, to be exported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from autolabel_core.exports.onnx_classifier.function_network import network_of
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.models.extractors import Extractor
from autolabel_core.models.projection_head import ProjectedExtractor

if TYPE_CHECKING:
    import torch

    from autolabel_core.models.extractors.efficientnet import EfficientNetExtractor


class PictureInput(TypedDict):
    """How a picture becomes one input `(n, side_px, side_px, 3)` of bytes.

    `share` of the shorter side is cut from the middle, all of the picture where it is None, and
    resized to the square (bicubic, `reducing_gap` 3).
    """

    side_px: int
    share: float | None


@dataclass(frozen=True)
class EncoderNetwork:
    """An encoder as a network.

    Attributes:
        network: maps the inputs, in their order, to vectors `(n, d)` of unit length.
        inputs: by name.
        min_side_px: shorter side that decoding of a JPEG must keep; None: all of it.
    """

    network: torch.nn.Module
    inputs: Mapping[str, PictureInput]
    min_side_px: int | None


def encoder_network(extractor: Extractor) -> EncoderNetwork:
    """Return an extractor as a network that gives the same vectors.

    Args:
        extractor: of a collection.

    Returns:
        The network.

    Raises:
        AutolabelError: it has no such network; the message names those that have.
    """
    from autolabel_core.models.extractors.descriptor import DescriptorExtractor
    from autolabel_core.models.extractors.efficientnet import EfficientNetExtractor

    if isinstance(extractor, ProjectedExtractor):
        return _projected(extractor)
    plain = getattr(extractor, "plug_in", extractor)
    if isinstance(plain, ProjectedExtractor):
        return _projected(plain)
    if isinstance(plain, DescriptorExtractor):
        return _described(plain)
    if isinstance(plain, EfficientNetExtractor):
        return _efficientnet(plain)
    manifest = extractor.manifest
    reason = (
        "texts are split into words by programs that no ONNX file holds"
        if manifest.input == "text"
        else "its steps before the network cannot be written as one"
    )
    raise AutolabelError(
        f"`{manifest.feature_extractor_name}` ({manifest.feature_name}) cannot be exported as one "
        f"ONNX file: {reason}. Those that can: image_extractor with the model "
        "efficientnet_lite0+descriptor, efficientnet_lite0, efficientnet_lite2 or descriptor"
    )


def _described(extractor: Extractor) -> EncoderNetwork:
    from autolabel_core.exports.onnx_classifier.descriptor_network import descriptor_network
    from autolabel_core.models.extractors.descriptor import SIDE_PX

    inputs: dict[str, PictureInput] = {"small": {"side_px": SIDE_PX, "share": None}}
    return EncoderNetwork(network_of(descriptor_network()), inputs, extractor.min_side_px)


def _efficientnet(extractor: EfficientNetExtractor) -> EncoderNetwork:
    import torch

    from autolabel_core.exports.onnx_classifier.descriptor_network import descriptor_network
    from autolabel_core.models.extractors.descriptor import SIDE_PX
    from autolabel_core.models.extractors.efficientnet import (
        CENTRING,
        MEAN,
        SCALE,
        load_torch_network,
    )

    variant, weight = extractor.variant, extractor.descriptor_weight
    backbone, describe = load_torch_network(variant), descriptor_network()

    def photograph(pixels: torch.Tensor) -> torch.Tensor:
        scaled = (pixels.to(torch.float32) - MEAN) / SCALE
        roots = torch.sqrt(torch.relu(backbone(scaled.permute(0, 3, 1, 2))))
        return _unit(roots - CENTRING * roots.mean(dim=1, keepdim=True))

    def both(pixels: torch.Tensor, small: torch.Tensor) -> torch.Tensor:
        return _unit(torch.cat([photograph(pixels), describe(small) * weight], dim=1))

    share = variant.side_px / variant.shorter_side_px
    inputs: dict[str, PictureInput] = {"pixels": {"side_px": variant.side_px, "share": share}}
    if not weight:
        return EncoderNetwork(network_of(photograph, backbone), inputs, extractor.min_side_px)
    inputs["small"] = {"side_px": SIDE_PX, "share": None}
    return EncoderNetwork(network_of(both, backbone), inputs, extractor.min_side_px)


def _projected(extractor: ProjectedExtractor) -> EncoderNetwork:
    import torch

    base = encoder_network(extractor.base)
    arrays = {n: torch.from_numpy(w.copy()) for n, w in extractor.head.weights.items()}

    def project(*inputs: torch.Tensor) -> torch.Tensor:
        linear = torch.nn.functional.linear
        hidden = linear(base.network(*inputs), arrays["hidden.weight"], arrays["hidden.bias"])
        active = torch.nn.functional.gelu(hidden)
        return _unit(linear(active, arrays["out.weight"], arrays["out.bias"]))

    return EncoderNetwork(network_of(project, base.network), base.inputs, base.min_side_px)


def _unit(rows: torch.Tensor) -> torch.Tensor:
    unit: torch.Tensor = rows / rows.norm(dim=1, keepdim=True).clamp_min(1e-12)
    return unit
