"""Indexing a folder beside the bare encoder, and searching 10,000 references.

`python -m benchmarks.identify_index [--pictures N]`. The encoder is open_clip's ViT-B-32; random
weights take as long as trained ones. "Bare" embeds pictures that are decoded already, in the same
batches. Both run in turns; where other work disturbs, trust the share of processor time.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from autolabel_app.demos.identify.cards import card_names, draw_card
from autolabel_core.identify.build_index import CHUNK, build_index
from autolabel_core.identify.index_encoder import load_encoder, origin_of
from autolabel_core.identify.reference_folder import ReferenceFolder, read_folder
from autolabel_core.matching.reference_index import IndexOrigin, ReferenceIndex
from autolabel_core.models.extractors import Extractor, embed_checked

ROUNDS = 3
REFERENCES, DIMENSIONS, QUERIES = 10_000, 512, 64
MODEL = "ViT-B-32"


def say(name: str, value: float, unit: str) -> None:
    """Print one measurement as a JSON line."""
    print(json.dumps({"name": name, "value": float(f"{value:.4g}"), "unit": unit}), flush=True)


def wall_s(act: Callable[[], object]) -> float:
    """Time one call."""
    return timed(act)[0]


def timed(act: Callable[[], object]) -> tuple[float, float]:
    """Return wall and processor seconds of one call."""
    start, cpu = time.perf_counter(), time.process_time()
    act()
    return time.perf_counter() - start, time.process_time() - cpu


def random_clip(folder: Path) -> str:
    """Write a checkpoint of random weights; return the model's name for an extractor."""
    import open_clip
    import torch

    checkpoint = folder / "random.pt"
    torch.save(open_clip.create_model(MODEL).state_dict(), checkpoint)
    return f"open_clip:{MODEL}/{checkpoint}"


def draw_folder(folder: Path, pictures: int) -> ReferenceFolder:
    """Write so many cards as JPEG files of 480 × 672 pixels, as cameras and catalogues give."""
    folder.mkdir()
    for number, name in enumerate(card_names(pictures)):
        draw_card(number).resize((480, 672)).save(folder / f"{name}.jpg", quality=90)
    return read_folder(folder)


def indexing(pictures: int) -> None:
    """Compare the throughput of indexing with that of the encoder alone."""
    with tempfile.TemporaryDirectory() as place:
        folder = draw_folder(Path(place) / "refs", pictures)
        encoder = load_encoder(random_clip(Path(place)))
        origin = origin_of(encoder, Path(place) / "refs")
        decoded = [r.picture(encoder.min_side_px) for r in folder.references]
        bare(encoder, decoded[:CHUNK])
        alone, whole = [], []
        for _ in range(ROUNDS):
            alone.append(timed(lambda: bare(encoder, decoded)))
            whole.append(timed(lambda: build_index(folder, encoder, origin)))
        bare_wall, bare_cpu = np.array(alone).min(axis=0)
        wall, cpu = np.array(whole).min(axis=0)
        say("identify_index_throughput", pictures / wall, "images/s")
        say("identify_index_of_bare_encoder", bare_wall / wall, "share")
        say("identify_index_of_bare_encoder_cpu", bare_cpu / cpu, "share")


def bare(encoder: Extractor, pictures: list[object]) -> None:
    """Embed decoded pictures in the batches of the index."""
    for start in range(0, len(pictures), CHUNK):
        embed_checked(encoder, pictures[start : start + CHUNK])


def searching() -> None:
    """Time a search among 10,000 references, and reading their index."""
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((REFERENCES + QUERIES, DIMENSIONS), np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    names = tuple(f"thing {i % (REFERENCES * 3 // 4)}" for i in range(REFERENCES))
    files = tuple(f"{i}.jpg" for i in range(REFERENCES))
    origin = IndexOrigin("autolabel://image_extractor@v1/random")
    index = ReferenceIndex(rows[:REFERENCES], names, files, files, origin, ({},) * REFERENCES)
    queries = rows[REFERENCES:]
    index.search(queries)
    one = min(wall_s(lambda: index.search(queries[:1])) for _ in range(20))
    say("identify_search_one_of_10000", 1000 * one, "ms")
    say("identify_search_64_of_10000", 1000 * wall_s(lambda: index.search(queries)), "ms")
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "index.npz"
        say("identify_index_write_10000", wall_s(lambda: index.save(file)), "s")
        say("identify_index_read_10000", wall_s(lambda: ReferenceIndex.load(file)), "s")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=128)
    indexing(parser.parse_args().pictures)
    searching()


if __name__ == "__main__":
    main()
