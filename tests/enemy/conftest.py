"""The AWS store over a sandbox in this process, as the tests of that store have it."""

from tests.sagemaker_store.conftest import aws, clock, served, store
from tests.sagemaker_store.served import clients, server

__all__ = ["aws", "clients", "clock", "served", "server", "store"]
