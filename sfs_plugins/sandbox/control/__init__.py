"""The SageMaker control plane, as far as it is about feature groups."""
