"""The models of collections declared in YAML, and the reader whose errors name the cure."""

from autolabel_core.declarations.alert import Alert
from autolabel_core.declarations.automation import Automation
from autolabel_core.declarations.channel import Channel
from autolabel_core.declarations.cluster import Cluster
from autolabel_core.declarations.collection import (
    Bucket,
    BucketSchema,
    Collection,
    FeatureExtractor,
)
from autolabel_core.declarations.collections_folder import load_collections
from autolabel_core.declarations.detection import Detection
from autolabel_core.declarations.retriever import FeatureSearch, Retriever
from autolabel_core.declarations.taxonomy import Taxonomy
from autolabel_core.declarations.webhook import Webhook

__all__ = [
    "Alert",
    "Automation",
    "Bucket",
    "BucketSchema",
    "Channel",
    "Cluster",
    "Collection",
    "Detection",
    "FeatureExtractor",
    "FeatureSearch",
    "Retriever",
    "Taxonomy",
    "Webhook",
    "load_collections",
]
