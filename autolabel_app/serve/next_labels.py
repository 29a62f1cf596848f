"""The route of the documents to label next."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query  # noqa: TID253

from autolabel_app.serve.opened_project import OpenedProject
from autolabel_core.declarations.conditions import parse
from autolabel_core.documents.documents import Documents
from autolabel_core.documents.paging import find_page

MAX_DOCUMENTS = 1000


class NextLabelRoutes:
    """Route below `/v1/collections/{collection}` that says what to label next.

    Args:
        opened: the project.
    """

    def __init__(self, opened: OpenedProject) -> None:
        self._opened = opened
        self.router = APIRouter(prefix="/v1/collections/{collection}", tags=["documents"])
        self.router.get("/next", response_model=None)(self.next)

    def next(
        self, collection: str, limit: Annotated[int, Query(ge=1, le=MAX_DOCUMENTS)] = 20
    ) -> dict[str, object]:
        """List the documents to label next with the reason for each, and how fast people label."""
        handle = self._opened.collection(collection)
        queue = {document["document_id"]: document for document in handle.next(limit)}
        wanted = parse({"field": "document_id", "operator": "in", "value": list(queue)})
        page = find_page(Documents(handle.opened), [wanted], None, limit)
        field = handle.opened.declaration.label_field
        found = {
            record["document_id"]: {
                **record,
                "content_hash": content,
                "metadata": {field: record["label"]},
                "next": queue[record["document_id"]],
            }
            for record, content in zip(page.records, page.content_hashes, strict=True)
        }
        pace = handle.label_pace()
        return {
            "results": [found[document] for document in queue if document in found],
            "pace": pace and asdict(pace),
        }
