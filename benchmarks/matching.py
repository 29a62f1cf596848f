"""Speed of exact matching and of incremental relabelling, beside the machine's own float32 matmul.

`python -m benchmarks.matching [--documents N]`; 200,000 documents take two minutes on two cores.
Shares of the peak are the best of runs in turns with the peak: other work on the machine disturbs.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autolabel_core.matching.nearest import nearest, nearest_among_themselves
from autolabel_core.matching.neighbour_lists import (
    NeighbourTable,
    build,
    compare_keys,
    follow,
    published,
    update,
)

DIMENSIONS = 512
REFERENCES = 20_000
BATCH = 10_000
EDITED = 20
ROUNDS = 9

Rows = NDArray[np.float32]
Tables = list[NeighbourTable]


def say(name: str, value: float, unit: str) -> None:
    """Print one measurement as a JSON line."""
    print(json.dumps({"name": name, "value": float(f"{value:.4g}"), "unit": unit}), flush=True)


def unit_rows(seed: int, n: int) -> Rows:
    """Draw n directions (n, DIMENSIONS)."""
    rows = np.random.default_rng(seed).standard_normal((n, DIMENSIONS), np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def wall_s(act: Callable[[], object]) -> float:
    """Time one call."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def share_of_peak(act: Callable[[], object], flops: float) -> float:
    """Divide the best of `ROUNDS` speeds by the best matmul speed, measured in turns."""
    side = 3072
    square = np.random.default_rng(0).random((side, side), np.float32)
    out = np.empty_like(square)
    act()
    peak_s, mine_s = [], []
    for _ in range(ROUNDS):
        peak_s.append(wall_s(lambda: np.matmul(square, square[::-1], out=out)))
        time.sleep(0.1)  # idle threads of OpenBLAS spin for some 30 ms before they sleep
        mine_s.append(wall_s(act))
    return (flops / min(mine_s)) / (2.0 * side**3 / min(peak_s))


def measure_matching() -> None:
    """Compare `nearest`, and faiss where it is installed, with the peak."""
    vectors, all_references = unit_rows(1, BATCH), unit_rows(2, REFERENCES)
    for r in (2_000, REFERENCES):
        references, flops = all_references[:r], 2.0 * BATCH * r * DIMENSIONS
        for k in (1, 10):
            share = share_of_peak(lambda k=k, a=references: nearest(vectors, a, k), flops)
            say(f"nearest top-{k}, {r} references", share, "of sgemm peak")
        flat = faiss_index(references)
        for k in (1, 10) if flat else ():
            share = share_of_peak(lambda k=k, f=flat: f.search(vectors, k), flops)
            say(f"faiss IndexFlatIP top-{k}, {r} references", share, "of sgemm peak")
    twins = wall_s(lambda: nearest_among_themselves(all_references, 10))
    say(f"leave one out, top-10 of {REFERENCES} references", twins, "s")


def faiss_index(references: Rows):
    """Build an exact faiss index, or None where faiss is not installed."""
    try:
        import faiss
    except ImportError:
        return None
    flat = faiss.IndexFlatIP(DIMENSIONS)
    flat.add(references)
    return flat


class Peak:
    """The highest anonymous resident memory of this process while the block runs."""

    def __enter__(self) -> Peak:
        self.before_bytes = self.peak_bytes = self.now_bytes()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.02):
            self.peak_bytes = max(self.peak_bytes, self.now_bytes())

    @staticmethod
    def now_bytes() -> int:
        """Read the anonymous resident memory of this process."""
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))


