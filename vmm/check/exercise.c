/* Sweeps and random exercise, shared by the tests. */
#include "check/exercise.h"
#include "check/section.h"
#include "classcheck.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Accesses of one width to a region before offsets are thinned out. */
#define SWEEP_MAX (UINT64_C(1) << 15)

struct bench *exercise_create(struct check_run *run, uint32_t copy)
{
    struct bench *b;

    check_step(run, "create, realize, reset, start");
    if (bench_try(run->class_, &run->setup[copy], &b))
        check_fail(run, "it cannot be made: %s", bench_error(b));
    return b;
}

uint32_t exercise_rounds(uint32_t n)
{
    const char *percent = getenv("BP_CHECK_ROUNDS");
    uint64_t rounds = n;

    if (check_is_sanitized())
        rounds /= 4;
    if (percent)
        rounds = rounds * strtoul(percent, NULL, 10) / 100;
    return rounds ? (uint32_t)rounds : 1;
}

uint64_t exercise_random(uint64_t *seed) /* splitmix64 */
{
    uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

void exercise_rest(struct check_run *run, struct bench *b)
{
    bench_fail_call(b, NULL, 0);
    bench_worker_hold(b, 0);
    for (uint32_t i = 0; i < run->class_->links.n_rows; i++) {
        const struct bp_link *link = class_link(run->class_, i);

        if (strcmp(link->interface, BP_BLOCK_ID) == 0)
            bench_disk_hold(b, link->name, 0);
    }
    bench_settle(b);
}

void exercise(struct check_run *run, struct bench *b, uint64_t seed, uint32_t n)
{
    char text[BENCH_ACTION_TEXT];
    struct bench_action action;

    for (uint32_t i = 0; i < n; i++) {
        bench_action_random(b, &seed, &action);
        if (action.kind == BENCH_ACT_LOAD_DAMAGED || action.kind == BENCH_ACT_FAIL ||
            !bench_action_print(b, &action, text, sizeof(text)))
            continue;
        check_step(run, "%s", text);
        bench_action_play(b, &action);
    }
    check_step(run, "settle after random actions");
    exercise_rest(run, b);
}

static uint64_t sweep_region(struct check_run *run, struct bench *b, const struct bp_region *region,
                             uint32_t width)
{
    static const uint64_t values[] = {0, UINT64_MAX, UINT64_C(0xaaaaaaaaaaaaaaaa),
                                      UINT64_C(0x5555555555555555), 1};
    uint64_t size = bench_region_size(b, region->name);
    uint64_t step = width;
    uint64_t n = 0;

    while (size / step > SWEEP_MAX)
        step *= 2;
    for (uint64_t offset = 0; size >= width && offset <= size - width; offset += step) {
        for (uint32_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
            check_step(run, "read %u bytes at %s + 0x%" PRIx64 ", then write 0x%" PRIx64, width,
                       region->name, offset, values[i]);
            bench_read(b, region->name, offset, width);
            bench_write(b, region->name, offset, width, values[i]);
            n += 2;
        }
        if (offset / step % 1024 == 0)
            bench_settle(b);
    }
    return n;
}

uint64_t exercise_sweep(struct check_run *run, struct bench *b)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < run->class_->regions.n_rows; i++) {
        const struct bp_region *region = class_region(run->class_, i);

        for (uint32_t width = 1; width <= 8 && region->kind != BP_RAM; width *= 2) {
            if (region->widths & width)
                n += sweep_region(run, b, region, width);
        }
    }
    check_step(run, "settle after all accesses");
    bench_settle(b);
    return n;
}

struct saved exercise_save(struct check_run *run, struct bench *b)
{
    struct saved s;

    check_step(run, "quiesce and save");
    s.bytes = bench_save(b, &s.size);
    return s;
}

bool exercise_is_same(const struct saved *a, const struct saved *b)
{
    return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

static uint64_t element(const struct section_field *f, uint64_t i)
{
    uint32_t size = f->type ? f->type : 1;
    uint64_t value = 0;

    for (uint32_t k = 0; k < size; k++)
        value |= (uint64_t)f->data[i * size + k] << (8 * k);
    return value;
}

const char *exercise_difference(const struct saved *a, const struct saved *b)
{
    static char text[200];
    struct section_field f, g;
    uint64_t at_a = 0, at_b = 0;

    while (section_next(a, &at_a, &f) && section_next(b, &at_b, &g)) {
        if (strcmp(f.name, g.name) != 0 || f.size != g.size) {
            snprintf(text, sizeof(text), "field %s has %" PRIu64 " bytes, field %s %" PRIu64,
                     f.name, f.size, g.name, g.size);
            return text;
        }
        for (uint64_t i = 0; i < f.count; i++) {
            if (element(&f, i) == element(&g, i))
                continue;
            snprintf(text, sizeof(text), "field %s[%" PRIu64 "]: 0x%" PRIx64 " and 0x%" PRIx64,
                     f.name, i, element(&f, i), element(&g, i));
            return text;
        }
    }
    return "one of them has fields that the other has not";
}
