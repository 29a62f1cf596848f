"""Versions of models, and the decisions of gates and people about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NotRequired, TypedDict

from sqlalchemy import select

from autolabel_core.foundation.json_types import JsonObject
from autolabel_core.ledger.events import Event, append_events
from autolabel_core.ledger.rows import Rows, append, present
from autolabel_core.ledger.schema import GATE_RESULTS, MODEL_VERSIONS


class CardRecord(TypedDict):
    """The card of a version as JSON holds it; `ModelCard` of the registry has the same fields."""

    weights_name: str
    data_hash: str
    parent: str | None
    parameters: JsonObject
    metrics: JsonObject
    classes: list[str]
    licence: str
    created_at: str
    asked_by: str
    environment: Mapping[str, str]
    note: str
    annotations_until: NotRequired[int | None]


class ClassFigures(TypedDict):
    """Gold boxes of a class, and AP50 of the candidate and of the version in service."""

    boxes: int
    candidate: float
    active: float | None


class GateFigures(TypedDict, total=False):
    """What a gate measured.

    Of detectors everything but `before` and `after`, which are the retrieval figures of a head:
    without it, or of the one in service, and with it. The `…_active` are of the version in service.
    """

    gold_images: int
    map50: float
    map50_95: float
    map50_active: float | None
    map50_95_active: float | None
    map50_difference_low: float
    map50_difference_high: float
    classes: Mapping[str, ClassFigures]
    gold_hash: str
    before: Mapping[str, float]
    after: Mapping[str, float]


class GatePayload(GateFigures, total=False):
    """The reason of a decision, and what the gate measured."""

    reason: str


@dataclass(frozen=True)
class ModelVersion:
    """Weights of a `kind` (such as `detector`) in the registry; `card` says what they came from.

    `checksum` is the SHA-256 of the weights. `id` is the place in the ledger's order, 0 before the
    version is recorded.
    """

    collection: str
    kind: str
    version: str
    checksum: str
    card: CardRecord
    recorded_at: str = ""
    id: int = 0


@dataclass(frozen=True)
class GateResult:
    """A version was put into service (`promoted`), or kept or taken out of it (`held`).

    `decided_by` is `gate` or a person's name; `against` is the version that was active. `payload`
    holds the `reason` and the figures. `id` is the place in the ledger's order, 0 before the result
    is recorded.
    """

    gate_id: str
    collection: str
    kind: str
    version: str
    against: str | None
    decision: Literal["promoted", "held"]
    decided_by: str
    payload: GatePayload = field(default_factory=GatePayload)
    recorded_at: str = ""
    id: int = 0


class ModelRows(Rows):
    """Model versions and gate results in the ledger."""

    def append_model_version(self, model: ModelVersion) -> bool:
        """Append a version; one whose number its collection and kind have already is left out.

        Args:
            model: the version.

        Returns:
            Whether it was appended.
        """
        columns = MODEL_VERSIONS.c
        same = select(columns.id).where(
            columns.collection == model.collection,
            columns.kind == model.kind,
            columns.version == model.version,
        )
        with self._database.writing() as connection:
            if connection.execute(same).first() is not None:
                return False
            append(connection, MODEL_VERSIONS, [self._row(model)])
        return True

    def model_versions(
        self, collection: str | None = None, kind: str | None = None
    ) -> list[ModelVersion]:
        """Return versions in order: of one collection, of one kind, or all."""
        wanted = {"collection": collection, "kind": kind}
        return self._listed(ModelVersion, MODEL_VERSIONS, wanted)

    def append_gate_result(self, result: GateResult, events: Sequence[Event] = ()) -> bool:
        """Append a decision, and in the same transaction the events that tell of it.

        Args:
            result: the decision; one whose `gate_id` is known is left out, with its events.
            events: such as `weights.promoted`.

        Returns:
            Whether it was appended.
        """
        with self._database.writing() as connection:
            if present(connection, GATE_RESULTS.c.gate_id, [result.gate_id]):
                return False
            append(connection, GATE_RESULTS, [self._row(result)])
            append_events(connection, events, self._now())
        return True

    def gate_results(
        self, collection: str | None = None, kind: str | None = None
    ) -> list[GateResult]:
        """Return decisions in order: of one collection, of one kind, or all."""
        return self._listed(GateResult, GATE_RESULTS, {"collection": collection, "kind": kind})

    def _row(self, fact: ModelVersion | GateResult) -> dict[str, object]:
        row = vars(fact) | {"recorded_at": fact.recorded_at or self._now()}
        return {name: value for name, value in row.items() if name != "id"}
