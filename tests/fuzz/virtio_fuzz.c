/*
 * A hostile driver and a clumsy class, both made of random bytes, at the virtio core: transport
 * registers, ring walk, chains, state. The bytes are a program of small steps; whatever it is,
 * nothing crashes or hangs, no chain reaches outside RAM, and the line follows its causes.
 *
 * With libFuzzer: make MODE=fuzz fuzzers. Without: tests/unit/virtio_fuzz_test.c runs seeded
 * programs.
 */
#include "fuzz/virtio_fuzz.h"

#include "unit/virtio_rig.h"

#define HANDLES     8u
#define STATE_BYTES 128u

struct program {
    const uint8_t *at, *end;
    struct rig *r;
    bp_handle handles[HANDLES];
};

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* The next bytes as a number; 0 when the program is over. */
static uint64_t next(struct program *p, uint32_t bytes)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < bytes && p->at < p->end; i++)
        value |= (uint64_t)*p->at++ << (8 * i);
    return value;
}

/* An address: mostly one that could be right. */
static uint64_t next_gpa(struct program *p)
{
    uint32_t kind = (uint32_t)next(p, 1);
    if (kind < 16)
        return next(p, 8);
    if (kind < 96)
        return RIG_INDIRECT + (next(p, 1) & ~UINT64_C(15));
    return RIG_RAM_GPA + next(p, 3) % (RIG_RAM_BYTES + 64);
}

static void step_descriptor(struct program *p)
{
    uint32_t place = (uint32_t)next(p, 1);
    uint64_t gpa = (place & 0x80) != 0 ? RIG_INDIRECT + 16u * (place & 0x1f)
                                       : RIG_DESC(0) + 16u * (place & 0x0f);
    uint64_t data = next_gpa(p);
    uint32_t size = (uint32_t)next(p, 1);
    if (size > 240)
        size = (uint32_t)next(p, 4);
    uint32_t flags = (uint32_t)next(p, 1);
    rig_desc_at(p->r, gpa, data, size, flags, (uint32_t)next(p, 1) & 0x1f);
}

static void step_available(struct program *p)
{
    uint32_t head = (uint32_t)next(p, 1);
    rig_avail(p->r, head > 200 ? (uint32_t)next(p, 2) : head & 0x0f);
}

static void step_poke(struct program *p)
{
    uint64_t offset = next(p, 2) % (RIG_RAM_BYTES - 8);
    rig_put(p->r, RIG_RAM_GPA + offset, next(p, 8), 8);
}

static void step_queue_set(struct program *p)
{
    uint32_t queue = (uint32_t)next(p, 1) % (RIG_QUEUES + 1);
    uint32_t field = (uint32_t)next(p, 1) % 8;
    virtio_queue_set(p->r->v, queue, field, field < 4 ? next(p, 1) : next_gpa(p));
    (void)virtio_queue_get(p->r->v, queue, field);
}

/* Every byte of a chain must be RAM. */
static void check_chain(struct program *p, const struct bp_virtio_chain *chain)
{
    static struct bp_segment segments[1024];
    for (uint32_t writable = 0; writable < 2; writable++) {
        uint32_t n = 1024;
        uint64_t bytes = writable ? chain->writable : chain->readable;
        require(virtio_segments(p->r->v, chain->handle, writable, 0, bytes, segments, &n) == BP_OK);
        require(n == (writable ? chain->n_writable : chain->n_readable));
        for (uint32_t i = 0; i < n; i++) {
            require(memory_at(&p->r->memory, segments[i].gpa, segments[i].size) != NULL);
            require(segments[i].size != 0 && segments[i].size <= bytes);
            bytes -= segments[i].size;
        }
        require(bytes == 0);
    }
}

static void step_pop(struct program *p)
{
    struct bp_virtio_chain chain = {.struct_size = sizeof(chain)};
    uint32_t at = (uint32_t)next(p, 1);
    int32_t status = virtio_pop(p->r->v, at >> 6 & 1, &chain);
    if (status == BP_OK) {
        check_chain(p, &chain);
        p->handles[at % HANDLES] = chain.handle;
    }
    require(status != BP_ERR_FORMAT || (virtio_status(p->r->v) & VIRTIO_NEEDS_RESET) != 0);
}

static void step_push(struct program *p)
{
    uint32_t at = (uint32_t)next(p, 1);
    bp_handle handle = (at & 0x80) != 0 ? next(p, 8) : p->handles[at % HANDLES];
    uint32_t written = (uint32_t)next(p, 1);
    int32_t status = virtio_push(p->r->v, handle, written);
    if (status == BP_OK)
        require(virtio_push(p->r->v, handle, 0) == BP_ERR_STALE);
}

