# The types of the loops: data items, arithmetic, and the conversions between them.

from libc.math cimport fabs, fabsf, floor, isfinite
from libc.stdint cimport (
    int8_t,
    int16_t,
    int32_t,
    int64_t,
    uint8_t,
    uint16_t,
    uint32_t,
    uint64_t,
    uintptr_t,
)
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from upsampler.backends._threads cimport run_units, unit_fn

cdef extern from "_native.h" nogil:
    ctypedef struct f16_t:
        uint16_t bits
    ctypedef struct bf16_t:
        uint16_t bits
    float f16_to_float(uint16_t)
    uint16_t float_to_f16(float)
    float bf16_to_float(uint16_t)
    uint16_t float_to_bf16(float)
    float round_to_odd(double)
    void row_f16_to_float(float*, const uint16_t*, Py_ssize_t)
    void row_float_to_f16(uint16_t*, const float*, Py_ssize_t)

cdef extern from "_stream.h" nogil:
    ctypedef struct carry_t:
        char* at
        bint follow
    void end_carry(carry_t*)
    void stream_row(char*, const char*, Py_ssize_t, carry_t*)
    void stream_copy(char*, const char*, Py_ssize_t)
    void stream_fence()

cdef extern from "_steps.h" nogil:
    int UPSAMPLER_LANES
    bint row_load(float*, const char*, Py_ssize_t, int kind)

cdef extern from "_sums.h" nogil:
    bint rows_added(
        float*, const float* const* rows, const float* w, Py_ssize_t count, Py_ssize_t ahead,
        Py_ssize_t n, bint* odd
    )

cdef extern from "_rows.h" nogil:
    ctypedef struct exact_t:
        const uint16_t* first
        const uint16_t* second
        const int32_t* w
        int shift_h, shift
    bint row_blend(
        char** to, int count, const float* const* rows, const float* w, Py_ssize_t taps,
        bint linear, Py_ssize_t n, int kind, carry_t* carry
    )
    void row_blend_exact(char** to, int count, const exact_t*, Py_ssize_t n, carry_t* carry)

cdef extern from "_columns.h" nogil:
    ctypedef struct twice_t:
        const float* w
        const int32_t* order
    ctypedef struct groups_t:
        const int32_t* base
        const int32_t* pattern
        const uint8_t* order
        const float* weights
        int wide
    ctypedef struct columns_t:
        twice_t twice
        groups_t groups
        const int32_t* start
        const float* w
        Py_ssize_t inner, taps
        bint linear
        Py_ssize_t in_n, out_n, periodic, cycles
    bint resample_columns(float*, const float*, const columns_t*)
    int resample_ahead(float* const*, const float* const*, const columns_t*)
    enum: AHEAD

cdef extern from "_short_rows.h" nogil:
    ctypedef struct short_rows_t:
        const int64_t* start
        const float* w
        Py_ssize_t rows, taps, last
        bint linear
    void blend_short_rows(float*, const float*, Py_ssize_t n, const short_rows_t*)
    void copy_short_rows(
        char*, const char*, Py_ssize_t n, const int64_t* start, Py_ssize_t rows
    )

cdef extern from "_bytes.h" nogil:
    ctypedef struct phases_t:
        const uint8_t* order
        const uint16_t* weights
        Py_ssize_t inner, advance, outputs
        int vectors, shift
    void phases_of_bytes(uint16_t*, const uint8_t*, const phases_t*, Py_ssize_t steps)

cdef extern from "_picks.h" nogil:
    ctypedef struct picks_t:
        const int32_t* base
        const int32_t* pattern
        const uint8_t* order
        bint words
    Py_ssize_t pick_width(bint words)
    void copy_picked(
        char** to, int count, const char* row, const picks_t*, Py_ssize_t first, Py_ssize_t n,
        bint stream
    )
    void spread_pixels(
        char** to, int count, const char* row, const int64_t* index, Py_ssize_t n, Py_ssize_t size
    )

# What an item can be, and what arithmetic can be done in.
ctypedef fused item:
    uint8_t
    int8_t
    uint16_t
    int16_t
    uint32_t
    int32_t
    uint64_t
    int64_t
    f16_t
    bf16_t
    float
    double

ctypedef fused real:
    float
    double

# Codes of the items, in the order of ITEM_NAMES.
cdef enum:
    U8, I8, U16, I16, U32, I32, U64, I64, F16, BF16, F32, F64

ITEM_NAMES = (
    "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64",
    "float16", "bfloat16", "float32", "float64",
)

# Rows whose samples all stay below these magnitudes cannot overflow in any filter we have
# (three passes grow a value by less than 2^4), so they need no look at single elements.
cdef extern from *:
    """
    #define LIMIT32 0x1p+100f
    #define LIMIT64 0x1p+900
    """
    float LIMIT32
    double LIMIT64


