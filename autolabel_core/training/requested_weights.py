"""The base of tables of weights: trained on request, once for each request."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from autolabel_core.ledger import ModelVersion, Request
from autolabel_core.ledger.requests import RETRAIN
from autolabel_core.tables.table import DerivedTable


class RequestedWeights(DerivedTable):
    """The asset `fine_tuned_weights`, whatever is trained.

    The weights go to the registry, the verdict to the ledger. What was trained for a request is not
    trained again, even where the file is lost.

    Attributes:
        name: the asset's name.
        partitioned: there is one file.
        on_request: no sweep makes it.
        is_begun_anew: training takes too long for that.
        upstream: what it is trained on.
        pool: one training at a time.
        kind: of the model, as the registry calls it.
    """

    name = "fine_tuned_weights"
    partitioned = False
    on_request = True
    is_begun_anew = False
    upstream = ("annotation_exports",)
    pool = "autolabel_training"
    kind: ClassVar[str]

    @property
    def request(self) -> Request | None:
        """The last request for training."""
        asked = self.collection.ledger.requests(self.collection_name, RETRAIN)
        return asked[-1] if asked else None

    @property
    def waits_for_training(self) -> bool:
        """Whether the last request was not trained for yet."""
        request = self.request
        trained_for = {model.card["asked_by"] for model in self.versions}
        return request is not None and request.request_id not in trained_for

    @property
    def versions(self) -> list[ModelVersion]:
        """All versions of the kind, in order."""
        return self.collection.registry.versions(self.collection_name, self.kind)

    @abstractmethod
    def check(self) -> None:
        """Refuse to train from what teaches nothing."""
