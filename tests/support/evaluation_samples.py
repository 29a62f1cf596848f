"""Boxes drawn at random, true and found, for tests of detection."""

from __future__ import annotations

import numpy as np

from autolabel_core.models.detectors import Detections


def image_boxes(rows):
    """Boxes from rows `(x1, y1, x2, y2, class)` or with a confidence at the end."""
    return Detections(
        np.array([row[:4] for row in rows], dtype=np.float64).reshape(-1, 4),
        np.array([row[5] if len(row) > 5 else 1.0 for row in rows], dtype=np.float64),
        tuple(row[4] for row in rows),
    )


def random_images(rng, images=12, names="abc", skill=0.7, side_px=100):
    """True boxes, and detections that find each with probability `skill`, and some more."""
    true, found = [], []
    for _ in range(images):
        boxes, detected = [], []
        for _ in range(rng.integers(0, 5)):
            x, y, w, h = rng.integers(0, 60), rng.integers(0, 60), *rng.integers(8, 40, 2)
            name = names[rng.integers(len(names))]
            boxes.append((x, y, x + w, y + h, name))
            if rng.random() < skill:
                jitter = rng.normal(0, 2.5, 4)
                box = np.array([x, y, x + w, y + h]) + jitter
                right = name if rng.random() < 0.85 else names[rng.integers(len(names))]
                detected.append((*np.clip(box, 0, side_px), right, round(rng.random(), 2)))
        for _ in range(rng.integers(0, 3)):
            x, y = rng.integers(0, 80, 2)
            detected.append((x, y, x + 15, y + 15, names[rng.integers(len(names))], rng.random()))
        true.append(image_boxes(boxes))
        found.append(image_boxes(detected))
    return true, found
