"""Image vectors by open_clip: pretrained weights by tag, or a checkpoint on this machine."""

from __future__ import annotations

import difflib
import importlib.util
import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypedDict, cast

import numpy as np
import numpy.typing as npt
from PIL import Image

from autolabel_core.foundation.errors import AutolabelError, MissingWeightsError, NotFoundError
from autolabel_core.foundation.json_types import JsonObject
from autolabel_core.models.extractors.manifest import Manifest
from autolabel_core.models.extractors.open_clip_tower import (
    ImageTower,
    Preprocess,
    preprocess_of,
)
from autolabel_core.models.hub_timeout import cause_of, impatient_hub
from autolabel_core.models.weights import (
    content_digest,
    fastest_device,
    feature_name,
    load_failures,
    pick_device,
)

if TYPE_CHECKING:
    import torch
    from open_clip import CLIP

BATCH_SIZE_GPU = 64
LoadedModel: TypeAlias = "tuple[CLIP, Preprocess, str]"
"""The model, what makes its input of an image, and the device."""
_CHECKPOINT_SUFFIXES = {".bin", ".npy", ".npz", ".pt", ".pth", ".safetensors"}


class VisionConfig(TypedDict, total=False):
    """The part of a model's configuration that is about its image tower."""

    image_size: int | list[int]


class ModelConfig(TypedDict):
    """What open_clip says of a model, as far as it is read here."""

    embed_dim: int
    vision_cfg: VisionConfig


def open_clip_extractor(
    version: str, spec: str, device: str | None = None, batch_size: int | None = None
) -> OpenClipExtractor:
    """Return the extractor for `<model>/<pretrained tag or path>`; weights load at the first embed.

    Args:
        version: part of the feature URI.
        spec: such as `ViT-B-32/laion2b_s34b_b79k` or `ViT-B-32//models/mine.pt`; a relative path
            is taken from the working directory.
        device: torch device; None takes the fastest that this machine has.
        batch_size: images in one forward pass, at least 1; None is 64 on a GPU and 4 on a CPU.

    Returns:
        The extractor. The digest of a checkpoint is part of its feature name, so that other weights
        are another feature.

    Raises:
        AutolabelError: the spec lacks one of its two parts, or `batch_size` is below 1.
    """
    model, _, weights = spec.partition("/")
    if not model or not weights:
        raise AutolabelError(
            f"`open_clip:{spec}` lacks model or weights: expected "
            "`open_clip:<model>/<pretrained tag or path>`, such as "
            "`open_clip:ViT-B-32/laion2b_s34b_b79k`"
        )
    if batch_size is not None and batch_size < 1:
        raise AutolabelError(f"`batch_size` is {batch_size}, expected at least 1")
    config = _model_config(model)
    names, checkpoint = [model, weights], _checkpoint(model, weights)
    if checkpoint is not None:
        names = [model, checkpoint.stem, content_digest([checkpoint])]
    manifest = Manifest(
        feature_extractor_name="image_extractor",
        version=version,
        feature_name=feature_name("open_clip", *names),
        input="image",
        embedding_dim=config["embed_dim"],
        description=f"open_clip {model} with the weights {weights}",
    )
    size_px = config["vision_cfg"].get("image_size", 224)
    side_px = max(size_px) if isinstance(size_px, list | tuple) else size_px
    return OpenClipExtractor(
        manifest, model, str(checkpoint or weights), side_px, device, batch_size
    )


