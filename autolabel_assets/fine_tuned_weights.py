"""New versions of detector or projection head: trained on request, evaluated, kept with a card."""

from autolabel_core.training.detectors.weights_table import FineTunedWeights
from autolabel_core.training.heads.weights_table import HeadWeights

TABLES = (FineTunedWeights, HeadWeights)
