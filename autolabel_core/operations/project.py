"""A project for notebooks and scripts: `Project.open().collection("products").sweep()`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

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


class Project:
    """Collections and where their data lie; `Project.open()` finds them.

    Args:
        workspace: the stores.
        environ: names the annotator.
    """

    def __init__(self, workspace: Workspace, environ: Mapping[str, str] = os.environ) -> None:
        self.workspace = workspace
        self.annotator = annotator_name(environ)

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
        return ProjectCollection(self.workspace.open(name), self.annotator)

    def reload(self) -> Project:
        """Return the project with its declarations read anew, after a YAML file was changed."""
        again = Project(Workspace(self.workspace.paths, self.workspace.s3))
        again.annotator = self.annotator
        return again
