"""Settles doubt about a label: a person keeps, changes or withdraws it, knowing the evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from autolabel_core.documents.current_content import ExistingDocuments
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.label_names import check_label, is_null
from autolabel_core.labelling.give_labels import GivenLabel, LabelReport, give_labels
from autolabel_core.labelling.label_evidence import evidence_about
from autolabel_core.ledger import DoubtDecision
from autolabel_core.tables.workspace import OpenCollection

Decision = Literal["keep", "change", "withdraw"]
ORIGIN = "doubts"
"""Of labels that were given in view of the evidence; no independent opinion about the document."""


@dataclass(frozen=True)
class SettledDoubt:
    """What was recorded.

    Attributes:
        decision: about the label.
        report: of the label that was changed or withdrawn; None where it was kept.
    """

    decision: DoubtDecision
    report: LabelReport | None


def settle_doubt(
    collection: OpenCollection,
    key: str,
    decision: Decision,
    annotator: str,
    new_label: str | None = None,
    reason: str | None = None,
) -> SettledDoubt:
    """Record what a person decides about the label of a document, in one transaction.

    The label comes back among the doubts only with evidence that was not there now.

    Args:
        collection: opened with its stores.
        key: of the document.
        decision: whether its label stays.
        annotator: who decides.
        new_label: of a change.
        reason: why a label is changed or withdrawn, if the person says so.

    Returns:
        What was recorded.

    Raises:
        AutolabelError: the document has changed since the last sweep, the new label is missing,
            unfit or the old one, a reason is given for a label that stays, or the label to be
            withdrawn is another person's; nothing is recorded. `NotFoundError` where it has no
            label.
    """
    labelled, row = evidence_about(collection, key)
    stored = labelled.references.rows[row]
    if (decision == "change") != (new_label is not None):
        raise AutolabelError("A new label goes with `change`, and with nothing else.")
    if decision == "keep" and reason:
        raise AutolabelError("A reason is kept with a label that is changed or withdrawn alone.")
    if new_label is not None and is_null(new_label):
        raise AutolabelError(f"{new_label!r} is no label; `withdraw` takes the label away.")
    new_label = None if new_label is None else check_label(new_label)
    if new_label == stored["label"]:
        raise AutolabelError(f"{key!r} has the label {new_label!r} already; `keep` confirms it.")
    if labelled.has_changed(row):
        raise AutolabelError(
            f"The label of {key!r} is no longer {stored['label']!r}, as the last sweep had it. Run "
            f"`autolabel sweep {collection.name}`, then look again."
        )
    present = ExistingDocuments(collection).content_hashes([stored["key"]])
    if present.get(stored["key"]) != stored["content_hash"]:
        raise AutolabelError(
            f"{key!r} has changed since the last sweep. Run `autolabel sweep {collection.name}`, "
            "then look again."
        )
    settled = DoubtDecision(
        collection=collection.name,
        document_id=stored["document_id"],
        key=stored["key"],
        content_hash=stored["content_hash"],
        decision=decision,
        label=stored["label"],
        new_label=new_label,
        annotator=annotator,
        payload=labelled.evidence(row),
    )
    report = None
    with collection.ledger.together():
        if decision != "keep":
            given = GivenLabel(stored["key"], new_label)
            report = give_labels(collection, [given], annotator, ORIGIN, reason)
            if report.without_label:
                raise AutolabelError(f"Nobody's label stands on {key!r} that could be withdrawn.")
        collection.ledger.append_doubt_decisions([settled])
    return SettledDoubt(settled, report)
