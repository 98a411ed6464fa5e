"""What the `Store` protocol promises, each promise a test; `StoreContract` gathers them.

Numbers in brackets are rows of section 10 of the dossier (`facts/feature-store.md`).
"""
