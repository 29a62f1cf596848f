"""The whole of it: real YOLO weights find cards before clutter, a trained head names them."""

import numpy as np
import pytest
from PIL import Image
from support.identify_servers import as_png, ask, server, write_cards

from autolabel_app.demos.identify.cards import card_names, draw_card
from autolabel_core.declarations.training import Training
from autolabel_core.foundation.media.boxes import iou
from autolabel_core.training.detectors.yolo_training import TrainingRun, train

# Training takes three quarters of a minute of two cores.
pytestmark = pytest.mark.slow
SIDE_PX, SCENES, EPOCHS = 128, 200, 9
CARDS, FRAMES = 8, 10


def scene(numbers, rng, side_px):
    """Return cards, askew and beside each other, before clutter; and their boxes."""
    coarse = rng.integers(0, 256, (5, 5, 3)).astype(np.uint8)
    frame = Image.fromarray(coarse).resize((side_px, side_px), Image.Resampling.BICUBIC)
    boxes = []
    for place, number in enumerate(numbers):
        card = draw_card(number).convert("RGBA")
        height_px = int(rng.integers(side_px * 4 // 10, side_px * 6 // 10))
        card = card.resize((round(height_px * card.width / card.height), height_px))
        card = card.rotate(rng.uniform(-12, 12), Image.Resampling.BICUBIC, expand=True)
        left = place * side_px // 2 + int(rng.integers(max(side_px // 2 - card.width, 0) + 1))
        top = int(rng.integers(side_px - card.height + 1))
        frame.paste(card, (left, top), card)
        boxes.append((left, top, min(left + card.width, side_px), top + card.height))
    return frame, np.array(boxes, np.float64)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """YOLO that finds cards; it was shown none of those that are to be named."""
    folder, rng = tmp_path_factory.mktemp("yolo"), np.random.default_rng(0)
    for number in range(SCENES):
        part = "train" if number < SCENES * 9 // 10 else "val"
        for kind in ("images", "labels"):
            (folder / kind / part).mkdir(parents=True, exist_ok=True)
        shown = rng.integers(100, 400, int(rng.integers(1, 3))).tolist()
        frame, boxes = scene(shown, rng, SIDE_PX)
        frame.save(folder / "images" / part / f"{number}.png")
        middle, size = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
        lines = [f"0 {x} {y} {w} {h}\n" for x, y, w, h in np.hstack([middle, size]) / SIDE_PX]
        (folder / "labels" / part / f"{number}.txt").write_text("".join(lines))
    data = folder / "data.yaml"
    data.write_text(f"path: {folder}\ntrain: images/train\nval: images/val\nnames:\n  0: card\n")
    declared = Training(epochs=EPOCHS, imgsz=SIDE_PX, batch=8)
    run = TrainingRun(folder / "run", data, "yolo11n.yaml", declared, "cpu")
    return train(run, folder / "cache", lambda done, total: None).weights


def test_a_detector_finds_and_a_head_names(run, weights, tmp_path):
    refs, head, index = (tmp_path / name for name in ("refs", "cards.pt", "cards.npz"))
    write_cards(refs, CARDS)
    small = ("--epochs", "4", "--views", "8")
    assert run("identify", "train", "--refs", str(refs), "--out", str(head), *small)[0] == 0
    made = ("--refs", str(refs), "--out", str(index), "--projection", str(head))
    assert run("identify", "index", *made)[0] == 0
    options = ("--detector", str(weights), "--min-score", "0.5", "--min-margin", "0")
    names, rng = card_names(CARDS), np.random.default_rng(1)
    found, right = 0, 0
    with server(index, *options) as client:
        health = client.get("/health").json()
        assert health["has_detector"] and health["has_projection"]
        assert "head-" in health["feature_uri"]
        for _ in range(FRAMES):
            shown = rng.choice(CARDS, 2, replace=False).tolist()
            frame, boxes = scene(shown, rng, 640)
            masks = ask(client, as_png(frame)).json()["masks"]
            told = np.array([list(mask["bbox_norm"].values()) for mask in masks]).reshape(-1, 4)
            overlaps = iou(boxes / 640, told)
            for number, row in zip(shown, overlaps, strict=True):
                if len(masks) and row.max() > 0.5:
                    found += 1
                    right += masks[int(row.argmax())]["ref_filename"] == f"{names[number]}.png"
    assert found >= 0.9 * 2 * FRAMES and right >= 0.9 * found
