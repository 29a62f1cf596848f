"""The HTTP routes of identify: pictures, references, prices, health, metrics and the live page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

from fastapi import (  # noqa: TID253
    APIRouter,
    FastAPI,
    File,
    Form,
    HTTPException,
    Query,
    Request,
    Response,
    UploadFile,
)
from fastapi.middleware.cors import CORSMiddleware  # noqa: TID253
from fastapi.responses import JSONResponse, RedirectResponse  # noqa: TID253
from fastapi.staticfiles import StaticFiles  # noqa: TID253
from PIL import Image

from autolabel_app.http.request_limits import BodyLimit, KeyRequired, KnownHosts
from autolabel_app.identify.serving import Serving
from autolabel_core.foundation.errors import AutolabelError, ItemTooLargeError, UnreadableItemError
from autolabel_core.foundation.media.images import probe_image
from autolabel_core.identify.prices.exchange_rates import Rates
from autolabel_core.identify.prices.price_file import Prices
from autolabel_core.identify.thresholds_file import UNMEASURED

LIVE = Path(__file__).parent / "live"
Next = Callable[[Request], Awaitable[Response]]


class Routes:
    """The routes of one server."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving
        self.router = APIRouter()
        self.router.post("/api/falcon")(self.falcon)
        self.router.post("/api/classify")(self.classify)
        self.router.get("/api/top-prices")(self.top_prices)
        for path, route in (
            ("/refs/{filename:path}", self.reference),
            ("/health", self.health),
            ("/metrics", self.metrics),
        ):
            self.router.api_route(path, methods=["GET", "HEAD"])(route)
        self.router.get("/", include_in_schema=False)(self.home)

    async def falcon(
        self, image: Annotated[UploadFile, File()], query: Annotated[str, Form()] = ""
    ) -> dict[str, object]:
        """Say what a picture shows: every thing with its place, name, score, margin and price."""
        with self._serving.metrics.seconds.time():
            return await self._serving.answer(await image.read(), query)

    async def classify(self, image: Annotated[UploadFile, File()]) -> dict[str, object]:
        """Decide a whole picture, as `autolabel classify` decides a file."""
        with self._serving.metrics.seconds.time():
            return await self._serving.classify(await image.read())

    def top_prices(self, n: Annotated[int, Query(ge=1, le=1000)] = 20) -> dict[str, object]:
        """List the most valuable things, dearest first, under the names that references have."""
        prices, index = self._serving.served.prices, self._serving.served.index
        if prices is None:
            return {"cards": [], "site": "", "scraped_at": "", **_rates(None)}
        rows = {fields.get("set_code"): row for row, fields in enumerate(index.fields)}
        told = prices.top(len(prices.file.prices))
        cards = [
            {
                **price,
                "name": index.names[rows[price["code"]]],
                "rarity": index.fields[rows[price["code"]]].get("rarity", ""),
                "ref_filename": index.filenames[rows[price["code"]]],
            }
            for price in told
            if price["code"] in rows
        ]
        return {
            "cards": cards[:n],
            "site": prices.file.site,
            "scraped_at": prices.file.scraped_at,
            **_rates(prices),
        }

    def reference(self, filename: str) -> Response:
        """Return the picture of a reference; nothing else of the disk can be had."""
        picture = self._serving.served.picture(filename)
        if picture is None:
            raise HTTPException(404, f"The index has no reference {filename!r}.")
        return Response(picture, media_type=Image.MIME[probe_image(picture).format])

    def health(self) -> dict[str, object]:
        """Say what is served, and whether the last change of the index could be taken over."""
        serving, served = self._serving, self._serving.served
        return {
            "phase": "ready",
            "index_size": len(served.index),
            "labels": len(served.index.labels),
            "index_checksum": served.index.checksum,
            "feature_uri": served.index.feature_uri,
            "has_projection": served.has_projection,
            "has_detector": serving.detector is not None,
            "has_prices": served.prices is not None,
            **_rates(served.prices),
            "min_score": served.thresholds.min_score,
            "min_margin": served.thresholds.min_margin,
            "label_thresholds": dict(served.engine.rule.thresholds.per_label),
            "thresholds_from": served.thresholds.source,
            "thresholds_measured": UNMEASURED not in served.thresholds.source,
            "requests_served": serving.requests_served,
            "reload_error": serving.trouble,
        }

    def metrics(self) -> Response:
        """Return the figures as Prometheus reads them."""
        return Response(self._serving.metrics.text(), media_type="text/plain; version=0.0.4")

    def home(self) -> RedirectResponse:
        """Lead to the live page."""
        return RedirectResponse("/live/")


def create_app(
    serving: Serving,
    max_upload_mb: float,
    key: str | None = None,
    origins: Sequence[str] = (),
    hosts: Sequence[str] = (),
) -> FastAPI:
    """Make the application.

    Args:
        serving: what it serves; closed when the server ends.
        max_upload_mb: bodies above are refused.
        key: what callers must send; None: nothing.
        origins: of pages elsewhere that may call.
        hosts: names under which the server may be asked, beside this machine's own.

    Returns:
        The application.
    """

    @asynccontextmanager
    async def closing(_app: FastAPI) -> AsyncIterator[None]:
        yield
        serving.close()

    app = FastAPI(title="autolabel identify", lifespan=closing, docs_url=None, redoc_url=None)
    app.include_router(Routes(serving).router)
    app.mount("/live", StaticFiles(directory=LIVE, html=True), "live")
    app.add_exception_handler(UnreadableItemError, _unreadable)
    app.add_exception_handler(AutolabelError, _refused)
    app.add_middleware(BodyLimit, most=int(max_upload_mb * 1e6))
    if key:
        app.add_middleware(KeyRequired, key=key)
    app.middleware("http")(_counted(serving))
    app.add_middleware(KnownHosts, names=hosts)
    # Outermost, so that a page elsewhere can read refusals too, and no key is asked of preflights.
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(origins),
        allow_methods=["GET", "POST"],
        allow_headers=["*"],
    )
    return app


def _rates(prices: Prices | None) -> dict[str, object]:
    rates = Rates() if prices is None else prices.rates
    return {
        "usd_rates": rates.usd,
        "rates_date": rates.date,
        "rates_from": rates.origin,
        "rates_page": rates.page,
        "rates_trouble": rates.trouble,
    }


def _counted(serving: Serving) -> Callable[[Request, Next], Awaitable[Response]]:
    async def count(request: Request, call_next: Next) -> Response:
        response = await call_next(request)
        if request.url.path in ("/api/falcon", "/api/classify"):
            serving.metrics.requests.labels(str(response.status_code)).inc()
        return response

    return count


async def _unreadable(_request: Request, error: Exception) -> JSONResponse:
    status = 413 if isinstance(error, ItemTooLargeError) else 400
    return JSONResponse({"detail": f"The picture cannot be read: {error}"}, status)


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, 500)
