"""What lies in the bucket: hash, size, type, dimensions, metadata, or why it cannot be read."""

from autolabel_core.tables.raw_objects import RawObjects

TABLES = (RawObjects,)
