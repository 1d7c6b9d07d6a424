// The machine that translated kernels run on: what a thread, a block and a launch are, and
// memory whose every access is checked.  The rest of it is in machine.cpp, compiled once.
#pragma once
#include "values.h"

// Mirrored in ../launching.py.
struct Cell { u32 writer, write_epoch, reader, read_epoch, reader_block; };
struct Allocation {
    u64 base, size;
    u32 granularity;  // bytes for which one cell stands
    u32 unused;
    Cell *cells;      // null: neither races nor uninitialised reads are looked for
    u8 *initialised;  // a byte for each cell
    const char *name;
};
struct SiteCount { u64 accesses, bytes, requests, sectors, ideal_sectors; };
struct Launch {
    u32 grid[3], block[3];
    u32 dynamic_shared;
    u32 check, count_sectors;
    u32 allocation_count;
    u64 seed;               // of the order of blocks and threads; 0 is in order
    Allocation *allocations;
    SiteCount *sites;
    u64 instructions;
    u64 max_blocks;         // run only so many; 0 is all
    u64 blocks_run;
    char error[1024];
};

enum State { READY, AT_BARRIER, AT_WARP, DONE };
enum Collective { SHUFFLE, VOTE_ALL, VOTE_ANY };
enum Access { LOAD, LOAD_CONSTANT, STORE, ATOMIC };
enum AtomicOperation { OP_ADD, OP_MIN, OP_MAX, OP_EXCH, OP_CAS, OP_AND, OP_OR, OP_XOR };
const u32 SHARED_BASE = 0x400;  // shared addresses start here, so that 0 is never one
const u32 PARAMETER_BASE = 0x100;  // and those of parameters here

struct Block;
struct Thread {
    Block *block;
    u32 index[3], linear, serial, resume;
    // What it brings to a warp-wide instruction, and takes away.
    u32 value, result, mask, source, collective;
    bool predicate, result_predicate;
    u8 state;
};
struct Block {
    Launch *launch;
    u32 index[3], linear, epoch, threads;
    u8 *shared;
    u32 shared_size;
    u64 instructions;
};

// Of the kernel, made by the translator.
struct Site { const char *text; u32 bytes; };
extern const Site sites[];
struct Extent { u64 base, size; };
extern const Extent module_memory[];  // variables of the module, which kernels only read
extern thread_local const u8 *parameters;
typedef int (*Body)(Thread &, void *registers);
struct Kernel {
    Body body;
    u32 register_bytes, static_shared;
    bool collective;        // has barriers or warp-wide instructions: registers outlive a call
    u32 max_threads;
};
int run(const Kernel &, Launch &, const u8 *parameters);

const u64 MOST_STEPS = 1ull << 29;  // instructions of a block: one that does more does not end
inline void check_steps(const Thread &t) {
    if (t.block->instructions > MOST_STEPS) throw std::runtime_error("a block does not end");
}

inline const u8 *parameter(u64 address, u32 size, u32 end) {
    const u64 offset = address - PARAMETER_BASE;
    if (offset > end || offset + size > end)
        throw std::runtime_error("read of a parameter that is not there");
    return parameters + offset;
}
u8 *global_memory(Thread &, u32 site, u64 address, u32 size, Access);
u8 *shared_memory(Thread &, u32 site, u64 address, u32 size, Access);
u8 *local_memory(Thread &, u32 site, u64 address, u32 size, void *own, u64 own_size);

template <class T, int n> inline void load_global(Thread &t, u32 site, u64 a, T *v) {
    memcpy(v, global_memory(t, site, a, sizeof(T) * n, LOAD), sizeof(T) * n);
}
template <class T, int n> inline void load_constant(Thread &t, u32 site, u64 a, T *v) {
    memcpy(v, global_memory(t, site, a, sizeof(T) * n, LOAD_CONSTANT), sizeof(T) * n);
}
template <class T, int n> inline void store_global(Thread &t, u32 site, u64 a, const T *v) {
    memcpy(global_memory(t, site, a, sizeof(T) * n, STORE), v, sizeof(T) * n);
}
template <class T, int n> inline void load_shared(Thread &t, u32 site, u64 a, T *v) {
    memcpy(v, shared_memory(t, site, a, sizeof(T) * n, LOAD), sizeof(T) * n);
}
template <class T, int n> inline void store_shared(Thread &t, u32 site, u64 a, const T *v) {
    memcpy(shared_memory(t, site, a, sizeof(T) * n, STORE), v, sizeof(T) * n);
}

template <class T> inline T combine(T old, AtomicOperation op, T value, T other) {
    if (op == OP_EXCH) return value;
    if (op == OP_CAS) return old == value ? other : old;
    if constexpr (is_integer<T>) switch (op) {
        case OP_ADD: return (T)(old + value);
        case OP_MIN: return smaller(old, value);
        case OP_MAX: return larger(old, value);
        case OP_AND: return (T)(old & value);
        case OP_OR: return (T)(old | value);
        default: return (T)(old ^ value);
    }
    return ftz(canonical((T)(old + value)));  // additions in global memory flush
}
template <class T>
inline T atomic(Thread &t, u32 site, u64 a, AtomicOperation op, T value, T other, bool shared) {
    u8 *place = shared ? shared_memory(t, site, a, sizeof(T), ATOMIC)
                       : global_memory(t, site, a, sizeof(T), ATOMIC);
    T old;
    memcpy(&old, place, sizeof old);
    const T now = combine(old, op, value, other);
    memcpy(place, &now, sizeof now);
    return old;
}
