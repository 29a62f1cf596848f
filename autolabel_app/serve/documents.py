"""Routes that read documents: lists, one with its explanation, counts, pictures, contents."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response  # noqa: TID253
from fastapi.responses import FileResponse  # noqa: TID253

from autolabel_app.serve.document_queries import DocumentQuery, document_query
from autolabel_app.serve.opened_project import OpenedProject
from autolabel_core.documents.documents import Documents
from autolabel_core.documents.explain import Explanation
from autolabel_core.documents.paging import Facet, Position, facets, find_page
from autolabel_core.documents.readable_document import readable_document
from autolabel_core.documents.record import DocumentRecord
from autolabel_core.documents.thumbnails import MEDIA_TYPE, Thumbnails
from autolabel_core.foundation.errors import NotFoundError

MAX_PAGE = 1000
FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}
UNSEEN = {"Cache-Control": "private, no-cache"}
Asked = Annotated[DocumentQuery, Depends(document_query)]
Side = Literal["96", "192", "384", "1024"]
ContentHash = Annotated[str | None, Query(pattern="^[0-9a-f]{64}$")]


class DocumentRoutes:
    """Routes below `/v1/collections/{collection}` that read documents.

    Args:
        opened: the project.
    """

    def __init__(self, opened: OpenedProject) -> None:
        self._opened = opened
        self.router = APIRouter(prefix="/v1/collections/{collection}", tags=["documents"])
        for path, route in (
            ("/documents", self.documents),
            ("/documents/{document_id}", self.document),
            ("/documents/{document_id}/thumbnail", self.thumbnail),
            ("/documents/{document_id}/content", self.content),
            ("/analytics/field-distribution", self.distribution),
            ("/facets", self.facets),
        ):
            self.router.get(path, response_model=None)(route)

    def documents(
        self,
        collection: str,
        query: Asked,
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
        cursor: str | None = None,
        offset: Annotated[int, Query(ge=0)] = 0,
        return_presigned_urls: bool = False,
    ) -> dict[str, object]:
        """List documents as the last sweep left them, filtered and sorted, page by page."""
        opened = self._opened.collection(collection).opened
        after: Position | None = query.position(cursor) if cursor else None
        page = find_page(Documents(opened), query.conditions, query.sort, limit, after, offset)
        records: list[DocumentRecord] = page.records
        if return_presigned_urls:
            from autolabel_core.documents.content_urls import content_urls

            urls = content_urls(opened, [record["key"] for record in records])
            records = [{**record, "url": urls[record["key"]]} for record in records]
        field = opened.declaration.label_field
        return {
            "results": [
                {**record, "content_hash": content, "metadata": {field: record["label"]}}
                for record, content in zip(records, page.content_hashes, strict=True)
            ],
            "pagination": {"total": page.total, "next_cursor": query.cursor(page.following)},
        }

    def document(self, collection: str, document_id: str) -> dict[str, object]:
        """Return a document, what people said of it, and what its label came from."""
        opened = self._opened.collection(collection)
        record = self._record(collection, document_id)
        explanation: Explanation = opened.explain(record["key"])
        field = opened.opened.declaration.label_field
        return {**record, "metadata": {field: record["label"]}, "explanation": explanation}

    def thumbnail(
        self, collection: str, document_id: str, side: Side = "192", content: ContentHash = None
    ) -> FileResponse:
        """Return a small picture of a document; with its content hash it is cached for ever."""
        thumbnails = Thumbnails(self._opened.collection(collection).opened)
        made = thumbnails.cached(content, int(side)) if content else None
        path = made or thumbnails.make(document_id, int(side))
        headers = FOR_EVER if content and path.stem == content else UNSEEN
        return FileResponse(path, media_type=MEDIA_TYPE, headers=headers)

    def content(self, collection: str, document_id: str) -> Response:
        """Return what a document was embedded from: an image, what lies in a box, or a text."""
        opened = self._opened.collection(collection).opened
        items, row = readable_document(opened, document_id)
        data = items.content(row["key"], row["content_hash"])
        is_text = opened.extractor.manifest.input == "text"
        media_type = "text/plain" if is_text else row["media_type"] or "application/octet-stream"
        # What people upload must not act as a page of this server.
        headers = {**UNSEEN, "Content-Security-Policy": "sandbox; default-src 'none'"}
        return Response(data, media_type=media_type, headers=headers)

    def distribution(
        self,
        collection: str,
        query: Asked,
        field: str | None = None,
    ) -> Facet:
        """Count documents by the values of a field; default is the label."""
        opened = self._opened.collection(collection).opened
        wanted = field or opened.declaration.label_field
        return facets(Documents(opened), [wanted], query.conditions)[0]

    def facets(
        self, collection: str, query: Asked, field: Annotated[list[str], Query()]
    ) -> list[Facet]:
        """Count documents by the values of several fields."""
        opened = self._opened.collection(collection).opened
        return facets(Documents(opened), field, query.conditions)

    def _record(self, collection: str, document_id: str) -> DocumentRecord:
        from autolabel_core.declarations.conditions import parse

        wanted = parse({"field": "document_id", "operator": "eq", "value": document_id})
        found = Documents(self._opened.collection(collection).opened).find([wanted])
        if not found:
            raise NotFoundError(
                f"No document {document_id!r} in `{collection}`. Ids are those that "
                f"/v1/collections/{collection}/documents lists."
            )
        return found[0]
