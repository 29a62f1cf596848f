"""Groups of what nobody has labelled yet; a cluster keeps its id and name from run to run."""

from autolabel_core.clusters.table import Clusters

TABLES = (Clusters,)
