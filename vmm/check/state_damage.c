/*
 * States that were damaged or made up. Each is refused, and then the device is as it was; or it is
 * loaded, and then the device works. Those with a wrong length, checksum, class or version the host
 * refuses itself; all others a device can be given by whoever writes a snapshot.
 */
#include "check/section.h"
#include "check/state_tests.h"
#include "classcheck.h"
#include "state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACTIONS 600u /* that a device has lived through */
#define AFTER   30u  /* that it does after a forged state */

struct damage {
    struct check_run *run;
    struct bench *b;
    struct saved good;
    uint32_t n_loaded;
    uint32_t n_refused;
};

static void begin(struct damage *d, struct check_run *run, uint64_t seed)
{
    *d = (struct damage){.run = run, .b = exercise_create(run, 0)};
    exercise(run, d->b, seed, ACTIONS);
    d->good = exercise_save(run, d->b);
}

static void end(struct damage *d)
{
    check_note(d->run, "%" PRIu32 " states refused, %" PRIu32 " loaded", d->n_refused, d->n_loaded);
    free(d->good.bytes);
    bench_destroy(d->b);
}

/* Gives the device as it is the state, without the reset that comes before a load: what it refuses
 * must not have changed anything. */
static int32_t offer(struct damage *d, const struct saved *bad, const char *what)
{
    struct saved before = exercise_save(d->run, d->b);
    struct saved after;
    char why[400] = "";
    int32_t status;

    check_step(d->run, "load a state with %s", what);
    status =
        state_load(d->run->class_, bench_instance(d->b), bad->bytes, bad->size, why, sizeof(why));
    d->n_refused += status != BP_OK;
    d->n_loaded += status == BP_OK;
    if (status) {
        after = exercise_save(d->run, d->b);
        if (!exercise_is_same(&before, &after))
            check_fail(d->run,
                       "a state with %s was refused and has changed it: %s: load_check looks, "
                       "load_commit takes",
                       what, exercise_difference(&before, &after));
        free(after.bytes);
    }
    free(before.bytes);
    return status;
}

/* The same, properly: then the device must work, and be able to save. */
static void load_and_use(struct damage *d, const struct saved *bad, const char *what, uint64_t seed)
{
    check_step(d->run, "load a state with %s", what);
    if (offer(d, bad, what) == BP_OK && bench_load(d->b, bad->bytes, bad->size) == BP_OK) {
        exercise(d->run, d->b, seed, AFTER);
        check_step(d->run, "advance 1 ms after a state with %s", what);
        bench_advance_ns(d->b, 1000000);
    }
    check_step(d->run, "load the good state again");
    if (bench_load(d->b, d->good.bytes, d->good.size))
        check_fail(d->run, "after a state with %s it refuses a good one: %s", what,
                   bench_error(d->b));
}

static void must_refuse(struct damage *d, const struct saved *bad, const char *what)
{
    if (offer(d, bad, what) == BP_OK)
        check_fail(d->run, "a state with %s was loaded", what);
}

/* --- the host's own checks -------------------------------------------------------------------- */
static void try_foreign(struct damage *d)
{
    uint32_t version = d->run->class_->state_version;
    struct saved bad = section_copy(&d->good);

    bad.bytes[SECTION_ID_AT] ^= 1;
    section_seal(&bad);
    must_refuse(d, &bad, "another class's id");
    free(bad.bytes);
    for (uint32_t i = 0; i < 2; i++) {
        bad = section_copy(&d->good);
        section_put(bad.bytes + SECTION_VERSION_AT, i ? version + 1 : version - 1, 4);
        section_seal(&bad);
        must_refuse(d, &bad, i ? "a later version" : "an earlier version");
        free(bad.bytes);
    }
}

static void try_length(struct damage *d, uint64_t size)
{
    struct saved bad = {malloc(size ? size : 1), size}; /* beyond its end is not ours */
    char what[60];

    if (!bad.bytes)
        abort();
    memcpy(bad.bytes, d->good.bytes, size);
    snprintf(what, sizeof(what), "its first %" PRIu64 " bytes only", size);
    must_refuse(d, &bad, what);
    if (size > SECTION_HEAD + SECTION_TAIL) {
        section_seal(&bad);
        load_and_use(d, &bad, what, d->run->seed + size);
    }
    free(bad.bytes);
}

