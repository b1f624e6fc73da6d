/* Where actions come from: a seed, or a fuzzer's bytes. */
#include "bench_actions.h"

#include <backplane/if/power_button.h>

#include <string.h>

uint64_t action_number(uint64_t *seed) /* splitmix64 */
{
    uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* --- from a seed ------------------------------------------------------------------------------ */
static int has_registers(const struct bp_class *c)
{
    for (uint32_t i = 0; i < c->regions.n_rows; i++) {
        if (class_region(c, i)->kind != BP_RAM)
            return 1;
    }
    return 0;
}

static int serves_others(const struct bp_class *c)
{
    return class_service(c, BP_CHAR_ID) || class_service(c, BP_NET_ID) ||
           class_service(c, BP_BLOCK_ID) || class_service(c, BP_POWER_BUTTON_ID) ||
           class_service(c, BP_APIC_EOI_ID);
}

/* How often of a kind, relative to the others; 0 where the class has nothing for it. */
static void weigh(const struct bp_class *c, uint32_t weights[BENCH_ACTS])
{
    uint32_t registers = has_registers(c) ? 1 : 0;
    uint32_t links = c->links.n_rows ? 1 : 0;
    uint32_t virtio = class_service(c, BP_VIRTIO_DEVICE_ID) ? 1 : 0;

    memset(weights, 0, BENCH_ACTS * sizeof(*weights));
    weights[BENCH_ACT_READ] = 200 * registers;
    weights[BENCH_ACT_WRITE] = 300 * registers;
    weights[BENCH_ACT_WRITE_GPA] = 30 * registers;
    weights[BENCH_ACT_RAM] = 20;
    weights[BENCH_ACT_TIME] = 60;
    weights[BENCH_ACT_RESET] = 3;
    weights[BENCH_ACT_SAVE_LOAD] = 3;
    weights[BENCH_ACT_LOAD_DAMAGED] = 3;
    weights[BENCH_ACT_LINK] = 60 * links;
    weights[BENCH_ACT_LINK_ROOM] = 30 * links;
    weights[BENCH_ACT_LINK_EVENT] = 15 * links;
    weights[BENCH_ACT_LINE] = class_service(c, BP_IRQCHIP_ID) ? 100 : 0;
    weights[BENCH_ACT_SERVICE] = serves_others(c) ? 150 : 0;
    weights[BENCH_ACT_VIRTIO] = 40 * virtio;
    weights[BENCH_ACT_CHAIN] = 150 * virtio;
    weights[BENCH_ACT_WORKER] = 15;
    weights[BENCH_ACT_FAIL] = 4;
}

static uint32_t random_kind(const struct bp_class *c, uint64_t *seed)
{
    uint32_t weights[BENCH_ACTS];
    uint32_t sum = 0;
    uint32_t kind = 0;
    uint32_t r;

    weigh(c, weights);
    for (uint32_t i = 0; i < BENCH_ACTS; i++)
        sum += weights[i];
    r = (uint32_t)(action_number(seed) % sum);
    for (; r >= weights[kind]; kind++)
        r -= weights[kind];
    return kind;
}

static uint64_t interesting(uint64_t *seed)
{
    uint64_t r = action_number(seed);

    switch (r & 7) {
    case 0:
        return 0;
    case 1:
        return UINT64_MAX;
    case 2:
        return UINT64_C(1) << (r >> 8 & 63);
    case 3:
    case 4:
        return r >> 8 & 0xff;
    case 5:
        return r >> 32;
    default:
        return action_number(seed);
    }
}

/* Often one that the class's table of registers names. */
static uint64_t random_offset(const struct bp_class *c, uint32_t index, uint64_t *seed)
{
    uint64_t r = action_number(seed);
    const struct bp_region *region;

    if (!c->regions.n_rows)
        return r;
    region = class_region(c, index % c->regions.n_rows);
    if ((r & 1) == 0 || !region->regs.n_rows)
        return r >> 8;
    r = (r >> 8) % region->regs.n_rows;
    return ((const struct bp_reg *)((const char *)region->regs.rows + r * region->regs.stride))
        ->offset;
}

/* The width of an access as play_access takes it: mostly one that the region allows. */
static uint32_t random_width(const struct bp_class *c, uint32_t index, uint64_t *seed)
{
    uint32_t r = (uint32_t)action_number(seed);
    const struct bp_region *region;
    uint32_t log;

    if (!c->regions.n_rows)
        return r & 0xffff;
    region = class_region(c, index % c->regions.n_rows);
    for (log = 0; log < 3 && !(region->widths >> log & 1); log++)
        ;
    if ((r & 0x3f) == 0)
        return r >> 8 & 15;
    if (r & 0x40 && region->widths >> (r >> 8 & 3) & 1)
        log = r >> 8 & 3;
    return log | 8;
}

void bench_action_random(struct bench *b, uint64_t *seed, struct bench_action *out)
{
    out->kind = random_kind(b->class_, seed);
    out->index = (uint32_t)action_number(seed) & 0xff;
    out->seed = action_number(seed) & 1 ? (uint32_t)action_number(seed) : 0;
    out->value = interesting(seed);
    if (out->kind <= BENCH_ACT_WRITE_GPA) {
        out->width = random_width(b->class_, out->index, seed);
        out->offset = random_offset(b->class_, out->index, seed) & UINT32_MAX;
    } else {
        out->width = (uint32_t)action_number(seed) & 0xffff;
        out->offset = action_number(seed) & UINT32_MAX;
    }
}

/* --- from bytes: kind, index, width (2), offset (4), value (8), seed (4) -----------------------
 */
static uint64_t get(const uint8_t *from, uint32_t size)
{
    uint64_t value = 0;

    for (uint32_t i = 0; i < size; i++)
        value |= (uint64_t)from[i] << (8 * i);
    return value;
}

static void put(uint8_t *to, uint64_t value, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++)
        to[i] = (uint8_t)(value >> (8 * i));
}

uint32_t bench_action_parse(const uint8_t **bytes, size_t *size, struct bench_action *out)
{
    uint8_t record[BENCH_ACTION_BYTES] = {0};
    size_t n = *size < sizeof(record) ? *size : sizeof(record);

    if (!n)
        return 0;
    memcpy(record, *bytes, n);
    *bytes += n;
    *size -= n;
    out->kind = record[0] % BENCH_ACTS;
    out->index = record[1];
    out->width = (uint32_t)get(record + 2, 2);
    out->offset = get(record + 4, 4);
    out->value = get(record + 8, 8);
    out->seed = (uint32_t)get(record + 16, 4);
    return 1;
}

void bench_action_format(const struct bench_action *a, uint8_t bytes[BENCH_ACTION_BYTES])
{
    bytes[0] = (uint8_t)a->kind;
    bytes[1] = (uint8_t)a->index;
    put(bytes + 2, a->width, 2);
    put(bytes + 4, a->offset, 4);
    put(bytes + 8, a->value, 8);
    put(bytes + 16, a->seed, 4);
}
