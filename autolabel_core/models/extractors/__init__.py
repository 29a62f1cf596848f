"""Feature extractors: plug-ins that turn images or texts into unit vectors.

An extractor says what it is (`Manifest`) without loading weights, and embeds when asked. Anyone may
add one: an entry point of the group `autolabel.extractors`. This package knows no stores.
"""

from autolabel_core.foundation.feature_uri import FeatureUri, feature_slug, parse_feature_uri
from autolabel_core.models.extractors.batch_fallback import embed_with_fallback
from autolabel_core.models.extractors.loading import (
    embed_checked,
    embed_texts_checked,
    embeds_texts,
    load_extractor,
)
from autolabel_core.models.extractors.manifest import Extractor, Manifest

__all__ = [
    "Extractor",
    "FeatureUri",
    "Manifest",
    "embed_checked",
    "embed_texts_checked",
    "embed_with_fallback",
    "embeds_texts",
    "feature_slug",
    "load_extractor",
    "parse_feature_uri",
]