void state_truncated(struct check_run *run)
{
    struct section_field f;
    uint64_t cursor = 0;
    struct damage d;
    uint64_t step;

    begin(&d, run, run->seed);
    try_foreign(&d);
    step = d.good.size / exercise_rounds(300) + 1;
    for (uint64_t size = 0; size < d.good.size; size += step)
        try_length(&d, size);
    while (section_next(&d.good, &cursor, &f)) {
        struct saved bad = section_until(&d.good, &f);
        char what[100];

        snprintf(what, sizeof(what), "nothing from %s on", f.name);
        load_and_use(&d, &bad, what, cursor);
        free(bad.bytes);
    }
    end(&d);
}

/* --- forged ones ------------------------------------------------------------------------------ */
/* Every byte once if there are few, then at random. */
void state_flipped(struct check_run *run)
{
    uint32_t n = exercise_rounds(300);
    uint64_t seed = run->seed;
    struct damage d;

    begin(&d, run, run->seed);
    for (uint32_t i = 0; i < n; i++) {
        struct saved bad = section_copy(&d.good);
        uint64_t r = exercise_random(&seed);
        uint64_t at = i < n / 2 && d.good.size <= n / 2 ? i % d.good.size : r % d.good.size;
        char what[60];

        bad.bytes[at] ^= (uint8_t)(r & (UINT64_C(1) << 60) ? r >> 32 | 1 : 1u << (r >> 40 & 7));
        snprintf(what, sizeof(what), "byte %" PRIu64 " changed", at);
        must_refuse(&d, &bad, what);
        if (at < bad.size - SECTION_TAIL) {
            section_seal(&bad);
            load_and_use(&d, &bad, what, r);
        }
        free(bad.bytes);
    }
    end(&d);
}

static const struct bp_field *row_of(const struct bp_class *c, const char *name)
{
    for (uint32_t i = 0; i < c->state.n_rows; i++) {
        if (strcmp(class_field(c, i)->name, name) == 0)
            return class_field(c, i);
    }
    return NULL;
}

/* Values that something indexed, divided or shifted by the field would trip over. */
static void set_field(struct damage *d, const struct section_field *f, uint64_t limit,
                      uint64_t element)
{
    const uint64_t values[] = {limit + 1, UINT64_MAX, UINT64_MAX / 2, 0, 1, 255, limit};
    uint32_t size = f->type ? f->type : 1;

    for (uint32_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct saved bad = section_copy(&d->good);
        uint64_t ones = size == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * size) - 1;
        uint64_t value = values[i] & ones;
        bool is_over = f->type && limit && value > limit;
        char what[130];

        section_put(bad.bytes + f->data_at + element * size, value, size);
        section_seal(&bad);
        snprintf(what, sizeof(what), "%s[%" PRIu64 "] = 0x%" PRIx64, f->name, element, value);
        if (is_over)
            must_refuse(d, &bad, what);
        else
            load_and_use(d, &bad, what, value + i);
        free(bad.bytes);
    }
}

void state_range(struct check_run *run)
{
    struct section_field f;
    uint64_t cursor = 0;
    struct damage d;

    begin(&d, run, run->seed);
    while (section_next(&d.good, &cursor, &f)) {
        const struct bp_field *row = f.type ? row_of(run->class_, f.name) : NULL;
        uint64_t step = f.count / (exercise_rounds(8)) + 1;

        for (uint64_t i = 0; i < f.count; i += step)
            set_field(&d, &f, row ? row->max : 0, i);
    }
    end(&d);
}

static void try_size(struct damage *d, const struct section_field *f, uint64_t size)
{
    struct saved bad = section_resized(&d->good, f, size);
    char what[130];

    snprintf(what, sizeof(what), "%" PRIu64 " bytes in %s", size, f->name);
    load_and_use(d, &bad, what, size);
    free(bad.bytes);
}

void state_fields(struct check_run *run)
{
    struct section_field f;
    uint64_t cursor = 0;
    struct damage d;

    begin(&d, run, run->seed);
    while (section_next(&d.good, &cursor, &f)) {
        struct saved bad = section_without(&d.good, &f);
        uint32_t size = f.type ? f.type : 1;
        char what[100];

        snprintf(what, sizeof(what), "no %s", f.name);
        load_and_use(&d, &bad, what, cursor);
        free(bad.bytes);
        try_size(&d, &f, f.size + size);
        try_size(&d, &f, f.size + 64 * size);
        if (f.count)
            try_size(&d, &f, f.size - size);
        try_size(&d, &f, 0);
    }
    end(&d);
}
