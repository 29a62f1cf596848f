"""The project that a server serves, read anew when its declarations change."""

from __future__ import annotations

import threading

from autolabel_core.operations.project import Project
from autolabel_core.operations.project_collection import ProjectCollection


class OpenedProject:
    """The project as its declarations are now.

    Args:
        project: as it was when the server started.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._stamp = self._declared()
        self._reading = threading.Lock()

    @property
    def project(self) -> Project:
        """The project, with what its folder of declarations says now."""
        with self._reading:
            stamp = self._declared()
            if stamp != self._stamp:
                self._project, self._stamp = self._project.reload(), stamp
            return self._project

    def collection(self, name: str) -> ProjectCollection:
        """Return a collection; `NotFoundError` suggests a near name where there is none."""
        return self.project.collection(name)

    def _declared(self) -> tuple[tuple[str, int, int], ...]:
        folder = self._project.workspace.paths.collections
        files = sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])
        seen = [(file.name, file.stat()) for file in files]
        return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in seen)
