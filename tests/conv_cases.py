"""Configurations of transposed convolutions, drawn at random."""

import upsampler

FORWARD = {r: getattr(upsampler, f"conv_transpose{r}d") for r in (1, 2, 3)}
BACKWARD = {r: getattr(upsampler, f"conv_transpose{r}d_backward") for r in (1, 2, 3)}


def ints(rng, low, high, count):
    return tuple(int(v) for v in rng.integers(low, high, count))


def random_case(rng, rank, dtype):
    """Arrays and arguments of a configuration that leaves some output."""
    while True:
        groups = int(rng.integers(1, 4))
        most = 20 if rng.random() < 0.15 else 4
        channels_in, channels_out = groups * int(rng.integers(1, most)), int(rng.integers(1, most))
        if rng.random() < 0.2:
            groups, channels_in, channels_out = channels_in, channels_in, 1  # depthwise
        kernel = ints(rng, 1, 7 if rank < 3 else 4, rank)
        stride, dilation = ints(rng, 1, 6, rank), ints(rng, 1, 4, rank)
        extra = tuple(
            int(rng.integers(0, max(s, d))) for s, d in zip(stride, dilation, strict=True)
        )
        padding = ints(rng, 0, 5, rank)
        size = ints(rng, 1, 14 if rank < 3 else 6, rank)
        arguments = (stride, padding, extra, groups, dilation)
        out = tuple(
            (n - 1) * s - 2 * p + d * (k - 1) + e + 1
            for n, s, p, d, k, e in zip(size, stride, padding, dilation, kernel, extra, strict=True)
        )
        if min(out) > 0:
            break
    batch = int(rng.integers(1, 4))
    x = rng.standard_normal((batch, channels_in, *size)).astype(dtype)
    weight = rng.standard_normal((channels_in, channels_out, *kernel)).astype(dtype)
    bias = rng.standard_normal(groups * channels_out).astype(dtype)
    return x, weight, bias, arguments, out