class OpenClipExtractor:
    """An open_clip image tower; on a CPU, by ONNX Runtime, a vector is the same in any batch."""

    def __init__(
        self,
        manifest: Manifest,
        model: str,
        pretrained: str,
        min_side_px: int,
        device: str | None,
        batch_size: int | None,
    ) -> None:
        self.manifest = manifest
        self.min_side_px: int | None = min_side_px
        self.model_name, self._pretrained = model, pretrained
        self._device, self._batch_size = device, batch_size
        self._loading = threading.Lock()
        self._loaded: LoadedModel | None = None
        self._tower_on_cpu: ImageTower | None = None

    def embed(self, batch: Sequence[Image.Image]) -> npt.NDArray[np.float32]:
        """Return vectors `(n, d)` of RGB images, rows of unit length."""
        if not batch:
            return np.empty((0, self.manifest.embedding_dim or 0), dtype=np.float32)
        if fastest_device(self._device) == "cpu":
            return self._tower().embed(batch, self._batch_size)
        return self._embed_by_torch(batch)

    def _tower(self) -> ImageTower:
        with self._loading:
            if self._tower_on_cpu is None:
                size_px = _model_config(self.model_name)["vision_cfg"].get("image_size", 224)
                config = _pretrained_config(self.model_name, self._pretrained)
                self._tower_on_cpu = ImageTower(
                    self.manifest.feature_name,
                    lambda: self._load()[0],
                    preprocess_of(size_px, config),
                )
        return self._tower_on_cpu

    def _embed_by_torch(self, batch: Sequence[Image.Image]) -> npt.NDArray[np.float32]:
        import torch

        model, preprocess, device = self.loaded()
        size = self._batch_size or BATCH_SIZE_GPU
        chunks = []
        with torch.inference_mode():
            for start in range(0, len(batch), size):
                pixels = torch.stack([preprocess(image) for image in batch[start : start + size]])
                pixels = pixels.to(device=device, dtype=_dtype(device))
                vectors = model.encode_image(pixels).float()
                chunks.append(torch.nn.functional.normalize(vectors, dim=-1).cpu().numpy())
        return np.concatenate(chunks)

    def loaded(self) -> LoadedModel:
        """Return the model; it is loaded once."""
        with self._loading:
            if self._loaded is None:
                self._loaded = self._load()
        return self._loaded

    def _load(self) -> LoadedModel:
        import open_clip

        device = pick_device(self._device)
        config = _pretrained_config(self.model_name, self._pretrained)
        try:
            with impatient_hub():
                model, _, preprocess = open_clip.create_model_and_transforms(
                    self.model_name,
                    pretrained=self._pretrained,
                    precision="fp16" if device.startswith("cuda") else "fp32",
                    device=device,
                    force_quick_gelu=bool(config.get("quick_gelu", False)),
                    image_mean=config.get("mean"),
                    image_std=config.get("std"),
                    image_interpolation=config.get("interpolation"),
                    image_resize_mode=config.get("resize_mode"),
                )
        except load_failures() as error:
            raise MissingWeightsError(self._missing(error)) from error
        return model.eval(), preprocess, device

    def _missing(self, error: BaseException) -> str:
        import open_clip

        known = open_clip.list_pretrained_tags_by_model(self.model_name)
        cause = cause_of(error)
        if Path(self._pretrained).is_file():
            cure = f"Give a checkpoint of {self.model_name} that open_clip wrote"
        elif self._pretrained in known:
            cure = (
                'On a machine with access to the hub, run `python -c "import open_clip; '
                f"open_clip.create_model('{self.model_name}', '{self._pretrained}')\"`, copy the "
                "weights file that it downloads to this machine, and name it: "
                f"`model: open_clip:{self.model_name}//path/to/weights`"
            )
        else:
            near = difflib.get_close_matches(self._pretrained, known, n=1)
            suggestion = f"Did you mean `{near[0]}`? " if near else ""
            cure = f"{suggestion}Tags of {self.model_name}: {', '.join(known) or 'none'}"
        return (
            f"The weights `{self._pretrained}` of the open_clip model `{self.model_name}` "
            f"cannot be loaded: {cause}. {cure}"
        )


def _dtype(device: str) -> torch.dtype:
    import torch

    return torch.float16 if device.startswith("cuda") else torch.float32


def _checkpoint(model: str, weights: str) -> Path | None:
    path = Path(weights).expanduser()
    if path.is_file():
        return path.resolve()
    if "/" in weights or path.suffix in _CHECKPOINT_SUFFIXES:
        raise MissingWeightsError(
            f"The weights of the open_clip model `{model}` are not on this machine: there is no "
            f"file `{path.absolute()}`. Copy the checkpoint there, or correct the path"
        )
    return None


def _model_config(model: str) -> ModelConfig:
    package = importlib.util.find_spec("open_clip")
    folders = package.submodule_search_locations if package else None
    # The package's own files answer in milliseconds, the package itself imports torch first.
    files = {
        file.stem: file
        for folder in folders or ()
        for file in (Path(folder) / "model_configs").glob("*.json")
    }
    if model in files:
        config: ModelConfig = json.loads(files[model].read_text(encoding="utf-8"))
        return config
    import open_clip

    added = open_clip.get_model_config(model)
    if added is None:
        near = difflib.get_close_matches(model, open_clip.list_models(), n=3)
        hint = f"Did you mean {' or '.join(near)}?" if near else "See `open_clip.list_models()`"
        raise NotFoundError(f"open_clip has no model `{model}`. {hint}")
    return cast("ModelConfig", dict(added))


def _pretrained_config(model: str, pretrained: str) -> JsonObject:
    """Return mean, deviation and so on; a checkpoint takes what all tags of its model agree on."""
    import open_clip

    tags = open_clip.list_pretrained_tags_by_model(model)
    if pretrained in tags:
        return dict(open_clip.get_pretrained_cfg(model, pretrained))
    configs = [open_clip.get_pretrained_cfg(model, tag) for tag in tags]
    keys = ("mean", "std", "interpolation", "resize_mode")
    return {
        key: configs[0][key]
        for key in keys
        if configs and all(config.get(key) == configs[0].get(key) for config in configs)
    }
