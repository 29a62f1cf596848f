"""The status of a collection, as `status` prints it and `findings` reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NotRequired, TypedDict

if TYPE_CHECKING:
    from autolabel_core.clusters.report import ClusterStatus
    from autolabel_core.documents.upload_drift_record import DriftRecord
    from autolabel_core.labelling.audit_summary import AuditSummary
    from autolabel_core.labelling.certificate_report import CertificateRecord
    from autolabel_core.labelling.gold_report import GoldRecord
    from autolabel_core.models.evaluation.verification_record import VerificationRecord
    from autolabel_core.notifications.webhooks.health import EndpointHealth, FiredAlert
    from autolabel_core.tables.boxes.detector_figures import FiguresRecord
    from autolabel_core.tables.moves import UnclearMove
    from autolabel_core.tables.score_file import ScoreRecord


class ObjectCounts(TypedDict):
    """What lies in the bucket; the last two where boxes are documents.

    `assumed_encodings` counts texts whose encoding is a guess.
    """

    objects: int
    quarantined: int
    assumed_encodings: NotRequired[int]
    detections: NotRequired[int]
    images_without_detections: NotRequired[int]


class LabelCounts(TypedDict):
    """How documents are labelled.

    `suggested` counts labels that were proposed by their names, which decide nothing: they count
    neither as labels in `distribution` nor as covered, and stay in the review queue. `coverage` is
    the share with an auto-label, from 0 to 1, among the readable documents that no person labelled;
    `low_confidence` counts auto-labels just above their threshold; `confidence` has quantiles by
    name (`q05` to `q95`), none without a document to decide.
    """

    human: int
    promoted: int
    auto: int
    suggested: int
    unlabelled: int
    coverage: float
    review_queue: int
    low_confidence: int
    distribution: dict[str, int]
    confidence: dict[str, float]


class Agreement(TypedDict):
    """Share of references whose nearest other one has their label, with its 95 % interval."""

    agreement: float | None
    low: float | None
    high: float | None


class PendingWork(TypedDict):
    """What the next sweep would do."""

    assets: list[str]
    batches: list[str]


class JudgedBoxes(TypedDict):
    """Annotations of boxes: overall, in the latest week, and on how many they disagree."""

    overall: FiguresRecord
    latest_week: FiguresRecord | None
    conflicts: int


class CollectionStatus(ObjectCounts, LabelCounts):
    """The state of a collection as the last sweep left it.

    `input` is what is embedded, `image` or `text`. `threshold` decides where `label_thresholds` has
    none for a label; None without a taxonomy, and where nothing is certified.
    `labels_from_names` is whether the names of files are the labels; then `distinguishability`
    says what views of the references find, None with fewer
    than two labels. `judged` is there where boxes are documents;
    `renamed_from` asks whether the collection had another name, where that looks so.
    `references_let_in` counts those that the filter of the taxonomy's `retriever` lets in;
    `like_label_field` counts objects by metadata keys that look like the label field, where no
    object has that field itself and there are no references.
    `certificates` is empty where no target precision is declared. `drift` is what uploads look
    like by day; None where there is nothing that references say something of. `gold` has the latest
    judgements by the gold set, the latest last.
    `disagreements` counts pairs of people who label one document differently.
    """

    collection: str
    input: str
    distribution_rolled_up: dict[str, int]
    threshold: float | None
    label_thresholds: dict[str, float]
    reference_collection: str | None
    references: dict[str, int]
    retriever: str | None
    references_let_in: int
    renamed_from: str
    label_field: str
    like_label_field: dict[str, int]
    score: ScoreRecord
    leave_one_out: Agreement
    labels_from_names: bool
    distinguishability: VerificationRecord | None
    false_positive_rate: AuditSummary
    certificates: list[CertificateRecord]
    drift: DriftRecord | None
    gold: list[GoldRecord]
    feature_uri: str
    taxonomy_version: str
    pending: PendingWork
    endpoints: list[EndpointHealth]
    alerts: list[FiredAlert]
    clusters: list[ClusterStatus]
    stale_annotations: int
    unclear_moves: list[UnclearMove]
    disagreements: int
    judged: NotRequired[JudgedBoxes]
