"""The manifest of an extractor, and the URI of its feature space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.feature_uri import FeatureUri, is_name, parse_feature_uri
from autolabel_core.models.checked_manifest import ALPHABET, Check, CheckedManifest
from autolabel_core.models.plugin_manifest import PluginManifest


@dataclass(frozen=True)
class Manifest(CheckedManifest):
    """What an extractor says of itself; reading it loads no weights.

    Attributes:
        feature_name: names model and weights; letters, digits, `.`, `_` and `-` only.
        input: `image` or `text`.
        embedding_dim: length of a vector; None where only the weights tell.
        distance_metric: `cosine`; rows of unit length make it the inner product.
        description: one line for people.
        short_name: what people may call the feature; empty where its name is short enough.
        encoded_by: the feature URI of the extractor that makes the vectors of boxes; empty where
            that is this one.
        embeds_texts: whether an extractor of images also has `embed_texts`, which puts texts into
            the same space, so that words find pictures.
    """

    feature_name: str
    input: str
    embedding_dim: int | None
    distance_metric: str = "cosine"
    description: str = ""
    short_name: str = ""
    encoded_by: str = ""
    embeds_texts: bool = False

    @classmethod
    def from_written(cls, written: PluginManifest, where: str) -> Manifest:
        """Return the manifest that a written one stands for: one space, one input."""
        spaces = written.features_of("embedding")
        if len(spaces) != 1 or len(written.inputs) != 1:
            raise AutolabelError(
                f"{where} has {len(spaces)} features of the type `embedding` and "
                f"{len(written.inputs)} inputs, expected one of each"
            )
        return cls(
            written.feature_extractor_name,
            written.version,
            spaces[0].feature_name,
            written.inputs[0],
            spaces[0].embedding_dim,
            description=written.description,
        )

    def checks(self) -> list[Check]:
        """Say of each value whether it can be used."""
        dim = self.embedding_dim
        is_dim = dim is None or (isinstance(dim, int) and not isinstance(dim, bool) and dim > 0)
        return [
            ("feature_name", is_name(self.feature_name), ALPHABET),
            ("input", self.input in ("image", "text"), "'image' or 'text'"),
            ("embedding_dim", is_dim, "a positive whole number, or None"),
            ("distance_metric", self.distance_metric == "cosine", "'cosine'"),
        ]

    @property
    def feature_uri(self) -> str:
        """The URI of the feature space that the vectors live in."""
        return FeatureUri(self.feature_extractor_name, self.version, self.feature_name).feature_uri

    @property
    def encoder_uri(self) -> str:
        """What makes the vectors: those of one encoder may be compared, wherever boxes were."""
        return self.encoded_by or self.feature_uri

    def answers_to(self, feature_uri: str) -> bool:
        """Whether a URI means this space, by its whole name, its short one, or its encoder."""
        names = (self.feature_name, self.short_name or self.feature_name)
        spaces = [FeatureUri(self.feature_extractor_name, self.version, name) for name in names]
        return parse_feature_uri(feature_uri) in [*spaces, parse_feature_uri(self.encoder_uri)]


class Extractor(Protocol):
    """Turns a batch of images (RGB Pillow images) or texts (strings) into vectors.

    `min_side_px` concerns images only: decoding may shrink towards that shorter side, which is
    several times faster for photographs; None asks for the full size.
    """

    @property
    def manifest(self) -> Manifest:
        """What the extractor is; cheap, loads no weights."""

    @property
    def min_side_px(self) -> int | None:
        """Shorter side, in pixels, that decoding must keep; None: all of it."""

    def embed(self, batch: Sequence[Any]) -> npt.NDArray[np.float32]:
        """Return vectors `(n, d)`, float32, rows of unit length, in the order of the batch."""


@runtime_checkable
class TextEmbedder(Protocol):
    """What an extractor has beside whose manifest says `embeds_texts`."""

    def embed_texts(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return vectors `(n, d)` of texts in the space of the images, rows of unit length."""
