"""The benchmark: `python -m tests.bench` (see `--help`)."""
