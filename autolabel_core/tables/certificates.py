"""What people's verdicts certify of the labels that a collection's rule gives, from the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from autolabel_core.declarations.target_precision import TargetPrecision
from autolabel_core.ledger import AuditVerdict, Certification
from autolabel_core.matching.certification import (
    OPEN,
    RIGHT,
    WRONG,
    CertificationPlan,
    Evidence,
    Ints,
    evidence,
)
from autolabel_core.matching.thresholds import UNREACHABLE, Thresholds
from autolabel_core.tables.workspace import OpenCollection

JudgedContent = tuple[str, str, str]
"""Key, content hash, and the label that was judged."""


@dataclass(frozen=True)
class Certificate:
    """One draw, with the verdicts on it so far.

    Attributes:
        drawn: the draw.
        verdicts: (n,) one of RIGHT, WRONG and OPEN for each drawn document.
    """

    drawn: Certification
    verdicts: Ints

    @cached_property
    def plan(self) -> CertificationPlan:
        """The zones that are tested, as numbers to compute with."""
        fixed = self.drawn.payload
        return CertificationPlan(
            fixed["target_precision"],
            fixed["delta"],
            np.array(fixed["thresholds"], np.float64),
            np.array(fixed["sizes"], np.int64),
            np.array(fixed["expected"], np.float64),
            np.array([draw["zone"] for draw in fixed["draws"]], np.int64),
        )

    @cached_property
    def evidence(self) -> Evidence:
        """What the verdicts say of each zone."""
        return evidence(self.plan, self.verdicts)

    @property
    def certified(self) -> int:
        """How many zones are certified, from the first on."""
        return self.plan.certified(self.evidence.capital)

    @property
    def threshold(self) -> float | None:
        """The widest threshold that is certified; None where none is."""
        return float(self.plan.thresholds[self.certified - 1]) if self.certified else None


def certificates(
    collection: OpenCollection, rule_version: str, target: TargetPrecision
) -> list[Certificate]:
    """Return what is drawn for a target under one version of the rule, with the verdicts on it.

    Args:
        collection: opened with its stores.
        rule_version: of `AppliedTaxonomy`; verdicts on documents count whenever they were given,
            draws only for the version that they were made for.
        target: the precision that is declared.

    Returns:
        One certificate, or one for each group of labels; none where nothing was drawn.
    """
    ended = collection.ledger.ended_certifications(collection.name)
    drawn = [
        certification
        for certification in collection.ledger.certifications(collection.name, rule_version)
        if is_drawn_for(certification, target) and certification.certification_id not in ended
    ]
    if not drawn:
        return []
    judged = latest_verdicts(collection.ledger.audits(collection.name))
    return [Certificate(one, _verdicts_on(one, judged)) for one in drawn]


def is_drawn_for(certification: Certification, target: TargetPrecision) -> bool:
    """Whether a draw shall certify just this target."""
    fixed = certification.payload
    asked = (target.target_precision, target.delta, target.per_label)
    return (fixed["target_precision"], fixed["delta"], bool(fixed["labels"])) == asked


def latest_verdicts(verdicts: Sequence[AuditVerdict]) -> dict[JudgedContent, AuditVerdict]:
    """Return the last verdict on each label of each content."""
    return {(v.key, v.content_hash, v.auto_label): v for v in verdicts}


def certified_thresholds(found: Sequence[Certificate]) -> Thresholds:
    """Return the thresholds that are certified; a label that is not certified is not given.

    Args:
        found: the certificates of one target.

    Returns:
        The thresholds.
    """
    default = UNREACHABLE
    per_label: dict[str, float] = {}
    for certificate in found:
        threshold = certificate.threshold
        if threshold is None:
            continue
        labels = certificate.drawn.payload["labels"]
        if not labels:
            default = threshold
        per_label.update(dict.fromkeys(labels, threshold))
    return Thresholds(default, per_label)


def _verdicts_on(
    certification: Certification, judged: Mapping[JudgedContent, AuditVerdict]
) -> Ints:
    values = {"right": RIGHT, "wrong": WRONG}
    verdicts = np.full(len(certification.payload["draws"]), OPEN, np.int64)
    for place, draw in enumerate(certification.payload["draws"]):
        found = judged.get((draw["key"], draw["content_hash"], draw["label"]))
        if found is not None:
            verdicts[place] = values[found.verdict]
    return verdicts
