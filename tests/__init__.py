"""Tests and benchmarks.  A package, so that `python -m tests.bench` works from the root."""
