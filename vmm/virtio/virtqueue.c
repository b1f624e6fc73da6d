/*
 * Rings of a split virtqueue: which chains are waiting, which have ended, who tells whom.
 * The walk along the descriptors is in chain.c.
 */
#include "virtio/virtqueue.h"

#include <backplane/abi.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "virtio/chain.h"

/* Layout of the driver area (available ring): 2.6.6. */
#define AVAIL_FLAGS   0u
#define AVAIL_IDX     2u
#define AVAIL_RING    4u
#define AVAIL_ENTRY   2u
#define AVAIL_NO_INTR 1u /* VIRTQ_AVAIL_F_NO_INTERRUPT */
/* Layout of the device area (used ring): 2.6.8. */
#define USED_FLAGS     0u
#define USED_IDX       2u
#define USED_RING      4u
#define USED_ENTRY     8u
#define USED_NO_NOTIFY 1u /* VIRTQ_USED_F_NO_NOTIFY */

#define EVENT_BYTES 2u /* used_event, avail_event behind the rings */
#define DESC_BYTES  16u
#define DESC_ALIGN  16u
#define AVAIL_ALIGN 2u
#define USED_ALIGN  4u

/* The guest's processors read and write the rings at the same time: each field is one access. The
 * order of all of them is total, so that of two sides that each write one field and then read the
 * other's, one sees the other: no notification is lost. It also puts what an index announces behind
 * the index. */
static uint16_t load16(const uint8_t *at)
{
    return le16toh(__atomic_load_n((const uint16_t *)(const void *)at, __ATOMIC_SEQ_CST));
}

static void store16(uint8_t *at, uint16_t value)
{
    __atomic_store_n((uint16_t *)(void *)at, htole16(value), __ATOMIC_SEQ_CST);
}

/* An entry of the used ring, which no one reads before the index says so. */
static void store32(uint8_t *at, uint32_t value)
{
    __atomic_store_n((uint32_t *)(void *)at, htole32(value), __ATOMIC_RELAXED);
}

int32_t virtq_init(struct virtqueue *q, uint32_t index, uint32_t size_max)
{
    memset(q, 0, sizeof(*q));
    q->index = index;
    q->size_max = size_max;
    q->chains = calloc(size_max, sizeof(*q->chains));
    if (q->chains == NULL)
        return BP_ERR_NO_MEMORY;
    virtq_reset(q);
    return BP_OK;
}

void virtq_fini(struct virtqueue *q)
{
    for (uint32_t i = 0; q->chains != NULL && i < q->size_max; i++)
        free(q->chains[i].segments);
    free(q->chains);
    q->chains = NULL;
}

void virtq_disable(struct virtqueue *q)
{
    for (uint32_t i = 0; i < q->size_max; i++)
        q->chains[i].busy = false; /* the generation stays: late answers are told apart by it */
    q->ready = false;
    q->is_quiet = false;
    q->avail = NULL;
    q->used = NULL;
    q->next_avail = 0;
    q->next_used = 0;
}

void virtq_reset(struct virtqueue *q)
{
    virtq_disable(q);
    q->stopped = false;
    q->size = q->size_max;
    q->desc_gpa = 0;
    q->driver_gpa = 0;
    q->device_gpa = 0;
}

/* The host address of one of the three areas; NULL and a sentence when it cannot be used. */
static uint8_t *area_at(const struct virtqueue *q, const struct memory *memory, const char *area,
                        uint64_t gpa, uint64_t bytes, uint64_t alignment, struct err *err)
{
    if (gpa % alignment != 0) {
        (void)err_set(err, BP_ERR_FORMAT, "queue %u: its %s at 0x%llx is not aligned to %llu bytes",
                      q->index, area, (unsigned long long)gpa, (unsigned long long)alignment);
        return NULL;
    }
    uint8_t *at = memory_at(memory, gpa, bytes);
    if (at == NULL)
        (void)err_set(err, BP_ERR_FORMAT,
                      "queue %u: its %s, %llu bytes at 0x%llx, does not lie in RAM", q->index, area,
                      (unsigned long long)bytes, (unsigned long long)gpa);
    return at;
}

