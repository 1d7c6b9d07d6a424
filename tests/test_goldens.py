"""Stored results of PyTorch and Pillow (goldens/make.py says how they were made)."""

import json
from pathlib import Path

import numpy as np
import pytest

from upsampler import interpolate, interpolate_backward

FILE = Path(__file__).parent / "goldens" / "peers.npz"
with np.load(FILE) as stored:
    GOLDENS = dict(stored)
KEYS = [k for k in GOLDENS if k.split("/")[0] in ("torch", "torch-backward", "pillow")]


def test_the_file_says_what_made_it():
    versions = json.loads(str(GOLDENS["versions"]))
    assert set(versions) == {"torch", "pillow", "numpy", "python"}
    assert len(KEYS) == 4 * (9 + 9 + 3)


@pytest.mark.parametrize("key", KEYS)
def test_golden(backend, key):
    peer, mode, *keywords, k = key.split("/")
    x, grad, want = GOLDENS[f"x/{k}"], GOLDENS[f"grad/{k}"], GOLDENS[key]
    keywords = dict.fromkeys(keywords, True)
    if peer == "torch":
        got = interpolate(x, want.shape[2:], mode=mode, **keywords)
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-13)
    elif peer == "torch-backward":
        got = interpolate_backward(grad, x.shape, grad.shape[2:], mode=mode, **keywords)
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-13)
    else:
        antialias = mode != "lanczos3"
        got = interpolate(x[0, 0].astype(np.float32), want.shape, mode=mode, antialias=antialias)
        np.testing.assert_allclose(got, want, rtol=0, atol=2e-6)
