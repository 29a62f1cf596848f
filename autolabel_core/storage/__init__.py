"""Where bytes lie: the warehouse, buckets, S3, and the lock of a run."""