int32_t virtq_enable(struct virtqueue *q, const struct memory *memory, bool has_indirect,
                     bool has_event_idx, struct err *err)
{
    if (q->size == 0 || q->size > q->size_max || (q->size & (q->size - 1)) != 0)
        return err_set(err, BP_ERR_FORMAT, "queue %u: its size %u is not a power of two up to %u",
                       q->index, q->size, q->size_max);
    if (area_at(q, memory, "descriptor table", q->desc_gpa, (uint64_t)q->size * DESC_BYTES,
                DESC_ALIGN, err) == NULL)
        return BP_ERR_FORMAT;
    uint8_t *avail =
        area_at(q, memory, "driver area", q->driver_gpa,
                AVAIL_RING + (uint64_t)q->size * AVAIL_ENTRY + EVENT_BYTES, AVAIL_ALIGN, err);
    if (avail == NULL)
        return BP_ERR_FORMAT;
    uint8_t *used =
        area_at(q, memory, "device area", q->device_gpa,
                USED_RING + (uint64_t)q->size * USED_ENTRY + EVENT_BYTES, USED_ALIGN, err);
    if (used == NULL)
        return BP_ERR_FORMAT;
    q->avail = avail;
    q->used = used;
    q->has_indirect = has_indirect;
    q->has_event_idx = has_event_idx;
    q->is_quiet = false;
    q->next_avail = 0;
    q->next_used = 0;
    q->ready = true;
    return BP_OK;
}

uint32_t virtq_in_flight(const struct virtqueue *q)
{
    return (uint16_t)(q->next_avail - q->next_used);
}

/* The driver need not notify while chains are being fetched. With event indexes nothing has to be
 * written: the index last asked for is passed already. */
static void quiet_driver(struct virtqueue *q)
{
    if (q->is_quiet)
        return;
    q->is_quiet = true;
    if (!q->has_event_idx)
        store16(q->used + USED_FLAGS, USED_NO_NOTIFY);
}

/* Asks the driver to notify of the next chain. The caller looks at the ring again afterwards: the
 * driver may have added one just before. */
static void wake_driver(struct virtqueue *q)
{
    q->is_quiet = false;
    if (q->has_event_idx)
        store16(q->used + USED_RING + (size_t)q->size * USED_ENTRY, q->next_avail);
    else
        store16(q->used + USED_FLAGS, 0);
}

int32_t virtq_pop(struct virtqueue *q, const struct memory *memory, uint32_t *head, struct err *err)
{
    if (!q->ready)
        return BP_ERR_STATE;
    uint16_t idx = load16(q->avail + AVAIL_IDX);
    if (idx == q->next_avail) {
        wake_driver(q);
        idx = load16(q->avail + AVAIL_IDX);
        if (idx == q->next_avail)
            return BP_ERR_NOT_FOUND;
    }
    /* Each chain that is not yet used holds a descriptor at least. */
    if ((uint16_t)(idx - q->next_used) > q->size)
        return err_set(err, BP_ERR_FORMAT,
                       "queue %u: available index %u is more than %u ahead of used index %u",
                       q->index, idx, q->size, q->next_used);
    quiet_driver(q);
    uint32_t first = load16(q->avail + AVAIL_RING + (q->next_avail & (q->size - 1)) * AVAIL_ENTRY);
    if (first >= q->size)
        return err_set(err, BP_ERR_FORMAT, "queue %u: descriptor %u is available, but it has %u",
                       q->index, first, q->size);
    struct virtq_chain *chain = &q->chains[first];
    if (chain->busy)
        return err_set(err, BP_ERR_FORMAT,
                       "queue %u: descriptor %u is available while still in use", q->index, first);
    int32_t status = chain_fetch(q, memory, first, chain, err);
    if (status != BP_OK)
        return status;
    chain->busy = true;
    chain->generation++;
    if (chain->generation == 0)
        chain->generation = 1;
    q->next_avail++;
    *head = first;
    return BP_OK;
}

/* 2.6.7.1: does the driver want an interrupt for the last `n` entries? */
static bool wants_interrupt(const struct virtqueue *q, uint32_t n)
{
    if (!q->has_event_idx)
        return (load16(q->avail + AVAIL_FLAGS) & AVAIL_NO_INTR) == 0;
    uint16_t used_event = load16(q->avail + AVAIL_RING + (size_t)q->size * AVAIL_ENTRY);
    return (uint16_t)(q->next_used - 1 - used_event) < n;
}

void virtq_put(struct virtqueue *q, uint32_t head, uint32_t written)
{
    uint8_t *entry = q->used + USED_RING + (size_t)(q->next_used & (q->size - 1)) * USED_ENTRY;
    store32(entry, head);
    store32(entry + 4, written);
    q->chains[head].busy = false;
    q->next_used++;
}

bool virtq_show(struct virtqueue *q, uint32_t n)
{
    store16(q->used + USED_IDX, q->next_used);
    return wants_interrupt(q, n);
}
