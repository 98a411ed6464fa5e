"""botocore's own service models: what each operation takes, as the service itself declares it."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

Shape = dict[str, Any]

SERVICES: Final = {
    "SageMaker": "sagemaker",
    "AmazonAthena": "athena",
    "AWSGlue": "glue",
    "FeatureStoreRuntime": "sagemaker-featurestore-runtime",
    "IAM": "iam",
}
"""The services whose requests are checked by their model: name here, and name in botocore."""


@dataclass(frozen=True)
class Model:
    """One service's shapes and operations."""

    shapes: dict[str, Shape]
    operations: dict[str, Shape]

    def input_of(self, operation: str) -> str:
        """Return the name of the shape that an operation takes."""
        return str(self.operations[operation]["input"]["shape"])


@cache
def model(service: str) -> Model:
    """Return a service's model. Read once: the largest takes a tenth of a second."""
    from botocore.loaders import Loader

    loaded = Loader().load_service_model(SERVICES[service], "service-2")
    # a hundred thousand dictionaries that stay: the garbage collector need not look through them again
    gc.freeze()
    return Model(loaded["shapes"], loaded["operations"])
