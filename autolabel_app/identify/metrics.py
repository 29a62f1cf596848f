"""Counters of the server, in the text format of Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

PREFIX = "autolabel_identify"
SIZES = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """Counters of one server."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self.requests = Counter(
            f"{PREFIX}_requests",
            "Requests by status.",
            ["status"],
            registry=registry,
        )
        self.seconds = Histogram(
            f"{PREFIX}_request_seconds", "From receipt to answer.", registry=registry
        )
        self.things = Counter(
            f"{PREFIX}_things",
            "Things identified, confident or not.",
            ["confident"],
            registry=registry,
        )
        self.batches = Histogram(
            f"{PREFIX}_batch_images", "Embedded at once.", buckets=SIZES, registry=registry
        )
        self.references = Gauge(
            f"{PREFIX}_references", "References in the index.", registry=registry
        )
        self.reloads = Counter(
            f"{PREFIX}_reloads", "Changes taken over or refused.", ["result"], registry=registry
        )

    def text(self) -> bytes:
        """Return the figures."""
        return generate_latest(self._registry)
