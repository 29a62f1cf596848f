"""One collection as notebooks and commands use it: sweep, label, list, classify, export."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from autolabel_core.foundation.progress import told_in_lines
from autolabel_core.operations.project_review import ReviewedCollection
from autolabel_core.tables.workspace import OpenCollection, Workspace

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from autolabel_core.documents.classifier import ClassifiedFile
    from autolabel_core.documents.explain import Explanation
    from autolabel_core.documents.quality import By, QualityRow
    from autolabel_core.documents.record import DocumentRecord
    from autolabel_core.exports import ExportReport
    from autolabel_core.exports.box_report import BoxExportReport
    from autolabel_core.labelling.give_labels import GivenLabel, LabelReport
    from autolabel_core.operations.registration import Registration
    from autolabel_core.operations.status_record import CollectionStatus

NO_DOCUMENTS = ("document_id", "key", "label", "label_source", "suggested_label")


class ProjectCollection(ReviewedCollection):
    """What can be done with one collection; the same as the commands of the same names.

    Args:
        opened: the collection with its stores.
        annotator: who labels.
        recorded_in: the workspace whose ledger notes exports; None: that of the collection.
    """

    def __init__(
        self, opened: OpenCollection, annotator: str, recorded_in: Workspace | None = None
    ) -> None:
        super().__init__(opened, annotator)
        self._recorded_in = recorded_in or opened.workspace

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.opened.name!r}, {str(self.opened.paths.home)!r})"

    def sweep(
        self, tell: Callable[[str], None] = print, accept_losses: bool = False
    ) -> Registration:
        """Register what changed and bring every table up to date, in this process.

        The result is that of `autolabel sweep`; Dagster is not needed and sees no run.

        Args:
            tell: told in a line what is being done.
            accept_losses: whether what looks like a lost mount, or a lost ledger, is meant so.

        Returns:
            What was new, changed or gone in the bucket of this collection.
        """
        from autolabel_core.operations.sweep import sweep_here, sweep_order

        for collection in sweep_order(self.opened.workspace, [self.opened.name]):
            registration = sweep_here(
                collection, tell, lambda what: told_in_lines(what, tell), accept_losses
            )
        return registration

    def label(
        self, labels: Mapping[str, str | int | None], annotator: str | None = None, reason: str = ""
    ) -> LabelReport:
        """Record labels in the ledger, all or none; the next sweep applies them.

        Args:
            labels: by key; None withdraws, and a missing number (NaN) is refused.
            annotator: who says so; default as on the command line.
            reason: why, for `explain`.

        Returns:
            What was recorded, with warnings such as of another spelling of a label in use.
        """
        from autolabel_core.labelling.give_labels import GivenLabel
        from autolabel_core.labelling.label_input import label_text

        given = [
            GivenLabel(key, None if label is None else label_text(label, repr(key)))
            for key, label in labels.items()
        ]
        return self.record_labels(given, "notebook", annotator, reason)

    def record_labels(
        self,
        given: Sequence[GivenLabel],
        origin: str,
        annotator: str | None = None,
        reason: str | None = None,
    ) -> LabelReport:
        """Record labels with their further fields, as `label` does.

        Args:
            given: labels and withdrawals.
            origin: where they come from, such as `cli` or `csv`.
            annotator: who says so; default as on the command line.
            reason: why, for `explain`.

        Returns:
            What was recorded, with warnings such as of another spelling of a label in use.
        """
        from autolabel_core.labelling.give_labels import give_labels

        who = annotator or self.annotator
        return give_labels(self.opened, given, who, origin, reason or None)

    def carry_over(self, key: str, old_key: str, annotator: str | None = None) -> int:
        """Give a document the labels that its content had under another key.

        Args:
            key: where the content lies now.
            old_key: where it lay when it was labelled.
            annotator: who says that it moved; default as on the command line.

        Returns:
            How many annotations were recorded; 0 where the document has them already.
        """
        from autolabel_core.labelling.moved_document import carry_over

        return carry_over(self.opened, key, old_key, annotator or self.annotator)

    def documents(
        self,
        filter: str | Iterable[str] = (),
        sort: str | None = None,
        limit: int | None = None,
    ) -> pd.DataFrame:
        """Return documents as the last sweep left them.

        Args:
            filter: `FIELD:OP:VALUE` as on the command line, one or several; all must hold.
            sort: a field, ascending; `-field` is descending.
            limit: at most so many.

        Returns:
            A row for each; columns have the names that filters use, such as
            `taxonomy_match.confidence`.
        """
        import pandas as pd

        rows: Sequence[Mapping[str, object]] = self.records(filter, sort, limit)
        if rows:
            return pd.json_normalize([dict(row) for row in rows])
        known = pd.json_normalize([dict(row) for row in self.records(limit=1)]).columns
        return pd.DataFrame(columns=list(known) or list(NO_DOCUMENTS))

    def records(
        self,
        filter: str | Iterable[str] = (),
        sort: str | None = None,
        limit: int | None = None,
        url_seconds: int | None = None,
        like: str | None = None,
    ) -> list[DocumentRecord]:
        """Return documents as `autolabel documents --json` lists them; needs no pandas.

        Args:
            filter: `FIELD:OP:VALUE` as on the command line, one or several; all must hold.
            sort: a field, ascending; `-field` is descending.
            limit: at most so many.
            url_seconds: adds `url`, by which the content can be fetched for so long (1 to 604,800
                seconds); None adds none.
            like: a document's key, a file, or words: the most alike first, in place of `sort`,
                each with its `score`.

        Returns:
            A record for each.
        """
        from autolabel_core.declarations.conditions import parse_text
        from autolabel_core.documents.documents import Documents

        conditions = [*map(parse_text, [filter] if isinstance(filter, str) else filter)]
        if like is None:
            records = Documents(self.opened).find(conditions, sort, limit)
        else:
            from autolabel_core.documents import search

            records = search.find_like(self.opened, like, conditions, limit)
        if url_seconds is None:
            return records
        from autolabel_core.documents.content_urls import content_urls

        urls = content_urls(self.opened, [record["key"] for record in records], url_seconds)
        return [{**record, "url": urls[record["key"]]} for record in records]

    def status(self) -> CollectionStatus:
        """Return the numbers of `autolabel status`."""
        from autolabel_core.operations.status import collection_status

        return collection_status(self.opened)

    def quality(self, since: str = "", by: By = "all") -> list[QualityRow]:
        """Return the numbers of `autolabel status --since --by`.

        Args:
            since: a moment in UTC, ISO 8601; empty is the beginning.
            by: one row for each `day` or `batch`, or one over `all`.

        Returns:
            What arrived in the window as it stands now, and the labels given in it.
        """
        from autolabel_core.documents.quality import quality

        return quality(self.opened, since, by)

    def classify(self, files: Iterable[str | Path]) -> list[ClassifiedFile]:
        """Label files by the references, as if just uploaded; nothing is stored.

        Args:
            files: images or texts.

        Returns:
            A record for each: file, label, taxonomy_match, suggested_label, reason.
        """
        from autolabel_core.documents.classifier import classify

        return classify(self.opened, [Path(file) for file in files])

    def explain(self, key: str) -> Explanation:
        """Trace the label of a document to the reference and the person behind it.

        Args:
            key: the document's.

        Returns:
            The document, what people said of it, and the same of the reference it took its label
            from.
        """
        from autolabel_core.documents.explain import explain

        return explain(self.opened, key)

    def export(
        self, format: str, out: str | Path, sources: Iterable[str] = (), plain: bool = False
    ) -> ExportReport | BoxExportReport:
        """Write the dataset to a folder; of labels the ledger notes what it rests on.

        Args:
            format: as on the command line: csv, parquet, jsonl, image_folder, huggingface; of boxes
                csv, parquet, jsonl, yolo, coco, voc, label_studio.
            out: a new folder, or an earlier export, which is replaced.
            sources: only labels of these sources: human, promoted, auto, suggested; default all but
                the last.
            plain: leave texts in CSV as they are that a spreadsheet takes for formulas.

        Returns:
            What went in and what was left out.
        """
        from autolabel_core.exports import ExportReport
        from autolabel_core.exports.export_collection import export_collection
        from autolabel_core.exports.recorded_exports import record_export

        report = export_collection(self.opened, format, Path(out), tuple(sources), plain)
        if isinstance(report, ExportReport):
            record_export(self.opened, self._recorded_in.ledger, report)
        return report

    def embeddings(self) -> tuple[list[str], npt.NDArray[np.float32]]:
        """Return the vectors of all documents that have one.

        Returns:
            (n,) document ids, ascending, as in `documents()`, and the (n, d) float32 matrix of
            their vectors, of unit length; (0, 0) where there is none.
        """
        import numpy as np

        from autolabel_core.documents.stored_vectors import stored_vectors
        from autolabel_core.tables.embeddings import Embeddings

        ids, vectors = stored_vectors(Embeddings(self.opened))
        return ids, vectors if ids else np.zeros((0, 0), np.float32)
