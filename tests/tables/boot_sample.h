/* Files and RAM for the boot tests: made-up images in a directory that goes away. */
#ifndef TESTS_BOOT_SAMPLE_H
#define TESTS_BOOT_SAMPLE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "boot/boot.h"
#include "core/memory.h"

#define RAM_BASE 0x80000000ull

struct scratch {
    char dir[64];
    char *paths[8];
    unsigned n_paths;
    struct memory memory;
    uint8_t *ram;
    size_t ram_bytes;
    struct err err;
};

static inline int scratch_setup(void **state)
{
    struct scratch *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    (void)snprintf(s->dir, sizeof(s->dir), "/dev/shm/backplane-boot-XXXXXX"); /* no disk */
    if (mkdtemp(s->dir) == NULL) {
        (void)snprintf(s->dir, sizeof(s->dir), "/tmp/backplane-boot-XXXXXX");
        assert_non_null(mkdtemp(s->dir));
    }
    *state = s;
    return 0;
}

static inline void scratch_ram_at(struct scratch *s, uint64_t base, size_t bytes)
{
    free(s->ram);
    s->ram = calloc(1, bytes);
    assert_non_null(s->ram);
    s->ram_bytes = bytes;
    s->memory = (struct memory){.slots = {{base, bytes, s->ram}}, .n_slots = 1};
}

static inline void scratch_ram(struct scratch *s, size_t bytes)
{
    scratch_ram_at(s, RAM_BASE, bytes);
}

static inline int scratch_teardown(void **state)
{
    struct scratch *s = *state;
    for (unsigned i = 0; i < s->n_paths; i++) {
        (void)unlink(s->paths[i]);
        free(s->paths[i]);
    }
    assert_int_equal(rmdir(s->dir), 0);
    free(s->ram);
    free(s);
    return 0;
}

/* A path in the directory that is removed at the end. */
static inline const char *scratch_path(struct scratch *s, const char *name)
{
    for (unsigned i = 0; i < s->n_paths; i++)
        if (strcmp(strrchr(s->paths[i], '/') + 1, name) == 0)
            return s->paths[i];
    assert_true(s->n_paths < 8);
    char *path = malloc(128);
    assert_non_null(path);
    (void)snprintf(path, 128, "%s/%s", s->dir, name);
    s->paths[s->n_paths++] = path;
    return path;
}

static inline const char *scratch_file(struct scratch *s, const char *name, const void *bytes,
                                       size_t n)
{
    const char *path = scratch_path(s, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    return path;
}

static inline void put16(uint8_t *at, uint16_t v)
{
    at[0] = (uint8_t)v;
    at[1] = (uint8_t)(v >> 8);
}

static inline void put32(uint8_t *at, uint32_t v)
{
    put16(at, (uint16_t)v);
    put16(at + 2, (uint16_t)(v >> 16));
}

static inline void put64(uint8_t *at, uint64_t v)
{
    put32(at, (uint32_t)v);
    put32(at + 4, (uint32_t)(v >> 32));
}

static inline uint32_t get32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static inline uint64_t get64(const uint8_t *at)
{
    uint64_t v = 0;
    for (int i = 7; i >= 0; i--)
        v = v << 8 | at[i];
    return v;
}

static inline struct boot_request scratch_request(const struct scratch *s, const char *kernel)
{
    struct boot_request r = {.arch = ARCH_RISCV64,
                             .kernel = kernel,
                             .ram = {{s->memory.slots[0].gpa, s->ram_bytes}},
                             .n_ram = 1,
                             .dtb_bytes = 4096};
    return r;
}

/* boot_load of a device tree alone. */
static inline int32_t scratch_load(struct scratch *s, const struct boot *boot, const void *dtb,
                                   size_t dtb_bytes)
{
    const struct boot_tables tables = {.dtb = dtb, .dtb_bytes = dtb_bytes};
    return boot_load(boot, &s->memory, &tables, &s->err);
}

/* boot_open fails with this status and a sentence that contains `text`. */
static inline void refuses(struct scratch *s, const struct boot_request *r, int32_t status,
                           const char *text)
{
    struct boot *boot = NULL;
    s->err.text[0] = '\0';
    int32_t got = boot_open(r, &boot, &s->err);
    if (got != status || strstr(s->err.text, text) == NULL)
        fail_msg("status %d, not %d: \"%s\" should contain \"%s\"", got, status, s->err.text, text);
    assert_null(boot);
}

static inline struct boot *opens(struct scratch *s, const struct boot_request *r)
{
    struct boot *boot = NULL;
    int32_t status = boot_open(r, &boot, &s->err);
    if (status != 0)
        fail_msg("status %d: %s", status, s->err.text);
    return boot;
}

#endif
