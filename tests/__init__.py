"""A package with a file of its own: sagemaker-core brings smdebug-rulesconfig, which installs one named `tests` too."""
