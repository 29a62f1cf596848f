"""The kinds of box annotations, and what each means for training and for the figures."""

from __future__ import annotations

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.suggestions import did_you_mean

CONFIRMED, CORRECTED = "confirmed", "corrected"
FALSE_POSITIVE, MISSED = "false_positive", "missed"
REVIEWED = "reviewed"

BOX_LABELS = {
    CONFIRMED: "the detection is right as it is",
    CORRECTED: "the box or the class was adjusted",
    FALSE_POSITIVE: "there is no such object at this place",
    MISSED: "there is an object that was not detected",
}
LABELS = {**BOX_LABELS, REVIEWED: "all that is on the image has been looked at"}
OBJECTS = frozenset({CONFIRMED, CORRECTED, MISSED})
"""Labels that say that there is an object."""

MISTAKES = frozenset({CORRECTED, FALSE_POSITIVE, MISSED})
"""Labels that say that a detector was wrong."""


def check_box_label(text: str) -> str:
    """Return one of `LABELS`.

    Args:
        text: what somebody typed; case, spaces and hyphens for underscores make no difference.

    Returns:
        The label.

    Raises:
        AutolabelError: it is none of them; the nearest is suggested.
    """
    label = text.strip().casefold().replace("-", "_").replace(" ", "_")
    if label not in LABELS:
        raise AutolabelError(
            f"no label {text!r}.{did_you_mean(label, LABELS)} Labels: {', '.join(LABELS)}"
        )
    return label
