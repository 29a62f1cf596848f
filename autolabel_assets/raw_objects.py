"""The objects in the bucket: hash, size, type, dimensions, metadata, or why one is unreadable."""

from autolabel_core.tables.raw_objects import RawObjects

TABLES = (RawObjects,)
