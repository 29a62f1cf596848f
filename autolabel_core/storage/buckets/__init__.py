"""Buckets hold the user's objects; we list and read them and never write, but for promotions."""

from autolabel_core.storage.buckets.object_source import ObjectSource
from autolabel_core.storage.buckets.stored_objects import Blob, Listed, StoredObject

__all__ = ["Blob", "Listed", "ObjectSource", "StoredObject"]
