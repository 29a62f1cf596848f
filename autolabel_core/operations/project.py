"""A project for notebooks and scripts: `Project.open().collection("products").sweep()`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.paths import Paths, annotator_name
from autolabel_core.foundation.progress import Progress
from autolabel_core.foundation.project_folder import (
    env_file_settings,
    find_project,
    project_settings,
    with_project,
)
from autolabel_core.storage.s3 import S3Settings
from autolabel_core.tables.workspace import OpenCollection, Workspace

if TYPE_CHECKING:
    import pandas as pd

    from autolabel_core.documents.classifier import ClassifiedFile
    from autolabel_core.documents.explain import Explanation
    from autolabel_core.exports import ExportReport
    from autolabel_core.exports.box_report import BoxExportReport
    from autolabel_core.labelling.give_labels import LabelReport
    from autolabel_core.matching.thresholds import PerLabelProposal
    from autolabel_core.operations.registration import Registration
    from autolabel_core.operations.status_record import CollectionStatus

TELL_SECONDS = 10.0
NO_DOCUMENTS = ("document_id", "key", "label", "label_source", "suggested_label")


class Project:
    """Collections and where their data lie; `Project.open()` finds them.

    Args:
        workspace: the stores.
        environ: names the annotator.
    """

    def __init__(self, workspace: Workspace, environ: Mapping[str, str] = os.environ) -> None:
        self.workspace = workspace
        self.annotator = annotator_name(environ)

    @classmethod
    def open(cls, folder: str | Path | None = None) -> Project:
        """Open the project around the working folder, or the one that a folder lies in.

        What its `.env` says of others than autolabel, such as the key of a language model, is put
        into the environment of this process where that has nothing.

        Args:
            folder: of a project; its settings then win over the environment's. Default: what the
                environment names, then the project around the working folder.

        Returns:
            The project.

        Raises:
            AutolabelError: the folder lies in no project.
        """
        root = find_project(Path(folder or "."))
        if folder is None:
            environ = with_project(os.environ, Path.cwd())
        elif root is None:
            raise AutolabelError(
                f"{folder} lies in no project; `autolabel init {folder}` makes it one."
            )
        else:
            environ = {**os.environ, **project_settings(root)}
        for name, value in ({} if root is None else env_file_settings(root)).items():
            if not name.startswith(("AUTOLABEL_", "DAGSTER_")):
                os.environ[name] = os.environ.get(name) or value
        workspace = Workspace(Paths.from_environment(environ), S3Settings.from_environment(environ))
        return cls(workspace, environ)

    @property
    def collections(self) -> list[str]:
        """The names of the declared collections, ascending."""
        return sorted(self.workspace.collections)

    def collection(self, name: str) -> ProjectCollection:
        """Return a collection.

        Args:
            name: its name; a near one is suggested where there is none.

        Returns:
            The collection.
        """
        return ProjectCollection(self.workspace.open(name), self.annotator)

    def reload(self) -> Project:
        """Return the project with its declarations read anew, after a YAML file was changed."""
        again = Project(Workspace(self.workspace.paths, self.workspace.s3))
        again.annotator = self.annotator
        return again


class ProjectCollection:
    """What can be done with one collection; the same as the commands of the same names.

    Args:
        opened: the collection with its stores.
        annotator: who labels.
    """

    def __init__(self, opened: OpenCollection, annotator: str) -> None:
        self.opened = opened
        self.annotator = annotator

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
                collection, tell, lambda what: _progress_lines(what, tell), accept_losses
            )
        return registration

    def label(
        self, labels: Mapping[str, str | None], annotator: str | None = None, reason: str = ""
    ) -> LabelReport:
        """Record labels in the ledger, all or none; the next sweep applies them.

        Args:
            labels: by key; None withdraws.
            annotator: who says so; default as on the command line.
            reason: why, for `explain`.

        Returns:
            What was recorded, with warnings such as of another spelling of a label in use.
        """
        from autolabel_core.labelling.give_labels import GivenLabel, give_labels

        given = [GivenLabel(key, label) for key, label in labels.items()]
        who = annotator or self.annotator
        return give_labels(self.opened, given, who, "notebook", reason or None)

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

        from autolabel_core.declarations.conditions import parse_text
        from autolabel_core.documents.documents import Documents

        texts = [filter] if isinstance(filter, str) else list(filter)
        view = Documents(self.opened)
        rows: Sequence[Mapping[str, object]] = view.find(
            [parse_text(t) for t in texts], sort, limit
        )
        if rows:
            return pd.json_normalize([dict(row) for row in rows])
        known = pd.json_normalize([dict(row) for row in view.find(limit=1)]).columns
        return pd.DataFrame(columns=list(known) or list(NO_DOCUMENTS))

    def status(self) -> CollectionStatus:
        """Return the numbers of `autolabel status`."""
        from autolabel_core.operations.status import collection_status

        return collection_status(self.opened)

    def threshold(self, precision: float = 0.95) -> PerLabelProposal:
        """Propose thresholds from leave-one-out figures of the references.

        Args:
            precision: wanted share of right labels among the matched, above 0 and up to 1.

        Returns:
            A threshold over all, and one for each label that has references enough.
        """
        from autolabel_core.documents.threshold_tuning import propose_thresholds

        return propose_thresholds(self.opened, precision)

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
        """Write the dataset to a folder.

        Args:
            format: as on the command line: csv, parquet, jsonl, image_folder, huggingface; of boxes
                csv, parquet, jsonl, yolo, coco, voc, label_studio.
            out: a new folder, or an earlier export, which is replaced.
            sources: only labels of these sources: human, promoted, auto; default all.
            plain: leave texts in CSV as they are that a spreadsheet takes for formulas.

        Returns:
            What went in and what was left out.
        """
        from autolabel_core.exports.export_collection import export_collection

        return export_collection(self.opened, format, Path(out), tuple(sources), plain)

    def embeddings(self) -> tuple[list[str], npt.NDArray[np.float32]]:
        """Return the vectors of all documents that have one.

        Returns:
            (n,) document ids, ascending, as in `documents()`, and the (n, d) float32 matrix of
            their vectors, of unit length; (0, 0) where there is none.
        """
        from autolabel_core.tables.embeddings import Embeddings

        table = Embeddings(self.opened)
        ids: list[str] = []
        blocks: list[npt.NDArray[np.float32]] = []
        for path in (table.path(batch) for batch in table.batches):
            if table.warehouse.exists(path):
                stored = table.warehouse.read_vectors(path)
                rows = [i for i, reason in enumerate(stored.reasons) if reason is None]
                ids += [stored.document_ids[i] for i in rows]
                blocks.append(stored.vectors[rows])
        if not ids:
            return [], np.zeros((0, 0), np.float32)
        order = sorted(range(len(ids)), key=ids.__getitem__)
        return [ids[i] for i in order], np.concatenate([b for b in blocks if len(b)])[order]


def _progress_lines(what: str, tell: Callable[[str], None]) -> Progress:
    """Tell how far a piece of work is, every ten seconds."""
    last = time.monotonic()

    def progress(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= TELL_SECONDS:
            last = time.monotonic()
            tell(f"{what}: {done:,} of {total:,}")

    return progress
