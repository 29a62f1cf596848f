"""What is certified of a collection's labels, in numbers and in a sentence."""

from __future__ import annotations

from typing import TypedDict

import numpy as np

from autolabel_core.declarations.target_precision import TargetPrecision
from autolabel_core.ledger import Certification
from autolabel_core.matching.certification import (
    OPEN,
    WRONG,
    fewest_verdicts,
)
from autolabel_core.matching.certification_draws import (
    is_refuted,
    next_verdicts,
    verdicts_to_first_certificate,
)
from autolabel_core.matching.next_labels.pace import LabelPace, pace_of
from autolabel_core.tables.applied_taxonomy import AppliedTaxonomy
from autolabel_core.tables.certificates import Certificate, is_drawn_for
from autolabel_core.tables.workspace import OpenCollection

MAX_NAMED = 3
PACE_FROM = 500
"""The last so many verdicts say how fast people judge."""


class CertificateRecord(TypedDict):
    """The state of one certificate.

    `labels` are those that it is about, empty for all. `state` is `not drawn`, `void`,
    `uncertified`, `refuted` (the verdicts show that the precision is not reached) or `certified`.
    `documents` of `population` lie at or above `threshold`; of `verdicts`, `wrong` were wrong.
    `needed` is how many more verdicts are expected until the first certificate, or until a wider
    one; None where that is not foreseeable. `text` says all of it in a sentence.
    """

    labels: list[str]
    state: str
    target_precision: float
    delta: float
    threshold: float | None
    documents: int
    population: int
    verdicts: int
    wrong: int
    needed: int | None
    text: str


def certificate_records(collection: OpenCollection) -> list[CertificateRecord]:
    """Return the state of each certificate of a collection.

    Args:
        collection: opened with its stores.

    Returns:
        One record, or one for each group of labels; none where no target precision is declared.
    """
    taxonomy = collection.declaration.taxonomy
    if taxonomy is None or taxonomy.target is None:
        return []
    found = AppliedTaxonomy(collection).certificates
    if found:
        pace = pace_of(collection.ledger.last_verdicts_by_people(collection.name, PACE_FROM))
        return [_record(one, collection.name, pace) for one in found]
    return [_without_draw(collection, taxonomy.target)]


def _without_draw(collection: OpenCollection, target: TargetPrecision) -> CertificateRecord:
    """Say that nothing is drawn for the present rule, and whether something was for another."""
    earlier = [
        certification
        for certification in collection.ledger.certifications(collection.name)
        if is_drawn_for(certification, target)
    ]
    ask = f"`autolabel audit {collection.name} --certify`"
    text = f"uncertified: {ask} draws the first documents to judge"
    if earlier:
        end = collection.ledger.ended_certifications(collection.name).get(
            earlier[-1].certification_id
        )
        why = "references, encoder or rule have changed since the draw of "
        if end is not None and end.rule_version == AppliedTaxonomy(collection).rule_version:
            newer = end.payload["newer_documents"]
            why = f"the {newer} documents that came later are less sure than those drawn from on "
        text = (
            f"void: {why}{earlier[-1].recorded_at[:10]}; {ask} draws anew, and what was judged "
            "already is not asked again"
        )
    return {
        "labels": [],
        "state": "void" if earlier else "not drawn",
        "target_precision": target.target_precision,
        "delta": target.delta,
        "threshold": None,
        "documents": 0,
        "population": 0,
        "verdicts": 0,
        "wrong": 0,
        "needed": None,
        "text": text,
    }


def _record(certificate: Certificate, name: str, pace: LabelPace | None) -> CertificateRecord:
    verdicts, plan, fixed = certificate.verdicts, certificate.plan, certificate.drawn.payload
    given = int((verdicts != OPEN).sum())
    step = next_verdicts(plan, verdicts)
    needed, state = step.needed, "certified" if certificate.certified else "uncertified"
    if not certificate.certified:
        needed = verdicts_to_first_certificate(plan, verdicts, _seeded(certificate.drawn))
        state = "refuted" if is_refuted(plan, verdicts) else state
    record: CertificateRecord = {
        "labels": fixed["labels"],
        "state": state,
        "target_precision": fixed["target_precision"],
        "delta": fixed["delta"],
        "threshold": certificate.threshold,
        "documents": int(plan.sizes[certificate.certified - 1]) if certificate.certified else 0,
        "population": fixed["population"],
        "verdicts": given,
        "wrong": int((verdicts == WRONG).sum()),
        "needed": needed,
        "text": "",
    }
    wider = int(plan.sizes[step.zone]) if step.zone is not None else None
    return {**record, "text": _named(fixed["labels"]) + _sentence(record, wider, name, pace)}


def _seeded(drawn: Certification) -> np.random.Generator:
    return np.random.default_rng(int(drawn.certification_id, 16))


def _named(labels: list[str]) -> str:
    if not labels:
        return ""
    more = f" and {len(labels) - MAX_NAMED} more" if len(labels) > MAX_NAMED else ""
    return f"{', '.join(labels[:MAX_NAMED])}{more}: "


def _sentence(
    record: CertificateRecord, wider: int | None, name: str, pace: LabelPace | None
) -> str:
    judged = f"{record['verdicts']} verdicts, {record['wrong']} wrong"
    missing = f"about {record['needed']} more verdicts"
    if pace is not None and record["needed"] is not None:
        missing += f", {pace.duration(record['needed'])}"
    share, go_on = f"{record['target_precision']:.1%}", f"`autolabel audit {name} --certify`"
    if record["state"] == "certified":
        more = ""
        if wider is not None:
            more = f"; {missing} would widen it to {wider}"
        return (
            f"certified: at least {share} of the labels at or above {record['threshold']:.4f} are "
            f"right, {record['documents']} of {record['population']} documents (wrong with a "
            f"chance of at most {record['delta']:.1%}; {judged}){more}"
        )
    if record["state"] == "refuted":
        return (
            f"cannot be certified: even the surest labels are less than {share} right ({judged}), "
            "so none is given; label more references, use a stronger encoder, or ask for less"
        )
    if record["needed"] is not None:
        return f"uncertified: {missing} ({judged}); {go_on}"
    fewest = fewest_verdicts(record["target_precision"], record["delta"])
    if record["population"] < fewest:
        return (
            f"cannot be certified: {record['population']} documents are too few, at least {fewest} "
            "are needed; label them all instead"
        )
    return (
        f"uncertified, and not expected to be certified ({judged}): the references, or the "
        f"verdicts, do not look as if the surest labels were {share} right; {go_on} goes on, more "
        "references help"
    )
