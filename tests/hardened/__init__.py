"""Builds that watch memory and arithmetic: `python -m tests.hardened debug` and `sanitize`."""
