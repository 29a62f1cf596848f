"""Buckets hold the user's objects; we list and read them and never write, but for promotions."""

from autolabel_core.buckets.objects import Blob, Listed, StoredObject
from autolabel_core.buckets.source import ObjectSource

__all__ = ["Blob", "Listed", "ObjectSource", "StoredObject"]
