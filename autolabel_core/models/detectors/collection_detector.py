"""A collection's detector: the plug-in with its weights and declared parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from autolabel_core.declarations.detection import Detection
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.feature_uri import FeatureUri, parse_feature_uri
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.models.checked_manifest import with_manifest
from autolabel_core.models.detectors.detections import Detections, check_detections, cleaned, joined
from autolabel_core.models.detectors.loading import load_detector
from autolabel_core.models.detectors.manifest import Detector, DetectorManifest, DetectorSettings
from autolabel_core.models.detectors.tiles import cut, merged, shifted, tiles_px
from autolabel_core.models.extractors.manifest import Extractor, Manifest
from autolabel_core.models.weights import feature_name


@dataclass(frozen=True)
class Weights:
    """The weights that a declaration means, found.

    Attributes:
        source: a file or a name that the detector can fetch; None: there are none.
        name: part of feature names, other for other weights; empty for none.
        version: of the detector that they make.
    """

    source: Path | str | None
    name: str
    version: str


class DeclaredDetector:
    """A detector as a collection declares it.

    Args:
        declared: the declaration.
        weights: what its `weights` means now.
        folder: where the plug-in may keep what it fetches.
    """

    def __init__(self, declared: Detection, weights: Weights, folder: Path) -> None:
        self.declared = declared
        self.weights = weights
        self._folder = folder

    @cached_property
    def _detector(self) -> Detector:
        declared = self.declared
        settings = DetectorSettings(
            self.weights.source,
            declared.confidence_threshold,
            declared.iou_threshold,
            declared.max_detections,
            declared.batch_size,
            declared.device,
            self._folder,
        )
        version = self.weights.version
        return load_detector(declared.detector_name, version, settings, declared.parameters)

    @property
    def manifest(self) -> DetectorManifest:
        """What the plug-in says of itself."""
        return self._detector.manifest

    @property
    def is_waiting(self) -> bool:
        """Whether it finds nothing because there are no weights yet."""
        return self.weights.source is None and self.manifest.needs_weights

    @property
    def feature_uri(self) -> str:
        """The URI of the boxes: another detector, version or weights is another one."""
        return self._uri(self.manifest.detections)

    def _uri(self, feature: str, *more: str) -> str:
        named = feature_name(*(part for part in (feature, self.weights.name, *more) if part))
        manifest = self.manifest
        return FeatureUri(manifest.feature_extractor_name, manifest.version, named).feature_uri

    @property
    def fingerprint(self) -> str:
        """Cover whatever changes what is found."""
        settings = self.declared.model_dump(
            include={"confidence_threshold", "iou_threshold", "classes", "max_detections"}
            | {"tiles", "parameters"}
        )
        return fingerprint(self.feature_uri, self.is_waiting, settings)

    def crops(self, extractor: Extractor) -> Extractor:
        """Return the extractor for what lies in the boxes: the same vectors under their own URI.

        Args:
            extractor: the collection's own, of images.

        Returns:
            An extractor whose feature URI names the detector, its weights and the extractor.

        Raises:
            AutolabelError: it takes no images, or its vectors have another length than the
                detector's manifest says.
        """
        own, wanted = extractor.manifest, self.manifest
        if own.input != "image":
            raise AutolabelError(
                f"`detection` needs a feature extractor of images; `{own.feature_extractor_name}` "
                f"takes {own.input}. Correct `feature_extractor_name`"
            )
        if wanted.embedding_dim and own.embedding_dim not in (None, wanted.embedding_dim):
            raise AutolabelError(
                f"The detector `{wanted.feature_extractor_name}` promises vectors of "
                f"{wanted.embedding_dim} dimensions, the feature extractor gives "
                f"{own.embedding_dim}; declare another extractor, or correct `embedding_dim` in "
                "the detector's manifest"
            )
        space = (own.feature_extractor_name, own.version, own.feature_name)
        uri = parse_feature_uri(self._uri(wanted.embedding, *space))
        manifest = Manifest(
            uri.feature_extractor_name,
            uri.version,
            uri.feature_name,
            "image",
            own.embedding_dim or wanted.embedding_dim,
            description=own.description,
            short_name=wanted.embedding,
            encoded_by=own.encoder_uri,
            embeds_texts=own.embeds_texts,
        )
        return with_manifest(extractor, manifest)

    def detect(self, images: Sequence[Image.Image]) -> list[Detections]:
        """Find boxes on images, cut into tiles where that is declared.

        Args:
            images: RGB, upright.

        Returns:
            For each image what is kept, the most confident first; see `cleaned`.
        """
        if self.is_waiting:
            return [Detections() for _ in images]
        pieces = [self._pieces(image) for image in images]
        shown = [piece for parts in pieces for piece, _ in parts]
        where = f"The detector `{self.declared.detector_name}` returned"
        detections = iter(check_detections(self._detector.detect(shown), len(shown), where))
        return [
            self._of_image(image, [shifted(next(detections), *corner) for _, corner in parts])
            for image, parts in zip(images, pieces, strict=True)
        ]

    def _pieces(self, image: Image.Image) -> list[tuple[Image.Image, tuple[int, int]]]:
        tiles = self.declared.tiles
        if tiles is None:
            return [(image, (0, 0))]
        squares = tiles_px(*image.size, tiles.size_px, tiles.overlap)
        corners = [(0, 0), *((left, top) for left, top, _, _ in squares)]
        return list(zip(cut(image, squares), corners, strict=False))

    def _of_image(self, image: Image.Image, parts: list[Detections]) -> Detections:
        detections = joined(parts)
        if len(parts) > 1:
            part = np.repeat(np.arange(len(parts)), [len(one) for one in parts])
            detections = merged(detections, part, self.declared.iou_threshold)
        declared = self.declared
        return cleaned(
            detections,
            image.size,
            declared.confidence_threshold,
            declared.classes,
            declared.max_detections,
        )
