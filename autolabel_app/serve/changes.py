"""The stream of what changes in a collection, as server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from fastapi import APIRouter, Request  # noqa: TID253
from fastapi.responses import StreamingResponse  # noqa: TID253

from autolabel_app.serve.opened_project import OpenedProject
from autolabel_app.serve.worker import Activity, Worker
from autolabel_core.documents.documents import Documents
from autolabel_core.documents.paging import facets
from autolabel_core.foundation.errors import AutolabelError

LOOK_SECONDS = 0.5
ALIVE_SECONDS = 15.0


class ChangeRoutes:
    """The route `/v1/collections/{collection}/events`.

    Args:
        opened: the project.
        worker: what keeps collections up to date; None where Dagster's daemon does.
    """

    def __init__(self, opened: OpenedProject, worker: Worker | None) -> None:
        self._opened = opened
        self._worker = worker
        self.router = APIRouter(prefix="/v1/collections/{collection}", tags=["collections"])
        self.router.get("/events")(self.events)

    async def events(self, collection: str, request: Request) -> StreamingResponse:
        """Send `changed` with the counts by label source, now and whenever a sweep changed them.

        `activity` says what is being done, with `serve --work`.
        """
        await asyncio.to_thread(self._opened.collection, collection)
        stream = self._changes(collection, request)
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        return StreamingResponse(stream, media_type="text/event-stream", headers=headers)

    async def _changes(self, collection: str, request: Request) -> AsyncIterator[str]:
        seen: object = None
        activity: Activity | None = None
        silent = 0.0
        while not await request.is_disconnected():
            stamp = await asyncio.to_thread(self._stamp, collection)
            if stamp != seen:
                seen = stamp
                yield _event("changed", await asyncio.to_thread(self._counts, collection))
            if self._worker is not None and (now := self._worker.activity(collection)) != activity:
                activity = now
                yield _event("activity", now)
            silent += LOOK_SECONDS
            if silent >= ALIVE_SECONDS:
                silent = 0.0
                yield ": alive\n\n"
            await asyncio.sleep(LOOK_SECONDS)

    def _stamp(self, collection: str) -> object:
        """Return what changes when a sweep writes labels."""
        try:
            files = Documents(self._opened.collection(collection).opened).files
            return [(file.name, file.stat().st_mtime_ns) for file in files]
        except (AutolabelError, OSError) as error:
            return str(error)

    def _counts(self, collection: str) -> object:
        try:
            opened = self._opened.collection(collection).opened
            return facets(Documents(opened), ["label_source"])[0]
        except (AutolabelError, OSError) as error:
            return {"trouble": str(error)}


def _event(name: str, data: object) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"
