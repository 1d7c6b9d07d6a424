// Runs a kernel block by block: blocks and threads in a random order of the given seed, a
// thread until it ends or waits.  Linked to every kernel.
#include "machine.h"
#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

// Several threads of Python may launch at once.
thread_local const u8 *parameters;

namespace {

const u32 MANY = ~0u;
const u32 ATOMICALLY = 0x80000000u;  // in an epoch: written by an atomic operation
const u32 SHARED_LIMIT = 48 * 1024;  // without opting in to more

struct SharedState { std::vector<u8> bytes, initialised; std::vector<Cell> cells; };
thread_local SharedState shared;
thread_local std::vector<std::vector<std::pair<u32, u64>>> traces;  // per thread: (site, address)

[[noreturn]] void fail(Thread &t, u32 site, const char *format, ...) {
    char what[400], whole[900];
    va_list rest;
    va_start(rest, format);
    vsnprintf(what, sizeof what, format, rest);
    va_end(rest);
    const Block &b = *t.block;
    snprintf(whole, sizeof whole, "%s; block (%u,%u,%u) thread (%u,%u,%u); at: %s", what,
             b.index[0], b.index[1], b.index[2], t.index[0], t.index[1], t.index[2],
             sites[site].text);
    throw std::runtime_error(whole);
}

// Within a block a barrier lies between two epochs; blocks of one launch are never ordered.
bool ordered(const Thread &t, u32 other, u32 epoch) {
    const u32 serial = other - 1;
    if (serial / t.block->threads != t.block->linear) return false;
    return serial == t.serial || (epoch & ~ATOMICALLY) < t.block->epoch;
}

void note_read(Thread &t, Cell &c) {
    const u32 me = t.serial + 1, epoch = t.block->epoch, block = t.block->linear;
    if (c.reader == 0 || c.reader == me || (c.reader_block == block && c.read_epoch < epoch)) {
        c.reader = me;
        c.reader_block = block;
    } else {
        c.reader = MANY;
        if (c.reader_block != block) c.reader_block = MANY;
    }
    c.read_epoch = epoch;
}

void check_race(Thread &t, Cell &c, Access kind, u32 site, const char *space, u64 place) {
    const u32 me = t.serial + 1, epoch = t.block->epoch;
    const bool both_atomic = kind == ATOMIC && (c.write_epoch & ATOMICALLY);
    if (kind == LOAD_CONSTANT && c.writer)
        fail(t, site, "read through the read-only cache of %s memory that this launch has written",
             space);
    if (c.writer && c.writer != me && !ordered(t, c.writer, c.write_epoch) && !both_atomic)
        fail(t, site, "%s race in %s memory at %+lld: thread #%u of block #%u wrote it before",
             kind == LOAD ? "read-after-write" : "write-after-write", space, (long long)place,
             (c.writer - 1) % t.block->threads, (c.writer - 1) / t.block->threads);
    if (kind == LOAD || kind == LOAD_CONSTANT) {
        note_read(t, c);
        return;
    }
    if (c.reader && c.reader != me && !(c.reader_block == t.block->linear && c.read_epoch < epoch))
        fail(t, site, "write-after-read race in %s memory at %+lld", space, (long long)place);
    c.writer = me;
    c.write_epoch = epoch | (kind == ATOMIC ? ATOMICALLY : 0);
}

void check_cells(Thread &t, Allocation &m, Access kind, u32 site, u64 offset, u32 size) {
    const u64 last = (offset + size - 1) / m.granularity;
    for (u64 k = offset / m.granularity; k <= last; ++k) {
        check_race(t, m.cells[k], kind, site, m.name, offset);
        if (kind == STORE) m.initialised[k] = 1;
        else if (!m.initialised[k])
            fail(t, site, "read of uninitialised global memory (%s %+lld)", m.name,
                 (long long)offset);
    }
}

[[noreturn]] void out_of_bounds(Thread &t, u32 site, u64 address, u32 size, Access kind) {
    const Launch &l = *t.block->launch;
    const char *name = "no argument at all, address";
    long long distance = (long long)address;
    u64 nearest = ~0ull;
    for (u32 i = 0; i < l.allocation_count; ++i) {
        const Allocation &m = l.allocations[i];
        const u64 away = address < m.base ? m.base - address : address - m.base;
        if (away >= nearest) continue;
        nearest = away;
        name = m.name;
        distance = (long long)(address - m.base);
    }
    fail(t, site, "out-of-bounds %s of %u bytes at %s %+lld",
         kind == STORE || kind == ATOMIC ? "write" : "read", size, name, distance);
}

void trace(Thread &t, u32 site, u64 address) {
    if (t.block->launch->count_sectors) traces[t.linear].push_back({site, address});
}

// All lanes that the mask names have arrived: exchange, and let them go on.
void finish_collective(std::vector<Thread> &threads, u32 first) {
    const u32 end = std::min<u32>(first + 32, threads.size());
    const u32 alive = end - first == 32 ? ~0u : (1u << (end - first)) - 1;
    u32 have = 0, ballot = 0;
    const Thread *sample = nullptr;
    for (u32 i = first; i < end; ++i)
        if (threads[i].state == AT_WARP) {
            have |= 1u << (i - first);
            sample = &threads[i];
        }
    if (!sample) return;
    const u32 mask = sample->mask, kind = sample->collective, want = mask & alive;
    if ((have & want) != want) return;
    for (u32 i = first; i < end; ++i)
        if (want >> (i - first) & 1 && threads[i].predicate) ballot |= 1u << (i - first);
    for (u32 i = first; i < end; ++i) {
        Thread &t = threads[i];
        if (!(want >> (i - first) & 1)) continue;
        if (t.mask != mask || t.collective != kind)
            throw std::runtime_error("warp-wide instruction with different masks or kinds");
        if (kind == SHUFFLE) {
            const bool there = t.source < 32 && first + t.source < end && mask >> t.source & 1;
            if (!there) throw std::runtime_error("shuffle from a lane that does not take part");
            t.result = threads[first + t.source].value;
        } else {
            t.result = ballot;
            t.result_predicate = kind == VOTE_ALL ? ballot == want : ballot != 0;
        }
        t.state = READY;
    }
}

// Everybody who still runs is at the barrier: the same one, and nobody has left before it.
bool finish_barrier(Block &b, std::vector<Thread> &threads, u32 waiting, u32 done) {
    if (!waiting || waiting + done != b.threads) return false;
    if (done) throw std::runtime_error("barrier reached by only part of the block");
    for (Thread &t : threads) {
        if (t.resume != threads[0].resume)
            throw std::runtime_error("threads of one block wait at different barriers");
        t.state = READY;
    }
    b.epoch++;
    return true;
}

// 32-byte sectors per warp: lanes of one warp that execute an access for the n-th time are
// taken as one request.
void count_sectors(Block &b) {
    for (u32 warp = 0; warp < b.threads; warp += 32) {
        std::map<std::pair<u32, u32>, std::vector<u64>> requests;
        for (u32 i = warp; i < std::min(b.threads, warp + 32); ++i) {
            std::map<u32, u32> seen;
            for (auto &[site, address] : traces[i])
                requests[{site, seen[site]++}].push_back(address);
            traces[i].clear();
        }
        for (auto &[key, addresses] : requests) {
            SiteCount &count = b.launch->sites[key.first];
            const u32 bytes = sites[key.first].bytes;
            count.accesses += addresses.size();
            count.requests++;
            std::sort(addresses.begin(), addresses.end());
            addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
            u64 last = ~0ull;
            for (u64 a : addresses)
                for (u64 s = a / 32; s <= (a + bytes - 1) / 32; ++s)
                    if (last == ~0ull || s > last) count.sectors++, last = s;
            count.bytes += addresses.size() * bytes;
            count.ideal_sectors += (addresses.size() * bytes + 31) / 32;
        }
    }
}

void run_collective(const Kernel &k, Block &b, std::vector<Thread> &threads,
                    std::vector<u32> &order, std::vector<u8> &registers, std::mt19937_64 &random) {
    std::fill(registers.begin(), registers.end(), 0xa5);
    for (;;) {
        bool moved = false;
        for (u32 i : order) {
            Thread &t = threads[i];
            if (t.state != READY) continue;
            t.state = k.body(t, registers.data() + (size_t)i * k.register_bytes);
            moved = true;
        }
        for (u32 first = 0; first < b.threads; first += 32) finish_collective(threads, first);
        u32 done = 0, waiting = 0;
        for (Thread &t : threads) done += t.state == DONE, waiting += t.state == AT_BARRIER;
        if (done == b.threads) return;
        moved |= finish_barrier(b, threads, waiting, done);
        for (Thread &t : threads) moved |= t.state == READY;
        if (!moved) throw std::runtime_error("deadlock: barrier or warp-wide instruction that "
                                             "not all reach");
        if (b.launch->seed) std::shuffle(order.begin(), order.end(), random);
    }
}

// Dynamic shared memory begins aligned; without any the static one ends where it ends.
u32 shared_size(const Kernel &k, const Launch &l) {
    return l.dynamic_shared ? (k.static_shared + 15) / 16 * 16 + l.dynamic_shared
                            : k.static_shared;
}

void check_limits(const Kernel &k, const Launch &l) {
    const u64 threads = (u64)l.block[0] * l.block[1] * l.block[2];
    if (threads == 0 || threads > 1024 || l.block[2] > 64)
        throw std::runtime_error("invalid block size");
    if (k.max_threads && threads > k.max_threads)
        throw std::runtime_error("block larger than __launch_bounds__");
    if (!l.grid[0] || !l.grid[1] || !l.grid[2] || l.grid[0] > 0x7fffffffu || l.grid[1] > 65535 ||
        l.grid[2] > 65535)
        throw std::runtime_error("invalid grid size");
    if (shared_size(k, l) > SHARED_LIMIT)
        throw std::runtime_error("more than 48 KiB of shared memory without opting in");
}

void place(Block &b, const Launch &l, u64 linear) {
    b.linear = (u32)linear;
    b.index[0] = (u32)(linear % l.grid[0]);
    b.index[1] = (u32)(linear / l.grid[0] % l.grid[1]);
    b.index[2] = (u32)(linear / l.grid[0] / l.grid[1]);
    b.epoch = 1;
}

void reset(Thread &t, Block &b, u32 i) {
    const u32 *size = b.launch->block;
    t = Thread{};
    t.block = &b;
    t.linear = i;
    t.serial = b.linear * b.threads + i;
    t.index[0] = i % size[0];
    t.index[1] = i / size[0] % size[1];
    t.index[2] = i / size[0] / size[1];
}

// The blocks to run: all of them, or a sample of a grid too large to list.
std::vector<u64> block_order(const Launch &l, std::mt19937_64 &random) {
    const u64 blocks = (u64)l.grid[0] * l.grid[1] * l.grid[2];
    std::vector<u64> order;
    if (l.max_blocks && l.max_blocks < blocks) {
        order = {0, blocks - 1};  // the ends are where the large offsets are
        while (order.size() < l.max_blocks) order.push_back(random() % blocks);
        std::sort(order.begin(), order.end());
        order.erase(std::unique(order.begin(), order.end()), order.end());
    } else {
        order.resize(blocks);
        for (u64 i = 0; i < blocks; ++i) order[i] = i;
    }
    if (l.seed) std::shuffle(order.begin(), order.end(), random);
    return order;
}

void run_blocks(const Kernel &k, Launch &l) {
    check_limits(k, l);
    std::mt19937_64 random(l.seed);
    Block b{};
    b.launch = &l;
    b.threads = l.block[0] * l.block[1] * l.block[2];
    std::vector<Thread> threads(b.threads);
    std::vector<u32> order(b.threads);
    std::vector<u8> registers(k.collective ? (size_t)b.threads * k.register_bytes : 0);
    traces.assign(l.count_sectors ? b.threads : 0, {});
    b.shared_size = shared_size(k, l);
    for (u64 linear : block_order(l, random)) {
        place(b, l, linear);
        shared.bytes.assign(b.shared_size, 0xff);
        shared.initialised.assign(b.shared_size, 0);
        shared.cells.assign(b.shared_size, Cell{});
        b.shared = shared.bytes.data();
        for (u32 i = 0; i < b.threads; ++i) reset(threads[i], b, order[i] = i);
        if (l.seed) std::shuffle(order.begin(), order.end(), random);
        if (k.collective) run_collective(k, b, threads, order, registers, random);
        else for (u32 i : order) k.body(threads[i], nullptr);
        l.blocks_run++;
        l.instructions += b.instructions;
        b.instructions = 0;
        if (l.count_sectors) count_sectors(b);
    }
}

}  // namespace

