/*
 * The walk along a chain of descriptors (virtio 1.2 section 2.6.5, indirect: 2.6.5.3).
 *
 * Refused: an index beyond the table, a loop, a segment of no bytes or not in RAM, more than 2^32
 * bytes in all, a readable segment behind a writable one, indirect tables that were not
 * negotiated, are nested, continued, or no whole number of descriptors.
 */
#include "virtio/chain.h"

#include <backplane/abi.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define DESC_BYTES      16u
#define DESC_NEXT       1u
#define DESC_WRITE      2u
#define DESC_INDIRECT   4u
#define CHAIN_BYTES_MAX (UINT64_C(1) << 32)

struct desc {
    uint64_t gpa;
    uint32_t size;
    uint16_t flags;
    uint16_t next;
};

/* Where the walk is: in the queue's own table, or in an indirect one. */
struct walk {
    const struct virtqueue *q;
    const struct memory *memory;
    struct virtq_chain *chain;
    struct err *err;
    uint64_t table_gpa;
    uint32_t n_descs; /* of the table */
    uint32_t n_seen;  /* in the table: more than it has is a loop */
    bool is_indirect;
};

static int32_t broken(const struct walk *w, uint32_t index, const char *what)
{
    return err_set(w->err, BP_ERR_FORMAT, "queue %u: %sdescriptor %u %s", w->q->index,
                   w->is_indirect ? "indirect " : "", index, what);
}

static int32_t fetch_desc(const struct walk *w, uint32_t index, struct desc *out)
{
    struct {
        uint64_t gpa;
        uint32_t size;
        uint16_t flags;
        uint16_t next;
    } raw;
    _Static_assert(sizeof(raw) == DESC_BYTES, "the layout of struct virtq_desc");
    int32_t status =
        memory_read(w->memory, w->table_gpa + (uint64_t)index * DESC_BYTES, &raw, sizeof(raw));
    if (status != BP_OK)
        return broken(w, index, "does not lie in RAM");
    *out =
        (struct desc){le64toh(raw.gpa), le32toh(raw.size), le16toh(raw.flags), le16toh(raw.next)};
    return BP_OK;
}

static int32_t make_room(struct virtq_chain *chain, uint32_t n)
{
    if (n < chain->capacity)
        return BP_OK;
    uint32_t capacity = chain->capacity == 0 ? 4 : chain->capacity * 2;
    struct bp_segment *grown = realloc(chain->segments, capacity * sizeof(*grown));
    if (grown == NULL)
        return BP_ERR_NO_MEMORY;
    chain->segments = grown;
    chain->capacity = capacity;
    return BP_OK;
}

static int32_t add_segment(const struct walk *w, uint32_t index, const struct desc *d)
{
    struct virtq_chain *chain = w->chain;
    bool writable = (d->flags & DESC_WRITE) != 0;
    uint32_t n = chain->n_readable + chain->n_writable;
    if (d->size == 0)
        return broken(w, index, "has no bytes");
    if (memory_at(w->memory, d->gpa, d->size) == NULL)
        return broken(w, index, "names bytes that are not RAM");
    if (!writable && chain->n_writable != 0)
        return broken(w, index, "is readable behind a writable one");
    if (n == VIRTQ_CHAIN_MAX)
        return broken(w, index, "makes the chain longer than any queue");
    if (d->size > CHAIN_BYTES_MAX - chain->readable - chain->writable)
        return broken(w, index, "makes the chain longer than 4 GiB");
    if (make_room(chain, n) != BP_OK)
        return err_set(w->err, BP_ERR_NO_MEMORY, "queue %u: the host is out of memory",
                       w->q->index);
    chain->segments[n] = (struct bp_segment){d->gpa, d->size};
    if (writable) {
        chain->n_writable++;
        chain->writable += d->size;
    } else {
        chain->n_readable++;
        chain->readable += d->size;
    }
    return BP_OK;
}

static int32_t enter_indirect(struct walk *w, uint32_t index, const struct desc *d)
{
    if (!w->q->has_indirect)
        return broken(w, index, "is indirect, which was not negotiated");
    if (w->is_indirect)
        return broken(w, index, "is indirect in an indirect table");
    if ((d->flags & DESC_NEXT) != 0)
        return broken(w, index, "is indirect and has a next one");
    if (d->size == 0 || d->size % DESC_BYTES != 0 || d->size / DESC_BYTES > VIRTQ_CHAIN_MAX)
        return broken(w, index, "gives an indirect table of a wrong size");
    if (memory_at(w->memory, d->gpa, d->size) == NULL)
        return broken(w, index, "gives an indirect table that is not in RAM");
    w->is_indirect = true;
    w->table_gpa = d->gpa;
    w->n_descs = d->size / DESC_BYTES;
    w->n_seen = 0;
    return BP_OK;
}

