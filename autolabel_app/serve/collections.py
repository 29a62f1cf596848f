"""Routes of collections: which there are, what they declare, how they stand."""

from __future__ import annotations

from fastapi import APIRouter  # noqa: TID253

from autolabel_app.serve.opened_project import OpenedProject
from autolabel_core.documents.documents import Documents
from autolabel_core.documents.paging import facets
from autolabel_core.foundation.errors import AutolabelError


class CollectionRoutes:
    """Routes of `/v1/collections`.

    Args:
        opened: the project.
    """

    def __init__(self, opened: OpenedProject) -> None:
        self._opened = opened
        self.router = APIRouter(prefix="/v1/collections", tags=["collections"])
        self.router.get("")(self.collections)
        self.router.get("/{collection}")(self.collection)
        self.router.get("/{collection}/status")(self.status)

    def collections(self) -> dict[str, object]:
        """List the declared collections, and what is wrong with the files of others."""
        project = self._opened.project
        problems = [str(problem) for problem in project.workspace.declared.problems]
        summaries = []
        for name in project.collections:
            try:
                summaries.append(self._summary(name))
            except (AutolabelError, OSError) as error:
                problems.append(f"{name}: {error}")
        return {"results": summaries, "problems": problems}

    def collection(self, collection: str) -> dict[str, object]:
        """Return a collection: its declaration, its labels and how documents are labelled."""
        opened = self._opened.collection(collection).opened
        references = facets(Documents(opened), ["label"])[0]
        labels = sorted(str(v["value"]) for v in references["values"] if v["value"] is not None)
        return {
            **self._summary(collection),
            "labels": labels,
            "declaration": opened.declaration.model_dump(mode="json"),
        }

    def status(self, collection: str) -> dict[str, object]:
        """Return the numbers of `autolabel status`, with its advice."""
        from autolabel_core.operations.advice import findings

        numbers = self._opened.collection(collection).status()
        advice = [{"rule": f.name, "passed": f.passed, "text": f.text} for f in findings(numbers)]
        return {**numbers, "advice": advice}

    def _summary(self, name: str) -> dict[str, object]:
        opened = self._opened.collection(name).opened
        declared = opened.declaration
        by_source = facets(Documents(opened), ["label_source"])[0]["values"]
        return {
            "collection_id": name,
            "collection_name": name,
            "input": opened.extractor.manifest.input,
            "feature_uri": opened.extractor.manifest.feature_uri,
            "label_field": declared.label_field,
            "has_boxes": declared.detection is not None,
            "document_count": sum(value["count"] for value in by_source),
            "label_sources": {str(v["value"] or "none"): v["count"] for v in by_source},
        }
