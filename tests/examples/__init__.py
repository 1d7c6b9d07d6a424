"""Examples to read and to run: `python -m tests.examples.unet_decoder` (see `--help`)."""
