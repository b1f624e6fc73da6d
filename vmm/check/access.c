/*
 * What a guest can do to a device's registers: every offset, width and pattern, and what must hold
 * afterwards: after a reset, when it is left alone, while the machine stands still.
 */
#include "check/check.h"
#include "check/exercise.h"
#include "classcheck.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#define ACTIONS 2000u

static void sweep_takes_everything(struct check_run *run)
{
    struct bench *b = exercise_create(run, 0);
    uint64_t n = exercise_sweep(run, b);

    if (bench_refused(b))
        check_fail(run, "the bench refused %u accesses that the region tables allow",
                   bench_refused(b));
    check_note(run, "%" PRIu64 " accesses", n);
    bench_destroy(b);
}

/* --- addresses -------------------------------------------------------------------------------- */
#define PLACES_MAX 1024u /* of a region, for each value */

/* Where a driver would say where its buffers are, in the order of the offsets and against it. */
static void write_everywhere(struct check_run *run, struct bench *b, const struct bp_region *region,
                             uint64_t value)
{
    uint64_t size = bench_region_size(b, region->name);
    uint32_t width = 8;
    uint64_t step, n;

    while (width > 1 && !(region->widths & width))
        width /= 2;
    if (!(region->widths & width) || size < width)
        return;
    for (step = width; size / step > PLACES_MAX;)
        step *= 2;
    n = (size - width) / step + 1;
    for (uint64_t i = 0; i < 2 * n; i++) {
        uint64_t offset = (i < n ? i : 2 * n - 1 - i) * step;

        check_step(run, "write %u bytes 0x%" PRIx64 " to %s + 0x%" PRIx64, width, value,
                   region->name, offset);
        bench_write(b, region->name, offset, width, value);
    }
    bench_settle(b);
}

static void addresses_of_any_place(struct check_run *run)
{
    const uint64_t end = BENCH_RAM_BASE + run->setup[0].ram_bytes;
    const uint64_t values[] = {0,
                               BENCH_RAM_BASE - 8,
                               BENCH_RAM_BASE,
                               end - 8,
                               end,
                               UINT64_MAX - 7,
                               UINT64_MAX,
                               __builtin_bswap32((uint32_t)end - 8),
                               __builtin_bswap64(end - 8),
                               __builtin_bswap64(BENCH_RAM_BASE),
                               16};
    struct bench *b = exercise_create(run, 0);

    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
            for (uint32_t k = 0; k < run->class_->regions.n_rows; k++) {
                const struct bp_region *region = class_region(run->class_, k);

                if (region->kind != BP_RAM)
                    write_everywhere(run, b, region, round & 1 ? values[i] >> 32 : values[i]);
            }
        }
        exercise(run, b, run->seed + round, ACTIONS); /* leaves bytes in RAM, too */
    }
    bench_destroy(b);
}

/* --- resets ----------------------------------------------------------------------------------- */
static void check_reset(struct check_run *run, struct bench *b, uint32_t kind)
{
    const char *name = kind == BP_RESET_COLD ? "cold" : "warm";

    check_step(run, "%s reset", name); /* the bench looks at the lines */
    bench_reset(b, kind);
    if (bench_timers_armed(b))
        check_fail(run,
                   "%u of its timers are armed after a %s reset: the host has cancelled them, "
                   "reset() must not arm them again",
                   bench_timers_armed(b), name);
}

static void reset_lowers_lines(struct check_run *run)
{
    static const uint32_t kinds[] = {BP_RESET_COLD, BP_RESET_WARM, BP_RESET_WARM, BP_RESET_COLD};
    struct bench *b = exercise_create(run, 0);

    for (uint32_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        exercise_sweep(run, b);
        check_reset(run, b, kinds[i]);
        exercise(run, b, run->seed + i, ACTIONS);
        check_reset(run, b, kinds[i]);
    }
    bench_destroy(b);
}

/* The state after a cold reset at this moment. */
static struct saved reset_and_save(struct check_run *run, struct bench *b)
{
    check_reset(run, b, BP_RESET_COLD);
    return exercise_save(run, b);
}

/* A new one at the same moment: what a clock shows may be part of the state. */
static void cold_reset_is_power_on(struct check_run *run)
{
    for (uint64_t seed = run->seed; seed < run->seed + 3; seed++) {
        struct bench *b = exercise_create(run, 0);
        struct saved used, fresh;
        uint64_t now_ns;

        exercise(run, b, seed, ACTIONS);
        used = reset_and_save(run, b);
        now_ns = bench_now_ns(b);
        bench_destroy(b);
        b = exercise_create(run, 0);
        bench_advance_ns(b, now_ns);
        fresh = reset_and_save(run, b);
        if (!exercise_is_same(&fresh, &used))
            check_fail(run,
                       "after a cold reset its state is another than that of a new one: %s: set "
                       "it in reset() when the kind is BP_RESET_COLD",
                       exercise_difference(&used, &fresh));
        free(fresh.bytes);
        free(used.bytes);
        bench_destroy(b);
    }
}

/* --- rest ------------------------------------------------------------------------------------- */
#define REST_NS    UINT64_C(1000000)
#define REST_STEPS 10u
#define FIRES_MAX  10000u /* in all of them together: one each microsecond */

static void comes_to_rest(struct check_run *run)
{
    struct bench *b = exercise_create(run, 0);

    for (uint64_t seed = run->seed; seed < run->seed + 4; seed++) {
        uint64_t before;

        exercise(run, b, seed, ACTIONS);
        before = bench_timer_fires(b);
        for (uint32_t i = 0; i < REST_STEPS; i++) {
            check_step(run, "nothing, for %" PRIu64 " ns of virtual time", REST_NS);
            bench_settle(b); /* dies of deferring without end */
            bench_advance_ns(b, REST_NS);
            if (bench_timer_fires(b) - before > FIRES_MAX)
                check_fail(run,
                           "its timers fired %" PRIu64 " times in %" PRIu64
                           " ns without any input: bound the rate that a guest can set",
                           bench_timer_fires(b) - before, REST_NS * (i + 1));
        }
    }
    bench_destroy(b);
}

/* Calls from other threads come on their own time. */
static void wait_for_threads(void)
{
    const struct timespec pause = {0, 10000000};

    (void)nanosleep(&pause, NULL);
}

static void quiet_while_quiesced(struct check_run *run)
{
    struct bench *b = exercise_create(run, 0);

    for (uint64_t seed = run->seed; seed < run->seed + 4; seed++) {
        exercise(run, b, seed, ACTIONS);
        check_step(run, "quiesce, then nothing"); /* the bench dies of calls */
        bench_quiesce(b);
        wait_for_threads();
        free(exercise_save(run, b).bytes);
        wait_for_threads();
        check_step(run, "start after quiesce");
        bench_resume(b);
    }
    bench_destroy(b);
}

static const struct check_test tests[] = {
    {"access.sweep", "takes every offset, width and pattern", CHECK_API, 20, false,
     sweep_takes_everything},
    {"access.addresses", "takes any address and length in its registers", CHECK_API, 20, false,
     addresses_of_any_place},
    {"access.reset", "lowers its lines and stops its timers at a reset", CHECK_API, 30, false,
     reset_lowers_lines},
    {"access.cold-reset", "is as new after a cold reset", CHECK_API, 0, false,
     cold_reset_is_power_on},
    {"access.rest", "comes to rest when it is left alone", CHECK_API, 20, false, comes_to_rest},
    {"access.quiesce", "calls nobody between quiesce and start", CHECK_API, 0, false,
     quiet_while_quiesced},
};

const struct check_table check_access_tests = CHECK_TABLE(tests);
