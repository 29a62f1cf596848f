"""Every benchmark, one JSON line each figure: `python -m benchmarks [--data DIR]`."""

from __future__ import annotations

import argparse
import subprocess
import sys

MODULES = (
    *("matching", "pipeline", "encoder", "command_line", "embedding_quality", "demo_accuracy"),
    *("automation", "s3_listing", "webhooks", "drift", "discovery"),
    *("clusters", "clusters_beside", "clusters_growth", "detection", "ledger_growth"),
    *("identify_index", "identify_serving", "scores", "thresholds", "certified"),
    *("label_doubts", "first_hour", "next_labels"),
)
WITH_DATA = (
    "pipeline",
    "embedding_quality",
    "discovery",
    "clusters_beside",
    "detection",
    "scores",
    "thresholds",
    "certified",
    "label_doubts",
    "first_hour",
    "next_labels",
    "drift",
)


def main() -> None:
    """Run each module in a process of its own, so that none warms another."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", help="folder with objects10 and agnews")
    data = parser.parse_args().data
    for module in MODULES:
        options = ["--data", data] if data and module in WITH_DATA else []
        subprocess.run([sys.executable, "-m", f"benchmarks.{module}", *options], check=True)


if __name__ == "__main__":
    main()
