"""What the default encoder costs in the pipeline beside bare loops over arrays that are decoded.

Photographs of 300 × 200 pixels, as JPEG. Run `python -m benchmarks.encoder [--images 600]`.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from autolabel_core.foundation.parallel import USABLE_CORES
from autolabel_core.foundation.paths import Paths, model_cache
from autolabel_core.models.extractors.efficientnet import VARIANTS, network_source, prepare
from autolabel_core.models.onnx_runtime import load_network
from autolabel_core.operations.registration import register
from autolabel_core.tables.embeddings import Embeddings
from autolabel_core.tables.raw_objects import RawObjects
from autolabel_core.tables.workspace import Workspace
from benchmarks.datasets import photographs
from benchmarks.matching import say

IMAGES = 600
NAMED = 3_000
BARE_BATCH, TORCH_BATCH = 32, 16
LITE0 = VARIANTS["efficientnet_lite0"]


@dataclass(frozen=True)
class Cost:
    """Seconds of the wall clock, and of CPU over all threads."""

    wall: float
    cpu: float


def cost(work: Callable[[], object]) -> Cost:
    """Measure a piece of work."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Cost(time.perf_counter() - wall, time.process_time() - cpu)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=IMAGES)
    with tempfile.TemporaryDirectory() as folder:
        run(Path(folder), parser.parse_args().images)


def run(root: Path, count: int) -> None:
    """Measure in a folder of its own: the pipeline first, so that its memory is its own."""
    load_network(network_source(LITE0), "cpu")
    images, _ = photographs(frames_each=-(-count // 22))
    images = images[:count]
    workspace = write(root, images)
    ours = cost(lambda: register_and_embed(workspace))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    pixels = [prepare(image, LITE0) for image in images]
    bare = cost(lambda: bare_runtime(pixels))
    eager = cost(lambda: bare_torch(pixels[: count // 4]))
    say("raw_objects and embeddings", 1000 * ours.cpu / count, "CPU ms an image")
    say(f"{NAMED:,} photographs of 300 × 200", NAMED * ours.cpu / count, "CPU s")
    say("pipeline / bare ONNX Runtime loop", bare.cpu / ours.cpu, "ratio of images per CPU second")
    say("pipeline / bare ONNX Runtime loop", bare.wall / ours.wall, "ratio of images per second")
    ratio = 4 * eager.cpu / ours.cpu
    say("pipeline / bare eager torch loop", ratio, "ratio of images per CPU second")
    say("pipeline's memory", memory, "MB RSS at most")


def write(root: Path, images: list[Image.Image]) -> Workspace:
    """Write the bucket and the declaration of a collection with the default encoder."""
    for folder in ("bucket", "collections"):
        (root / folder).mkdir()
    for number, image in enumerate(images):
        image.save(root / "bucket" / f"{number:05d}.jpg", quality=90)
    text = f"source: {{type: bucket, uri: {root / 'bucket'}}}\ntaxonomy: {{field_to_enrich: x}}\n"
    (root / "collections" / "bench.yaml").write_text(text, encoding="utf-8")
    ledger = f"sqlite:///{root / 'home' / 'ledger.sqlite'}"
    return Workspace(Paths(root / "home", root / "collections", ledger))


def register_and_embed(workspace: Workspace) -> None:
    """Do what the two assets do."""
    collection = workspace.open("bench")
    register(collection)
    for table in (RawObjects(collection), Embeddings(collection)):
        for batch in table.batches:
            table.refresh(batch)


def bare_runtime(pixels: list[np.ndarray]) -> None:
    """Run the network over batches of decoded arrays, with all cores in each call."""
    import onnxruntime

    (file,) = model_cache().glob(f"{LITE0.name}-{network_source(LITE0).key}.onnx")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = USABLE_CORES
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    for start in range(0, len(pixels), BARE_BATCH):
        session.run(None, {"pixels": np.stack(pixels[start : start + BARE_BATCH])})


def bare_torch(pixels: list[np.ndarray]) -> None:
    """Run the network eagerly by torch over batches of decoded arrays."""
    import torch

    network = network_source(LITE0).load()
    with torch.inference_mode():
        for start in range(0, len(pixels), TORCH_BATCH):
            network(torch.from_numpy(np.stack(pixels[start : start + TORCH_BATCH])))


if __name__ == "__main__":
    main()
