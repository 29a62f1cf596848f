"""A collection of scenes of digits that people annotated, for tests of training."""

from __future__ import annotations

import io
from typing import Any

from autolabel_app.demos.detection_scenes import Scene, draw_scenes
from autolabel_core.foundation.ids import content_hash
from autolabel_core.ledger import BoxAnnotation
from autolabel_core.operations.registration import register
from autolabel_core.tables.boxes.current_annotations import known_images
from autolabel_core.tables.boxes.splits import GOLD, split_by_hash
from autolabel_core.tables.raw_objects import RawObjects
from autolabel_core.tables.workspace import Workspace

NAME = "scenes"
DECLARED = """\
detection:
  weights: registry:active
  training: {epochs: 1, imgsz: 64, batch: 4}
  gate: {min_images: 3, floor: 0.0, resamples: 20}
"""


def scenes(gold: int, others: int, seed: int = 0) -> dict[str, Scene]:
    """Scenes by key: so many whose content makes them gold, and so many others."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    drawn = draw_scenes(10 * (gold + others), (digits.images / 16, digits.target), seed)
    wanted = {True: gold, False: others}
    found = {}
    for number, scene in enumerate(drawn):
        is_gold = split_by_hash(content_hash(png(scene))) == GOLD
        if wanted[is_gold]:
            wanted[is_gold] -= 1
            found[f"{'gold' if is_gold else 'scene'}_{number:03d}.png"] = scene
    return found


def png(scene: Scene) -> bytes:
    """The scene as a file."""
    target = io.BytesIO()
    scene.image().save(target, "PNG")
    return target.getvalue()


def bring_in(workspace: Workspace) -> None:
    """Register the objects and describe them, as a sweep does first."""
    collection = workspace.open(NAME)
    register(collection)
    raw = RawObjects(collection)
    for batch in raw.stale():
        raw.refresh(batch)


def annotate(workspace: Workspace, truth: dict[str, Scene]) -> None:
    """Say of each image what is on it, and that it was reviewed."""
    collection = workspace.open(NAME)
    images = {image.key: image for image in known_images(RawObjects(collection))}
    said = []
    for key, scene in truth.items():
        image = images[key]
        about: dict[str, Any] = {
            "collection": NAME,
            "image_id": image.document_id,
            "image_key": key,
            "content_hash": image.content_hash,
            "image_width_px": image.width_px,
            "image_height_px": image.height_px,
            "annotator": "ann",
            "origin": "cli",
        }
        for name, box in scene.boxes:
            said.append(BoxAnnotation(label="missed", true_class=name, xyxy_px=box, **about))
        said.append(BoxAnnotation(label="reviewed", **about))
    workspace.ledger.append_box_annotations(said)
