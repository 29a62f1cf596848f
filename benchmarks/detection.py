"""The spiral of detection on real photographs: how much a review of 100 images brings, in minutes.

Needs a folder with images and Pascal VOC annotations, such as BCCD (blood cells): the first version
is trained from 60 of them, the second after a review of 100 more; both are measured on the rest.
Each line is one figure as JSON. Run `python -m benchmarks.detection --data FOLDER`, where FOLDER
holds `bccd/images` and `bccd/annotations`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np

from autolabel_app.demos.detection_rounds import Spiral
from autolabel_core.foundation.paths import Paths, sqlite_url
from autolabel_core.labelling.box_input import ParsedAnnotations
from autolabel_core.labelling.import_formats import read_given
from autolabel_core.models.registry import DETECTOR

NAME = "cells"
COLD_START, REVIEWED = 60, 100
YAML = """\
collection_name: cells
detection:
  weights: registry:active
  training: {{epochs: {epochs}, imgsz: {imgsz}, batch: 8, arguments: {{fliplr: 0.5}}}}
"""


def truth_of(given: ParsedAnnotations) -> dict[str, list[tuple[str, tuple[float, ...]]]]:
    """Return class and corners of every box, by image."""
    found: dict[str, list[tuple[str, tuple[float, ...]]]] = {}
    for box in given.boxes:
        boxes = found.setdefault(str(box.target), [])
        if box.bbox is not None and box.true_class is not None:
            x1, y1, x2, y2 = (float(number) for number in box.bbox)
            if x1 < x2 and y1 < y2:
                boxes.append((box.true_class, (x1, y1, x2, y2)))
    return found


def tell(name: str, value: float, unit: str) -> None:
    """Print one figure."""
    print(json.dumps({"name": f"bccd: {name}", "value": round(value, 4), "unit": unit}), flush=True)


def measure(data: Path, home: Path, epochs: list[int], imgsz: int, seed: int) -> None:
    """Go round twice, and print what each version finds on the images that were held out."""
    given, _ = read_given(data / "bccd" / "annotations", "voc")
    truth = truth_of(given)
    folder = data / "bccd" / "images"
    pictures = {file.name: file.read_bytes() for file in sorted(folder.iterdir())}
    order = np.random.default_rng(seed).permutation(sorted(set(pictures) & set(truth))).tolist()
    cold, more = order[:COLD_START], order[COLD_START : COLD_START + REVIEWED]
    held_out = order[COLD_START + REVIEWED :]
    paths = Paths(home, home / "collections", sqlite_url(home / "ledger.sqlite"))
    spiral = Spiral(paths, NAME, pictures, truth)
    for number, (keys, passes) in enumerate(((cold, epochs[0]), (more, epochs[1])), start=1):
        begun = time.monotonic()
        spiral.declare(YAML.format(epochs=passes, imgsz=imgsz))
        spiral.upload(keys)
        words = spiral.annotate(keys) if number == 1 else spiral.review(keys)
        decision = spiral.train()
        tell(f"v{number}, words of the annotator", words, "words")
        tell(f"v{number}, mAP50 on held out", spiral.map50(held_out, decision.version), "mAP50")
        tell(f"v{number}, upload to verdict", (time.monotonic() - begun) / 60, "minutes")
        print(json.dumps({"name": f"bccd: v{number}", "verdict": decision.payload["reason"]}))
        if number == 1 and decision.decision == "held":
            registry = spiral.workspace.registry
            model = registry.find(NAME, DETECTOR, decision.version)
            registry.decide(model, "promoted", "benchmark", "something must suggest boxes")


def main() -> None:
    """Measure, or say that there is no data."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with bccd")
    parser.add_argument("--epochs", type=int, nargs=2, default=[25, 15])
    parser.add_argument("--imgsz", type=int, default=320)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.data is None or not (options.data / "bccd").is_dir():
        print(json.dumps({"name": "bccd", "value": None, "unit": "skipped: no data folder"}))
        return
    with tempfile.TemporaryDirectory() as home:
        measure(options.data, Path(home), options.epochs, options.imgsz, options.seed)


if __name__ == "__main__":
    main()
