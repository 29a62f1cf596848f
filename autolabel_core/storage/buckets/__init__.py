"""Buckets with the user's objects: listed and read, and written by promotion alone."""

from autolabel_core.storage.buckets.object_source import ObjectSource
from autolabel_core.storage.buckets.stored_objects import Blob, Listed, StoredObject

__all__ = ["Blob", "Listed", "ObjectSource", "StoredObject"]
