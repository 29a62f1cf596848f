"""Certification: documents are drawn at random, and verdicts on them certify a threshold.

The draw is made once for each version of the rule and recorded before the first verdict, so that
nobody can draw until the answers please. Corrections are kept with the verdicts until somebody asks
for them: given as labels they would change the rule that is being judged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import numpy as np
import numpy.typing as npt

from autolabel_core.declarations.target_precision import TargetPrecision
from autolabel_core.documents.current_content import ExistingDocuments
from autolabel_core.documents.rule_suggestions import RuleSuggestion, rule_suggestions
from autolabel_core.documents.threshold_tuning import LeaveOneOutScores, leave_one_out
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.labelling.give_labels import GivenLabel, give_labels
from autolabel_core.ledger import Certification
from autolabel_core.ledger.certifications import DrawnDocument
from autolabel_core.matching.certification import plan_certification
from autolabel_core.matching.certification_draws import next_verdicts
from autolabel_core.tables.applied_taxonomy import AppliedTaxonomy
from autolabel_core.tables.certificates import latest_verdicts
from autolabel_core.tables.taxonomy_labels import TaxonomyLabels
from autolabel_core.tables.workspace import OpenCollection

OWN_CERTIFICATE = 150
"""Documents that a label needs for a certificate of its own; rarer labels share one."""


def declared_target(collection: OpenCollection) -> TargetPrecision:
    """Return the target precision that a collection declares, or say how to declare one.

    Args:
        collection: the declaration.

    Returns:
        The target.

    Raises:
        AutolabelError: a number is declared as the threshold, or no taxonomy.
    """
    taxonomy = collection.declaration.taxonomy
    if taxonomy is None or taxonomy.target is None:
        raise AutolabelError(
            f"`{collection.name}` declares no target precision to certify. In its YAML write\n"
            "  taxonomy:\n    confidence_threshold: {target_precision: 0.95, delta: 0.1}"
        )
    return taxonomy.target


def draws_to_judge(collection: OpenCollection, most: int) -> list[DrawnDocument]:
    """Return the documents to judge next; the first time they are drawn, and that is recorded.

    Args:
        collection: opened with its stores.
        most: at most so many.

    Returns:
        Documents in the order in which they should be judged; none where nothing more can be
        certified.

    Raises:
        AutolabelError: no target is declared, tables are behind, or there is nothing to draw.
    """
    target = declared_target(collection)
    taxonomy = AppliedTaxonomy(collection)
    found = taxonomy.certificates
    if taxonomy.reference_set.stale() or (not found and TaxonomyLabels(collection).stale()):
        raise AutolabelError(
            f"The labels of `{collection.name}` are not up to date, and what is drawn must be what "
            f"the rule says now. Run `autolabel sweep {collection.name}`, then ask again."
        )
    if not found:
        collection.ledger.append_certifications(_drawn(collection, target))
        found = AppliedTaxonomy(collection).certificates
    plans = [(one, next_verdicts(one.plan, one.verdicts)) for one in found]
    # Uncertified groups come first, and of those the one that is nearest to its certificate.
    plans.sort(key=lambda pair: (pair[0].certified > 0, pair[1].needed or pair[0].plan.planned))
    asked = (one.drawn.payload["draws"][i] for one, step in plans for i in step.draws.tolist())
    return list(islice(_still_there(collection, asked, most), most))


def _still_there(
    collection: OpenCollection, draws: Iterable[DrawnDocument], at_once: int
) -> Iterator[DrawnDocument]:
    """Leave out documents that were removed or overwritten since: nobody can judge those."""
    existing, left = ExistingDocuments(collection), iter(draws)
    while some := list(islice(left, at_once)):
        present = existing.content_hashes([draw["key"] for draw in some])
        yield from (draw for draw in some if present.get(draw["key"]) == draw["content_hash"])


def give_corrections(collection: OpenCollection, annotator: str) -> int:
    """Give the right labels that came with verdicts on drawn documents, as labels of people.

    They become references, hence another version of the rule, whose certificate is another.

    Args:
        collection: opened with its stores.
        annotator: who gives them.

    Returns:
        How many were given; documents that somebody has labelled in the meantime are left alone.
    """
    judged = latest_verdicts(collection.ledger.audits(collection.name))
    corrected = [v for v in judged.values() if v.verdict == "wrong" and v.corrected_label]
    present = ExistingDocuments(collection).content_hashes([v.key for v in corrected])
    given = [
        GivenLabel(v.key, v.corrected_label)
        for v in corrected
        if present.get(v.key) == v.content_hash
        and not collection.ledger.annotations(collection.name, v.document_id)
    ]
    if given:
        give_labels(collection, given, annotator, "audit")
    return len(given)


def _drawn(collection: OpenCollection, target: TargetPrecision) -> list[Certification]:
    """Draw for each group of labels, or for all labels together."""
    # What judges the rule may not choose its threshold as well.
    gold = collection.ledger.gold_images(collection.name).keys()
    suggestions = [s for s in rule_suggestions(collection) if s.content_hash not in gold]
    if not suggestions:
        raise AutolabelError(
            f"`{collection.name}` has no document that the rule suggests a label for, so that "
            f"nothing can be drawn. `autolabel status {collection.name}` says what is missing."
        )
    own = leave_one_out(collection)
    version = AppliedTaxonomy(collection).rule_version
    groups = label_groups([s.label for s in suggestions]) if target.per_label else [[]]
    drawn = [
        _certification(collection, target, version, labels, suggestions, own) for labels in groups
    ]
    return [certification for certification in drawn if certification is not None]


def label_groups(labels: Sequence[str]) -> list[list[str]]:
    """Return which labels are certified by themselves, and which share a certificate.

    Args:
        labels: the label that the rule says of each document.

    Returns:
        Groups in alphabetical order of their first label; rare labels are in one group, the last.
    """
    counts = sorted(Counter(labels).items())
    own = [[label] for label, count in counts if count >= OWN_CERTIFICATE]
    rare = [label for label, count in counts if count < OWN_CERTIFICATE]
    return [*own, rare] if rare else own


def _certification(
    collection: OpenCollection,
    target: TargetPrecision,
    version: str,
    labels: list[str],
    suggestions: Sequence[RuleSuggestion],
    own: LeaveOneOutScores,
) -> Certification | None:
    mine = [s for s in suggestions if not labels or s.label in labels]
    if not mine:
        return None
    # Documents that have changed are another population, to be drawn from anew.
    ended = len(collection.ledger.ended_certifications(collection.name))
    id_ = fingerprint(
        collection.name, version, target.target_precision, target.delta, sorted(labels), ended
    )
    counted = np.isfinite(own.score) & _is_among(own.predicted, labels)
    plan, rows = plan_certification(
        np.array([s.confidence for s in mine], np.float64),
        own.score[counted].astype(np.float64),
        own.correct[counted],
        target.target_precision,
        target.delta,
        # Seeded by what is certified, so that drawing again draws the same.
        np.random.default_rng(int(id_, 16)),
    )
    placed = zip(rows.tolist(), plan.zones.tolist(), strict=True)
    draws = [_draw(mine[row], zone) for row, zone in placed]
    return Certification(
        id_,
        collection.name,
        version,
        {
            "target_precision": target.target_precision,
            "delta": target.delta,
            "labels": labels,
            "population": len(mine),
            "thresholds": plan.thresholds.tolist(),
            "sizes": plan.sizes.tolist(),
            "expected": plan.expected.tolist(),
            "draws": draws,
        },
    )


def _draw(suggestion: RuleSuggestion, zone: int) -> DrawnDocument:
    return {
        "key": suggestion.key,
        "content_hash": suggestion.content_hash,
        "label": suggestion.label,
        "confidence": suggestion.confidence,
        "zone": zone,
    }


def _is_among(predicted: npt.NDArray[np.object_], labels: Sequence[str]) -> npt.NDArray[np.bool_]:
    if not labels:
        return np.ones(len(predicted), bool)
    return np.isin(predicted.astype(str), list(labels))
