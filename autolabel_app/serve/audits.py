"""Routes by which people judge labels: what is certified, what to judge next, verdicts."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter  # noqa: TID253
from pydantic import BaseModel, ConfigDict, Field

from autolabel_app.serve.labels import Annotator
from autolabel_app.serve.opened_project import OpenedProject
from autolabel_core.labelling.audit import JudgedLabel, record_verdicts
from autolabel_core.labelling.certificate_report import CertificateRecord, certificate_records
from autolabel_core.labelling.certification import draws_to_judge, give_corrections

MAX_VERDICTS = 1000


class Draw(BaseModel):
    """How many documents to judge next."""

    model_config = ConfigDict(extra="forbid")
    limit: Annotated[int, Field(ge=1, le=MAX_VERDICTS)] = 25


class Verdict(BaseModel):
    """Whether a label is right; of a wrong one, what is right, where that is known."""

    model_config = ConfigDict(extra="forbid")
    key: str
    label: str
    verdict: Literal["right", "wrong"]
    correct_label: str | None = None


class Verdicts(BaseModel):
    """Verdicts on several labels, recorded all or none."""

    model_config = ConfigDict(extra="forbid")
    verdicts: list[Verdict] = Field(min_length=1, max_length=MAX_VERDICTS)


class AuditRoutes:
    """Routes below `/v1/collections/{collection}` by which people judge labels.

    Args:
        opened: the project.
    """

    def __init__(self, opened: OpenedProject) -> None:
        self._opened = opened
        self.router = APIRouter(prefix="/v1/collections/{collection}", tags=["audits"])
        self.router.get("/certification", response_model=None)(self.certification)
        self.router.post("/certification/draws", response_model=None)(self.draw)
        self.router.post("/certification/corrections", response_model=None)(self.correct)
        self.router.post("/audits", response_model=None)(self.judge)

    def certification(self, collection: str) -> dict[str, object]:
        """Say what is certified of the labels, and what is missing."""
        return {"certificates": self._certificates(collection)}

    def draw(self, collection: str, draw: Draw) -> dict[str, object]:
        """Return the documents to judge next; the first time they are drawn, and recorded."""
        opened = self._opened.collection(collection).opened
        return {
            "results": [
                {**drawn, "document_id": opened.declaration.document_id(drawn["key"])}
                for drawn in draws_to_judge(opened, draw.limit)
            ],
            "certificates": self._certificates(collection),
        }

    def judge(
        self, collection: str, verdicts: Verdicts, annotator: Annotator = None
    ) -> dict[str, object]:
        """Record verdicts; of drawn documents corrections wait, of others they are given."""
        opened = self._opened.collection(collection)
        judged = [
            JudgedLabel(v.key, v.label, v.verdict, v.correct_label, "") for v in verdicts.verdicts
        ]
        record_verdicts(opened.opened, judged, annotator or opened.annotator)
        return {"recorded": len(judged), "certificates": self._certificates(collection)}

    def correct(self, collection: str, annotator: Annotator = None) -> dict[str, object]:
        """Give the corrections that wait as labels; what was certified is void then."""
        opened = self._opened.collection(collection)
        return {"labelled": give_corrections(opened.opened, annotator or opened.annotator)}

    def _certificates(self, collection: str) -> list[CertificateRecord]:
        return certificate_records(self._opened.collection(collection).opened)
