"""Names clusters: by a language model where one is declared, else by keywords and labels.

Nothing here fails a run: what a server cannot name is named by the members' labels, by keywords or
by the nearest reference, and the result says why.
"""

from __future__ import annotations

from autolabel_core.clusters.naming.keyword_names import offline_names
from autolabel_core.clusters.naming.name_clusters import NamingContext, NamingResult, name_clusters
from autolabel_core.clusters.naming.samples import (
    ClusterName,
    ClusterSample,
    SampleBlob,
    SampleDocument,
    representatives,
)

__all__ = [
    "ClusterName",
    "ClusterSample",
    "NamingContext",
    "NamingResult",
    "SampleBlob",
    "SampleDocument",
    "name_clusters",
    "offline_names",
    "representatives",
]
