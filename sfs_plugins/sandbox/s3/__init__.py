"""The subset of S3 that feature store clients need, over the store's own folder."""
