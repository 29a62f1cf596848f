"""Audits: a person checks a random sample of auto-labels, which estimates the error rate.

Wrong labels are corrected where the right one is known, and not given again; right ones stay
auto-labels and do not become references. Corrections of documents that are drawn for a certificate
are kept with the verdict: as references they would change the rule that is being judged.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TypedDict, cast

import numpy as np

from autolabel_core.documents.current_content import ExistingDocuments
from autolabel_core.documents.documents import Documents
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.foundation.spreadsheet_cells import escaped
from autolabel_core.labelling.give_labels import GivenLabel, give_labels
from autolabel_core.ledger import AuditVerdict
from autolabel_core.tables.applied_taxonomy import AppliedTaxonomy
from autolabel_core.tables.workspace import OpenCollection

DEFAULT_SAMPLE = 50
MAX_ERRORS_SHOWN = 20


class JudgedLabel(NamedTuple):
    """One verdict: key, the label that was judged, `right` or `wrong`, the right one if known."""

    key: str
    label: str
    verdict: str
    correct_label: str | None
    where: str


class LabelToJudge(TypedDict):
    """A label that a machine gave or suggests, as a person judges it."""

    key: str
    content_hash: str
    label: str
    confidence: float


class AutoLabelled(LabelToJudge):
    """A document with an auto-label, as a sample for an audit lists it."""

    document_id: str
    source_document_id: str | None


def audit_sample(
    collection: OpenCollection, size: int, rng: np.random.Generator
) -> list[AutoLabelled]:
    """Draw auto-labelled documents uniformly, leaving out those whose label was audited already.

    Args:
        collection: opened with its stores.
        size: how many to draw; fewer where fewer are left.
        rng: the source of randomness.

    Returns:
        The documents, by key.
    """
    verdicts = collection.ledger.audits(collection.name)
    done = {(v.document_id, v.content_hash, v.auto_label) for v in verdicts}
    records = _auto_labelled(collection)
    left = [r for r in records if (r["document_id"], r["content_hash"], r["label"]) not in done]
    chosen = rng.permutation(len(left))[:size]
    return [left[i] for i in sorted(chosen.tolist())]


class DrawnSample(NamedTuple):
    """A sample that waits for verdicts: the file, and how many auto-labels are in it."""

    file: Path
    size: int


def draw_scheduled_sample(collection: OpenCollection, at: str) -> DrawnSample:
    """Draw the declared sample into `audits/<collection>/<at>.csv`; a file that is there is kept.

    Args:
        collection: the declaration; `automation.audit` says how many, 50 where it says nothing.
        at: the moment it stands for, which is the seed too.

    Returns:
        What was drawn; a file that somebody may have begun to fill in is left as it is.
    """
    declared = collection.declaration.automation.audit
    name = re.sub(r"[^0-9A-Za-z]+", "-", at)
    out = collection.paths.audits / collection.name / f"{name}.csv"
    rng = np.random.default_rng(int(fingerprint(at), 16))
    size = declared.sample if declared else DEFAULT_SAMPLE
    drawn = audit_sample(collection, size, rng)
    if not out.exists():
        out.parent.mkdir(parents=True, exist_ok=True)
        write_sample(out, drawn)
    return DrawnSample(out, len(drawn))


def write_sample(out: Path, drawn: Sequence[LabelToJudge]) -> None:
    """Write a sample as the CSV that `autolabel audit --csv` reads once `verdict` is filled in."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["key", "label", "confidence", "verdict", "correct_label"])
    writer.writerows(
        [escaped(r["key"]), escaped(r["label"]), f"{r['confidence']:.4f}", "", ""] for r in drawn
    )
    out.write_text(text.getvalue(), encoding="utf-8", newline="")


def record_verdicts(
    collection: OpenCollection, judged: Sequence[JudgedLabel], auditor: str
) -> None:
    """Record verdicts and corrections, or nothing where one of them does not fit.

    Args:
        collection: opened with its stores.
        judged: the verdicts.
        auditor: who looked.

    Raises:
        AutolabelError: a verdict is neither right nor wrong, a key occurs twice, or the document
            does not carry that auto-label (any more); nothing is recorded.
    """
    auto_labelled = {record["key"]: record for record in _auto_labelled(collection)}
    drawn = _drawn(collection)
    auto_labelled |= drawn
    present = ExistingDocuments(collection).content_hashes(
        [j.key for j in judged if j.key in auto_labelled]
    )
    problems = [
        p for j in judged if (p := _problem(j, auto_labelled.get(j.key), present.get(j.key)))
    ]
    keys = [j.key for j in judged]
    problems += [
        f"{key!r} is judged twice" for key in sorted({k for k in keys if keys.count(k) > 1})
    ]
    if problems:
        raise AutolabelError("\n".join([*problems[:MAX_ERRORS_SHOWN], "Nothing was recorded."]))
    corrections = [
        GivenLabel(j.key, j.correct_label, {}, j.where)
        for j in judged
        if j.correct_label and j.key not in drawn
    ]
    if corrections:
        give_labels(collection, corrections, auditor, "audit")
    verdicts = [_verdict(j, auto_labelled[j.key], auditor) for j in judged]
    collection.ledger.append_audits(collection.name, verdicts)


def _auto_labelled(collection: OpenCollection) -> list[AutoLabelled]:
    names = ["document_id", *LabelToJudge.__annotations__, "source_document_id"]
    with Documents(collection).connect() as connection:
        rows = connection.execute(
            f"SELECT {', '.join(names)} FROM documents WHERE label_source = 'auto' ORDER BY key"
        ).fetchall()
    return [cast("AutoLabelled", dict(zip(names, row, strict=True))) for row in rows]


def _drawn(collection: OpenCollection) -> dict[str, AutoLabelled]:
    """Return by key what is drawn for the present certificate; it may be a mere suggestion."""
    found = AppliedTaxonomy(collection).certificates
    return {
        draw["key"]: {
            "document_id": collection.declaration.document_id(draw["key"]),
            "key": draw["key"],
            "content_hash": draw["content_hash"],
            "label": draw["label"],
            "confidence": draw["confidence"],
            "source_document_id": None,
        }
        for one in found
        for draw in one.drawn.payload["draws"]
    }


def _verdict(judged: JudgedLabel, record: AutoLabelled, auditor: str) -> AuditVerdict:
    return AuditVerdict(
        document_id=record["document_id"],
        key=judged.key,
        content_hash=record["content_hash"],
        auto_label=judged.label,
        verdict="right" if judged.verdict == "right" else "wrong",
        corrected_label=judged.correct_label,
        auditor=auditor,
    )


def _problem(judged: JudgedLabel, record: AutoLabelled | None, present: str | None) -> str | None:
    where = f"{judged.where}: " if judged.where else ""
    if judged.verdict not in ("right", "wrong"):
        return f"{where}verdict {judged.verdict!r}; expected right or wrong"
    if record is None or record["label"] != judged.label:
        now = "none" if record is None else repr(record["label"])
        return (
            f"{where}{judged.key!r} does not carry the auto-label {judged.label!r} (now {now}); "
            "draw a new sample"
        )
    if present != record["content_hash"]:
        return f"{where}{judged.key!r} has changed since the last sweep; sweep and draw again"
    if judged.verdict == "right" and judged.correct_label:
        return f"{where}{judged.key!r} is judged right, yet `correct_label` is given"
    if judged.correct_label == judged.label:
        return f"{where}{judged.key!r} is judged wrong, yet `correct_label` is the same label"
    return None
