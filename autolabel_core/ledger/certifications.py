"""Certifications: which thresholds verdicts shall certify, and the documents drawn for that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from autolabel_core.foundation.ids import fingerprint
from autolabel_core.ledger.rows import Rows
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


class CertificateEndPayload(TypedDict):
    """Which certification ends, and after how many newer documents that were unlike the others."""

    ends: str
    newer_documents: int


@dataclass(frozen=True)
class CertificateEnd:
    """A certification counts no more, although the rule is the same: the documents have changed."""

    certification_id: str
    collection: str
    rule_version: str
    payload: CertificateEndPayload
    recorded_at: str = ""

    @classmethod
    def by_drift(cls, drawn: Certification, collection: str, newer: int) -> CertificateEnd:
        """Return the end of a certification; the same one ends once."""
        id_ = fingerprint("end", drawn.certification_id)
        payload: CertificateEndPayload = {
            "ends": drawn.certification_id,
            "newer_documents": newer,
        }
        return cls(id_, collection, drawn.rule_version, payload)


class CertificationRows(Rows):
    """Certifications in the ledger."""

    def append_certifications(self, certifications: Sequence[Certification]) -> int:
        """Append those that are not known yet: the first draw counts, nobody draws again.

        Args:
            certifications: the draws.

        Returns:
            How many were appended.
        """
        return self._append_unknown(CERTIFICATIONS.c.certification_id, certifications)

    def append_certificate_ends(self, ends: Sequence[CertificateEnd]) -> int:
        """Append those that are not known yet.

        Args:
            ends: of certifications.

        Returns:
            How many were appended.
        """
        return self._append_unknown(CERTIFICATIONS.c.certification_id, ends)

    def certifications(
        self, collection: str, rule_version: str | None = None
    ) -> list[Certification]:
        """Return the draws of a collection in order: of one version of its rule, or all."""
        wanted = {"collection": collection, "rule_version": rule_version}
        facts = self._listed(Certification, CERTIFICATIONS, wanted)
        return [fact for fact in facts if "draws" in fact.payload]

    def ended_certifications(self, collection: str) -> dict[str, CertificateEnd]:
        """Return the ends that a collection has seen, by the id of the certification."""
        facts = self._listed(CertificateEnd, CERTIFICATIONS, {"collection": collection})
        return {fact.payload["ends"]: fact for fact in facts if "ends" in fact.payload}
