/* Fake of bp.apic/1: messages and routes are kept for the test to look at. */
#include "bench_internal.h"

#include <stdlib.h>

static int32_t apic_send(const struct bp_host *host, uint64_t address, uint32_t data)
{
    struct bench *b = bench_of(host);
    size_t size = (b->apic.n_sent + 1) * sizeof(*b->apic.sent);

    bench_not_while_saving(b, "send of " BP_APIC_ID);
    if (b->phase < PHASE_REALIZE)
        return BP_ERR_STATE;
    if (b->apic.refusal)
        return b->apic.refusal;
    b->apic.sent = realloc(b->apic.sent, size);
    if (!b->apic.sent)
        bench_die(b, "out of memory");
    b->apic.sent[b->apic.n_sent++] = (struct bench_message){address, data, 0};
    return BP_OK;
}

static int32_t apic_route(const struct bp_host *host, uint32_t pin, uint64_t address, uint32_t data,
                          uint32_t flags)
{
    struct bench *b = bench_of(host);
    uint32_t n_pins = b->setup.apic_pins ? b->setup.apic_pins : MAX_PINS;

    bench_not_while_saving(b, "route of " BP_APIC_ID);
    if (b->phase < PHASE_REALIZE)
        return BP_ERR_STATE;
    if (bench_fails(b, "route"))
        return BP_ERR_NO_MEMORY;
    if (pin >= n_pins || pin >= MAX_PINS)
        return BP_ERR_RANGE;
    if (flags & ~(BP_APIC_LEVEL | BP_APIC_MASKED))
        bench_die(b, "route with flags 0x%x", flags);
    b->apic.routes[pin] = (struct bench_message){address, data, flags};
    b->apic.n_routed++;
    return BP_OK;
}

const struct bp_apic bench_apic_if = {sizeof(struct bp_apic), 0, apic_send, apic_route};

void bench_apic_fini(struct bench *b)
{
    free(b->apic.sent);
}

uint32_t bench_apic_sent(const struct bench *b)
{
    return b->apic.n_sent;
}

struct bench_message bench_apic_message(const struct bench *b, uint32_t n)
{
    if (n >= b->apic.n_sent)
        bench_die(b, "message %u: there are %u", n, b->apic.n_sent);
    return b->apic.sent[n];
}

struct bench_message bench_apic_route(const struct bench *b, uint32_t pin)
{
    if (pin >= MAX_PINS)
        bench_die(b, "pin %u: the bench has %u", pin, MAX_PINS);
    return b->apic.routes[pin];
}

uint32_t bench_apic_routed(const struct bench *b)
{
    return b->apic.n_routed;
}

void bench_apic_refuse(struct bench *b, int32_t status)
{
    b->apic.refusal = status;
}

void bench_apic_eoi(struct bench *b, uint32_t vector)
{
    const struct bp_apic_eoi_ops *ops = class_service(b->class_, BP_APIC_EOI_ID);

    if (!ops)
        bench_die(b, "the class offers no %s", BP_APIC_EOI_ID);
    bench_enter(b, "eoi of " BP_APIC_EOI_ID);
    ops->eoi(b->dev, vector);
    bench_leave(b);
}
