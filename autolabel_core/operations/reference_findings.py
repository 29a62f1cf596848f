"""Advice on the references of a collection: whether there are enough, of each label."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autolabel_core.operations.finding import Finding

if TYPE_CHECKING:
    from autolabel_core.operations.status_record import CollectionStatus

MIN_REFERENCES = 10
GOOD_REFERENCES = 20
MAX_IMBALANCE = 5.0


def references_per_label(s: CollectionStatus) -> Finding:
    """Whether each label has enough references."""
    references = s["references"]
    enough = 1 if s["labels_from_names"] else MIN_REFERENCES
    few = sorted(((n, label) for label, n in references.items() if n < enough))
    if not references:
        if s.get("renamed_from"):
            return Finding("references_per_label", "reference_set", False, s["renamed_from"])
        if not s["objects"]:
            text = (
                "Objects are registered, and none is in the tables: "
                f"`autolabel sweep {s['collection']}` makes them, or says what keeps it from that."
                if s["pending"]["batches"]
                else "Nothing is registered yet. Put files into the bucket, then "
                f"`autolabel sweep {s['collection']}`."
            )
            return Finding("references_per_label", "reference_set", False, text)
        command = "annotate" if "detections" in s else "label"
        text = (
            f"No references yet.{_misspelt(s)} Label {MIN_REFERENCES} to {GOOD_REFERENCES} of each "
            f"category with `autolabel {command}`, then sweep."
        )
        return Finding("references_per_label", "reference_set", False, text)
    if few:
        shown = ", ".join(f"{label} ({n})" for n, label in few[:8])
        text = (
            f"{len(few)} of {len(references)} labels have fewer than {MIN_REFERENCES} references: "
            f"{shown}. Label more of them; {GOOD_REFERENCES} and above cure most misses."
        )
        return Finding("references_per_label", "reference_set", False, text)
    least = min(references.values())
    text = f"Every label has at least {least} references ({len(references)} labels)."
    return Finding("references_per_label", "reference_set", True, text)


def _second_label(s: CollectionStatus) -> str:
    return (
        f" `score: {s['score']['declared']}` tells labels from each other, so that nothing is "
        f"labelled as long as all references are {next(iter(s['references']))}: label something "
        "else too, and be it `other`; or declare `score: nearest`."
    )


def _misspelt(s: CollectionStatus) -> str:
    if not s.get("like_label_field"):
        return ""
    shown = ", ".join(f"`{key}` ({n} objects)" for key, n in s["like_label_field"].items())
    return (
        f" The metadata has no field `{s['label_field']}`, which is declared as the label, but "
        f"{shown}: correct the metadata, or `field_to_enrich`."
    )


def references_let_in(s: CollectionStatus) -> Finding:
    """Name a retriever whose filter lets no reference in; nothing else is asked of it."""
    text = (
        f"The filter of the retriever `{s['retriever']}` accepts none of "
        f"{sum(s['references'].values())} references, so that nothing can be labelled. Correct its "
        f"`attribute_filter`, or the fields of the references: `autolabel documents "
        f"{s['reference_collection']} --filter label_source:eq:human --json` shows them."
    )
    return Finding("retriever_lets_references_in", "taxonomy_labels", False, text)


def references_balanced(s: CollectionStatus) -> Finding:
    """Whether there are labels to tell from each other, none with many times the references."""
    references = s["references"]
    if len(references) < 2:
        cannot_compare = bool(references) and s["score"]["declared"] != "nearest"
        text = "Fewer than two labels." + (_second_label(s) if cannot_compare else "")
        return Finding("references_balanced", "reference_set", not cannot_compare, text)
    ordered = sorted(references, key=lambda label: (references[label], label))
    least, most = ordered[0], ordered[-1]
    ratio = references[most] / references[least]
    text = f"{most} has {references[most]} references, {least} has {references[least]}"
    if ratio <= MAX_IMBALANCE:
        return Finding("references_balanced", "reference_set", True, f"{text}.")
    cure = f" ({ratio:.0f} times fewer): the larger attracts matches. Label more of {least}."
    return Finding("references_balanced", "reference_set", False, text + cure)