static void step_copy(struct program *p)
{
    uint8_t bytes[256];
    uint32_t at = (uint32_t)next(p, 1);
    uint64_t offset = next(p, (at & 0x40) != 0 ? 8 : 1);
    uint64_t size = next(p, 1);
    memset(bytes, 0x5a, sizeof(bytes));
    bp_handle handle = p->handles[at % HANDLES];
    (void)virtio_read(p->r->v, handle, offset, bytes, size);
    (void)virtio_write(p->r->v, handle, offset, bytes, size);
    struct bp_segment segments[3];
    uint32_t n = 3;
    if (virtio_segments(p->r->v, handle, at >> 7, offset, size, segments, &n) == BP_OK)
        require(n <= 3);
}

static void step_config(struct program *p)
{
    uint8_t bytes[8];
    uint32_t offset = (uint32_t)next(p, 4);
    uint32_t size = (uint32_t)next(p, 1) % 9;
    virtio_config_read(p->r->v, offset % 16 == 15 ? offset : offset % 16, bytes, size);
    virtio_config_write(p->r->v, offset % 16 == 15 ? offset : offset % 16, bytes, size);
    virtio_config_changed(p->r->v);
}

/* --- State ------------------------------------------------------------------------------------ */

struct saved {
    uint8_t bytes[2][STATE_BYTES];
    uint64_t size[2];
};

static uint32_t field_index(const char *name)
{
    return strcmp(name, "virtio") == 0 ? 0 : 1;
}

static int32_t put_field(const struct bp_state_writer *w, const char *name, const void *from,
                         uint64_t size)
{
    struct saved *s = w->ctx;
    require(size <= STATE_BYTES);
    memcpy(s->bytes[field_index(name)], from, size);
    s->size[field_index(name)] = size;
    return BP_OK;
}

static int32_t get_field(const struct bp_state_reader *r, const char *name, void *to, uint64_t size)
{
    const struct saved *s = r->ctx;
    if (s->size[field_index(name)] != size)
        return BP_ERR_FORMAT;
    memcpy(to, s->bytes[field_index(name)], size);
    return BP_OK;
}

/* Saves, changes some bytes, loads. What loads must save as itself. */
static void step_state(struct program *p)
{
    struct saved saved = {.size = {0}}, again = {.size = {0}};
    struct bp_state_writer w = {.struct_size = sizeof(w), .ctx = &saved, .put = put_field};
    struct bp_state_reader r = {.struct_size = sizeof(r), .ctx = &saved, .get = get_field};
    if (virtio_save(p->r->v, &w) != BP_OK)
        return;
    for (uint32_t n = (uint32_t)next(p, 1) % 8; n != 0; n--) {
        uint32_t at = (uint32_t)next(p, 1);
        saved.bytes[at >> 7][at % STATE_BYTES] ^= (uint8_t)next(p, 1);
    }
    for (uint32_t i = 0; i < 2; i++) /* nothing beyond the fields */
        memset(saved.bytes[i] + saved.size[i], 0, STATE_BYTES - saved.size[i]);
    if (virtio_load_check(p->r->v, &r) != BP_OK)
        return;
    virtio_load_commit(p->r->v, &r);
    w.ctx = &again;
    require(virtio_save(p->r->v, &w) == BP_OK);
    require(memcmp(&saved, &again, sizeof(saved)) == 0);
}

/* --- The program ------------------------------------------------------------------------------ */

static void step(struct program *p)
{
    struct virtio_dev *v = p->r->v;
    switch (next(p, 1) % 16) {
    case 0:
        virtio_set_status(v, (uint32_t)next(p, 1));
        break;
    case 1:
        virtio_set_driver_features(v, next(p, 8));
        break;
    case 2:
        step_queue_set(p);
        break;
    case 3:
        step_poke(p);
        break;
    case 4:
        virtio_notify(v, (uint32_t)next(p, 1) % 4);
        break;
    case 5:
    case 6:
        step_pop(p);
        break;
    case 7:
        step_push(p);
        break;
    case 8:
        step_copy(p);
        break;
    case 9:
        virtio_interrupt_ack(v, (uint32_t)next(p, 1));
        break;
    case 10:
        step_config(p);
        break;
    case 11:
        step_state(p);
        break;
    case 12: /* a driver that does all right for once */
        virtio_set_status(v, 0);
        memset(p->r->ram, 0, 0x2000);
        p->r->avail_idx[0] = 0;
        rig_start(p->r, next(p, 1) << 28 & (FEATURE_INDIRECT | FEATURE_EVENT_IDX));
        break;
    case 13:
    case 14:
        step_descriptor(p);
        break;
    default:
        step_available(p);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct program p = {.at = data, .end = data + size, .r = rig_create()};
    rig_start(p.r, FEATURE_INDIRECT | FEATURE_EVENT_IDX);
    while (p.at < p.end) {
        step(&p);
        require(p.r->line == (virtio_interrupt_status(p.r->v) != 0));
    }
    rig_destroy(p.r);
    return 0;
}
