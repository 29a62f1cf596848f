"""The server's state: the index in use, reloaded when its files change, and its answers."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from PIL import Image

from autolabel_app.identify.batches import Batches
from autolabel_app.identify.metrics import Metrics
from autolabel_app.identify.settings import Served, Settings, load_detector, load_served
from autolabel_core.declarations.conditions.values import text_of
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.media.images import decode_image, probe_image
from autolabel_core.foundation.media.region_proposals import DECODED_SIDE_PX
from autolabel_core.identify.identify import Identified, Regions, find_regions, identify

WATCH_SECONDS = 0.5


class Serving:
    """What one server holds; `served` is replaced as a whole when a file of it changes.

    Args:
        settings: what the server was told.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self._stamp = settings.stamp()
        self._take(load_served(settings))
        self.detector = load_detector(settings.detector)
        self.trouble: str | None = None
        self.requests_served = 0
        self._detecting = threading.Lock()
        # As many as there are cores: more would only take turns, and hold up the answers.
        self._readers = ThreadPoolExecutor(os.cpu_count() or 1, "reading")
        self._batches = Batches(self.metrics.batches.observe)
        self._closing = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="watching", daemon=True)
        self._watcher.start()

    def close(self) -> None:
        """End the threads."""
        self._closing.set()
        self._watcher.join()
        self._readers.shutdown()
        self._batches.close()

    def _take(self, served: Served) -> None:
        self.served = served
        self.metrics.references.set(len(served.index))

    def _watch(self) -> None:
        while not self._closing.wait(WATCH_SECONDS):
            self._reload()

    def _reload(self) -> None:
        """Read what changed; what cannot be read changes nothing, and is tried again."""
        try:
            stamp = self.settings.stamp()
            if stamp == self._stamp and not self.trouble:
                return
            self._take(load_served(self.settings, self.served))
        except Exception as error:  # noqa: BLE001 told by /health; the thread watches on
            if self.trouble is None:
                self.metrics.reloads.labels("refused").inc()
            expected = isinstance(error, AutolabelError | OSError)
            self.trouble = str(error) if expected else f"{type(error).__name__}: {error}"
        else:
            self._stamp, self.trouble = stamp, None
            self.metrics.reloads.labels("taken").inc()

    async def answer(self, data: bytes, query: str) -> dict[str, object]:
        """Say what a picture shows.

        Args:
            data: the picture's file; one that cannot be read is an `UnreadableItemError`.
            query: what the client asked; told back.

        Returns:
            The answer, as clients of `/api/falcon` know it.
        """
        began, served = time.perf_counter(), self.served
        width_px, height_px, identified = await self._found(data, served)
        self.requests_served += 1
        for region in identified:
            self.metrics.things.labels("yes" if region.confident else "no").inc()
        return {
            "image_size": [width_px, height_px],
            "count": len(identified),
            "masks": [_mask(region, served) for region in identified],
            "query": query,
            "elapsed_seconds": round(time.perf_counter() - began, 4),
        }

    async def classify(self, data: bytes) -> dict[str, object]:
        """Decide a whole picture: by a collection's taxonomy, as `autolabel classify` does.

        Without a taxonomy, as of an index, what is beyond doubt for whole pictures has a label.

        Args:
            data: the picture's file; one that cannot be read is an `UnreadableItemError`.

        Returns:
            `label` (None: unknown), `suggested_label`, the fields of the matched reference,
            `taxonomy_match`, and `margin`.
        """
        loop, served = asyncio.get_running_loop(), self.served
        with self._batches.coming():
            side_px = served.extractor.min_side_px
            image = await loop.run_in_executor(
                self._readers, decode_image, data, side_px, self.settings.max_pixels
            )
            asked = self._batches.submit(served, [image])
        (found,) = await asyncio.wrap_future(asked)
        match = served.decide_whole(found)
        self.requests_served += 1
        return {**served.classification(match), "margin": match.margin}

    async def _found(self, data: bytes, served: Served) -> tuple[int, int, list[Identified]]:
        loop = asyncio.get_running_loop()
        with self._batches.coming():
            seen = await loop.run_in_executor(self._readers, self._seen, data, served)
            size_px, decoded_px, regions, crops = seen
            asked = self._batches.submit(served, crops)
        matches = await asyncio.wrap_future(asked)
        return *size_px, identify(regions, matches, served.thresholds, decoded_px)

    def _seen(
        self, data: bytes, served: Served
    ) -> tuple[tuple[int, int], tuple[int, int], Regions, list[Image.Image]]:
        most = self.settings.max_pixels
        info = probe_image(data, most)
        image = decode_image(data, max(DECODED_SIDE_PX, served.extractor.min_side_px or 0), most)
        if self.detector is None:
            regions = find_regions(image, None, self.settings.max_regions)
        else:
            with self._detecting:
                regions = find_regions(image, self.detector, self.settings.max_regions)
        return (info.width_px, info.height_px), image.size, regions, regions.crops(image)


def _mask(region: Identified, served: Served) -> dict[str, object]:
    index, match = served.index, region.match
    fields = index.fields[match.row]
    rarity = fields.get("rarity", "")
    alike = index.look_alikes(match.row)
    guessed = "?" if alike else ""
    shown = f"{match.label} ({rarity}{guessed})" if rarity else match.label
    left, top, right, bottom = region.xyxy_rel
    top_k = [
        {"name": hit.label, "filename": index.filenames[hit.row], "score": hit.score}
        for hit in match.top
    ]
    return {
        "bbox_norm": {"x1": left, "y1": top, "x2": right, "y2": bottom},
        "area_fraction": region.area_fraction,
        "label": shown if region.confident else f"{shown}?",
        "name": match.label,
        "rarity": rarity,
        # Rarity, set code and price are those of one of several variants that look alike.
        "variant_is_guess": bool(alike),
        "variants": [index.filenames[row] for row in alike],
        "score": match.score,
        "top_k": top_k,
        "margin": match.margin,
        "confident": region.confident,
        "ref_filename": index.filenames[match.row],
        "source_document_id": served.source_of(match),
        "price": served.prices.of(text_of(fields.get("set_code"))) if served.prices else None,
    }