u8 *global_memory(Thread &t, u32 site, u64 address, u32 size, Access kind) {
    Launch &l = *t.block->launch;
    trace(t, site, address);
    if (!l.check) return (u8 *)address;
    if (address % size) fail(t, site, "misaligned %u-byte access to global memory at %#llx", size,
                             (unsigned long long)address);
    for (u32 i = 0; i < l.allocation_count; ++i) {
        Allocation &m = l.allocations[i];
        if (address < m.base || address + size > m.base + m.size) continue;
        if (m.cells) check_cells(t, m, kind, site, address - m.base, size);
        return (u8 *)address;
    }
    for (const Extent *m = module_memory; m->base; ++m)
        if (address >= m->base && address + size <= m->base + m->size && kind <= LOAD_CONSTANT)
            return (u8 *)address;
    out_of_bounds(t, site, address, size, kind);
}

u8 *local_memory(Thread &t, u32 site, u64 address, u32 size, void *own, u64 own_size) {
    if (address < (u64)own || address + size > (u64)own + own_size)
        fail(t, site, "out-of-bounds access of %u bytes to local memory", size);
    return (u8 *)address;
}

u8 *shared_memory(Thread &t, u32 site, u64 address, u32 size, Access kind) {
    Block &b = *t.block;
    const u64 offset = address - SHARED_BASE;
    trace(t, site, address);
    if (address < SHARED_BASE || offset + size > b.shared_size)
        fail(t, site, "out-of-bounds shared %s of %u bytes at %lld of %u",
             kind == LOAD ? "read" : "write", size, (long long)offset, b.shared_size);
    if (!b.launch->check) return b.shared + offset;
    if (address % size) fail(t, site, "misaligned %u-byte access to shared memory at %llu", size,
                             (unsigned long long)offset);
    for (u64 k = offset; k < offset + size; ++k) {
        check_race(t, shared.cells[k], kind, site, "shared", offset);
        if (kind == STORE) shared.initialised[k] = 1;
        else if (!shared.initialised[k])
            fail(t, site, "read of uninitialised shared memory at %llu", (unsigned long long)k);
    }
    return b.shared + offset;
}

int run(const Kernel &kernel, Launch &launch, const u8 *given) {
    try {
        parameters = given;
        run_blocks(kernel, launch);
        return 0;
    } catch (const std::exception &error) {
        snprintf(launch.error, sizeof launch.error, "%s", error.what());
        return 1;
    }
}
