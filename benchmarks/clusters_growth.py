"""How the cost of a full run grows: `python -m benchmarks.clusters_growth [--rows 2000 50000]`.

Groups of 512 dimensions and a fifth of noise. Each size runs in a process of its own, so that its
peak of memory is its own; compiling is measured by itself and taken off. Fifteen minutes of CPU.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time

import numpy as np

from autolabel_core.clusters.algorithms.metrics import measure, noise_recall
from autolabel_core.clusters.algorithms.pipeline import cluster_vectors
from benchmarks.clusters import agreement, defaults
from benchmarks.matching import say

DIMENSIONS = 512
NOISE = 0.2
ROWS_A_GROUP = 200
SIZES = (2_000, 10_000, 50_000)


def with_noise(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw unit rows around directions, and noise; return them and the truth, -1 for noise."""
    rng = np.random.default_rng(rows)
    groups = max(rows // ROWS_A_GROUP, 2)
    centres = rng.standard_normal((groups, DIMENSIONS), np.float32)
    truth = np.where(rng.random(rows) < NOISE, -1, rng.integers(0, groups, rows))
    vectors = rng.standard_normal((rows, DIMENSIONS), np.float32)
    vectors[truth >= 0] = 0.8 * vectors[truth >= 0] + centres[truth[truth >= 0]]
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), truth


def run(rows: int) -> dict[str, float]:
    """Run once in full and measure; the figures and what they cost."""
    cluster_vectors(with_noise(300)[0], defaults())
    vectors, truth = with_noise(rows)
    wall, cpu = time.perf_counter(), time.process_time()
    found = cluster_vectors(vectors, defaults())
    grouped = time.process_time() - cpu
    quality = measure(vectors, found.leaf, len(found.nodes))
    return {
        "wall": time.perf_counter() - wall,
        "CPU": time.process_time() - cpu,
        "CPU of the figures": time.process_time() - cpu - grouped,
        "peak of memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "clusters": len(found.nodes),
        "NMI": agreement(truth, found.leaf)[0],
        "noise recall": noise_recall(found.leaf, truth < 0) or 0.0,
        "noise ratio": quality.noise_ratio,
    }


UNITS = {
    **{"wall": "s", "CPU": "CPU s", "CPU of the figures": "CPU s", "peak of memory": "MiB"},
    **{"clusters": "clusters", "NMI": "0 to 1", "noise recall": "share", "noise ratio": "share"},
}


def main() -> None:
    """Run each size, then print the exponent between the smallest and the largest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=SIZES)
    parser.add_argument("--one", type=int, help="run this size in this process, print JSON")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(run(options.one)))
        return
    costs = {}
    for rows in options.rows:
        command = [sys.executable, "-m", "benchmarks.clusters_growth", "--one", str(rows)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        found = json.loads(done.stdout.splitlines()[-1])
        costs[rows] = found["CPU"]
        for name, unit in UNITS.items():
            say(f"{rows} rows of {DIMENSIONS}: {name}", found[name], unit)
    few, many = min(costs), max(costs)
    exponent = np.log(costs[many] / costs[few]) / np.log(many / few) if many > few else np.nan
    say(f"growth of CPU from {few} to {many} rows", float(exponent), "exponent")


if __name__ == "__main__":
    main()
