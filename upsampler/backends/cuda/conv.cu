// Transposed convolutions: out[i * stride - padding + t * dilation] += x[i] * weight[t].
//
//     SOURCE, TARGET, REAL   items read, items written, arithmetic
//     INDEX                  counts within a plane
//
// Arrays are (N, C, D, H, W), contiguous.  Kernels know no stride and no padding: for every output
// of an axis `first` tells where in `tap` and `input` those are listed that meet there.  Everything
// gathers, in one order, so that results do not depend on the order of threads.

// One axis of the output: the entries of place o are first[o] to first[o + 1].
struct Axis {
    const int *first, *tap, *input;
    int kernel;
    INDEX inputs, outputs;
};

// The place of an output in its plane, taken apart.
struct Place {
    INDEX d, h, w;
    __device__ Place(INDEX k, INDEX height, INDEX width)
    {
        INDEX row = k / width;
        w = k - row * width;
        d = row / height;
        h = row - d * height;
    }
};

#define AXIS(a)                                                                                    \
    const int *__restrict__ a##_first, const int *__restrict__ a##_tap,                            \
        const int *__restrict__ a##_input, int a##_kernel, INDEX a##_inputs, INDEX a##_outputs

// The sum over what meets at an output of x[input] * weight[tap], on top of `total`.
__device__ __forceinline__ REAL
meet(REAL total, const SOURCE *__restrict__ x, const REAL *__restrict__ weight, const Place &own,
     const Axis &d, const Axis &h, const Axis &w)
{
    for (int a = d.first[own.d]; a < d.first[own.d + 1]; ++a)
        for (int b = h.first[own.h]; b < h.first[own.h + 1]; ++b) {
            const SOURCE *row = x + (d.input[a] * h.inputs + h.input[b]) * w.inputs;
            const REAL *taps = weight + (d.tap[a] * h.kernel + h.tap[b]) * w.kernel;
            for (int c = w.first[own.w]; c < w.first[own.w + 1]; ++c)
                total = fma(taps[w.tap[c]], to_real<REAL>(row[w.input[c]]), total);
        }
    return total;
}

// Few channels: a thread sums over all of its group.  `weight` is (C_in, C_out / groups, taps);
// planes are those of the output, (N, C_out).
extern "C" __global__ void __launch_bounds__(128, 1)
direct(const SOURCE *__restrict__ x, const REAL *__restrict__ weight,
       const REAL *__restrict__ bias, TARGET *__restrict__ y, i64 planes, int groups, int inner,
       int outer, AXIS(d), AXIS(h), AXIS(w))
{
    const INDEX k = (INDEX)blockIdx.x * blockDim.x + threadIdx.x;
    const INDEX outputs = d_outputs * h_outputs * w_outputs;
    if (k >= outputs) return;
    const Place own(k, h_outputs, w_outputs);
    const Axis d = {d_first, d_tap, d_input, d_kernel, d_inputs, d_outputs};
    const Axis h = {h_first, h_tap, h_input, h_kernel, h_inputs, h_outputs};
    const Axis w = {w_first, w_tap, w_input, w_kernel, w_inputs, w_outputs};
    const i64 inputs = (i64)d_inputs * h_inputs * w_inputs;
    const i64 taps = (i64)d_kernel * h_kernel * w_kernel;
    for (i64 plane = blockIdx.y; plane < planes; plane += gridDim.y) {
        const i64 n = plane / ((i64)groups * outer);
        const int channel = (int)(plane - n * groups * outer);
        const int group = channel / outer;
        const i64 first = n * groups * inner + group * inner;  // of the planes of the input
        REAL total = bias ? bias[channel] : 0;
        for (int c = 0; c < inner; ++c) {
            const i64 pair = (i64)(group * inner + c) * outer + channel - group * outer;
            total = meet(total, x + (first + c) * inputs, weight + pair * taps, own, d, h, w);
        }
        y[plane * outputs + k] = to_item<TARGET>(total);
    }
}

// Many channels: products of all channels for each tap and input, (planes, taps, inputs), are
// had as a product of matrices; a thread sums those that meet at its output.
extern "C" __global__ void __launch_bounds__(128, 1)
from_columns(const SOURCE *__restrict__ columns, const REAL *__restrict__ bias,
             TARGET *__restrict__ y, i64 planes, int channels, AXIS(d), AXIS(h), AXIS(w))
{
    const INDEX k = (INDEX)blockIdx.x * blockDim.x + threadIdx.x;
    const INDEX outputs = d_outputs * h_outputs * w_outputs;
    if (k >= outputs) return;
    const Place own(k, h_outputs, w_outputs);
    const i64 inputs = (i64)d_inputs * h_inputs * w_inputs;
    const i64 taps = (i64)d_kernel * h_kernel * w_kernel;
    for (i64 plane = blockIdx.y; plane < planes; plane += gridDim.y) {
        const SOURCE *from = columns + plane * taps * inputs;
        REAL total = bias ? bias[plane % channels] : 0;
        for (int a = d_first[own.d]; a < d_first[own.d + 1]; ++a)
            for (int b = h_first[own.h]; b < h_first[own.h + 1]; ++b) {
                const i64 tap = ((i64)d_tap[a] * h_kernel + h_tap[b]) * w_kernel;
                const i64 row = ((i64)d_input[a] * h_inputs + h_input[b]) * w_inputs;
                for (int c = w_first[own.w]; c < w_first[own.w + 1]; ++c)
                    total += to_real<REAL>(from[(tap + w_tap[c]) * inputs + row + w_input[c]]);
            }
        y[plane * outputs + k] = to_item<TARGET>(total);
    }
}

// What every tap of every input sees of a gradient of the output: (planes, taps, count), of the
// inputs from `begin` on.  `at` of an axis is [tap][input], the output that they meet at, or -1.
extern "C" __global__ void __launch_bounds__(128, 1)
to_columns(const SOURCE *__restrict__ grad, TARGET *__restrict__ columns, i64 planes, i64 begin,
           i64 count, const int *__restrict__ d_at, const int *__restrict__ h_at,
           const int *__restrict__ w_at, int d_kernel, int h_kernel, int w_kernel, INDEX d_inputs,
           INDEX h_inputs, INDEX w_inputs, INDEX d_outputs, INDEX h_outputs, INDEX w_outputs)
{
    const i64 k = (i64)blockIdx.x * blockDim.x + threadIdx.x;
    if (k >= count) return;
    const Place own((INDEX)(begin + k), h_inputs, w_inputs);
    const i64 outputs = (i64)d_outputs * h_outputs * w_outputs;
    const i64 taps = (i64)d_kernel * h_kernel * w_kernel;
    for (i64 plane = blockIdx.y; plane < planes; plane += gridDim.y) {
        const SOURCE *from = grad + plane * outputs;
        TARGET *to = columns + plane * taps * count + k;
        for (int a = 0; a < d_kernel; ++a)
            for (int b = 0; b < h_kernel; ++b) {
                const int d = d_at[a * d_inputs + own.d], h = h_at[b * h_inputs + own.h];
                for (int c = 0; c < w_kernel; ++c, to += count) {
                    const int w = w_at[c * w_inputs + own.w];
                    const bool seen = d >= 0 && h >= 0 && w >= 0;
                    *to = seen
                        ? to_item<TARGET>(
                              to_real<REAL>(from[((i64)d * h_outputs + h) * w_outputs + w]))
                        : TARGET{};
                }
            }
    }
}
