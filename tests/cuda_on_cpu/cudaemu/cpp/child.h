// A program that runs one launch under the sanitizers: reads a file with the launch and the
// contents of its memory, and writes the memory back.
#pragma once
#include "shim.h"
#include <sanitizer/asan_interface.h>

namespace shim {

// The file: numbers of 64 bits, and bytes.
struct Reader {
    FILE *file;
    uint64_t number()
    {
        uint64_t value;
        bytes((char *)&value, sizeof value);
        return value;
    }
    void bytes(char *to, size_t count)
    {
        if (count && fread(to, 1, count, file) != count) exit(3);
    }
};

// Memory that ends where it ends, as far from a 512-byte border as the device's.
struct Buffer {
    char *start;
    size_t size;
    Buffer(Reader &in)
    {
        const size_t lead = in.number();
        size = in.number();
        void *whole = nullptr;
        if (posix_memalign(&whole, 512, lead + size + !size)) exit(4);
        start = (char *)whole + lead;
        in.bytes(start, size);
        ASAN_POISON_MEMORY_REGION(whole, lead);
    }
};

// argv: the file.  Kinds of arguments: 0 a value, 1 an offset into a buffer.
inline int child(char **argv, void (*launch)(const Shape *, void **))
{
    Reader in{fopen(argv[1], "rb")};
    if (!in.file) return 3;
    Shape shape;
    for (unsigned &n : shape.grid) n = (unsigned)in.number();
    for (unsigned &n : shape.block) n = (unsigned)in.number();
    shape.seed = in.number();
    std::vector<Buffer> buffers;
    for (uint64_t i = in.number(); i; --i) buffers.emplace_back(in);
    std::vector<std::vector<uint64_t>> values(in.number());
    std::vector<void *> arguments;
    for (auto &value : values) {
        const uint64_t kind = in.number(), which = in.number(), size = in.number();
        value.resize((size + 7) / 8);
        in.bytes((char *)value.data(), size);
        if (kind == 1) value[0] += (uint64_t)buffers[which].start;
        arguments.push_back(value.data());
    }
    fclose(in.file);
    launch(&shape, arguments.data());
    FILE *out = fopen(argv[1], "wb");
    for (Buffer &b : buffers) fwrite(b.start, 1, b.size, out);
    return fclose(out);
}

}  // namespace shim
