"""Iceberg tables in Athena: read at any snapshot, changed by copy-on-write, made, kept small."""
