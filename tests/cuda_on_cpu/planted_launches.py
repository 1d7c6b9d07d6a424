"""Mistakes in the code that launches kernels, as edits of its source: wrong grids, strides, tables.

Each has to be found by executing calls that name it (test_gpu_planted.py).
"""

from __future__ import annotations

from planted import Planted


def _in(file: str, *rows: tuple[str, str, str, tuple[str, ...]]) -> list[Planted]:
    return [Planted(name, file, old, new, calls) for name, old, new, calls in rows]


LAUNCHES = [
    *_in(
        "gpu_launch.py",
        ("a block too few", "-(-threads // width)", "max(1, threads // width)", ("bilinear",)),
        ("block on its side", "(width, height), arguments", "(height, width), arguments",
         ("nearest",)),
        ("tables of another device", "cuda.Device().id, stream", "0, stream", ("bilinear",)),
    ),
    *_in(
        "gpu.py",
        ("inputs of any strides", "self.xp.ascontiguousarray(view.view(x)) for",
         "view.view(x) for", ("view-strided",)),
        ("results of any strides", "t if t.flags.c_contiguous else", "t if True else",
         ("view-out",)),
        ("results left behind", "if values is not target:", "if False:", ("view-out",)),
        ("windows left whole", "x = _cropped(plan, x)", "x = x", ("view-crop",)),
        ("always the first device", "Device(x.device.id)", "Device(0)", ("nearest",)),
        ("places as they come", "indices.astype(np.int64, copy=False)", "indices",
         ("max_pool2d-short",)),
        ("shuffles left behind", "x.transpose(order), made, up", "x.transpose(order), out, up",
         ("pixel-out",)),
    ),
    *_in(
        "gpu_copy.py",
        ("vectors anywhere", "pitch * size % VECTOR == 0 and aligned(out, VECTOR)",
         "pitch * size % VECTOR == 0", ("view-out-1-nearest",)),
        ("vectors of any row", "size < VECTOR and pitch * size % VECTOR == 0", "size < VECTOR",
         ("nearest",)),
        ("pairs read anywhere", "return aligned(x, read) and aligned(out, VECTOR)", "return True",
         ("nearest-x2",)),
        ("pixels moved anywhere", "gcd(nbytes, VECTOR, int(x.data.ptr), int(out.data.ptr))",
         "gcd(nbytes, VECTOR)", ("nearest-NHWC",)),
        ("whole axes", "return whole and np.array_equal", "return True or np.array_equal",
         ("view-window-nearest",)),
        ("a chunk too few", "vectors * -(-height // chunk)", "vectors * (height // chunk)",
         ("nearest-x",)),
        ("planes too near", "* (depth * plane)", "* plane", ("nearest3d",)),
        ("channels in order", "group * c + row * h + column * w",
         "group * c + row * w + column * h", ("pixel",)),
    ),
    *_in(
        "gpu_resample.py",
        ("columns before rows", "steps = [(1, d, None), (2, h, None), (2, None, w)]",
         "steps = [(2, None, w), (2, h, None), (1, d, None)]", ("bilinear-backward",)),
        ("vectors read anywhere", "in_pitch % many == 0 and aligned(x, whole)",
         "in_pitch % many == 0", ("bilinear-NHWC",)),
        ("vectors written anywhere", "pitch % many == 0 and aligned(out, VECTOR)",
         "pitch % many == 0", ("view-out-1-bicubic",)),
        ("pairs read anywhere", "and aligned(x, half)", "", ("bilinear-x2",)),
        ("windows by two", "if window != (0, rule.m):", "if False:", ("view-window-bilinear",)),
        ("rows for rows", "(in_rows, in_pitch, rows, pitch, inner, chunk)",
         "(rows, in_pitch, in_rows, pitch, inner, chunk)", ("bilinear",)),
        ("wide tables", "table.start.astype(np.int32), table.weights", "table.start, table.weights",
         ("bicubic",)),
        ("weights by rows", "weights = np.repeat(weights.T, inner, axis=1)",
         "weights = np.repeat(weights, inner, axis=0)", ("bicubic",)),
        ("results of the first part", "made = out[part] if last", "made = out[: part.stop - "
         "part.start] if last", ("lanczos3",)),
        ("columns not spread", "(start[:, None] * inner + np.arange(inner)).ravel()",
         "np.repeat(start, inner)", ("bicubic-odd",)),
        ("a gradient of halves", "_halve if plan.adjoint else _double", "_double",
         ("bilinear-x2-backward",)),
    ),
    *_in(
        "gpu_conv_kernels.py",
        ("axes exchanged", '"y_d": y.axes[0], "y_h": y.axes[1]', '"y_d": y.axes[1], "y_h": '
         "y.axes[0]", ("conv",)),
        ("the first places again", '"begin": at.start, "places": places',
         '"begin": 0, "places": places', ("conv-many",)),
        ("the first columns again", '"begin": at.start, "count"', '"begin": 0, "count"',
         ("conv-many",)),
        ("weights anywhere", "weight.beside(self.launcher.xp) if y.is_last else weight.taps",
         "weight.taps", ("conv-last",)),
        ("a group for all", '"weight_group": group', '"weight_group": 0', ("conv-groups",)),
        ("channels of the input", '"weight_channel": group if own else channel',
         '"weight_channel": channel', ("conv-last-depthwise",)),
        ("threads too few", "work, places * blocks.across", "work, places", ("conv-last",)),
        ("parts too few", "parts * blocks.across, x.array", "parts, x.array", ("conv-last",)),
        ("blocks too few", "-(-group // way.lanes)", "max(1, group // way.lanes)", ("conv-many",)),
        ("steps in order", "parts.insert(0, rest)", "parts.append(rest)", ("conv",)),
    ),
    *_in(
        "gpu_strides.py",
        ("vectors anywhere", "and int(self.array.data.ptr) % border == 0", "", ("conv-last",)),
        ("columns in order", "self.channel = 1 if last else taps * self.count",
         "self.channel = 1 if last else self.count", ("conv-many",)),
    ),
    *_in(
        "gpu_conv_tables.py",
        ("inputs beyond the last", "& (inputs < n)", "", ("conv",)),
        ("outputs beyond the window", "(at >= lo) & (at < hi)", "at >= lo", ("conv",)),
        ("taps of the place before", "np.append(0, there.sum(axis=1).cumsum())",
         "np.append(there.sum(axis=1).cumsum(), 0)", ("conv",)),
    ),
    *_in(
        "gpu_conv.py",
        ("an input too few", "last = (end - 1 + padding) // stride",
         "last = (end - 2 + padding) // stride", ("conv-many",)),
        ("strips from the begin", "spec.padding[axis] - first * spec.stride[axis]",
         "spec.padding[axis]", ("conv-many",)),
        ("a bias forgotten", "out.samples(n), bias)", "out.samples(n), None)", ("conv-many",)),
        ("the last piece alone", "total += some", "total = some", ("conv-many",)),
        ("samples among channels", "self.xp.moveaxis(laid[n, :, :, at], 0, 2)",
         "self.xp.moveaxis(laid[n, :, :, at], 0, 1)", ("conv-many",)),
    ),
    *_in(
        "gpu_pool.py",
        ("vectors anywhere", "and all(aligned(a, VECTOR) for a in there)", "",
         ("avg_pool2d-last",)),
        ("runs of another length", "RUN = 16", "RUN = 8", ("max_pool2d",)),
        ("stride and padding", "stride=spec.stride, pad=spec.padding",
         "stride=spec.padding, pad=spec.stride", ("avg_pool2d",)),
        ("a row for all", "self._joined(self._joined(rows, RUN), height)", "rows", ("max_pool2d",)),
    ),
    *_in(
        "gpu_resize_conv.py",
        ("kernels not turned", "self.spec.channels_out)[..., ::-1, ::-1]",
         "self.spec.channels_out)", ("resize-conv-bilinear",)),
        ("rows for columns",
         "np.kron(_dense(rows, spec.kernel[0]), _dense(columns, spec.kernel[1]))",
         "np.kron(_dense(columns, spec.kernel[1]), _dense(rows, spec.kernel[0]))",
         ("resize-conv-odd",)),
        ("borders forgotten", "g[n - 1] += g[n:].sum(axis=0)", "pass", ("resize-conv",)),
    ),
]  # fmt: skip
