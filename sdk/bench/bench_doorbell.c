/* bp.doorbell/1: writes that reach the device later, as a deferred function, if the set-up has it.
 */
#include <stdlib.h>

#include "bench_internal.h"

static int32_t doorbell_add(const struct bp_host *host, uint32_t region, uint64_t offset,
                            uint32_t width, uint64_t value, void (*fn)(void *dev, uint64_t arg),
                            uint64_t arg)
{
    struct bench *b = bench_of(host);

    if (b->phase != PHASE_REALIZE)
        return bench_set_error(b, BP_ERR_STATE, "a doorbell outside realize");
    if (!fn)
        return BP_ERR_INVALID;
    if (region >= b->class_->regions.n_rows)
        return BP_ERR_NOT_FOUND;
    if (!bench_is_allowed(b, region, offset, width) || (width < 8 && value >> (8 * width)))
        return BP_ERR_RANGE;
    if (!b->setup.doorbells)
        return BP_ERR_UNSUPPORTED;
    if (bench_fails(b, "doorbell add"))
        return BP_ERR_NO_SPACE;
    for (uint32_t i = 0; i < b->n_doorbells; i++) {
        const struct bench_doorbell *d = &b->doorbells[i];
        if (d->region == region && d->offset == offset && d->value == value)
            return BP_ERR_EXISTS;
    }
    b->doorbells = realloc(b->doorbells, (b->n_doorbells + 1) * sizeof(*b->doorbells));
    if (!b->doorbells)
        bench_die(b, "out of memory");
    b->doorbells[b->n_doorbells++] = (struct bench_doorbell){region, width, offset, value, fn, arg};
    return BP_OK;
}

int bench_rings_doorbell(struct bench *b, uint32_t region, uint64_t offset, uint32_t width,
                         uint64_t value)
{
    for (uint32_t i = 0; i < b->n_doorbells; i++) {
        const struct bench_doorbell *d = &b->doorbells[i];
        if (d->region != region || d->offset != offset || d->width != width || d->value != value)
            continue;
        bench_defer(b, d->fn, d->arg);
        return 1;
    }
    return 0;
}

const struct bp_doorbell bench_doorbell_if = {sizeof(struct bp_doorbell), 0, doorbell_add};
