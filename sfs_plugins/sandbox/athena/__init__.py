"""Athena over the store's Parquet files: executions, results, workgroups."""
