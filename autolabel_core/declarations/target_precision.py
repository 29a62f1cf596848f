"""The model of a threshold that is not given as a number, but certified by people's verdicts."""

from __future__ import annotations

from pydantic import Field

from autolabel_core.declarations.model import Declaration


class TargetPrecision(Declaration):
    """How precise labels must be that machines give, and how sure that must be.

    Attributes:
        target_precision: share of right labels among those given, from 0.5 to 0.999.
        delta: how often such a certificate may be wrong, from 0.001 to 0.5.
        per_label: whether each label is certified for itself; rare ones are taken together.
    """

    target_precision: float = Field(strict=True, ge=0.5, le=0.999)
    delta: float = Field(default=0.1, strict=True, ge=0.001, le=0.5)
    per_label: bool = Field(default=False, strict=True)
