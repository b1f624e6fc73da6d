/*
 * Machine files made of anything, through the whole of reading, checking, building and placing,
 * with built-in classes. Whatever comes in: it ends, nothing leaks, there is a machine or a
 * sentence, and regions of a machine never overlap.
 */
#ifndef TESTS_FUZZ_INI_FUZZ_H
#define TESTS_FUZZ_INI_FUZZ_H

#include <stdlib.h>
#include <sys/mman.h>

#include "unit/machine_classes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void fuzz_require(bool holds)
{
    if (!holds)
        abort();
}

static inline void fuzz_check_machine(const struct machine *machine)
{
    size_t n;
    const struct aspace_region *regions = aspace_sorted(machine->aspace, &n);
    for (size_t i = 1; i < n; i++)
        fuzz_require(regions[i - 1].base + regions[i - 1].size <= regions[i].base);
    for (size_t i = 0; i < machine->layout.n_devices; i++) {
        const struct layout_device *device = &machine->layout.devices[i];
        for (size_t k = 0; k < device->n_lines; k++) {
            uint32_t number = device->lines[k].number - machine->layout.irq_first;
            fuzz_require(number < machine->layout.irq_count);
        }
    }
}

/* One file. Through a memory file: the reader takes nothing but regular ones. */
static inline void fuzz_machine_file(const uint8_t *data, size_t size)
{
    static const char *const set[] = {"disk=root.img", "empty="};
    struct diag diag;
    struct machine *machine = NULL;
    char path[64];
    int fd = memfd_create("machine.ini", MFD_CLOEXEC);
    fuzz_require(fd >= 0);
    fuzz_require(write(fd, data, size) == (ssize_t)size);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    struct accel_limits limits[ARCH_COUNT];
    for (size_t i = 0; i < ARCH_COUNT; i++)
        limits[i] = (struct accel_limits){.max_cpus = 16, .gpa_bits = 40};
    struct machine_options options = {
        .path = path, .set = set, .n_set = size % 3, .limits = limits};
    fake_calls[0] = '\0';
    diag_init(&diag);
    int32_t status = machine_load_from(&options, &fake_source, &machine, &diag);
    char *text = diag_text(&diag);
    fuzz_require(text != NULL && (status == BP_OK) == (text[0] == '\0'));
    fuzz_require((status == BP_OK) == (machine != NULL));
    if (machine != NULL)
        fuzz_check_machine(machine);
    machine_destroy(machine);
    free(text);
    diag_fini(&diag);
    (void)close(fd);
}

static inline uint64_t fuzz_next(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x;
}

/* A text of lines that could stand in a machine file, with a few bytes changed. */
static inline size_t fuzz_make_file(uint64_t *seed, uint8_t *out, size_t capacity)
{
    static const char *const lines[] = {
        "[machine]\narch = riscv64",
        "[device a]\nplugin = uart",
        "[device b]\nplugin = uart",
        "[device b]\nplugin = plic",
        "[device c]\nplugin = window",
        "[device c]\nplugin = frames",
        "[device e]\nplugin = relay",
        "[device f]\nplugin = relay",
        "[device g]\nplugin = virtio-blk\nbus = virtio-mmio\nblock = d",
        "[device h]\nplugin = virtio-rng\nbus = virtio-mmio",
        "[backend t]\nplugin = char-null",
        "[backend d]\nplugin = block-file\npath = ${disk:-x}",
        "[device a]",
        "[backend d]",
        "[device i]\nplugin = broken",
        "arch = x86_64 arm64 riscv64",
        "cpus = 4",
        "memory = 4G",
        "memory = 128M",
        "ram-base = 0x40000000",
        "console = a",
        "append = \"a ; b\"",
        "char = t",
        "char = t",
        "char = null",
        "block = d",
        "next = e",
        "next = f",
        "path = ${disk}",
        "if = ${empty:-}",
        "if = ${disk:-}",
        "mmio.regs = 0x10000000",
        "mmio.regs = 0x80000000",
        "mmio.window = 0xf0000000",
        "port.ports@x86_64 = 0x3f8",
        "irq.out = 3",
        "irq.extra = 4",
        "size = 64K",
        "size = 1T",
        "sources = 3",
        "speed = 300",
        "include = /dev/null",
        "include = .",
        "label = $$${disk:-}",
        "; comment",
        ""};
    size_t n = 0;
    for (size_t k = fuzz_next(seed) % 8 + 1, first = k; k > 0; k--) {
        size_t choice = fuzz_next(seed) % 4 != 0 ? 13 : sizeof(lines) / sizeof(lines[0]);
        size_t pick = k == first ? 0 : fuzz_next(seed) % choice;
        const char *line = lines[pick];
        size_t length = strlen(line);
        if (length + 1 > capacity - n)
            break;
        memcpy(out + n, line, length);
        n += length;
        out[n++] = '\n';
    }
    for (size_t k = fuzz_next(seed) % 6; k > 3; k--)
        out[fuzz_next(seed) % n] = (uint8_t)(fuzz_next(seed) >> 24);
    return n;
}

/* The same files for the same seed. */
static inline void fuzz_machine_files(uint64_t seed, unsigned long runs)
{
    static uint8_t bytes[4096];
    for (unsigned long i = 0; i < runs; i++)
        fuzz_machine_file(bytes, fuzz_make_file(&seed, bytes, sizeof(bytes)));
}

#endif
