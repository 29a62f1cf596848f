"""The demo of identify: 150 cards recognised before and after a projection head is trained.

Unknown cards are in no index and were never seen by a head. The same is told of a harder set whose
cards share their colours. Every step goes through the code of `autolabel identify`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from autolabel_app.demos.demo_folder import fresh_folder
from autolabel_app.demos.identify.camera import photograph
from autolabel_app.demos.identify.cards import card_names, draw_card
from autolabel_core.identify.build_index import index_folder
from autolabel_core.identify.encoder_choice import choose_encoder
from autolabel_core.identify.index_encoder import load_encoder, origin_of
from autolabel_core.identify.reference_folder import pictures_of, read_folder
from autolabel_core.identify.verification_page import verification_page
from autolabel_core.matching.decision_engine import Vectors
from autolabel_core.matching.reference_index import ReferenceIndex
from autolabel_core.models.evaluation.augmentation_cache import ViewCache
from autolabel_core.models.evaluation.retrieval_metrics import RetrievalResult, evaluate
from autolabel_core.models.evaluation.unknown_rejection import auroc
from autolabel_core.models.evaluation.verification import Rate, verify_index
from autolabel_core.models.extractors import Extractor, embed_checked
from autolabel_core.models.projection_head import ProjectedExtractor
from autolabel_core.training.heads.train_head import Recipe, TrainedHead, train_head
from autolabel_core.training.heads.training_data import gather_material

CLASSES, UNKNOWN, SHOTS = 150, 75, 2
CAMERA_SEED = 4004
RECIPE = Recipe(views=24)
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Setting:
    """How large the demo is; the defaults are what `autolabel demo-identify` runs."""

    classes: int = CLASSES
    unknown: int = UNKNOWN
    shots: int = SHOTS
    recipe: Recipe = RECIPE


@dataclass(frozen=True)
class CardSet:
    """One set of cards: its folder, and what the camera sees of known and unknown ones."""

    folder: Path
    one_palette: bool
    setting: Setting

    def draw(self) -> None:
        """Write one picture of each known card."""
        self.folder.mkdir(parents=True)
        for number, name in enumerate(card_names(self.setting.classes)):
            draw_card(number, self.one_palette).save(self.folder / f"{name}.png")

    def seen(self, encoder: Extractor) -> tuple[Vectors, Vectors]:
        """Photograph and embed: known cards in the order of their numbers, then unknown ones."""
        setting = self.setting
        shots = [
            photograph(
                draw_card(number, self.one_palette),
                np.random.default_rng([CAMERA_SEED, self.one_palette, number, shot]),
            )
            for number in range(setting.classes + setting.unknown)
            for shot in range(setting.shots)
        ]
        vectors = embed_checked(encoder, shots)
        known = setting.classes * setting.shots
        return vectors[:known], vectors[known:]


def run_identify_demo(home: Path, tell: Tell, setting: Setting | None = None) -> dict[str, object]:
    """Run the story and write `report.json` and `verify.html` into the demo's folder.

    Args:
        home: the demo's own folder; an earlier demo in it is replaced.
        tell: told the story, line by line.
        setting: how large.

    Returns:
        The report: classes, top1_before, top1_after, margin_before, margin_after,
        unknown_auroc_before, unknown_auroc, one_palette with the same figures, seconds.
    """
    started, chosen = time.monotonic(), setting or Setting()
    fresh_folder(home)
    varied = CardSet(home / "cards", False, chosen)
    report = {"classes": chosen.classes, **_figures(varied, home, tell)}
    tell("\nThe same with cards that share their colours, so that shapes alone tell them apart:")
    report["one_palette"] = _figures(CardSet(home / "cards-one-palette", True, chosen), home, tell)
    report["seconds"] = round(time.monotonic() - started, 1)
    text = json.dumps(report, indent=2, sort_keys=True)
    (home / "report.json").write_text(text + "\n", encoding="utf-8")
    return report


def _figures(cards: CardSet, home: Path, tell: Tell) -> dict[str, object]:
    cards.draw()
    choice = choose_encoder(read_folder(cards.folder).references, home / "views")
    tell(str(choice))
    encoder = load_encoder(choice.model)
    index = _index(cards, encoder, home, choice.model)
    seen = cards.seen(encoder)
    before, before_auroc = _asked(index, cards, *seen)
    tell(f"1. One picture of each of {len(index)} cards is indexed; a camera sees them: {before}")
    trained = _trained(cards, encoder, home)
    head = trained.head
    head.save(_head_file(cards, home))
    projected = load_encoder(choice.model, _head_file(cards, home))
    index = _index(cards, projected, home, choice.model)
    after, auroc_after = _asked(index, cards, *(head.project(vectors) for vectors in seen))
    gate = "adopted" if trained.adopted else "not adopted"
    tell(f"2. A head is trained on augmented views ({gate} by the gate); the same shots: {after}")
    tell(
        f"3. {cards.setting.unknown} cards that neither index nor head ever saw score lower than "
        f"known ones with a chance of {auroc_after:.3f} (before: {before_auroc:.3f})."
    )
    if not cards.one_palette:
        _write_page(index, projected, home)
    return {
        "model": choice.model,
        "top1_before": before.top1,
        "top1_after": after.top1,
        "top1_after_interval": [after.rate.low, after.rate.high],
        "margin_before": before.margin,
        "margin_after": after.margin,
        "unknown_auroc_before": before_auroc,
        "unknown_auroc": auroc_after,
        "adopted": trained.adopted,
        "held_out": {"before": dict(trained.before), "after": dict(trained.after)},
        "recipe": asdict(cards.setting.recipe),
    }


@dataclass(frozen=True)
class CameraResult:
    """What the camera's shots of known cards were identified as."""

    judged: RetrievalResult

    @property
    def rate(self) -> Rate:
        """Right answers, with the interval."""
        return Rate.of(int(self.judged.correct.sum()), len(self.judged.truth))

    @property
    def top1(self) -> float:
        """Share of right answers."""
        return self.judged.top1

    @property
    def margin(self) -> float:
        """Median margin to the best different label."""
        return self.judged.median_margin

    def __str__(self) -> str:
        return f"top-1 {self.top1:.1%}, median margin {self.margin:.3f}."


