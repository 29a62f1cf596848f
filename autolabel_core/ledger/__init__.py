"""The ledger: an append-only database of facts that cannot be computed again."""

from autolabel_core.ledger.alert_firings import AlertFiring
from autolabel_core.ledger.annotations import Annotation, effective_annotations
from autolabel_core.ledger.arrivals import Arrival
from autolabel_core.ledger.audits import AuditVerdict
from autolabel_core.ledger.box_annotations import BoxAnnotation
from autolabel_core.ledger.certifications import Certification
from autolabel_core.ledger.clusters import ClusterEvent, ClusterRun
from autolabel_core.ledger.deliveries import Delivery, Pending, Wanted
from autolabel_core.ledger.doubt_decisions import DoubtDecision
from autolabel_core.ledger.events import Event, event_id
from autolabel_core.ledger.gold_judgements import GoldJudgement
from autolabel_core.ledger.models import GateResult, ModelVersion
from autolabel_core.ledger.requests import Request
from autolabel_core.ledger.store import Ledger

__all__ = [
    "AlertFiring",
    "Annotation",
    "Arrival",
    "AuditVerdict",
    "BoxAnnotation",
    "Certification",
    "ClusterEvent",
    "ClusterRun",
    "Delivery",
    "DoubtDecision",
    "Event",
    "GateResult",
    "GoldJudgement",
    "Ledger",
    "ModelVersion",
    "Pending",
    "Request",
    "Wanted",
    "effective_annotations",
    "event_id",
]