cdef inline real to_real(item v, real* number) noexcept nogil:
    """An item as a number of the arithmetic type."""
    if item is f16_t:
        return f16_to_float(v.bits)
    elif item is bf16_t:
        return bf16_to_float(v.bits)
    else:
        return <real> v


cdef inline item to_item(real v, item* typed) noexcept nogil:
    """A number rounded to an item: integers to nearest, ties up, saturated."""
    cdef item result
    cdef real t
    cdef int32_t whole, low, high
    cdef double below
    if item is f16_t:
        result.bits = float_to_f16(v if real is float else round_to_odd(v))
        return result
    elif item is bf16_t:
        result.bits = float_to_bf16(v if real is float else round_to_odd(v))
        return result
    elif item is float or item is double:
        return <item> v
    elif item is uint8_t or item is int8_t or item is uint16_t or item is int16_t:
        if item is uint8_t:
            low, high = 0, 255
        elif item is int8_t:
            low, high = -128, 127
        elif item is uint16_t:
            low, high = 0, 65535
        else:
            low, high = -32768, 32767
        # No filter makes more than 2^31 of 16-bit data.  The clamp is one of integers: compilers
        # turn comparisons of floats into masks, at three times the instructions.
        t = v + <real> 0.5
        whole = <int32_t> t
        if item is int8_t or item is int16_t:
            whole -= <real> whole > t  # truncated: a floor only where t >= 0
        whole = whole if whole > low else low
        whole = whole if whole < high else high
        return <item> whole
    else:
        # No v + 0.5 here: it would round where v is large.
        below = floor(v)
        below += v - below >= 0.5
        return clamp_wide(below, typed)


cdef inline item clamp_wide(double v, item* typed) noexcept nogil:
    """A whole number saturated to 32 or 64 bits; comparisons only with powers of two."""
    if item is uint32_t:
        if v >= 4294967295.0:
            return 0xFFFFFFFFU
        return <item> v if v > 0 else 0
    elif item is int32_t:
        if v >= 2147483647.0:
            return 0x7FFFFFFF
        return <item> v if v > -2147483648.0 else -0x7FFFFFFF - 1
    elif item is uint64_t:
        if v >= 18446744073709551616.0:
            return <uint64_t> 0xFFFFFFFFFFFFFFFFU
        return <item> v if v > 0 else 0
    elif item is int64_t:
        if v >= 9223372036854775808.0:
            return <int64_t> 0x7FFFFFFFFFFFFFFF
        return <item> v if v > -9223372036854775808.0 else -<int64_t> 0x7FFFFFFFFFFFFFFF - 1
    else:
        return typed[0]


# --- whole rows ------------------------------------------------------------------------------
# `typed` and `number` only choose the specialisation; the pointers come as void, so that all
# specialisations of a function fit one pointer type.

cdef enum:
    BLOCK = 256  # elements converted at a time where a row function wants an array between

ctypedef bint (*load_fn)(void*, const char*, Py_ssize_t, void*, void*) noexcept nogil
ctypedef void (*copy_fn)(char*, const void*, Py_ssize_t, void*, void*) noexcept nogil
ctypedef void (*blend_fn)(
    char**, int, void**, const void*, Py_ssize_t, bint, Py_ssize_t, carry_t*, void*, void*
) noexcept nogil


cdef bint load_row(
    void* to, const char* source, Py_ssize_t n, item* typed, real* number
) noexcept nogil:
    """Items to arithmetic; True where a value is large or not finite (see LIMIT32)."""
    cdef real* dst = <real*> to
    cdef const item* src = <const item*> source
    cdef Py_ssize_t k
    cdef real v
    # Integers as wide as the numbers, so that the loops vectorise.
    cdef int32_t odd32 = 0
    cdef int64_t odd64 = 0
    if item is f16_t and real is float:
        row_f16_to_float(dst, <const uint16_t*> source, n)
        for k in range(n):
            odd32 |= 0 if fabsf(dst[k]) <= LIMIT32 else 1
    elif item is bf16_t or item is float or item is f16_t or item is double:
        for k in range(n):
            v = to_real(src[k], dst)
            dst[k] = v
            if real is float:
                odd32 |= 0 if fabsf(v) <= LIMIT32 else 1
            else:
                odd64 |= 0 if fabs(v) <= LIMIT64 else 1
    else:
        for k in range(n):
            dst[k] = to_real(src[k], dst)
    return odd32 != 0 or odd64 != 0


cdef inline void store_block(char* to, const real* src, Py_ssize_t n, item* typed) noexcept nogil:
    cdef item* dst = <item*> to
    cdef Py_ssize_t k
    if item is f16_t and real is float:
        row_float_to_f16(<uint16_t*> to, src, n)
    else:
        for k in range(n):
            dst[k] = to_item(src[k], dst)