def _asked(
    index: ReferenceIndex, cards: CardSet, known: Vectors, unknown: Vectors
) -> tuple[CameraResult, float]:
    """Judge shots of known cards, and how well those of unknown ones are rejected."""
    place = {name: i for i, name in enumerate(index.filenames)}
    rows = [place[f"{name}.png"] for name in card_names(cards.setting.classes)]
    judged = evaluate(index, known, np.repeat(index.codes[rows], cards.setting.shots))
    return CameraResult(judged), auroc(judged.score, index.label_scores(unknown).max(axis=1))


def _index(cards: CardSet, encoder: Extractor, home: Path, model: str) -> ReferenceIndex:
    head = _head_file(cards, home) if isinstance(encoder, ProjectedExtractor) else None
    origin = origin_of(encoder, cards.folder, model, head)
    out = home / f"{cards.folder.name}.npz"
    return index_folder(read_folder(cards.folder), encoder, origin, out).index


def _head_file(cards: CardSet, home: Path) -> Path:
    return home / f"{cards.folder.name}.safetensors"


def _trained(cards: CardSet, encoder: Extractor, home: Path) -> TrainedHead:
    references = read_folder(cards.folder).references
    labels = [reference.card.name for reference in references]
    cache = ViewCache(home / "views", encoder)
    material = gather_material(references, labels, encoder, cache, cards.setting.recipe)
    return train_head(material, cards.setting.recipe, device="cpu")


def _write_page(index: ReferenceIndex, encoder: Extractor, home: Path) -> None:
    pictures = pictures_of(index)
    found = verify_index(index, pictures, encoder, ViewCache(home / "views", encoder))
    page = verification_page(found, lambda row: pictures[row].picture(None))
    (home / "verify.html").write_text(page, encoding="utf-8")
