"""The built-in multimodal extractor: pictures and words in one space, by both towers of open_clip.

It has no embedded default: what puts words beside pictures has learnt from both, and such weights
are hundreds of megabytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from autolabel_core.foundation.errors import AutolabelError, MissingWeightsError
from autolabel_core.models.extractors.manifest import Extractor, Manifest
from autolabel_core.models.extractors.open_clip import OpenClipExtractor, open_clip_extractor
from autolabel_core.models.hub_timeout import cause_of, impatient_hub
from autolabel_core.models.weights import load_failures

if TYPE_CHECKING:
    import torch

NAME, FEATURE = "multimodal_extractor", "multimodal_embedding"
KIND, EXAMPLE = "open_clip:", "open_clip:ViT-B-32/laion2b_s34b_b79k"
BATCH_TEXTS = 64
Tokenizer: TypeAlias = "Callable[[list[str]], torch.Tensor]"
"""Makes token ids `(n, length)` of texts, cut to the length that the model takes."""
Vectors = npt.NDArray[np.float32]


def multimodal_extractor(
    version: str,
    model: str | None = None,
    *,
    device: str | None = None,
    batch_size: int | None = None,
) -> Extractor:
    """Return the extractor for a model; weights load when it first embeds.

    Args:
        version: part of the feature URI.
        model: `open_clip:<model>/<pretrained tag or path to a checkpoint>`.
        device: a torch device; None takes the fastest that this machine has.
        batch_size: images in one forward pass; None chooses by device.

    Returns:
        The extractor.

    Raises:
        MissingWeightsError: no model is named: there is no default without weights.
        AutolabelError: the model is no open_clip model.
    """
    if model is None:
        raise MissingWeightsError(
            f"{NAME} needs weights that know pictures and words: declare `model: {EXAMPLE}` under "
            "`feature_extractor` (fetched at the first use), or the path of a checkpoint on this "
            "machine, `model: open_clip:ViT-B-32//path/to/weights`"
        )
    if not model.startswith(KIND):
        raise AutolabelError(
            f"{NAME} does not know the model `{model}`. Use `{KIND}<model>/<pretrained tag or "
            f"path>`, such as `{EXAMPLE}`"
        )
    images = open_clip_extractor(version, model.removeprefix(KIND), device, batch_size)
    return MultimodalExtractor(images)


class MultimodalExtractor:
    """Both towers of an open_clip model.

    Args:
        images: the image tower, with the model that both are parts of.
    """

    def __init__(self, images: OpenClipExtractor) -> None:
        self._images = images
        self.min_side_px = images.min_side_px
        self.manifest: Manifest = replace(
            images.manifest,
            feature_extractor_name=NAME,
            short_name=FEATURE,
            description=f"{images.manifest.description}, pictures and words",
            embeds_texts=True,
        )

    def embed(self, batch: Sequence[Image.Image]) -> Vectors:
        """Return vectors `(n, d)` of RGB images, rows of unit length."""
        return self._images.embed(batch)

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Return vectors `(n, d)` of texts, rows of unit length.

        A text that is longer than the model takes is halved at a space until its parts are not;
        its vector is their mean, so that nothing of it is cut off without a word.
        """
        pieces = [self._pieces(text) for text in texts]
        vectors = self._encoded([piece for parts in pieces for piece in parts])
        means = np.zeros((len(texts), self.manifest.embedding_dim or vectors.shape[1]), np.float32)
        start = 0
        for row, parts in enumerate(pieces):
            mean = vectors[start : start + len(parts)].mean(axis=0)
            means[row] = mean / max(float(np.linalg.norm(mean)), 1e-12)
            start += len(parts)
        return means

    def _pieces(self, text: str) -> list[str]:
        words = text.split()
        if len(words) < 2 or self._fits(text):
            return [text]
        middle = len(words) // 2
        halves = " ".join(words[:middle]), " ".join(words[middle:])
        return [piece for half in halves for piece in self._pieces(half)]

    def _fits(self, text: str) -> bool:
        """Whether one more word would still be seen."""
        first, longer = self._tokenizer([text, f"{text} x"])
        return bool((first != longer).any())

    def _encoded(self, texts: Sequence[str]) -> Vectors:
        import torch

        model, _, device = self._images.loaded()
        chunks = [np.empty((0, self.manifest.embedding_dim or 0), np.float32)]
        with torch.inference_mode():
            for start in range(0, len(texts), BATCH_TEXTS):
                tokens = self._tokenizer(list(texts[start : start + BATCH_TEXTS])).to(device)
                vectors = torch.nn.functional.normalize(model.encode_text(tokens).float(), dim=-1)
                chunks.append(vectors.cpu().numpy())
        return np.concatenate(chunks)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        import open_clip

        try:
            with impatient_hub():
                tokenizer: Tokenizer = open_clip.get_tokenizer(self._images.model_name)
        except load_failures() as error:
            raise MissingWeightsError(
                f"The tokenizer of the open_clip model `{self._images.model_name}` cannot be "
                f"loaded: {cause_of(error)}. It comes from the hub: take a model whose tokenizer "
                "open_clip brings, such as ViT-B-32, or fetch it on a machine with access and copy "
                "the hub's cache folder (HF_HOME)"
            ) from error
        return tokenizer
