"""Groups of similar documents without a label; a cluster keeps its id and name between runs."""

from autolabel_core.clusters.table import Clusters

TABLES = (Clusters,)
