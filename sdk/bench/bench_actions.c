/* Playing and printing of actions: see bench/actions.h. The file knows accesses, RAM, time and
 * state; what comes over links, services and virtio queues: bench_action_links.c. */
#include "bench_actions.h"
#include "crc32c.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATE_HEAD 88u /* bytes before the fields: sdk/host/state.c */
#define STATE_TAIL 4u  /* the checksum */

int action_says(struct action_player *p, const char *format, ...)
{
    va_list args;
    int n;

    if (!p->text)
        return 0;
    va_start(args, format);
    n = vsnprintf(p->text + p->used, p->size - p->used, format, args);
    va_end(args);
    p->used += n > 0 ? (size_t)n : 0;
    if (p->used >= p->size)
        p->used = p->size - 1;
    return 1;
}

void action_bytes(const struct bench_action *a, uint8_t *bytes, uint32_t size)
{
    uint64_t seed = a->seed;

    memset(bytes, 0, size);
    for (uint32_t i = 0; i < size && i < ACTION_BYTES_MAX; i++)
        bytes[i] = (uint8_t)(i < 8 ? a->value >> (8 * i) : a->seed ? action_number(&seed) : 0);
}

const char *action_literal(struct action_player *p, const uint8_t *bytes, uint32_t size)
{
    size_t used = 0;
    uint32_t last = size < ACTION_BYTES_MAX ? size : ACTION_BYTES_MAX;

    while (last > 1 && !bytes[last - 1])
        last--;
    last = last ? last : 1;
    used =
        (size_t)snprintf(p->literal, sizeof(p->literal), "(const uint8_t[%u]){", size ? size : 1);
    for (uint32_t i = 0; i < last; i++)
        used += (size_t)snprintf(p->literal + used, sizeof(p->literal) - used, "%s%u", i ? "," : "",
                                 bytes[i]);
    snprintf(p->literal + used, sizeof(p->literal) - used, "}");
    return p->literal;
}

/* --- accesses --------------------------------------------------------------------------------- */
static const struct bp_region *pick_region(struct bench *b, uint32_t index)
{
    const struct bp_region *region;

    if (!b->class_->regions.n_rows)
        return NULL;
    region = class_region(b->class_, index % b->class_->regions.n_rows);
    return region->kind == BP_RAM ? NULL : region;
}

static uint64_t fold_offset(const struct bench_action *a, uint64_t size, uint32_t width)
{
    uint64_t offset = a->width & 8 ? a->offset % (size + 16) : a->offset & 0xff;

    return a->width & 4 ? offset : offset & ~(uint64_t)(width - 1);
}

static void play_access(struct action_player *p, const struct bench_action *a)
{
    const struct bp_region *region = pick_region(p->b, a->index);
    uint32_t width = 1u << (a->width & 3);
    uint64_t value = a->value;
    uint64_t offset;

    if (!region)
        return;
    offset = fold_offset(a, bench_region_size(p->b, region->name), width);
    if (a->kind == BENCH_ACT_READ) {
        if (!action_says(p, "bench_read%u(b, \"%s\", 0x%llx);", width * 8, region->name,
                         (unsigned long long)offset))
            bench_read(p->b, region->name, offset, width);
        return;
    }
    if (a->kind == BENCH_ACT_WRITE_GPA)
        value = BENCH_RAM_BASE + value % p->b->setup.ram_bytes;
    if (width < 8)
        value &= (UINT64_C(1) << (8 * width)) - 1;
    if (!action_says(p, "bench_write%u(b, \"%s\", 0x%llx, 0x%llx);", width * 8, region->name,
                     (unsigned long long)offset, (unsigned long long)value))
        bench_write(p->b, region->name, offset, width, value);
}

static void play_ram(struct action_player *p, const struct bench_action *a)
{
    uint8_t bytes[ACTION_BYTES_MAX];
    uint32_t size = 1 + a->width % ACTION_BYTES_MAX;
    uint64_t offset;

    if (p->b->setup.ram_bytes < size)
        return;
    offset = a->offset % (p->b->setup.ram_bytes - size + 1);
    action_bytes(a, bytes, size);
    if (!action_says(p, "bench_ram_write(b, BENCH_RAM_BASE + 0x%llx, %s, %u);",
                     (unsigned long long)offset, action_literal(p, bytes, size), size))
        bench_ram_write(p->b, BENCH_RAM_BASE + offset, bytes, size);
}

/* --- the machine ------------------------------------------------------------------------------ */
static void play_time(struct action_player *p, const struct bench_action *a)
{
    uint64_t ns = a->value & ((UINT64_C(1) << a->width % 31) - 1);

    if (!action_says(p, "bench_advance_ns(b, %llu);", (unsigned long long)ns))
        bench_advance_ns(p->b, ns);
}

