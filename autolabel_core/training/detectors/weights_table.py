"""New versions of a collection's detector: trained on request, evaluated on gold images."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import PurePath
from typing import TypedDict

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from autolabel_core.declarations.detection import Detection
from autolabel_core.foundation.charts import precision_recall
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.foundation.json_types import Report
from autolabel_core.foundation.progress import Progress
from autolabel_core.ledger import GateResult, ModelVersion
from autolabel_core.ledger.models import GateFigures
from autolabel_core.models.evaluation.average_precision import Evaluation
from autolabel_core.models.evaluation.promotion_gate import compare_versions
from autolabel_core.models.registry import (
    DETECTOR,
    GATE,
    DecisionsChangedError,
    active_version,
    needs_a_person,
)
from autolabel_core.tables.boxes.splits import GOLD
from autolabel_core.tables.boxes.training_set import TrainingSet, training_set
from autolabel_core.tables.detections import DetectionTable
from autolabel_core.tables.table import WHOLE
from autolabel_core.training.detectors.evaluate_version import evaluate_version
from autolabel_core.training.detectors.side_by_side import completed, side_by_side
from autolabel_core.training.detectors.train_detector import train_detector
from autolabel_core.training.detectors.training_data import check_enough, gold_hash
from autolabel_core.training.detectors.verdict_report import verdict_report
from autolabel_core.training.requested_weights import RequestedWeights

Floats = npt.NDArray[np.float64]
_FIELDS: list[tuple[str, pa.DataType]] = [
    ("version", pa.string()),
    ("against", pa.string()),
    ("class", pa.string()),
    ("candidate_precision", pa.list_(pa.float64())),
    ("active_precision", pa.list_(pa.float64())),
]
SCHEMA = pa.schema(_FIELDS)

CurveRow = TypedDict(
    "CurveRow",
    {
        "version": str,
        "against": str | None,
        "class": str,
        "candidate_precision": Floats,
        "active_precision": Floats | None,
    },
)
"""SCHEMA as a type: precision of a class at each recall, of the version and of the one it met."""


class FineTunedWeights(RequestedWeights):
    """One file: the curves of the latest version against the one that was in service."""

    kind = DETECTOR

    @cached_property
    def data(self) -> TrainingSet:
        """What is learnt from, and what judges."""
        return training_set(self.collection)

    @property
    def declared(self) -> Detection:
        """The declared detector."""
        return self.collection.detector.declared

    def check(self) -> None:
        """Refuse to train from what teaches nothing."""
        check_enough(self.collection_name, self.data)

    def path(self, batch: str = WHOLE) -> PurePath:
        """Return the file of the curves."""
        return self.warehouse.path(self.collection_name, self.name, "judged.parquet")

    def fingerprint(self, batch: str = WHOLE) -> str | None:
        """Cover what is asked for, whether the gate can judge, and which versions have looked.

        A version whose tables are complete is looked at beside the others, once.
        """
        if self.collection.declaration.detection is None:
            return None
        asked = None if self.request is None else self.request.request_id
        added = [m.version for m in self.versions if not m.card["data_hash"]]
        looked = [folder.name for folder in completed(self.sibling(DetectionTable), self.data)]
        if asked is None and not added and not looked:
            return None
        needed = self.declared.gate.min_images
        enough = len(self.data.images[GOLD]) >= needed
        return fingerprint(asked, added, looked, needed, enough)

    def build(self, batch: str, fingerprint: str, progress: Progress) -> None:
        """Train if that is asked for, then judge the latest version if that is not done."""
        request = self.request
        with self.warehouse.writing("training"):
            if request is not None and self.waits_for_training:
                train_detector(self.collection, self.data, request.request_id, progress)
            rows: list[CurveRow] = []
            for model in self.versions:
                if model == self.versions[-1] or self._is_open(model, self._decisions()):
                    rows = self._judge(model)
            table = pa.Table.from_pylist(rows, schema=SCHEMA)
            self.warehouse.write_table(self.path(), table, fingerprint)

    def _decisions(self) -> Sequence[GateResult]:
        return self.collection.registry.decisions(self.collection_name, DETECTOR)

    def _is_open(self, model: ModelVersion, decisions: Sequence[GateResult]) -> bool:
        """Whether nobody decided about a version yet, or the gate had too few images to judge."""
        last = _last_of(model, decisions)
        return last is None or _was_too_early(last, self.declared.gate.min_images)

    def _judge(self, model: ModelVersion) -> list[CurveRow]:
        """Compare a version with the one in service; a decision that stands is not made again.

        Looking takes minutes. Where somebody decides meanwhile, the version is compared anew, with
        what serves then.
        """
        candidate = self._evaluate(model)
        while True:
            seen = self._decisions()
            active = self._opponent(model, seen)
            in_service = None if active is None else self._evaluate(active)
            try:
                if self._is_open(model, seen):
                    self._decide(model, candidate, in_service, seen)
            except DecisionsChangedError:
                continue
            against = None if active is None else active.version
            return _curves(model.version, against, candidate, in_service)

    def _opponent(self, model: ModelVersion, seen: Sequence[GateResult]) -> ModelVersion | None:
        """Return the version to compare with: the one in service, or when it was decided."""
        last = _last_of(model, seen)
        version = active_version(seen)
        if last is not None and not self._is_open(model, seen) and last.against is not None:
            version = last.against
        if version is None or version == model.version:
            return None
        return self.collection.registry.find(self.collection_name, DETECTOR, version)

    def _decide(
        self,
        model: ModelVersion,
        candidate: Evaluation,
        in_service: Evaluation | None,
        seen: Sequence[GateResult],
    ) -> None:
        rng = np.random.default_rng(self.declared.training.seed)
        verdict = compare_versions(candidate, in_service, self.declared.gate, rng)
        verdict = verdict.left_to_people(needs_a_person(model, self.versions, seen))
        figures: GateFigures = {**verdict.figures, "gold_hash": gold_hash(self.data)}
        self.collection.registry.decide(
            model, verdict.decision, GATE, verdict.reason, figures, seen
        )

    def _evaluate(self, model: ModelVersion) -> Evaluation:
        return evaluate_version(self.collection.workspace, self.declared, model, self.data)

    def report(self, batch: str = WHOLE) -> Report:
        """Say what the gate decided about the latest version, and compare all that have looked."""
        latest = verdict_report(self.collection.workspace, self.collection_name, self.versions[-1:])
        return {**latest, "versions": side_by_side(self.sibling(DetectionTable), self.data)}

    def pictures(self, batch: str = WHOLE) -> dict[str, bytes]:
        """Draw precision against recall at an overlap of 0.5."""
        rows = self.warehouse.read_table(self.path()).to_pylist()
        if not rows:
            return {}
        candidate = {row["class"]: row["candidate_precision"] for row in rows}
        active = {row["class"]: row["active_precision"] for row in rows if row["against"]}
        titles = (rows[0]["version"], rows[0]["against"] or "")
        return {"precision and recall": precision_recall(candidate, active or None, titles)}


def _last_of(model: ModelVersion, decisions: Sequence[GateResult]) -> GateResult | None:
    return next((d for d in reversed(decisions) if d.version == model.version), None)


def _was_too_early(decision: GateResult, min_images: int) -> bool:
    """Whether the gate held a version only because there were too few gold images."""
    if decision.decided_by != GATE or decision.decision == "promoted":
        return False
    return decision.payload.get("gold_images", 0) < min_images


def _curves(
    version: str, against: str | None, candidate: Evaluation, active: Evaluation | None
) -> list[CurveRow]:
    return [
        {
            "version": version,
            "against": against,
            "class": name,
            "candidate_precision": matches.precision_at(0),
            "active_precision": None if active is None else active.matches[name].precision_at(0),
        }
        for name, matches in candidate.matches.items()
    ]
