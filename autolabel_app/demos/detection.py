"""The demo of detection: train on reviewed digits for two rounds, beside a control without review.

Digits of scikit-learn are pasted on textured backgrounds. Forty scenes are annotated and make a
first version; it looks at 150 more, an oracle reviews what it says as a person would, and a second
version is trained. All are measured on scenes of digits that nobody trained on. The control goes on
with the first version on its own images for as many steps as the second took: what it gains is due
to training, the rest is due to the review.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable

from autolabel_app.demos.demo_folder import fresh_project
from autolabel_app.demos.detection_rounds import Spiral, steps_an_epoch
from autolabel_app.demos.detection_scenes import Scene, draw_scenes
from autolabel_core.foundation.json_types import Json
from autolabel_core.foundation.paths import Paths
from autolabel_core.ledger import GateResult
from autolabel_core.models.registry import DETECTOR

NAME = "digits_in_scenes"
SEED = 0
COLD_START, REVIEWED, HELD_OUT = 40, 150, 100
HANDS = 1_200
"""Digits up to here are in the scenes that people see, the others in those held out."""
EPOCHS = (60, 20)
YAML = """\
# Written by `autolabel demo-detect`.
collection_name: digits_in_scenes
description: Handwritten digits from scikit-learn on textured backgrounds.
feature_extractor: {{feature_extractor_name: image_extractor, version: v1, model: descriptor}}
detection:
  detector_name: yolo_detector
  weights: registry:active
  training: {{base: active, first_base: yolo11n.yaml, epochs: {epochs}, imgsz: 128, batch: 8}}
taxonomy:
  confidence_threshold: 0.75
  enrichment_fields: [{{source: true_class, target: verified_class}}]
"""


def run_demo_detect(paths: Paths, tell: Callable[[str], None], seed: int = SEED) -> dict[str, Json]:
    """Run the whole story and write `report.json` into the demo's folder.

    Args:
        paths: the demo's own home; an earlier demo in it is replaced.
        tell: told the story, line by line.
        seed: decides the scenes; not chosen for its result.

    Returns:
        The report: map50_v1, map50_v2 and map50_control on held-out scenes, promoted (whether the
        gate put the second version into service), annotations, images, seconds.
    """
    started = time.monotonic()
    fresh_project(paths)
    spiral, cold, more, held_out = _prepare(paths, seed)
    spiral.declare(YAML.format(epochs=EPOCHS[0]))
    spiral.upload(cold)
    said = spiral.annotate(cold)
    tell(f"1. {len(cold)} scenes lie in the bucket; a person drew every box ({said} words).")
    first = spiral.train()
    own = spiral.training_set()
    tell(f"2. Version {first.version} is trained; the gate: {first.decision}, {_reason(first)}.")
    if first.decision == "held":
        registry = spiral.workspace.registry
        model = registry.find(NAME, DETECTOR, first.version)
        registry.decide(model, "promoted", "demo", "something must suggest boxes for the review")
        tell("   A person puts it into service all the same, and says why.")
    spiral.upload(more)
    said += (reviewed := spiral.review(more))
    tell(f"3. It looks at {len(more)} more scenes; a person reviews them ({reviewed} words).")
    spiral.declare(YAML.format(epochs=EPOCHS[1]))
    second = spiral.train()
    tell(f"4. Version {second.version} is trained; the gate: {second.decision}, {_reason(second)}.")
    spiral.sweep()
    steps = EPOCHS[1] * steps_an_epoch(spiral.training_set(), 8)
    figures = {
        "map50_v1": spiral.map50(held_out, first.version),
        "map50_v2": spiral.map50(held_out, second.version),
        "map50_control": spiral.map50(held_out, spiral.control(own, first.version, steps)),
    }
    tell(f"5. On {len(held_out)} scenes that nobody trained on: {_shown(figures)}.")
    report: dict[str, Json] = {
        **{name: round(value, 4) for name, value in figures.items()},
        "promoted": second.decision == "promoted",
        "annotations": said,
        "images": len(cold) + len(more),
        "seconds": round(time.monotonic() - started, 1),
    }
    text = json.dumps(report, indent=2) + "\n"
    (paths.home / "report.json").write_text(text, encoding="utf-8")
    return report


def _prepare(paths: Paths, seed: int) -> tuple[Spiral, list[str], list[str], list[str]]:
    from sklearn.datasets import load_digits

    digits = load_digits()
    ink, names = digits.images / 16, digits.target
    seen = draw_scenes(COLD_START + REVIEWED, (ink[:HANDS], names[:HANDS]), seed)
    unseen = draw_scenes(HELD_OUT, (ink[HANDS:], names[HANDS:]), seed + 1)
    keys = [f"scene_{number:03d}.png" for number in range(len(seen))]
    held_out = [f"held_out_{number:03d}.png" for number in range(len(unseen))]
    by_key = dict(zip([*keys, *held_out], [*seen, *unseen], strict=True))
    pictures = {key: _png(scene) for key, scene in by_key.items()}
    truth = {key: scene.boxes for key, scene in by_key.items()}
    spiral = Spiral(paths, NAME, pictures, truth)
    return spiral, keys[:COLD_START], keys[COLD_START:], held_out


def _png(scene: Scene) -> bytes:
    target = io.BytesIO()
    scene.image().save(target, "PNG")
    return target.getvalue()


def _reason(result: GateResult) -> str:
    return result.payload["reason"]


def _shown(figures: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in figures.items())
