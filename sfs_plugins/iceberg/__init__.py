"""A toolbox, not a plugin: feature groups' Iceberg tables on disk, for the rooms that keep or serve them.

It imports pyiceberg and pyarrow as it is loaded: import it inside functions.
"""
