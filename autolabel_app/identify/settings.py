"""The settings that a server is started with, and the objects that it serves by them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from PIL import Image

from autolabel_app.identify.sources import BLANK, ReferenceSource, stamp_of
from autolabel_core.declarations.detection import Detection
from autolabel_core.documents.classifier import Classification
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.paths import Paths
from autolabel_core.identify.prices.exchange_rates import RateSource
from autolabel_core.identify.prices.price_file import Prices
from autolabel_core.identify.thresholds_file import WHOLE, AcceptanceThresholds
from autolabel_core.matching.decision import Rule
from autolabel_core.matching.decision_engine import DecisionEngine, Match
from autolabel_core.matching.reference_index import ReferenceIndex
from autolabel_core.models.detectors import DeclaredDetector, Weights
from autolabel_core.models.extractors import Extractor, embed_checked
from autolabel_core.models.projection_head import ProjectedExtractor

MAX_PIXELS = 25_000_000
DETECTOR_MIN_CONFIDENCE, DETECTOR_IOU = 0.05, 0.5


@dataclass(frozen=True)
class Settings:
    """What a server is told.

    Attributes:
        source: where references come from.
        prices_file: what things cost.
        rates: where rates of currencies come from.
        min_score: lowest cosine of an answer; None: as measured.
        min_margin: lowest distance to the best other label; None: as measured.
        detector: plug-in, weights, or `plug-in:weights`; None: regions are proposed.
        max_regions: regions looked up on a picture.
        max_pixels: a picture with more is refused, before it is decoded.
    """

    source: ReferenceSource
    prices_file: Path | None = None
    rates: RateSource = field(default_factory=RateSource)
    min_score: float | None = None
    min_margin: float | None = None
    detector: str | None = None
    max_regions: int = 8
    max_pixels: int = MAX_PIXELS

    @property
    def looked_at(self) -> tuple[str, int]:
        """What is looked up on a picture, for people, and as `AcceptanceThresholds` count it."""
        if self.detector is not None:
            return f"the regions of the detector {self.detector}", -1
        return f"{self.max_regions} proposed regions", self.max_regions

    def stamp(self) -> Hashable:
        """Return what tells one state of what is served from another."""
        file = self.prices_file
        return self.source.stamp(), None if file is None else stamp_of(file)


@dataclass(frozen=True)
class Served:
    """What requests are answered from; replaced as a whole, so that a request sees one state.

    `thresholds` are those of regions, `whole` those of whole pictures where no taxonomy decides.
    """

    index: ReferenceIndex
    engine: DecisionEngine
    extractor: Extractor
    thresholds: AcceptanceThresholds
    whole: AcceptanceThresholds | None
    prices: Prices | None
    classification: Callable[[Match], Classification]
    picture: Callable[[str], bytes | None]

    @property
    def has_projection(self) -> bool:
        """Whether vectors go through a head."""
        return isinstance(self.extractor, ProjectedExtractor)

    def source_of(self, match: Match) -> str | None:
        """Return the document that an answer comes from."""
        return self.classification(match)["taxonomy_match"]["source_document_id"]

    def decide_whole(self, match: Match) -> Match:
        """Return what a whole picture is told to be: by the taxonomy, else beyond doubt."""
        if self.whole is None:
            return match
        return replace(match, matched=self.whole.reached_by(match))

    def look_up(self, images: Sequence[Image.Image]) -> list[Match]:
        """Return what is decided about each picture."""
        return self.engine.match(embed_checked(self.extractor, images))


def load_served(settings: Settings, before: Served | None = None) -> Served:
    """Read references, thresholds and prices.

    Args:
        settings: where they are.
        before: what was served; its encoder is kept where the feature space is the same.

    Returns:
        What to serve, the encoder's weights loaded.
    """
    loaded = settings.source.load(None if before is None else before.extractor)
    looked_at, regions = settings.looked_at
    thresholds = loaded.thresholds.served_by(looked_at, regions)
    thresholds = thresholds.given(settings.min_score, settings.min_margin)
    whole = None
    if loaded.rule is None:
        whole = loaded.whole.served_by(WHOLE, 0).given(settings.min_score, settings.min_margin)
    rule = loaded.rule or Rule(thresholds.min_score)
    if settings.min_score is not None:
        rule = replace(rule, threshold=settings.min_score, label_thresholds={}, min_score=None)
    file = settings.prices_file
    return Served(
        loaded.index,
        loaded.index.engine(rule, loaded.score),
        loaded.extractor,
        thresholds,
        whole,
        None if file is None else Prices.load(file, settings.rates),
        loaded.classification,
        loaded.picture,
    )


def load_detector(named: str | None) -> DeclaredDetector | None:
    """Return the detector that `--detector` names; None without one.

    Args:
        named: `best.pt`, `yolo_detector:yolo11n.pt` or the name of a plug-in.

    Returns:
        The detector, its weights loaded.

    Raises:
        AutolabelError: it needs weights, and none are named.
    """
    if named is None:
        return None
    plug_in, _, weights = named.rpartition(":")
    if not plug_in and Path(weights).suffix == "":
        plug_in, weights = weights, ""
    values = {
        "detector_name": plug_in or "yolo_detector",
        "confidence_threshold": DETECTOR_MIN_CONFIDENCE,
        "iou_threshold": DETECTOR_IOU,
    }
    declared = Detection.model_validate(values)
    file = Path(weights).expanduser()
    source = file.resolve() if weights and file.is_file() else weights or None
    folder = Paths.from_environment().pretrained
    detector = DeclaredDetector(declared, Weights(source, "", declared.version), folder)
    if detector.is_waiting:
        raise AutolabelError(
            f"The detector `{plug_in}` finds nothing without weights; name them: "
            f"--detector {plug_in}:best.pt"
        )
    detector.detect([BLANK])
    return detector
