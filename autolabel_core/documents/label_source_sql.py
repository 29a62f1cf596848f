"""SQL over the source of a document's label: who decided it, if anybody did."""

from __future__ import annotations

UNDECIDED = "coalesce(label_source, 'suggested') = 'suggested'"
"""Neither a person nor a reference has decided; a proposal by name decides nothing."""
MACHINES = f"({UNDECIDED} OR label_source = 'auto')"
"""No person has decided."""
