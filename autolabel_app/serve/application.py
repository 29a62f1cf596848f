"""Puts the server together: the API `/v1`, and the desk on top of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI  # noqa: TID253
from fastapi.responses import RedirectResponse  # noqa: TID253
from fastapi.staticfiles import StaticFiles  # noqa: TID253

from autolabel_app.http.request_limits import BodyLimit, KnownHosts
from autolabel_app.serve.audits import AuditRoutes
from autolabel_app.serve.changes import ChangeRoutes
from autolabel_app.serve.collections import CollectionRoutes
from autolabel_app.serve.documents import DocumentRoutes
from autolabel_app.serve.doubts import DoubtRoutes
from autolabel_app.serve.labels import LabelRoutes
from autolabel_app.serve.next_labels import NextLabelRoutes
from autolabel_app.serve.opened_project import OpenedProject
from autolabel_app.serve.problems import answer_with_problems
from autolabel_app.serve.safety import SafeHeaders, SameOrigin
from autolabel_app.serve.worker import Worker
from autolabel_core.operations.project import Project

DESK = Path(__file__).parents[1] / "desk"
MAX_BODY_BYTES = 20_000_000


def create_app(project: Project, work: bool = False, hosts: Sequence[str] = ()) -> FastAPI:
    """Make the application.

    Args:
        project: what it serves.
        work: whether a process of its own keeps the collections up to date; it ends with the
            server. Without it, Dagster's daemon or `autolabel sweep` does.
        hosts: names under which the server may be asked, beside this machine's own.

    Returns:
        The application.
    """
    opened = OpenedProject(project)
    worker = Worker() if work else None

    @asynccontextmanager
    async def closing(_app: FastAPI) -> AsyncIterator[None]:
        yield
        if worker is not None:
            worker.close()

    app = FastAPI(title="autolabel", lifespan=closing, docs_url=None, redoc_url=None)
    routes = (
        CollectionRoutes(opened),
        DocumentRoutes(opened),
        LabelRoutes(opened),
        NextLabelRoutes(opened),
        AuditRoutes(opened),
        DoubtRoutes(opened),
        ChangeRoutes(opened, worker),
    )
    for part in routes:
        app.include_router(part.router)
    app.get("/health")(lambda: {"status": "ok", "works": work})
    app.get("/", include_in_schema=False)(lambda: RedirectResponse("/desk/"))
    app.mount("/desk", StaticFiles(directory=DESK, html=True), "desk")
    answer_with_problems(app)
    app.add_middleware(BodyLimit, most=MAX_BODY_BYTES)
    app.add_middleware(SameOrigin)
    app.add_middleware(KnownHosts, names=hosts)
    app.add_middleware(SafeHeaders)
    return app