static void play_reset(struct action_player *p, const struct bench_action *a)
{
    if (!action_says(p, "bench_reset(b, %s);", a->value & 1 ? "BP_RESET_WARM" : "BP_RESET_COLD"))
        bench_reset(p->b, a->value & 1 ? BP_RESET_WARM : BP_RESET_COLD);
}

int32_t bench_reload(struct bench *b)
{
    uint64_t size;
    uint8_t *bytes;
    int32_t status;

    bench_rest(b);
    bytes = bench_save(b, &size);
    status = bench_load(b, bytes, size);
    free(bytes);
    return status;
}

int32_t bench_load_damaged(struct bench *b, uint64_t at, uint8_t bits)
{
    uint64_t size;
    uint8_t *bytes;
    uint32_t sum;
    int32_t status;

    bench_rest(b);
    bytes = bench_save(b, &size);
    if (size > STATE_HEAD + STATE_TAIL) {
        bytes[STATE_HEAD + at % (size - STATE_HEAD - STATE_TAIL)] ^= bits;
        sum = crc32c(0, bytes, size - STATE_TAIL);
        for (uint32_t i = 0; i < STATE_TAIL; i++)
            bytes[size - STATE_TAIL + i] = (uint8_t)(sum >> (8 * i));
    }
    status = bench_load(b, bytes, size);
    free(bytes);
    return status;
}

static void play_save(struct action_player *p, const struct bench_action *a)
{
    (void)a;
    if (action_says(p, "assert_int_equal(bench_reload(b), BP_OK);"))
        return;
    if (bench_reload(p->b))
        bench_die(p->b, "it refuses its own state: %s", p->b->error);
}

static void play_damaged(struct action_player *p, const struct bench_action *a)
{
    uint8_t bits = (uint8_t)(a->value & 0xff ? a->value : 1);

    if (!action_says(p, "bench_load_damaged(b, %llu, 0x%02x);", (unsigned long long)a->offset,
                     bits))
        bench_load_damaged(p->b, a->offset, bits);
}

static void play_fail(struct action_player *p, const struct bench_action *a)
{
    uint32_t n = 1 + (uint32_t)(a->value % 16);

    if (!action_says(p, "bench_fail_call(b, NULL, %u);", n))
        bench_fail_call(p->b, NULL, n);
}

static void play_worker(struct action_player *p, const struct bench_action *a)
{
    uint32_t waiting = p->b->n_jobs;

    if (a->value % 3 < 2) {
        if (!action_says(p, "bench_worker_hold(b, %u);", (uint32_t)(a->value % 3)))
            bench_worker_hold(p->b, (uint32_t)(a->value % 3));
    } else if (waiting) {
        if (!action_says(p, "bench_worker_step(b, %u);", (uint32_t)(a->offset % waiting)))
            bench_worker_step(p->b, (uint32_t)(a->offset % waiting));
    }
}

static void play(struct action_player *p, const struct bench_action *a)
{
    static void (*const table[BENCH_ACTS])(struct action_player *, const struct bench_action *) = {
        [BENCH_ACT_READ] = play_access,
        [BENCH_ACT_WRITE] = play_access,
        [BENCH_ACT_WRITE_GPA] = play_access,
        [BENCH_ACT_RAM] = play_ram,
        [BENCH_ACT_TIME] = play_time,
        [BENCH_ACT_RESET] = play_reset,
        [BENCH_ACT_SAVE_LOAD] = play_save,
        [BENCH_ACT_LOAD_DAMAGED] = play_damaged,
        [BENCH_ACT_LINK] = action_play_link,
        [BENCH_ACT_LINK_ROOM] = action_play_room,
        [BENCH_ACT_LINK_EVENT] = action_play_event,
        [BENCH_ACT_LINE] = action_play_line,
        [BENCH_ACT_SERVICE] = action_play_service,
        [BENCH_ACT_VIRTIO] = action_play_virtio,
        [BENCH_ACT_CHAIN] = action_play_chain,
        [BENCH_ACT_WORKER] = play_worker,
        [BENCH_ACT_FAIL] = play_fail,
    };

    if (a->kind < BENCH_ACTS)
        table[a->kind](p, a);
}

void bench_action_play(struct bench *b, const struct bench_action *a)
{
    struct action_player p = {.b = b};

    play(&p, a);
}

uint32_t bench_action_print(struct bench *b, const struct bench_action *a, char *text, size_t size)
{
    struct action_player p = {.b = b, .text = text, .size = size};

    if (!size)
        return 0;
    text[0] = 0;
    play(&p, a);
    return (uint32_t)p.used;
}
