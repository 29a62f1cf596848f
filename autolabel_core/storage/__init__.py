"""Storage: the warehouse of derived tables, the users' buckets, S3, and the lock of a run."""
