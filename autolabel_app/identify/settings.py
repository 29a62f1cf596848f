"""What a server is told when it is started, and what it serves because of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from autolabel_core.declarations.detection import Detection
from autolabel_core.detectors import DeclaredDetector, Weights
from autolabel_core.errors import AutolabelError
from autolabel_core.extractors import Extractor, embed_checked
from autolabel_core.identify.acceptance import Thresholds, thresholds_file, thresholds_of
from autolabel_core.identify.encoder import encoder_of
from autolabel_core.identify.index import Match, ReferenceIndex
from autolabel_core.identify.prices import Prices
from autolabel_core.identify.rates import RateSource
from autolabel_core.paths import Paths

DETECTOR_MIN_CONFIDENCE, DETECTOR_IOU = 0.05, 0.5
TOP_K = 3
BLANK = Image.new("RGB", (64, 64))


@dataclass(frozen=True)
class Settings:
    """What a server is told.

    Attributes:
        index_file: the index.
        refs: folder of its pictures; None is the one that it was made from.
        projection: its head, if that has moved.
        model: another name for its model.
        prices_file: what things cost.
        rates: where rates of currencies come from.
        min_score: lowest cosine of an answer; None: as measured.
        min_margin: lowest distance to the best other label; None: as measured.
        detector: plug-in, weights, or `plug-in:weights`; None: regions are proposed.
        max_regions: regions looked up on a picture.
    """

    index_file: Path
    refs: Path | None = None
    projection: Path | None = None
    model: str | None = None
    prices_file: Path | None = None
    rates: RateSource = field(default_factory=RateSource)
    min_score: float | None = None
    min_margin: float | None = None
    detector: str | None = None
    max_regions: int = 6

    @property
    def files(self) -> tuple[Path, ...]:
        """Those whose change changes what is served."""
        own = (self.index_file, thresholds_file(self.index_file))
        return own if self.prices_file is None else (*own, self.prices_file)


@dataclass(frozen=True)
class Served:
    """What requests are answered from; replaced as a whole, so that a request sees one state."""

    index: ReferenceIndex
    extractor: Extractor
    thresholds: Thresholds
    prices: Prices | None
    refs: Path

    def look_up(self, images: Sequence[Image.Image]) -> list[Match]:
        """Return what the index says of each picture."""
        return self.index.search(embed_checked(self.extractor, images), TOP_K)

    def picture(self, filename: str) -> Path | None:
        """Return a reference's picture; None for whatever is no reference of this index."""
        known = filename in self.index.filenames and Path(filename).name == filename
        path = self.refs / filename
        return path if known and path.is_file() else None


def load_served(settings: Settings, before: Served | None = None) -> Served:
    """Read index, thresholds and prices.

    Args:
        settings: where they are.
        before: what was served; its encoder is kept where the feature space is the same.

    Returns:
        What to serve, the encoder's weights loaded.
    """
    index = ReferenceIndex.load(settings.index_file)
    if before is not None and before.index.feature_uri == index.feature_uri:
        extractor = before.extractor
    else:
        extractor = _warm(encoder_of(index, settings.model, settings.projection))
    given = settings.min_score, settings.min_margin
    file = settings.prices_file
    return Served(
        index,
        extractor,
        thresholds_of(settings.index_file, index, *given),
        None if file is None else Prices.load(file, settings.rates),
        settings.refs or Path(index.origin.refs),
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


def _warm(extractor: Extractor) -> Extractor:
    extractor.embed([BLANK])
    return extractor
