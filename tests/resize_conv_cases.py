"""Configurations of resize-convolutions, drawn at random."""

from .conv_cases import ints


def random_case(rng, dtype, many=False):
    """Arrays, arguments and the size of a configuration that leaves some output.

    `many` channels are those from which phases share products, forward and backward.
    """
    while True:
        groups = int(rng.integers(1, 4))
        most = 20 if rng.random() < 0.15 else 4
        inner, outer = int(rng.integers(1, most)), groups * int(rng.integers(1, most))
        if rng.random() < 0.2:
            groups, inner, outer = outer, 1, outer  # depthwise
        if many:
            groups = int(rng.integers(1, 3))
            inner, outer = int(rng.integers(8, 24)), groups * int(rng.integers(16, 40))
        kernel = ints(rng, 1, 6, 2) if rng.random() < 0.8 else (1, 1)
        dilation = ints(rng, 1, 4, 2)
        factor = ints(rng, 1, 5, 2)
        size = ints(rng, 1, 11, 2)
        reach = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        some = tuple(int(rng.integers(0, r + 2)) for r in reach)
        padding = ["same", "valid", some][int(rng.integers(0, 3))]
        mode = ["nearest", "bilinear"][int(rng.integers(0, 2))]
        padding_mode = ["zeros", "replicate"][int(rng.integers(0, 2))]
        around = {"same": reach, "valid": [0, 0]}.get(padding) or [2 * p for p in padding]
        out = tuple(n * f + a - r for n, f, a, r in zip(size, factor, around, reach, strict=True))
        if min(out) > 0:
            break
    batch = int(rng.integers(1, 4))
    x = rng.standard_normal((batch, groups * inner, *size)).astype(dtype)
    weight = rng.standard_normal((outer, inner, *kernel)).astype(dtype)
    bias = rng.standard_normal(outer).astype(dtype)
    return x, weight, bias, (factor, mode, padding, padding_mode, groups, dilation), out
