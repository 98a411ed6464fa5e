"""The Glue data catalogue: databases, tables and partitions, those of feature groups among them."""
