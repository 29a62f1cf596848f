"""Routes by which people look at doubtful labels and those who gave them, and decide."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query  # noqa: TID253
from pydantic import BaseModel, ConfigDict

from autolabel_app.serve.labels import Annotator
from autolabel_app.serve.opened_project import OpenedProject
from autolabel_core.documents.readable_document import readable_document
from autolabel_core.labelling.annotator_agreement import AgreementReport
from autolabel_core.labelling.doubts import DoubtReport
from autolabel_core.labelling.gold_report import GoldReport
from autolabel_core.labelling.label_evidence import Reason

MAX_DOUBTS = 1000


class DoubtSettled(BaseModel):
    """What a person decides about a label; `label` goes with `change` alone."""

    model_config = ConfigDict(extra="forbid")
    decision: Literal["keep", "change", "withdraw"]
    label: str | None = None
    reason: str = ""


class DoubtRoutes:
    """Routes below `/v1/collections/{collection}` about doubts, annotators and the gold set.

    Args:
        opened: the project.
    """

    def __init__(self, opened: OpenedProject) -> None:
        self._opened = opened
        self.router = APIRouter(prefix="/v1/collections/{collection}", tags=["doubts"])
        self.router.get("/doubts", response_model=None)(self.doubts)
        self.router.get("/gold", response_model=None)(self.gold)
        self.router.get("/annotators", response_model=None)(self.annotators)
        self.router.post("/doubts/{document_id}", response_model=None)(self.settle)

    def doubts(
        self,
        collection: str,
        limit: Annotated[int, Query(ge=0, le=MAX_DOUBTS)] = 50,
        because: Reason | None = None,
    ) -> DoubtReport:
        """List the labels that something contradicts, the most doubtful first, with evidence."""
        return self._opened.collection(collection).doubts(limit, because)

    def annotators(self, collection: str) -> AgreementReport:
        """Say how often each annotator is probably right, and how far they agree."""
        return self._opened.collection(collection).annotators()

    def gold(self, collection: str) -> GoldReport:
        """Return the gold set, and how rules did on it over time."""
        return self._opened.collection(collection).gold()

    def settle(
        self,
        collection: str,
        document_id: str,
        settled: DoubtSettled,
        annotator: Annotator = None,
    ) -> dict[str, object]:
        """Record that a label stays, is changed or withdrawn, with the evidence as it is now."""
        opened = self._opened.collection(collection)
        _, row = readable_document(opened.opened, document_id)
        result = opened.settle_doubt(
            row["key"], settled.decision, settled.label, annotator, settled.reason
        )
        warnings = [] if result.report is None else [str(w) for w in result.report.warnings]
        notes = [] if result.report is None else result.report.notes
        return {**vars(result.decision), "warnings": warnings, "notes": notes}
