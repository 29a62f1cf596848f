"""The interactive map of a run's clusters: one HTML file that needs no server and no network.

The page is put together from the files beside this module; drawing is WebGL of our own.
"""

from __future__ import annotations

from autolabel_core.clusters.map.page import MapCluster, MapPoints, cluster_map_html
from autolabel_core.clusters.map.thumbnails import MAX_INLINE, Thumbnails

__all__ = ["MAX_INLINE", "MapCluster", "MapPoints", "Thumbnails", "cluster_map_html"]
