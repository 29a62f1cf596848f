"""A projection head: two layers on frozen features, in a safetensors file with a card.

Running one needs numpy alone; training is in `training.py`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TypedDict

import numpy as np
import numpy.typing as npt

from autolabel_core.foundation.atomic_files import write_atomically
from autolabel_core.foundation.errors import AutolabelError, NotFoundError
from autolabel_core.foundation.json_types import JsonObject
from autolabel_core.models.extractors import Extractor, Manifest, embed_texts_checked
from autolabel_core.models.weights import feature_name

LAYERS = ("hidden.weight", "hidden.bias", "out.weight", "out.bias")
CARD = "card"
Vectors = npt.NDArray[np.float32]


class HeldOutFigures(TypedDict):
    """Retrieval figures on held-out views, before and after; whether the head was taken."""

    before: Mapping[str, float]
    after: Mapping[str, float]
    adopted: bool


class HeadCard(TypedDict, total=False):
    """What a head was made from, as its file holds it."""

    kind: str
    feature_uri: str
    recipe: JsonObject
    labels: list[str]
    data: str
    epochs: int
    best_epoch: int
    held_out: HeldOutFigures


@dataclass(frozen=True)
class Head:
    """Weights of `unit(out(gelu(hidden(x))))`.

    Attributes:
        weights: the four arrays of `LAYERS`: (h, d), (h,), (m, h), (m,), float32.
        card: what it was made from; `feature_uri` is the space that it reads.
    """

    weights: Mapping[str, Vectors]
    card: HeadCard = field(default_factory=HeadCard)

    @property
    def feature_uri(self) -> str:
        """The space of the vectors that it takes."""
        return self.card["feature_uri"]

    @property
    def dimensions(self) -> tuple[int, int]:
        """Length of the vectors that it takes, and of those that it gives."""
        return self.weights["hidden.weight"].shape[1], self.weights["out.weight"].shape[0]

    @cached_property
    def digest(self) -> str:
        """Eight hexadecimal digits; other weights have others."""
        whole = hashlib.sha256()
        for name in LAYERS:
            whole.update(np.ascontiguousarray(self.weights[name]).tobytes())
        return whole.hexdigest()[:8]

    def project(self, vectors: Vectors) -> Vectors:
        """Return the projections `(n, m)` of vectors `(n, d)`, rows of unit length."""
        from scipy.special import erf

        w = self.weights
        hidden = vectors @ w["hidden.weight"].T + w["hidden.bias"]
        active = 0.5 * hidden * (1.0 + erf(hidden * np.float32(1 / np.sqrt(2.0))))
        out = active @ w["out.weight"].T + w["out.bias"]
        lengths = np.linalg.norm(out, axis=1, keepdims=True)
        return np.ascontiguousarray(out / np.maximum(lengths, 1e-12), dtype=np.float32)

    def save(self, path: Path) -> None:
        """Write a safetensors file in one step; the same head gives the same bytes."""
        from safetensors.numpy import save

        arrays = {name: np.ascontiguousarray(self.weights[name]) for name in LAYERS}
        card = json.dumps(self.card, sort_keys=True)
        data = save(arrays, {CARD: card})
        write_atomically(path, lambda part: part.write_bytes(data))

    @classmethod
    def load(cls, path: Path) -> Head:
        """Read a head.

        Args:
            path: of the safetensors file; a name ending in `.pt` or `.pth` stands for the file
                of that name that `train` wrote beside it.

        Returns:
            The head.

        Raises:
            NotFoundError: there is no such file.
            AutolabelError: it holds no head.
        """
        file = safetensors_path(path)
        if not file.is_file():
            raise NotFoundError(
                f"There is no projection head {file}. Train one: `autolabel identify train "
                f"--refs FOLDER --out {file}`."
            )
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(file, framework="np") as stored:
                weights = {name: stored.get_tensor(name) for name in LAYERS}
                card = json.loads((stored.metadata() or {})[CARD])
        except (SafetensorError, KeyError, ValueError, OSError) as error:
            raise AutolabelError(
                f"{file} holds no projection head ({type(error).__name__}: {error}); expected the "
                f"arrays {', '.join(LAYERS)} and a card, as `autolabel identify train` writes them."
            ) from error
        return cls(weights, card)


class ProjectedExtractor:
    """An extractor whose vectors go through a head: a feature space of its own."""

    def __init__(self, base: Extractor, head: Head) -> None:
        if head.feature_uri != base.manifest.feature_uri:
            raise AutolabelError(
                f"The projection head was trained on {head.feature_uri}, the encoder gives "
                f"{base.manifest.feature_uri}. Train a head for this encoder, or name the model "
                "that the head was trained on."
            )
        self.base, self.head = base, head
        self.min_side_px = base.min_side_px

    @cached_property
    def manifest(self) -> Manifest:
        """The base's, with the head's digest in the feature's name."""
        own = self.base.manifest
        return replace(
            own,
            feature_name=feature_name(own.feature_name, f"head-{self.head.digest}"),
            embedding_dim=self.head.dimensions[1],
            description=f"{own.description}, through a projection head",
        )

    def embed(self, batch: Sequence[object]) -> Vectors:
        """Return projected vectors `(n, m)`, rows of unit length."""
        return self.head.project(self.base.embed(batch))

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Return projected vectors `(n, m)` of texts, where the base embeds texts."""
        return self.head.project(embed_texts_checked(self.base, texts))


def safetensors_path(path: Path) -> Path:
    """Return where a head of this name is kept: `.pt` and `.pth` become `.safetensors`."""
    return path.with_suffix(".safetensors") if path.suffix in {".pt", ".pth"} else path
