"""What the `Store` protocol promises, each promise a test; `StoreContract` gathers them.

Numbers in brackets are lines of docs/explanation/known-ways-to-be-wrong.md.
"""
