"""Certifications: which thresholds verdicts shall certify, and the documents drawn for that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from autolabel_core.ledger.rows import Rows, append, unknown
from autolabel_core.ledger.schema import CERTIFICATIONS


class DrawnDocument(TypedDict):
    """A document drawn at random: its label by the rule, and the narrowest zone that holds it."""

    key: str
    content_hash: str
    label: str
    confidence: float
    zone: int


class CertificationPayload(TypedDict):
    """What is fixed before the first verdict.

    `labels` are those that it is about, empty for all. Zone j holds the `sizes[j]` documents that
    score `thresholds[j]` or more; `expected` is their precision as the references have it.
    """

    target_precision: float
    delta: float
    labels: list[str]
    population: int
    thresholds: list[float]
    sizes: list[int]
    expected: list[float]
    draws: list[DrawnDocument]


@dataclass(frozen=True)
class Certification:
    """A draw of documents for certifying labels that one version of a rule gives."""

    certification_id: str
    collection: str
    rule_version: str
    payload: CertificationPayload
    recorded_at: str = ""


class CertificationRows(Rows):
    """Certifications in the ledger."""

    def append_certifications(self, certifications: Sequence[Certification]) -> int:
        """Append those that are not known yet: the first draw counts, nobody draws again.

        Args:
            certifications: the draws.

        Returns:
            How many were appended.
        """
        with self._database.writing() as connection:
            at = self._now()
            given = [{**vars(c), "recorded_at": c.recorded_at or at} for c in certifications]
            rows = unknown(connection, CERTIFICATIONS.c.certification_id, given)
            append(connection, CERTIFICATIONS, rows)
        return len(rows)

    def certifications(
        self, collection: str, rule_version: str | None = None
    ) -> list[Certification]:
        """Return the draws of a collection in order: of one version of its rule, or all."""
        wanted = {"collection": collection, "rule_version": rule_version}
        return self._listed(Certification, CERTIFICATIONS, wanted)