cdef void store_row(
    char* to, const void* row, Py_ssize_t n, item* typed, real* number
) noexcept nogil:
    """Arithmetic to items, rounded once."""
    store_block(to, <const real*> row, n, typed)


cdef inline int kind_of(item* typed) noexcept nogil:
    """The code of an item that _rows.h may know."""
    if item is uint8_t:
        return U8
    elif item is uint16_t:
        return U16
    elif item is f16_t:
        return F16
    elif item is float:
        return F32
    else:
        return -1


cdef void store_linear(
    item* dst, const real* a, const real* b, real w, Py_ssize_t n
) noexcept nogil:
    """``a + w * (b - a)`` of two rows, rounded to items."""
    cdef real[BLOCK] block
    cdef Py_ssize_t k, m, at = 0
    if item is f16_t:
        while at < n:
            m = min(<Py_ssize_t> BLOCK, n - at)
            for k in range(m):
                block[k] = a[at + k] + w * (b[at + k] - a[at + k])
            store_block(<char*> (dst + at), block, m, dst)
            at += m
    else:
        for k in range(n):
            dst[k] = to_item(a[k] + w * (b[k] - a[k]), dst)


cdef void store_sum(
    item* dst, void** rows, const real* w, Py_ssize_t taps, Py_ssize_t n
) noexcept nogil:
    """The weighted sum of rows, left to right, rounded to items."""
    cdef const real* a
    cdef const real* b
    cdef const real* c
    cdef const real* d
    cdef real wa, wb, wc, wd
    cdef real[BLOCK] block
    cdef Py_ssize_t k, t, m, at = 0
    while at < n:
        m = min(<Py_ssize_t> BLOCK, n - at)
        # Four rows at a time, in the order of the sum: the block stays in registers longer.
        a = <const real*> rows[0] + at
        wa = w[0]
        if taps >= 4:
            b = <const real*> rows[1] + at
            c = <const real*> rows[2] + at
            d = <const real*> rows[3] + at
            wb = w[1]
            wc = w[2]
            wd = w[3]
            for k in range(m):
                block[k] = ((wa * a[k] + wb * b[k]) + wc * c[k]) + wd * d[k]
            t = 4
        else:
            for k in range(m):
                block[k] = wa * a[k]
            t = 1
        while t < taps:
            a = <const real*> rows[t] + at
            wa = w[t]
            for k in range(m):
                block[k] = block[k] + wa * a[k]
            t += 1
        store_block(<char*> (dst + at), block, m, dst)
        at += m


cdef void store_blend(
    char** to, int count, void** rows, const void* weights, Py_ssize_t taps, bint linear,
    Py_ssize_t n, carry_t* carry, item* typed, real* number,
) noexcept nogil:
    """`count` blends of the same rows, rounded to items: linear of two, or weighted sums."""
    cdef const real* w = <const real*> weights
    cdef int r
    if real is float:
        if row_blend(
            to, count, <const float* const*> rows, w, taps, linear, n, kind_of(typed), carry
        ):
            return
    for r in range(count):
        if linear:
            store_linear(<item*> to[r], <const real*> rows[0], <const real*> rows[1], w[r], n)
        else:
            store_sum(<item*> to[r], rows, w + r * taps, taps, n)


cdef struct Codec:
    # The row functions of one (item, arithmetic) pair.
    load_fn load
    copy_fn store
    blend_fn blend


cdef void fill_codec(Codec* codec, item* typed, real* number) noexcept nogil:
    codec.load = <load_fn> load_row[item, real]
    codec.store = <copy_fn> store_row[item, real]
    codec.blend = <blend_fn> store_blend[item, real]


cdef void choose_codec(Codec* codec, int code, real* number) noexcept nogil:
    """The row functions of an item code, with arithmetic in `real`."""
    if code == U8:
        fill_codec(codec, <uint8_t*> NULL, number)
    elif code == I8:
        fill_codec(codec, <int8_t*> NULL, number)
    elif code == U16:
        fill_codec(codec, <uint16_t*> NULL, number)
    elif code == I16:
        fill_codec(codec, <int16_t*> NULL, number)
    elif code == U32:
        fill_codec(codec, <uint32_t*> NULL, number)
    elif code == I32:
        fill_codec(codec, <int32_t*> NULL, number)
    elif code == U64:
        fill_codec(codec, <uint64_t*> NULL, number)
    elif code == I64:
        fill_codec(codec, <int64_t*> NULL, number)
    elif code == F16:
        fill_codec(codec, <f16_t*> NULL, number)
    elif code == BF16:
        fill_codec(codec, <bf16_t*> NULL, number)
    elif code == F32:
        fill_codec(codec, <float*> NULL, number)
    else:
        fill_codec(codec, <double*> NULL, number)
