"""A project for notebooks and scripts: `Project.open().collection("products").sweep()`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.paths import Paths, annotator_name
from autolabel_core.foundation.project_folder import (
    check_state_exists,
    find_project,
    project_settings,
    with_project,
)
from autolabel_core.operations.project_collection import ProjectCollection
from autolabel_core.operations.shared_settings import share_settings, without_other_projects
from autolabel_core.storage.s3 import S3Settings
from autolabel_core.tables.workspace import Workspace

if TYPE_CHECKING:
    from autolabel_core.labelling.revocation import Revocable
    from autolabel_core.operations.compare_moments import ComparedMoments


class Project:
    """Collections and where their data lie; `Project.open()` finds them.

    Args:
        workspace: the stores.
        environ: names the annotator.
    """

    def __init__(self, workspace: Workspace, environ: Mapping[str, str] = os.environ) -> None:
        self.workspace = workspace
        self.annotator = annotator_name(environ)
        self.notes: list[str] = []
        self._recorded_in: Workspace = workspace

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.workspace.paths.home)!r})"

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
            AutolabelError: there is no project, the folder lies in none, or its `.env` gives a
                variable another value than that of a project which this process opened before.
        """
        root = find_project(Path(folder or "."))
        process = without_other_projects(root)
        if folder is None:
            environ = with_project(process, Path.cwd())
            check_state_exists(environ, Path.cwd())
        elif root is None:
            raise AutolabelError(
                f"{folder} lies in no project; `autolabel init {folder}` makes it one."
            )
        else:
            environ = {**process, **project_settings(root)}
        if root is not None:
            share_settings(root, process)
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
        return ProjectCollection(self.workspace.open(name), self.annotator, self._recorded_in)

    def revoke(
        self,
        annotator: str | None = None,
        since: str = "",
        ids: Iterable[str] = (),
        collection: str | None = None,
        reason: str | None = None,
    ) -> Revocable:
        """Take annotations back with what rests on them; the next sweep labels anew.

        Args:
            annotator: what this person said.
            since: only from this date or moment on, or for such a time, such as 7d.
            ids: only these annotations.
            collection: only of this one; None is all.
            reason: why, for `explain`.

        Returns:
            What was taken back; its `revocation_id` is what `reinstate` undoes.
        """
        from datetime import UTC, datetime

        from autolabel_core.documents.quality import parse_since
        from autolabel_core.labelling.revocation import (
            RevocationFilter,
            find_annotation,
            revoke,
        )
        from autolabel_core.operations.dependents import mark_exports

        ledger = self.workspace.ledger
        names = self.collections
        if collection is not None:
            names = [self.workspace.collection(collection).collection_name]
        begin = parse_since(since, datetime.now(UTC)) if since else None
        events = frozenset(find_annotation(ledger, id_, names).event_id for id_ in ids)
        wanted = RevocationFilter(annotator, begin, event_ids=events)
        found = revoke(ledger, names, wanted, self.annotator, reason)
        mark_exports(ledger, self.collections)
        return found

    def reinstate(self, revocation_id: str) -> int:
        """Undo a revocation.

        Args:
            revocation_id: its id.

        Returns:
            How many annotations count again; what rests on another revocation's does not.
        """
        from autolabel_core.operations.dependents import mark_exports
        from autolabel_core.operations.revocation import undo_revocation

        events = undo_revocation(self.workspace, self.collections, revocation_id, self.annotator)
        mark_exports(self.workspace.ledger, self.collections)
        return len(events)

    @contextmanager
    def as_of(self, moment: str, collections: Iterable[str] = ()) -> Iterator[Project]:
        """Look at the project as it stood: `with project.as_of("2026-11-02") as then: …`.

        Args:
            moment: a snapshot's name, a date or moment in ISO 8601 (UTC where it names no zone), or
                a length of time ago such as 7d.
            collections: names of those that are looked at; empty means all.

        Yields:
            Project: a copy that is gone at the end; its `notes` say what is not as it stood.
        """
        from autolabel_core.operations.as_of import past
        from autolabel_core.operations.snapshots import find_moment

        with past(self.workspace, find_moment(self.workspace, moment), collections) as then:
            project = Project(then.workspace)
            project.annotator, project.notes = self.annotator, then.notes
            project._recorded_in = self.workspace
            yield project

    def snapshot(self, name: str) -> Path:
        """Name the present moment in a small file for git; `as_of` and `diff` take the name.

        Args:
            name: letters, digits, `.`, `_` and `-`; of no other snapshot.

        Returns:
            The file.
        """
        from autolabel_core.operations.snapshots import make_snapshot

        return make_snapshot(self.workspace, name)

    def verify_snapshot(self, name: str) -> list[str]:
        """Compute a snapshot anew from ledger and bucket.

        Args:
            name: of the snapshot.

        Returns:
            What differs, a sentence for each; nothing where it is proven.
        """
        from autolabel_core.operations.snapshots import verify_snapshot

        return verify_snapshot(self.workspace, name)

    def diff(self, a: str, b: str = "now") -> ComparedMoments:
        """Compare two moments.

        Args:
            a: as `as_of` takes it.
            b: another one.

        Returns:
            What differs in each collection: labels, references, thresholds, vocabulary and more.
        """
        from autolabel_core.operations.compare_moments import compare_moments

        return compare_moments(self.workspace, a, b)

    def reload(self) -> Project:
        """Return the project with its declarations read anew, after a YAML file was changed."""
        again = Project(Workspace(self.workspace.paths, self.workspace.s3))
        again.annotator = self.annotator
        return again
