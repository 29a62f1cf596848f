"""Does a threshold keep its word? What `autolabel threshold` says of the references, and the truth.

`python -m benchmarks.thresholds --data FOLDER`: for each draw of labels a class, the threshold is
proposed from the references alone, and judged on all the other items. One JSON line each set:
`bound_holds` is the share of draws in which the true precision is at least the bound that was
printed (0.95 is promised), `naive_bound_holds` the same for the interval of the sample that chose.
"""

from __future__ import annotations

import argparse
import json

import numpy as np

from autolabel_core.foundation.statistics import wilson_interval
from autolabel_core.matching.nearest import nearest, nearest_among_themselves
from autolabel_core.matching.thresholds import propose_threshold
from autolabel_core.models.extractors import embed_checked, load_extractor
from benchmarks.datasets import agnews, digits, objects10

DRAWS, PRECISION = 50, 0.95
LABELS_A_CLASS = (10, 20)


def judge(vectors: np.ndarray, truth: np.ndarray, a_class: int, rng: np.random.Generator) -> dict:
    """Propose from one draw of references; return what was said and what is so."""
    chosen = [rng.permutation(np.flatnonzero(truth == name))[:a_class] for name in np.unique(truth)]
    held = np.sort(np.concatenate(chosen))
    rest = np.setdiff1d(np.arange(len(truth)), held)
    own = nearest_among_themselves(vectors[held], 1)
    right = truth[held][own.position[:, 0]] == truth[held]
    found = propose_threshold(own.score[:, 0], right, PRECISION)
    others = nearest(vectors[rest], vectors[held], 1)
    labelled = others.score[:, 0] >= found.threshold
    is_right = truth[held][others.position[:, 0]] == truth[rest]
    true = float(is_right[labelled].mean()) if labelled.any() else None
    hits = round(found.precision * found.matched)
    return {
        "said": found.precision,
        "at_least": found.precision_low,
        "naive_at_least": wilson_interval(hits, found.matched)[0],
        "true": true,
        "promised": found.promised,
    }


def report(name: str, vectors: np.ndarray, truth: np.ndarray) -> None:
    """Print how often the words held."""
    for a_class in LABELS_A_CLASS:
        draws = [
            judge(vectors, truth, a_class, np.random.default_rng(seed)) for seed in range(DRAWS)
        ]
        known = [draw for draw in draws if draw["true"] is not None]
        line = {
            "set": name,
            "labels_a_class": a_class,
            "draws": len(known),
            "said": float(np.mean([draw["said"] for draw in known])),
            "true": float(np.mean([draw["true"] for draw in known])),
            "at_least": float(np.mean([draw["at_least"] for draw in known])),
            "bound_holds": float(np.mean([d["true"] >= d["at_least"] for d in known])),
            "naive_bound_holds": float(np.mean([d["true"] >= d["naive_at_least"] for d in known])),
            "promised": float(np.mean([draw["promised"] for draw in known])),
        }
        print(json.dumps({k: round(v, 3) if isinstance(v, float) else v for k, v in line.items()}))


def main() -> None:
    """Measure digits, and photographs and texts where there is a folder of them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", help="Folder with objects10 and agnews.")
    data = parser.parse_args().data
    sets = {"digits": digits(), "objects10": objects10(data), "agnews": agnews(data)}
    for name, found in sets.items():
        if found is None:
            continue
        kind, model = ("text", "hashed") if name == "agnews" else ("image", "descriptor")
        extractor = load_extractor(f"{kind}_extractor", "v1", model, {})
        report(name, embed_checked(extractor, found[0]), found[1])


if __name__ == "__main__":
    main()
