"""Collections declared in YAML: their models, and reading them with errors that name the cure."""

from autolabel_core.declarations.automation import Automation
from autolabel_core.declarations.collection import (
    Bucket,
    BucketSchema,
    Collection,
    FeatureExtractor,
    Taxonomy,
)
from autolabel_core.declarations.loading import load_collections
from autolabel_core.declarations.retriever import FeatureSearch, Retriever

__all__ = [
    "Automation",
    "Bucket",
    "BucketSchema",
    "Collection",
    "FeatureExtractor",
    "FeatureSearch",
    "Retriever",
    "Taxonomy",
    "load_collections",
]
