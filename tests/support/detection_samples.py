"""What tests of detection share: a declaration, scenes, and saying something of a box."""

from __future__ import annotations

from autolabel_core.declarations.conditions import parse_text
from autolabel_core.documents.documents import Documents
from autolabel_core.ledger import BoxAnnotation
from autolabel_core.tables.boxes.box_labels import REVIEWED
from autolabel_core.tables.detections import DetectionTable
from support.toy_detectors import scene

NAME = "blocks"
RED, GREEN, BLUE = (250, 0, 0), (0, 250, 0), (0, 0, 250)
SCENES = {
    "both.png": scene((2, 2, 12, 10, (200, 0, 0)), (30, 20, 50, 40, (0, 100, 0))),
    "empty.png": scene(),
    "green.png": scene((4, 4, 24, 24, (0, 220, 0))),
    "red.png": scene((10, 10, 30, 30, (240, 0, 0))),
}


def declaration(**detection):
    return {
        "feature_extractor": {"feature_extractor_name": "colour_extractor"},
        "detection": {"detector_name": "block_detector", "version": "1.0.0", **detection},
        "taxonomy": {
            "field_to_enrich": "verified_class",
            "confidence_threshold": 0.75,
            "enrichment_fields": [
                {"source": "payload.true_class", "target": "verified_class"},
                {"source": "payload.category", "target": "object_category"},
            ],
        },
    }


def detected(workspace, name=NAME):
    return DetectionTable(workspace.open(name))


def detections_of(workspace, key, name=NAME):
    """Rows of the boxes on one image, the most confident first."""
    table = detected(workspace, name)
    rows = [row for batch in table.batches for row in table.rows(batch)]
    return sorted((r for r in rows if r["image_key"] == key), key=lambda r: r["document_id"])


def image_of(workspace, key, name=NAME):
    table = detected(workspace, name)
    return next(row for batch in table.batches for row in table.images(batch) if row["key"] == key)


def judge(workspace, key, number, label, true_class=None, name=NAME, **more):
    """Say something of the `number`-th box on an image."""
    row = detections_of(workspace, key, name)[number]
    box = tuple(row["xyxy_px"])
    said = {
        "detection_id": row["document_id"],
        "predicted_class": row["detected_class"],
        "predicted_xyxy_px": box,
        "xyxy_px": box,
        "true_class": true_class or (row["detected_class"] if label == "confirmed" else None),
    }
    return annotate(workspace, key, label, name=name, **{**said, **more})


def annotate(workspace, key, label, name=NAME, **more):
    image = image_of(workspace, key, name)
    said = {
        "collection": name,
        "image_id": image["document_id"],
        "image_key": key,
        "content_hash": image["content_hash"],
        "label": label,
        "image_width_px": image["width_px"],
        "image_height_px": image["height_px"],
        "annotator": "ann",
        "origin": "cli",
        **more,
    }
    workspace.ledger.append_box_annotations([BoxAnnotation(**said)])


def review(workspace, key, name=NAME):
    annotate(workspace, key, REVIEWED, name=name)


def documents(workspace, *filters, name=NAME, **more):
    view = Documents(workspace.open(name))
    return view.find([parse_text(text) for text in filters], **more)


def documents_by_key(workspace, *filters):
    return {record["key"]: record for record in documents(workspace, *filters)}
