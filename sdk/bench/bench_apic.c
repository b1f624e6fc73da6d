/* Fake of bp.apic/1: messages and routes are kept for the test to look at. */
#include "bench_internal.h"

#include <stdlib.h>

#define MAX_PINS 256u

struct bench_apic {
    struct bench_message *sent;
    uint32_t n_sent;
    uint32_t n_routed;
    int32_t refusal;
    struct bench_message routes[MAX_PINS];
};

static struct bench_apic *apic_of(struct bench *b)
{
    if (!b->apic)
        b->apic = bench_alloc(sizeof(*b->apic));
    return b->apic;
}

static int32_t apic_send(const struct bp_host *host, uint64_t address, uint32_t data)
{
    struct bench *b = bench_of(host);
    struct bench_apic *apic = apic_of(b);

    bench_not_while_saving(b, "send of " BP_APIC_ID);
    if (b->phase < PHASE_REALIZE)
        return BP_ERR_STATE;
    if (apic->refusal)
        return apic->refusal;
    apic->sent = realloc(apic->sent, (apic->n_sent + 1) * sizeof(*apic->sent));
    if (!apic->sent)
        bench_die(b, "out of memory");
    apic->sent[apic->n_sent++] = (struct bench_message){address, data, 0};
    return BP_OK;
}

static int32_t apic_route(const struct bp_host *host, uint32_t pin, uint64_t address, uint32_t data,
                          uint32_t flags)
{
    struct bench *b = bench_of(host);
    struct bench_apic *apic = apic_of(b);
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
    apic->routes[pin] = (struct bench_message){address, data, flags};
    apic->n_routed++;
    return BP_OK;
}

const struct bp_apic bench_apic_if = {sizeof(struct bp_apic), 0, apic_send, apic_route};

void bench_apic_fini(struct bench *b)
{
    if (b->apic)
        free(b->apic->sent);
    free(b->apic);
}

uint32_t bench_apic_sent(const struct bench *b)
{
    return b->apic ? b->apic->n_sent : 0;
}

struct bench_message bench_apic_message(const struct bench *b, uint32_t n)
{
    if (n >= bench_apic_sent(b))
        bench_die(b, "message %u: there are %u", n, bench_apic_sent(b));
    return b->apic->sent[n];
}

struct bench_message bench_apic_route(const struct bench *b, uint32_t pin)
{
    if (pin >= MAX_PINS)
        bench_die(b, "pin %u: the bench has %u", pin, MAX_PINS);
    return b->apic ? b->apic->routes[pin] : (struct bench_message){0, 0, 0};
}

uint32_t bench_apic_routed(const struct bench *b)
{
    return b->apic ? b->apic->n_routed : 0;
}

void bench_apic_refuse(struct bench *b, int32_t status)
{
    apic_of(b)->refusal = status;
}

int bench_apic_same(const struct bench *b, const struct bench *other)
{
    for (uint32_t pin = 0; pin < MAX_PINS; pin++) {
        struct bench_message one = bench_apic_route(b, pin), two = bench_apic_route(other, pin);

        if (one.address != two.address || one.data != two.data || one.flags != two.flags)
            return 0;
    }
    return 1;
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
