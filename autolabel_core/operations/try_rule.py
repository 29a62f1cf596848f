"""Tries another rule: which labels would change if the YAML declared other thresholds or scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pydantic import ValidationError

from autolabel_core.declarations.taxonomy import Taxonomy
from autolabel_core.foundation.errors import AutolabelError, NotFoundError
from autolabel_core.foundation.score_names import DeclaredScore
from autolabel_core.foundation.suggestions import did_you_mean
from autolabel_core.operations.dry_run import DryRun, dry_run
from autolabel_core.tables.applied_taxonomy import AppliedTaxonomy
from autolabel_core.tables.workspace import OpenCollection


def try_rule(
    collection: OpenCollection,
    threshold: float | None = None,
    label_thresholds: Mapping[str, float] | None = None,
    score: DeclaredScore | None = None,
    similarity_threshold: float | None = None,
) -> DryRun:
    """Find which labels another rule would change, by deciding with it in a copy.

    Args:
        collection: whose taxonomy is tried; it stays as it is.
        threshold: for all labels, in place of those declared, from -1 to 1; None: as declared.
        label_thresholds: for single labels, from -1 to 1.
        score: the declared one where None.
        similarity_threshold: the declared one where None, from -1 to 1.

    Returns:
        What would change after the next sweep.

    Raises:
        AutolabelError: the collection has no taxonomy, or could not declare such a one, or no
            reference has one of the labels.
    """
    declared = collection.declaration.taxonomy
    if declared is None:
        raise AutolabelError(f"`{collection.name}` has no `taxonomy`, hence no rule to try.")
    _check_labels(collection, label_thresholds or {})
    value = declared.model_dump(exclude_unset=True)
    known = {} if threshold is not None else dict(declared.label_thresholds)
    value["label_thresholds"] = known | dict(label_thresholds or {})
    tried = {
        "confidence_threshold": threshold,
        "score": score,
        "similarity_threshold": similarity_threshold,
    }
    value |= {name: given for name, given in tried.items() if given is not None}
    try:
        taxonomy = Taxonomy.model_validate(value)
    except ValidationError as error:
        problem = "; ".join(str(one["msg"]) for one in error.errors())
        raise AutolabelError(
            f"`{collection.name}` cannot declare such a rule: {problem}."
        ) from error
    changed = collection.declaration.model_copy(update={"taxonomy": taxonomy})
    folder = collection.workspace.declared
    override = replace(folder, collections={**folder.collections, collection.name: changed})
    return dry_run(collection, lambda copy: None, override)[1]


def _check_labels(collection: OpenCollection, label_thresholds: Mapping[str, float]) -> None:
    """Refuse a threshold for a label that nothing can take: it would say that nothing changes."""
    if not label_thresholds:
        return
    known = set(AppliedTaxonomy(collection).all_references.labels.tolist())
    for label in label_thresholds:
        if label not in known:
            raise NotFoundError(
                f"No reference of `{collection.name}` has the label {label!r}."
                f"{did_you_mean(label, sorted(known))} There are: "
                f"{', '.join(sorted(known)) or 'none'}."
            )
