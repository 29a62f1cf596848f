"""Projection heads for a collection's features: trained on request on people's labels."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cached_property
from operator import itemgetter
from pathlib import Path, PurePath
from typing import Literal, TypedDict, cast

import pyarrow as pa

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.foundation.json_types import Cell, Report
from autolabel_core.foundation.progress import Progress
from autolabel_core.ledger import GateResult, ModelVersion
from autolabel_core.ledger.models import GateFigures
from autolabel_core.models.evaluation.augmentation_cache import ViewCache
from autolabel_core.models.evaluation.promotion_gate import GateVerdict
from autolabel_core.models.extractors import Extractor
from autolabel_core.models.projection_head import Head
from autolabel_core.models.registry import (
    GATE,
    HEAD,
    DecisionsChangedError,
    ModelCard,
    needs_a_person,
)
from autolabel_core.models.registry.card import environment
from autolabel_core.storage.typed_rows import rows_as
from autolabel_core.tables.document_table import DocumentRow, Unreadable
from autolabel_core.tables.reference_pictures import ReferencePicture
from autolabel_core.tables.reference_set import ReferenceSet
from autolabel_core.tables.table import WHOLE
from autolabel_core.training.heads.train_head import (
    HeadTrainingData,
    Recipe,
    TrainedHead,
    train_head,
)
from autolabel_core.training.heads.training_data import labelled_material
from autolabel_core.training.requested_weights import RequestedWeights

WEIGHTS = "head.safetensors"
OWN = "those of the encoder and of the labelled items"
_FIELDS: list[tuple[str, pa.DataType]] = [
    ("version", pa.string()),
    ("label", pa.string()),
    ("margin_before", pa.float64()),
    ("margin_after", pa.float64()),
]
SCHEMA = pa.schema(_FIELDS)


class LabelledDocument(DocumentRow):
    """A document that can be read, with the label that people gave it."""

    label: str


class MarginRow(TypedDict):
    """SCHEMA as a type: the median margin of a label before and after the head."""

    version: str
    label: str
    margin_before: float
    margin_after: float


class HeadWeights(RequestedWeights):
    """One file: the margins of each label before and after the latest head."""

    kind = HEAD

    @cached_property
    def references(self) -> ReferenceSet:
        """What people labelled."""
        return self.sibling(ReferenceSet)

    @property
    def base(self) -> Extractor:
        """The encoder without any head."""
        return self.collection.base_extractor

    @cached_property
    def rows(self) -> list[LabelledDocument]:
        """What people labelled and can be read, whatever space its vectors are in."""
        held = self.references.annotations
        said = {document: event.label for document, event in held.items() if event.label}
        items = self.references.embeddings.items
        rows = sorted(items.rows_of(set(said)), key=itemgetter("document_id"))
        decoded = items.decoded(rows, self.base.min_side_px)
        return [
            {**row, "label": said[row["document_id"]]}
            for row, found in zip(rows, decoded, strict=True)
            if not isinstance(found, Unreadable)
        ]

    def path(self, batch: str = WHOLE) -> PurePath:
        """Return the file of the margins."""
        return self.warehouse.path(self.collection_name, self.name, "margins.parquet")

    def fingerprint(self, batch: str = WHOLE) -> str | None:
        """Cover what is asked for; None where nobody asked."""
        return None if self.request is None else fingerprint(self.request.request_id)

    def check(self) -> None:
        """Refuse to train from what teaches nothing.

        Raises:
            AutolabelError: the references have fewer than two labels.
        """
        labels = {row["label"] for row in self.rows}
        if len(labels) < 2:
            raise AutolabelError(
                f"A head learns to tell labels apart; `{self.collection_name}` has references of "
                f"{len(labels)}. Label more with `autolabel label`, then sweep."
            )

    def build(self, batch: str, fingerprint: str, progress: Progress) -> None:
        """Train for the request, unless that is done, and let the gate judge."""
        request = self.request
        trained: TrainedHead | None = None
        with self.warehouse.writing("training"):
            if request is not None and self.waits_for_training:
                self.check()
                # After the labels are read: one more counts as learned rather than one less.
                until = self.collection.ledger.annotation_position(self.collection_name).last
                seen = self.collection.registry.decisions(self.collection_name, HEAD)
                trained = self._train(progress)
                model = self._registered(trained, request.request_id, until)
                self._decide(model, trained, seen)
        margins = trained.margins if trained else {}
        version = self.versions[-1].version
        rows = [
            {"version": version, "label": label, "margin_before": before, "margin_after": after}
            for label, (before, after) in sorted(margins.items())
        ]
        table = pa.Table.from_pylist(rows, schema=SCHEMA)
        self.warehouse.write_table(self.path(), table, fingerprint)

    def _train(self, progress: Progress) -> TrainedHead:
        resume = self.collection.paths.training / self.collection_name / "head.resume"
        return train_head(self.material(Recipe()), Recipe(), resume, None, progress, self._serving)

    @property
    def _serving(self) -> Head | None:
        return self.collection.head

    def material(self, recipe: Recipe) -> HeadTrainingData:
        """Return what is trained on, and what judges.

        Args:
            recipe: how many views, where labels have too few items to keep some apart.

        Returns:
            The material, in the space of the encoder without any head.
        """
        cache = ViewCache(self.collection.paths.views, self.base)
        items = self.references.embeddings.items
        pictures = [ReferencePicture(items, row) for row in self.rows]
        labels = [row["label"] for row in self.rows]
        return labelled_material(pictures, labels, self.base, cache, recipe)

    def _registered(self, trained: TrainedHead, asked_by: str, until: int) -> ModelVersion:
        registry, name = self.collection.registry, self.collection_name
        parent = registry.active(name, HEAD)
        card = ModelCard(
            weights_name=WEIGHTS,
            data_hash=str(trained.head.card["data"]),
            parent=parent.version if parent else None,
            parameters=asdict(Recipe()),
            metrics={"before": dict(trained.before), "after": dict(trained.after)},
            classes=tuple(trained.head.card["labels"]),
            licence=OWN,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            asked_by=asked_by,
            environment=environment("any"),
            annotations_until=until,
        )
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / WEIGHTS
            trained.head.save(file)
            return registry.add(name, HEAD, file, card)

    def _decide(
        self, model: ModelVersion, trained: TrainedHead, seen: Sequence[GateResult]
    ) -> None:
        """Record the gate's verdict; it is against the head that served when training began."""
        figures: GateFigures = {"before": trained.before, "after": trained.after}
        fell = " and ".join(name.replace("_", " ") for name in trained.fell)
        reason = f"{fell} fell on held-out items" if fell else "neither top-1 nor the margin fell"
        decision: Literal["promoted", "held"] = "promoted" if trained.adopted else "held"
        verdict = GateVerdict(decision, reason, figures)
        verdict = verdict.left_to_people(needs_a_person(model, self.versions, seen))
        registry = self.collection.registry
        try:
            registry.decide(model, verdict.decision, GATE, verdict.reason, figures, seen)
        except DecisionsChangedError:
            verdict = verdict.left_to_people("somebody decided about heads while it was trained")
            registry.decide(model, verdict.decision, GATE, verdict.reason, figures)

    def report(self, batch: str = WHOLE) -> Report:
        """Say what the gate decided about the latest head, and what each label gained."""
        active = self.collection.registry.active(self.collection_name, HEAD)
        report: dict[str, Cell | Sequence[Mapping[str, object]]] = {
            "in service": active.version if active else "none"
        }
        if self.versions:
            report |= self._verdict(self.versions[-1])
        if self.warehouse.exists(self.path()):
            rows = rows_as(self.warehouse.read_table(self.path()), MarginRow)
            gain = sorted(rows, key=lambda row: row["margin_after"] - row["margin_before"])
            report["labels that gain least"] = gain[:20]
        return report

    def _verdict(self, model: ModelVersion) -> dict[str, Cell]:
        decisions = self.collection.registry.decisions(self.collection_name, HEAD)
        own = [decision for decision in decisions if decision.version == model.version]
        metrics = cast("Mapping[str, Mapping[str, float]]", model.card["metrics"])
        return {
            "version": model.version,
            "decision": own[-1].decision if own else "none",
            "reason": own[-1].payload["reason"] if own else "",
            **{f"{name} {when}": metrics[when][name] for when in metrics for name in metrics[when]},
        }
