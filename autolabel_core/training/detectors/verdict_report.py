"""The report on a gate decision: figures, the reason, a table by class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from autolabel_core.foundation.json_types import Cell
from autolabel_core.ledger import ModelVersion
from autolabel_core.ledger.models import GatePayload
from autolabel_core.models.evaluation.promotion_gate import class_table
from autolabel_core.models.registry import DETECTOR, GATE
from autolabel_core.tables.workspace import Workspace

TOLD = ("train_images", "val_images", "train_boxes", "best_epoch")


def verdict_report(
    workspace: Workspace, collection_name: str, latest: Sequence[ModelVersion]
) -> dict[str, Cell | Sequence[Mapping[str, object]]]:
    """Return what is to be said of the latest version.

    Args:
        workspace: the stores.
        collection_name: whose.
        latest: the version, or none.

    Returns:
        Numbers and texts, and under `classes` the rows of a table.
    """
    active = workspace.registry.active(collection_name, DETECTOR)
    serving = {"in service": active.version if active else "none"}
    if not latest:
        return {**serving, "classes": []}
    model = latest[0]
    decisions = workspace.registry.decisions(collection_name, DETECTOR)
    own = [decision for decision in decisions if decision.version == model.version]
    judged = [decision.payload for decision in own if decision.decided_by == GATE]
    figures = judged[-1] if judged else GatePayload()
    metrics = cast("Mapping[str, float]", model.card["metrics"])
    last = own[-1] if own else None
    return {
        "version": model.version,
        "decision": last.decision if last else "none",
        "decided by": last.decided_by if last else "nobody",
        "reason": last.payload["reason"] if last else "",
        **serving,
        "trained from": str(model.card["parent"]),
        **{name: metrics[name] for name in TOLD if name in metrics},
        **{name: value for name, value in figures.items() if isinstance(value, int | float)},
        "classes": class_table(figures) if figures else [],
    }
