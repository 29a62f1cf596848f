"""An open_clip image tower by ONNX Runtime: half of torch's CPU time, the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from PIL import Image

from autolabel_core.foundation.json_types import JsonObject
from autolabel_core.models.extractors.unit_rows import unit_rows
from autolabel_core.models.onnx_runtime import (
    Arrays,
    Network,
    NetworkSource,
    Vectors,
    encode_batches,
    load_network,
)

if TYPE_CHECKING:
    import torch
    from open_clip import CLIP

BATCH_SIZE = 4
"""Images in one call: a transformer gains from a few, and nothing from more."""
PROBE_PICTURES = 3
Preprocess: TypeAlias = "Callable[[Image.Image], torch.Tensor]"


class ImageTower:
    """The image tower of a model on the CPU.

    Args:
        name: names model and weights; letters, digits, `.`, `_` and `-`.
        load: returns the whole model; asked only where the tower is not exported yet.
        preprocess: makes the tower's input of an image.
    """

    def __init__(self, name: str, load: Callable[[], CLIP], preprocess: Preprocess) -> None:
        self._preprocess = preprocess
        source = NetworkSource(
            name=name,
            weights=name,
            load=lambda: _image_tower(load()),
            probe=self._probe,
            packages=("open_clip_torch", "timm"),
        )
        self._network: Network = load_network(source, "cpu")

    def embed(self, batch: Sequence[Image.Image], batch_size: int | None) -> Vectors:
        """Return vectors `(n, d)` of RGB images, at least one, rows of unit length."""
        size = batch_size or max(BATCH_SIZE, self._network.batch_size)
        return encode_batches(self._encode, batch, size, self._network.parallel_calls)

    def _encode(self, batch: Sequence[Image.Image]) -> Vectors:
        return unit_rows(self._network.run(self._pixels(batch)))

    def _pixels(self, batch: Sequence[Image.Image]) -> Vectors:
        return np.stack([self._preprocess(image).numpy() for image in batch])

    def _probe(self) -> Arrays:
        rough = np.random.default_rng(0).integers(0, 256, (PROBE_PICTURES, 12, 16, 3), np.uint8)
        return (self._pixels([Image.fromarray(one).resize((320, 240)) for one in rough]),)


def preprocess_of(image_size: int | list[int], config: JsonObject) -> Preprocess:
    """Prepare images without loading the model.

    Args:
        image_size: side in pixels, or height and width.
        config: `mean`, `std`, `interpolation`, `resize_mode`; open_clip's defaults where absent.

    Returns:
        What makes the input of the image tower, `(3, height, width)`, of an image.
    """
    from open_clip.transform import PreprocessCfg, image_transform_v2

    names = ("mean", "std", "interpolation", "resize_mode")
    given = {name: config[name] for name in names if config.get(name) is not None}
    size = tuple(image_size) if isinstance(image_size, list) else image_size
    transform: Preprocess = image_transform_v2(PreprocessCfg(size=size, **given), is_train=False)
    return transform


def _image_tower(model: CLIP) -> torch.nn.Module:
    import torch

    class Tower(torch.nn.Module):  # type: ignore[misc]
        """Maps pixels `(n, 3, h, w)` to vectors `(n, d)`."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            vectors: torch.Tensor = self.model.encode_image(pixels)
            return vectors

    return Tower().eval()
