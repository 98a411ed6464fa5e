"""Tests of other people's plugins run where those are installed: see tests/test_third_party_plugin.py."""

collect_ignore_glob = ["*"]
