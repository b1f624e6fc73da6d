/* Sweeps and random exercise, shared by the tests. */
#include "check/exercise.h"
#include "check/action.h"
#include "classcheck.h"

/* Accesses of one width to a region before offsets are thinned out. */
#define SWEEP_MAX (UINT64_C(1) << 16)

struct bench *exercise_create(struct check_run *run, uint32_t copy)
{
    struct bench *b;

    check_step(run, "create, realize, reset, start");
    if (bench_try(run->class_, &run->setup[copy], &b))
        check_fail(run, "it cannot be made: %s", bench_error(b));
    return b;
}

void exercise(struct check_run *run, struct bench *b, uint64_t seed, uint32_t n)
{
    struct action_space space;
    char text[ACTION_TEXT_MAX];

    action_space_init(&space, run->class_, b, run->setup[0].ram_bytes);
    for (uint32_t i = 0; i < n; i++) {
        struct action action = action_make(&space, &seed);

        action_print(&space, &action, text, sizeof(text));
        check_step(run, "%s", text);
        action_play(&space, b, &action);
    }
    bench_settle(b);
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
    for (uint64_t offset = 0; offset + width <= size; offset += step) {
        check_step(run, "read and write %u bytes at %s + 0x%llx", width, region->name,
                   (unsigned long long)offset);
        for (uint32_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
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
