"""Says what changed in uploads, and what to do about it."""

from __future__ import annotations

from autolabel_core.documents.upload_drift import DescribedChange

MOST_NAMED = 3


def change_text(change: DescribedChange) -> str:
    """Return a sentence on a change, with its numbers.

    Args:
        change: what was found.

    Returns:
        Since when, which kind, and how far it reaches.
    """
    figures, since = change.figures, change.parts[0]
    over = f", until {change.parts[-1]}" if change.is_over else ""
    begin = f"Since {since}{over} ({change.documents} documents looked at)"
    if figures.kind == "new_class":
        what = (
            f"{figures.far:.0%} of uploads are far from every reference and close to each other: "
            "probably a new class"
        )
    elif figures.kind == "shifted_camera":
        what = (
            f"{figures.lower:.0%} of uploads are less similar to the references, whatever their "
            f"label (median {change.median_before:.2f} before, {change.median_now:.2f} now): "
            "probably a camera or its light has changed"
        )
    else:
        what = (
            "uploads are as similar to the references as before, but their labels are shared out "
            f"otherwise: {change.risen_label} {change.share_before:.0%} before, "
            f"{change.share_now:.0%} now"
        )
    return f"{begin}, {what}."


def change_cure(change: DescribedChange, collection: str) -> str:
    """Return what a person can do about a change.

    Args:
        change: what was found.
        collection: whose uploads.

    Returns:
        A sentence or two, with commands.
    """
    named = ", ".join(change.examples[:MOST_NAMED])
    look = f" Look at {named}." if named else ""
    if change.figures.kind == "new_class":
        return f"{look} Label about 10 of them with `autolabel label {collection}`, then sweep."
    if change.figures.kind == "shifted_camera":
        return (
            f"{look} Mend the camera, or label some of its new pictures of every class, "
            "so that the references know them."
        )
    audit = f"`autolabel audit {collection} --sample 50` measures how many labels are wrong now."
    return f"{look} If that is so in the world, nothing is to be done; {audit}"
