"""The Feature Store runtime: all seven operations over REST and JSON."""
