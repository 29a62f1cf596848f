"""Advice on the objects of a collection: what cannot be read, and where nothing is found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autolabel_core.operations.finding import Finding

if TYPE_CHECKING:
    from autolabel_core.operations.status_record import CollectionStatus

MAX_UNREADABLE_SHARE = 0.05
MAX_WITHOUT_DETECTIONS = 0.50


def unreadable_share(s: CollectionStatus) -> Finding:
    """Whether more objects are quarantined than a bucket normally has."""
    share = s["quarantined"] / s["objects"] if s["objects"] else 0.0
    text = f"{s['quarantined']} of {s['objects']} objects cannot be read ({share:.1%})."
    passed = share <= MAX_UNREADABLE_SHARE
    cure = " List them with `documents --filter reason:exists:true` and replace or remove them."
    if s["objects"] and s["quarantined"] == s["objects"]:
        other = "text" if s["input"] == "image" else "image"
        cure += (
            f" The declared extractor reads {s['input']}s; for {other}s declare "
            f"`feature_extractor_name: {other}_extractor` and its model."
        )
    return Finding("unreadable_share", "raw_objects", passed, text + ("" if passed else cure))


def encodings_known(s: CollectionStatus) -> Finding:
    """Only where the encoding of some texts is a guess."""
    text = (
        f"The encoding of {s['assumed_encodings']} texts is a guess, so they may be misread. "
        f"`autolabel documents {s['collection']} --filter metadata.text_encoding_found:eq:assumed` "
        "lists them; store those that look wrong as UTF-8."
    )
    return Finding("encodings_known", "raw_objects", False, text)


def images_with_detections(s: CollectionStatus) -> Finding:
    """Of collections with boxes alone; the others have nothing to look at."""
    name, asset = "images_with_detections", "detections"
    looked_at = s["objects"] - s["quarantined"]
    without = s["images_without_detections"]
    share = without / looked_at if looked_at else 0.0
    text = f"{without} of {looked_at} images have no detection ({share:.1%})."
    if share <= MAX_WITHOUT_DETECTIONS:
        return Finding(name, asset, True, text)
    cure = (
        " Without a model in service annotate some (`autolabel annotate`) and train; with one look "
        f"at `autolabel review {s['collection']} --by random`, and lower confidence_threshold or "
        "train on what was missed."
    )
    return Finding(name, asset, False, text + cure)