int32_t chain_fetch(const struct virtqueue *q, const struct memory *memory, uint32_t head,
                    struct virtq_chain *chain, struct err *err)
{
    struct walk w = {.q = q,
                     .memory = memory,
                     .chain = chain,
                     .err = err,
                     .table_gpa = q->desc_gpa,
                     .n_descs = q->size};
    chain->n_readable = chain->n_writable = 0;
    chain->readable = chain->writable = 0;
    uint32_t index = head;
    for (;;) {
        struct desc d = {0};
        if (index >= w.n_descs)
            return broken(&w, index, "is beyond the end of its table");
        if (w.n_seen++ == w.n_descs)
            return broken(&w, index, "closes a loop");
        int32_t status = fetch_desc(&w, index, &d);
        if (status == BP_OK)
            status = (d.flags & DESC_INDIRECT) != 0 ? enter_indirect(&w, index, &d)
                                                    : add_segment(&w, index, &d);
        if (status != BP_OK)
            return status;
        if ((d.flags & DESC_INDIRECT) != 0)
            index = 0;
        else if ((d.flags & DESC_NEXT) != 0)
            index = d.next;
        else
            return BP_OK;
    }
}

/* The segments of one part and how many bytes they have. */
static const struct bp_segment *part_of(const struct virtq_chain *chain, bool writable, uint32_t *n,
                                        uint64_t *bytes)
{
    *n = writable ? chain->n_writable : chain->n_readable;
    *bytes = writable ? chain->writable : chain->readable;
    return writable ? chain->segments + chain->n_readable : chain->segments;
}

int32_t chain_segments(const struct virtq_chain *chain, bool writable, uint64_t offset,
                       uint64_t size, struct bp_segment *out, uint32_t *n)
{
    uint32_t n_part;
    uint64_t bytes;
    const struct bp_segment *part = part_of(chain, writable, &n_part, &bytes);
    if (offset > bytes || size > bytes - offset)
        return BP_ERR_RANGE;
    uint32_t count = 0;
    for (uint32_t i = 0; i < n_part && size != 0; i++) {
        if (offset >= part[i].size) {
            offset -= part[i].size;
            continue;
        }
        if (count == *n)
            return BP_ERR_NO_SPACE;
        uint64_t step = part[i].size - offset < size ? part[i].size - offset : size;
        out[count++] = (struct bp_segment){part[i].gpa + offset, step};
        size -= step;
        offset = 0;
    }
    *n = count;
    return BP_OK;
}

int32_t chain_read(const struct virtq_chain *chain, const struct memory *memory, uint64_t offset,
                   void *to, uint64_t size)
{
    uint8_t *at = to;
    if (offset > chain->readable || size > chain->readable - offset)
        return BP_ERR_RANGE;
    for (uint32_t i = 0; i < chain->n_readable && size != 0; i++) {
        const struct bp_segment *s = &chain->segments[i];
        if (offset >= s->size) {
            offset -= s->size;
            continue;
        }
        uint64_t step = s->size - offset < size ? s->size - offset : size;
        int32_t status = memory_read(memory, s->gpa + offset, at, step);
        if (status != BP_OK)
            return status;
        at += step;
        size -= step;
        offset = 0;
    }
    return BP_OK;
}

int32_t chain_write(const struct virtq_chain *chain, struct memory *memory, uint64_t offset,
                    const void *from, uint64_t size)
{
    const uint8_t *at = from;
    if (offset > chain->writable || size > chain->writable - offset)
        return BP_ERR_RANGE;
    for (uint32_t i = 0; i < chain->n_writable && size != 0; i++) {
        const struct bp_segment *s = &chain->segments[chain->n_readable + i];
        if (offset >= s->size) {
            offset -= s->size;
            continue;
        }
        uint64_t step = s->size - offset < size ? s->size - offset : size;
        int32_t status = memory_write(memory, s->gpa + offset, at, step);
        if (status != BP_OK)
            return status;
        at += step;
        size -= step;
        offset = 0;
    }
    return BP_OK;
}
