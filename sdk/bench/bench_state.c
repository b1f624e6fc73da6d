/* Saving, loading, and the round trip that every device must survive. */
#include "bench_internal.h"
#include "state.h"

#include <stdlib.h>
#include <string.h>

/* Rounds of settling that a device may take to come to rest. */
#define QUIESCE_MAX 1000u
#define WAIT_MS     10 /* for a descriptor that it watches */

/* What would come back to the device after it has said that nothing will. */
static void check_rest(struct bench *b)
{
    if (b->n_jobs)
        bench_die(b, "quiesce gave BP_OK while %u pieces of work are on their way", b->n_jobs);
    for (uint32_t i = 0; i < b->class_->links.n_rows; i++) {
        if (b->links[i].n_requests)
            bench_die(b, "quiesce gave BP_OK while %u requests to %s are on their way",
                      b->links[i].n_requests, b->links[i].name);
    }
}

static void quiesce(struct bench *b)
{
    int32_t status = BP_OK;

    for (uint32_t i = 0; i < QUIESCE_MAX && b->class_->quiesce; i++) {
        bench_enter(b, "quiesce");
        status = b->class_->quiesce(b->dev);
        bench_leave(b);
        if (status != BP_PENDING)
            break;
        (void)bench_poll(b, b->watches.n_used ? WAIT_MS : 0); /* settles, too */
    }
    if (status)
        bench_die(b, "quiesce gave %d", status);
    check_rest(b);
}

void bench_quiesce(struct bench *b)
{
    quiesce(b);
    b->phase = PHASE_SAVE;
}

void bench_resume(struct bench *b)
{
    bench_start(b);
}

uint8_t *bench_save(struct bench *b, uint64_t *size)
{
    int is_paused = b->phase == PHASE_SAVE;
    struct state_buffer out;
    int32_t status;

    if (!is_paused)
        bench_quiesce(b);
    bench_enter(b, "save");
    status = state_save(b->class_, b->dev, &out, b->error, sizeof(b->error));
    bench_leave(b);
    if (status)
        bench_die(b, "save: %s", b->error);
    if (!is_paused)
        bench_resume(b);
    *size = out.size;
    return out.bytes;
}

int32_t bench_load(struct bench *b, const uint8_t *bytes, uint64_t size)
{
    int32_t status;

    bench_reset(b, BP_RESET_COLD);
    bench_enter(b, "load");
    status = state_load(b->class_, b->dev, bytes, size, b->error, sizeof(b->error));
    bench_leave(b);
    bench_start(b);
    return status;
}

static int32_t compare(struct bench *b, struct bench *fresh)
{
    const struct bp_class *c = b->class_;

    for (uint32_t i = 0; i < c->lines.n_rows; i++) {
        if (b->lines[i] != fresh->lines[i])
            return bench_set_error(b, BP_ERR_STATE, "line %s is %u before and %u after",
                                   class_line(c, i)->name, b->lines[i], fresh->lines[i]);
    }
    for (uint32_t cpu = 0; cpu < b->setup.cpus; cpu++) {
        for (uint32_t irq = 1; irq < 8; irq++) {
            if (b->cpu_irqs[cpu][irq] != fresh->cpu_irqs[cpu][irq])
                return bench_set_error(b, BP_ERR_STATE,
                                       "input %u of processor %u is %u before and %u after", irq,
                                       cpu, b->cpu_irqs[cpu][irq], fresh->cpu_irqs[cpu][irq]);
        }
    }
    if (!bench_apic_same(b, fresh))
        return bench_set_error(b, BP_ERR_STATE, "the pins have other routes after");
    if (bench_timers_armed(b) != bench_timers_armed(fresh))
        return bench_set_error(b, BP_ERR_STATE, "%u timers are armed before and %u after",
                               bench_timers_armed(b), bench_timers_armed(fresh));
    return BP_OK;
}

/* The fresh device lives in the same world: time, RAM, disks, input, and backends as full. */
static void same_world(struct bench *to, const struct bench *from)
{
    to->now_ns = from->now_ns;
    to->wall_ns = from->wall_ns;
    to->tick_offset = from->tick_offset;
    memcpy(to->ram, from->ram, from->setup.ram_bytes);
    for (uint32_t i = 0; i < MAX_LINKS; i++) {
        const struct bench_link *link = &from->links[i];

        to->links[i].room = link->room;
        to->links[i].net = link->net;
        to->links[i].hungry = link->hungry;
        to->links[i].n_in = link->n_in;
        bytes_free(&to->links[i].in);
        if (link->in.size)
            bytes_add(&to->links[i].in, link->in.at, link->in.size);
        if (link->disk)
            memcpy(to->links[i].disk, link->disk, link->disk_size);
    }
}

struct saved {
    uint8_t *bytes;
    uint64_t size;
};

/* BP_OK when the lines and what was saved are the same. */
static int32_t compare_all(struct bench *b, struct bench *to, const struct saved *one,
                           const struct saved *other)
{
    int32_t status = compare(b, to);

    if (!status && (one->size != other->size || memcmp(one->bytes, other->bytes, one->size) != 0))
        status = bench_set_error(b, BP_ERR_STATE, "the second save gives other bytes");
    return status;
}

/* start may go on with what has waited: then the original, started once too, has done the same. */
static int32_t check_going_on(struct bench *b, struct bench *to, const struct saved *second)
{
    struct saved third;
    int32_t status;

    bench_quiesce(b);
    third.bytes = bench_save(b, &third.size);
    status = compare_all(b, to, &third, second);
    free(third.bytes);
    bench_resume(b);
    return status;
}

/* Loads into `to`, and compares what that saves, and its outputs, with those of the original, which
 * is paused and goes on then. */
static int32_t check_loaded(struct bench *b, struct bench *to, const struct saved *first)
{
    int32_t status = bench_load(to, first->bytes, first->size);
    struct saved second;

    if (status) {
        bench_resume(b);
        return bench_set_error(b, status, "load: %.400s", to->error);
    }
    bench_quiesce(to);
    second.bytes = bench_save(to, &second.size);
    status = compare_all(b, to, first, &second);
    bench_resume(b);
    if (status && to != b)
        status = check_going_on(b, to, &second);
    if (to != b)
        bench_resume(to);
    free(second.bytes);
    return status;
}

/* A device that there can be only one of (a terminal, a locked file) loads its own state. */
int32_t bench_check_state_roundtrip(struct bench *b)
{
    struct bench_setup setup = b->setup;
    struct bench *fresh;
    struct saved first;
    int32_t status;

    bench_quiesce(b);
    first.bytes = bench_save(b, &first.size);
    setup.fail_call = 0;
    if (bench_try(b->class_, &setup, &fresh) == BP_OK) {
        same_world(fresh, b);
        status = check_loaded(b, fresh, &first);
    } else {
        bench_resume(b);
        status = check_loaded(b, b, &first);
    }
    free(first.bytes);
    bench_destroy(fresh);
    return status;
}
