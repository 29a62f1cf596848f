"""A small open_clip model, trained within a minute on drawn shapes and the words for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

COLOURS = {"red": (214, 40, 40), "green": (40, 160, 70), "blue": (40, 80, 210)}
SHAPES = ("circle", "square", "triangle")
NAMES = [f"{colour} {shape}" for colour in COLOURS for shape in SHAPES]
PROMPTS = ("a photo of a {}", "{}", "a drawing of a {}", "one {} on a table")
MODEL, SIDE_PX = "autolabel-shapes", 32
PICTURES, STEPS, BATCH = 100, 600, 72
CONFIG = {
    "embed_dim": 32,
    "vision_cfg": {
        **{"image_size": SIDE_PX, "layers": 2, "width": 64, "head_width": 32, "patch_size": 8}
    },
    "text_cfg": {
        **{"context_length": 16, "vocab_size": 49408, "width": 48, "heads": 2, "layers": 1}
    },
}


def drawn(name: str, seed: int, side_px: int = SIDE_PX) -> Image.Image:
    """Draw a named shape somewhere on a plain ground, by a seed."""
    rng = np.random.default_rng([NAMES.index(name), seed])
    ground = tuple(int(v) for v in rng.integers(150, 256, 3))
    image = Image.new("RGB", (side_px, side_px), ground)
    colour, shape = name.split()
    ink = tuple(int(np.clip(v + rng.integers(-25, 26), 0, 255)) for v in COLOURS[colour])
    radius = side_px * rng.uniform(0.22, 0.4)
    x, y = rng.uniform(radius, side_px - radius, 2)
    box = [x - radius, y - radius, x + radius, y + radius]
    draw = ImageDraw.Draw(image)
    if shape == "circle":
        draw.ellipse(box, fill=ink)
    elif shape == "square":
        draw.rectangle(box, fill=ink)
    else:
        draw.polygon([(x, box[1]), (box[0], box[3]), (box[2], box[3])], fill=ink)
    return image


def train_shape_clip(folder: Path) -> str:
    """Train the model, and write its checkpoint and its configuration.

    Returns:
        What a declaration names as `model`.
    """
    import open_clip
    import torch

    config = folder / f"{MODEL}.json"
    config.write_text(json.dumps(CONFIG), "utf-8")
    open_clip.add_model_config(config)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # small matrices: a second thread waits more than it works
    try:
        torch.manual_seed(0)
        model, _, preprocess = open_clip.create_model_and_transforms(MODEL)
        _fit(model, preprocess, open_clip.get_tokenizer(MODEL))
    finally:
        torch.set_num_threads(threads)
    checkpoint = folder / "shapes.pt"
    torch.save(model.state_dict(), checkpoint)
    return f"open_clip:{MODEL}/{checkpoint}"


def _fit(model: Any, preprocess: Any, tokenizer: Any) -> None:
    import torch

    # Most of the vocabulary is never seen; what is, is told apart better on a larger scale.
    model.token_embedding.weight.requires_grad_(False).mul_(10)
    drawings = [preprocess(drawn(name, seed)) for seed in range(PICTURES) for name in NAMES]
    pixels, names = torch.stack(drawings), torch.arange(len(NAMES)).repeat(PICTURES)
    learning = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learning, lr=2e-3, weight_decay=0.0)
    slowing = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, STEPS)
    rng = np.random.default_rng(0)
    model.train()
    for _ in range(STEPS):
        rows = rng.choice(len(pixels), BATCH, replace=False)
        tokens = tokenizer([str(rng.choice(PROMPTS)).format(name) for name in NAMES])
        found, words, scale = model(pixels[rows], tokens)[:3]
        torch.nn.functional.cross_entropy(scale * found @ words.T, names[rows]).backward()
        optimizer.step()
        optimizer.zero_grad()
        slowing.step()