class Relabelling:
    """Documents in a memory-mapped file, and their neighbours, computed batch by batch."""

    def __init__(self, folder: Path, n: int) -> None:
        self.n = n
        shape = (n, DIMENSIONS)
        mapped = np.lib.format.open_memmap(folder / "v.npy", "w+", np.float32, shape)
        for start in range(0, n, BATCH):
            mapped[start : start + BATCH] = unit_rows(
                1000 + start, len(mapped[start : start + BATCH])
            )
        mapped.flush()
        self.vectors = np.load(folder / "v.npy", mmap_mode="r")

    def batches(self) -> Iterator[Rows]:
        """Give the documents in batches of BATCH."""
        for start in range(0, self.n, BATCH):
            yield self.vectors[start : start + BATCH]

    def run(self, act: Callable[[Rows, int], NeighbourTable]) -> tuple[Tables, float, float]:
        """Return the tables of all batches, and the wall and CPU seconds that they took."""
        wall, cpu = time.perf_counter(), time.process_time()
        tables = [act(batch, i) for i, batch in enumerate(self.batches())]
        return tables, time.perf_counter() - wall, time.process_time() - cpu

    def edited(self, tables: Tables, old: NDArray[np.bytes_], new: NDArray[np.bytes_], now: Rows):
        """Follow one edit through all batches; the seconds include the comparison of the keys."""
        wall, cpu = time.perf_counter(), time.process_time()
        edit = compare_keys(old, new)
        compared_wall, compared_cpu = time.perf_counter() - wall, time.process_time() - cpu
        after, wall, cpu = self.run(lambda batch, i: follow(tables[i], batch, edit, now))
        return after, wall + compared_wall, cpu + compared_cpu


def must_equal_a_full_build(job: Relabelling, tables: Tables, references: Rows) -> None:
    """Compare the published bytes of the first two batches with a full build."""
    for batch, table in list(zip(job.batches(), tables, strict=True))[:2]:
        nobody = np.full(len(batch), -1, np.int32)
        mine, full = published(table, nobody), published(build(batch, references), nobody)
        if mine.position.tobytes() + mine.score.tobytes() != (
            full.position.tobytes() + full.score.tobytes()
        ):
            raise SystemExit("the incremental result differs from the full one")


def measure_relabelling(job: Relabelling) -> None:
    """Build in full, edit, and report how much faster it is to follow the edits."""
    everything = unit_rows(3, REFERENCES + EDITED)
    ids = np.char.mod("%08d", np.arange(len(everything))).astype("S40")
    old, grown = slice(0, REFERENCES), slice(0, None)
    swapped = np.delete(np.arange(len(everything)), np.arange(0, EDITED * 997, 997))
    build(job.vectors[:100], everything)
    tables, build_wall_s, build_cpu_s = job.run(lambda batch, _: build(batch, everything[old]))
    size = f"{job.n} documents, {REFERENCES} references"
    say(f"full build, {size}", build_wall_s, "s")
    say(f"full build, {size}", build_cpu_s, "CPU s")
    for name, chosen in ((f"+{EDITED}", grown), (f"+{EDITED} -{EDITED}", swapped)):
        now = everything[chosen]
        after, update_wall_s, update_cpu_s = job.edited(tables, ids[old], ids[chosen], now)
        must_equal_a_full_build(job, after, now)
        say(f"relabel {name}, {size}", update_cpu_s, "CPU s")
        say(f"relabel {name}: faster than the build, wall", build_wall_s / update_wall_s, "times")
        say(f"relabel {name}: faster than the build, CPU", build_cpu_s / update_cpu_s, "times")
    same, now = ids[old].copy(), everything[old]
    _, same_wall_s, _ = job.run(lambda batch, i: update(tables[i], batch, ids[old], same, now))
    say("relabel with equal keys: faster than the build, wall", build_wall_s / same_wall_s, "times")
    nobody = np.full(BATCH, -1, np.int32)
    say(f"publish {BATCH} documents", wall_s(lambda: published(tables[0], nobody[: job.n])), "s")


def main() -> None:
    """Run everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=200_000)
    parser.add_argument("--relabelling-only", action="store_true")
    chosen = parser.parse_args()
    if not chosen.relabelling_only:
        measure_matching()
    with tempfile.TemporaryDirectory() as folder:
        job = Relabelling(Path(folder), chosen.documents)
        with Peak() as peak:
            measure_relabelling(job)
    say("peak anonymous memory while relabelling", peak.peak_bytes / 1e6, "MB")


if __name__ == "__main__":
    main()
