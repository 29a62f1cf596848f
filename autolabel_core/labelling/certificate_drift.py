"""Ends certificates whose newer documents are not like those that were drawn from."""

from __future__ import annotations

from math import log

import numpy as np

from autolabel_core.documents.rule_suggestions import RuleSuggestion, rule_suggestions
from autolabel_core.ledger import Certification
from autolabel_core.ledger.certifications import CertificateEnd
from autolabel_core.matching.drift import log_drift_capital
from autolabel_core.tables.applied_taxonomy import AppliedTaxonomy
from autolabel_core.tables.workspace import OpenCollection

FALSE_ALARMS = 0.01
"""So often a certificate may be ended although nothing has changed, however long it lasts."""


def end_drifted_certificates(collection: OpenCollection) -> int:
    """Record in the ledger which certificates end, because newcomers are less sure than the others.

    Args:
        collection: opened with its stores; its labels are up to date.

    Returns:
        How many ended; their labels are taken back by the next refresh.
    """
    found = AppliedTaxonomy(collection).certificates
    if not found:
        return 0
    suggestions = rule_suggestions(collection)
    arrived = collection.ledger.first_arrivals(collection.name)
    ends = [end for one in found if (end := _end(one.drawn, suggestions, arrived, collection.name))]
    return collection.ledger.append_certificate_ends(ends) if ends else 0


def _end(
    drawn: Certification,
    suggestions: list[RuleSuggestion],
    arrived: dict[str, str],
    name: str,
) -> CertificateEnd | None:
    labels = drawn.payload["labels"]
    mine = [s for s in suggestions if not labels or s.label in labels]
    moments = [arrived.get(s.document_id, "") for s in mine]
    before = [s.confidence for s, at in zip(mine, moments, strict=True) if at <= drawn.recorded_at]
    newer = sorted(
        (at, s.key, s.confidence)
        for s, at in zip(mine, moments, strict=True)
        if at > drawn.recorded_at
    )
    rng = np.random.default_rng(int(drawn.certification_id, 16))
    path = log_drift_capital(before, [confidence for _, _, confidence in newer], rng)
    if path.max() < log(1 / FALSE_ALARMS):
        return None
    return CertificateEnd.by_drift(drawn, name, len(newer))
