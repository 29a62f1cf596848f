"""Unknown classes found and turned into labels: `python -m benchmarks.discovery [--data DIR]`.

People label ten of each of seven classes; nobody labels the other three. What the labels do not
reach is grouped; one cluster is promoted; a sweep labels the rest of it. Every step goes through
Dagster, as the command line does it. Targets are for the digits; the photographs of objects10 are
reported beside them, because the embedded descriptor is weak there.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from autolabel_app.runs import run_clusters, sweep
from autolabel_core.clusters.history import ask_for_run
from autolabel_core.clusters.promotion import confirm_promotion, propose_promotion
from autolabel_core.clusters.report import current_documents
from autolabel_core.clusters.table import Clusters
from autolabel_core.documents.documents import Documents
from autolabel_core.documents.threshold_tuning import propose_thresholds
from autolabel_core.foundation.paths import Paths, sqlite_url
from autolabel_core.labelling.give_labels import GivenLabel, give_labels
from autolabel_core.tables.workspace import Workspace
from benchmarks.datasets import digits, objects10
from benchmarks.matching import say

NAME, CLUSTERS = "found", "new_kinds"
LABELS, WITHHELD, PRECISION, SEED = 10, 3, 0.95, 0
YAML = """\
feature_extractor: {{model: descriptor, field_passthrough: [kind]}}
taxonomy: {{field_to_enrich: kind, confidence_threshold: {threshold}}}
retrievers:
  - retriever_name: unlabelled
    stages:
      - {{stage_id: attribute_filter, parameters: {{field: kind, operator: exists, value: false}}}}
clusters:
  - cluster_name: new_kinds
    filter: unlabelled
    mode: assign
"""


class Trial:
    """One data set in a home of its own."""

    def __init__(self, folder: Path, images: list[Any], truth: np.ndarray) -> None:
        self.paths = Paths(folder / "home", folder / "declared", sqlite_url(folder / "ledger.db"))
        self.truth = {f"{i:05d}.png": str(name) for i, name in enumerate(truth)}
        bucket = self.paths.buckets / NAME
        bucket.mkdir(parents=True)
        self.paths.collections.mkdir(parents=True)
        for key, image in zip(self.truth, images, strict=True):
            image.save(bucket / key)

    @property
    def workspace(self) -> Workspace:
        """The stores, declarations read anew."""
        return Workspace(self.paths)

    def sweep(self, threshold: float) -> None:
        """Declare the threshold, and bring everything up to date."""
        file = self.paths.collections / f"{NAME}.yaml"
        file.write_text(YAML.format(threshold=threshold), encoding="utf-8")
        sweep(self.workspace, [NAME], False, lambda line: None)

    def label(self, rng: np.random.Generator, withheld: set[str]) -> float:
        """Label ten of each known class; return the threshold that leave-one-out proposes."""
        given = []
        for kind in sorted(set(self.truth.values()) - withheld):
            keys = [key for key, name in self.truth.items() if name == kind]
            given += [GivenLabel(key, kind) for key in rng.choice(keys, LABELS, replace=False)]
        opened = self.workspace
        give_labels(opened.open(NAME), given, "benchmark", "csv")
        self.sweep(0.3)
        opened = self.workspace
        proposed = propose_thresholds(opened.open(NAME), PRECISION).overall
        return int(proposed.threshold * 1e4) / 1e4

    def records(self) -> list[dict[str, Any]]:
        """Every document."""
        opened = self.workspace
        return Documents(opened.open(NAME)).find()

    def figures(self, kind: str | None = None) -> tuple[float, float]:
        """Coverage of what people left, and precision of the labels; of one true class, or all."""
        left = [r for r in self.records() if r["label_source"] not in ("human", "promoted")]
        left = [r for r in left if kind is None or self.truth[r["key"]] == kind]
        auto = [r for r in left if r["label"] is not None]
        right = sum(r["label"] == self.truth[r["key"]] for r in auto)
        return len(auto) / max(len(left), 1), right / max(len(auto), 1)

    def clusters(self) -> dict[str, list[str]]:
        """Group what is unlabelled; true classes of the members by cluster."""
        opened = self.workspace
        ask_for_run(opened.ledger, NAME, CLUSTERS, "benchmark", "once")
        run_clusters(opened.open(NAME), False)
        (one,) = Clusters(opened.open(NAME)).defined
        key = {r["document_id"]: r["key"] for r in self.records()}
        found = current_documents(one)
        return {c: [self.truth[key[d]] for d in documents] for c, documents in found.items()}

    def promote(self, cluster: str, kind: str) -> int:
        """Promote a cluster as a person would who looked at its heart."""
        opened = self.workspace
        found = propose_promotion(opened.open(NAME), cluster, kind)
        say(f"stability of {cluster}", found.stability, "jaccard")
        return confirm_promotion(opened, found, "benchmark", force=True)


def best_cluster(
    clusters: dict[str, list[str]], kind: str, unlabelled: int
) -> tuple[float, float, str]:
    """Return recall over the unlabelled, purity, and id of the cluster that holds most of a class.

    Args:
        clusters: true classes of the members, by cluster.
        kind: the class.
        unlabelled: how many documents of the class carry no label.

    Returns:
        The three; zeros where there are no clusters.
    """
    counted = [(Counter(kinds)[kind], len(kinds), c) for c, kinds in sorted(clusters.items())]
    own, size, cluster = max(counted, default=(0, 1, ""), key=lambda one: one[0])
    return own / max(unlabelled, 1), own / size, cluster


def tell(name: str, images: list[Any], truth: np.ndarray) -> None:
    """Run the story on one data set."""
    rng = np.random.default_rng(SEED)
    withheld = sorted(rng.choice(sorted(set(truth)), WITHHELD, replace=False).tolist())
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(Path(folder), images, truth)
        os.environ["DAGSTER_HOME"] = str(trial.paths.dagster_home)
        trial.paths.dagster_home.mkdir(parents=True)
        trial.sweep(0.3)
        threshold = trial.label(rng, set(withheld))
        trial.sweep(threshold)
        open_ = Counter(trial.truth[r["key"]] for r in trial.records() if r["label"] is None)
        clusters = trial.clusters()
        say(f"{name}, clusters among {open_.total()} unlabelled", len(clusters), "clusters")
        found = {kind: best_cluster(clusters, kind, open_[kind]) for kind in withheld}
        for kind, (recall, purity, _) in found.items():
            say(f"{name}, withheld {kind}, purity of its cluster", purity, "share")
            say(f"{name}, withheld {kind}, recall over the unlabelled", recall, "share")
        chosen = max(found, key=lambda kind: found[kind][0] * found[kind][1])
        before, own_before = trial.figures(), trial.figures(chosen)
        promoted = trial.promote(found[chosen][2], chosen)
        trial.sweep(threshold)
        after, own_after = trial.figures(), trial.figures(chosen)
    say(f"{name}, promoted to {chosen}", promoted, "references")
    for when, all_, own in (("before", before, own_before), ("after", after, own_after)):
        say(f"{name}, {when} the promotion, coverage", all_[0], "share")
        say(f"{name}, {when} the promotion, precision", all_[1], "share")
        say(f"{name}, {when} the promotion, coverage of {chosen}", own[0], "share")
        say(f"{name}, {when} the promotion, precision on {chosen}", own[1], "share")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", help="folder with objects10")
    data = parser.parse_args().data
    tell("digits", *digits(side_px=32))
    photographs = objects10(data)
    if photographs is not None:
        tell("objects10", *photographs)


if __name__ == "__main__":
    main()
