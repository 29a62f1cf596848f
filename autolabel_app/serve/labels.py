"""Routes that write labels: decisions of people, appended to the ledger."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header  # noqa: TID253
from pydantic import BaseModel, ConfigDict, Field

from autolabel_app.serve.opened_project import OpenedProject
from autolabel_core.documents.documents import Documents
from autolabel_core.foundation.errors import AutolabelError, NotFoundError
from autolabel_core.labelling.give_labels import GivenLabel

MAX_LABELS = 10_000
ORIGIN = "api"
Annotator = Annotated[str | None, Header(alias="X-Annotator", max_length=200)]


class LabelOf(BaseModel):
    """A label of one document; null withdraws the annotator's own."""

    model_config = ConfigDict(extra="forbid")
    document_id: str
    label: str | None


class Labels(BaseModel):
    """Labels of several documents, recorded all or none."""

    model_config = ConfigDict(extra="forbid")
    labels: list[LabelOf] = Field(min_length=1, max_length=MAX_LABELS)
    reason: str = ""


class Changes(BaseModel):
    """What changes of a document: its label, under the name that the collection gives it."""

    model_config = ConfigDict(extra="forbid")
    metadata: dict[str, str | None] = Field(min_length=1, max_length=1)
    reason: str = ""


class LabelRoutes:
    """Routes that write labels.

    Args:
        opened: the project.
    """

    def __init__(self, opened: OpenedProject) -> None:
        self._opened = opened
        self.router = APIRouter(prefix="/v1/collections/{collection}", tags=["labels"])
        self.router.post("/labels")(self.label)
        self.router.patch("/documents/{document_id}")(self.change)

    def label(
        self, collection: str, labels: Labels, annotator: Annotator = None
    ) -> dict[str, object]:
        """Record labels of documents, all or none; the next sweep applies them to all data."""
        opened = self._opened.collection(collection)
        wanted = [label.document_id for label in labels.labels]
        keys = self._keys(collection, wanted)
        given = [GivenLabel(keys[label.document_id], label.label) for label in labels.labels]
        report = opened.record_labels(given, ORIGIN, annotator, labels.reason)
        return {
            "labelled": report.labelled,
            "withdrawn": report.withdrawn,
            "without_label": list(report.without_label),
            "warnings": [str(warning) for warning in report.warnings],
            "notes": report.notes,
        }

    def change(
        self,
        collection: str,
        document_id: str,
        changes: Changes,
        annotator: Annotator = None,
    ) -> dict[str, object]:
        """Label one document, or with null withdraw the annotator's own label."""
        field = self._opened.collection(collection).opened.declaration.label_field
        ((name, label),) = changes.metadata.items()
        if name not in (field, "label"):
            raise AutolabelError(
                f"Expected the label field `{field}` of `{collection}`, found `{name}`. Other "
                "metadata belongs to the object in its bucket."
            )
        labels = Labels(
            labels=[LabelOf(document_id=document_id, label=label)], reason=changes.reason
        )
        return self.label(collection, labels, annotator)

    def _keys(self, collection: str, wanted: list[str]) -> dict[str, str]:
        documents = Documents(self._opened.collection(collection).opened)
        with documents.connect() as connection:
            rows = connection.execute(
                "SELECT document_id, key FROM documents WHERE list_contains(?, document_id)",
                [wanted],
            ).fetchall()
        keys = dict(rows)
        unknown = [document for document in wanted if document not in keys]
        if unknown:
            raise NotFoundError(
                f"No document {unknown[0]!r} in `{collection}`. Nothing was recorded."
            )
        return keys
