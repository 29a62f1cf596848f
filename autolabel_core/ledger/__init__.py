"""The ledger: facts that cannot be computed again, appended and never edited."""

from autolabel_core.ledger.annotations import Annotation, effective_annotations
from autolabel_core.ledger.store import Arrival, AuditVerdict, Ledger

__all__ = ["Annotation", "Arrival", "AuditVerdict", "Ledger", "effective_annotations"]
