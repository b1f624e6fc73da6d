/* Random actions: what there is for a class, and how one is drawn. */
#include "check/action.h"
#include "classcheck.h"

#include <backplane/if/power_button.h>

#include <string.h>

enum place { ANYWHERE, REGION, LINK, SERVICE, NEED, WATCH };

/* How often an action is drawn where the class has a place for it. */
static const struct {
    uint32_t kind;
    uint32_t weight;
    enum place place;
    const char *interface;
} rows[N_ACTIONS] = {
    {ACTION_READ, 2000, REGION, NULL},
    {ACTION_WRITE, 3000, REGION, NULL},
    {ACTION_ADVANCE, 200, ANYWHERE, NULL},
    {ACTION_SETTLE, 50, ANYWHERE, NULL},
    {ACTION_RESET, 8, ANYWHERE, NULL},
    {ACTION_ROUND_TRIP, 2, ANYWHERE, NULL},
    {ACTION_RELOAD, 5, ANYWHERE, NULL},
    {ACTION_LINK_EVENT, 100, LINK, NULL},
    {ACTION_CHAR_FEED, 200, LINK, BP_CHAR_ID},
    {ACTION_CHAR_ROOM, 100, LINK, BP_CHAR_ID},
    {ACTION_NET_FEED, 200, LINK, BP_NET_ID},
    {ACTION_NET_ROOM, 50, LINK, BP_NET_ID},
    {ACTION_NET_UP, 20, LINK, BP_NET_ID},
    {ACTION_DISK_FAIL, 30, LINK, BP_BLOCK_ID},
    {ACTION_DISK_HOLD, 30, LINK, BP_BLOCK_ID},
    {ACTION_DISK_FINISH, 100, LINK, BP_BLOCK_ID},
    {ACTION_WORKER_HOLD, 30, NEED, BP_WORKER_ID},
    {ACTION_WORKER_STEP, 100, NEED, BP_WORKER_ID},
    {ACTION_RAM_WRITE, 100, REGION, NULL},
    {ACTION_IRQCHIP_SET, 500, SERVICE, BP_IRQCHIP_ID},
    {ACTION_APIC_EOI, 100, SERVICE, BP_APIC_EOI_ID},
    {ACTION_BACKEND_READ, 200, SERVICE, BP_CHAR_ID},
    {ACTION_BACKEND_WRITE, 200, SERVICE, BP_CHAR_ID},
    {ACTION_NET_BACKEND_WRITE, 300, SERVICE, BP_NET_ID},
    {ACTION_NET_BACKEND_READ, 200, SERVICE, BP_NET_ID},
    {ACTION_BLOCK_SUBMIT, 500, SERVICE, BP_BLOCK_ID},
    {ACTION_BUTTON, 50, SERVICE, BP_POWER_BUTTON_ID},
    {ACTION_POLL, 100, WATCH, NULL},
    {ACTION_VIRTIO_ACTIVATE, 100, SERVICE, BP_VIRTIO_DEVICE_ID},
    {ACTION_VIRTIO_RESET, 30, SERVICE, BP_VIRTIO_DEVICE_ID},
    {ACTION_VIRTQ_SPLIT, 50, SERVICE, BP_VIRTIO_DEVICE_ID},
    {ACTION_VIRTQ_ADD, 500, SERVICE, BP_VIRTIO_DEVICE_ID},
    {ACTION_VIRTQ_BREAK, 10, SERVICE, BP_VIRTIO_DEVICE_ID},
    {ACTION_VIRTIO_NOTIFY, 500, SERVICE, BP_VIRTIO_DEVICE_ID},
    {ACTION_CONFIG_READ, 100, SERVICE, BP_VIRTIO_DEVICE_ID},
    {ACTION_CONFIG_WRITE, 100, SERVICE, BP_VIRTIO_DEVICE_ID},
};

uint64_t action_random(uint64_t *seed) /* splitmix64 */
{
    uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* --- the class's places ----------------------------------------------------------------------- */
static uint32_t count_links(const struct bp_class *c, const char *interface)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < c->links.n_rows; i++)
        n += !interface || strcmp(class_link(c, i)->interface, interface) == 0;
    return n;
}

static int is_needed(const struct bp_class *c, const char *interface)
{
    for (const char *const *id = c->needs; id && *id; id++) {
        if (strcmp(*id, interface) == 0)
            return 1;
    }
    return 0;
}

static int has_place(const struct action_space *s, uint32_t row, struct bench *b)
{
    switch (rows[row].place) {
    case ANYWHERE:
        return 1;
    case REGION:
        return s->n_regions != 0;
    case LINK:
        return count_links(s->class_, rows[row].interface) != 0;
    case SERVICE:
        return class_service(s->class_, rows[row].interface) != NULL;
    case NEED:
        return is_needed(s->class_, rows[row].interface);
    case WATCH:
        return bench_watches(b) != 0;
    }
    return 0;
}

static int is_for_class(const struct action_space *s, uint32_t kind)
{
    const struct bp_virtio_device_ops *ops = class_service(s->class_, BP_VIRTIO_DEVICE_ID);

    return (kind != ACTION_CONFIG_READ && kind != ACTION_CONFIG_WRITE) || ops->config_size;
}

void action_space_init(struct action_space *s, const struct bp_class *class_, struct bench *b,
                       uint64_t ram_bytes)
{
    memset(s, 0, sizeof(*s));
    s->class_ = class_;
    s->ram_bytes = ram_bytes ? ram_bytes : 1u << 20;
    for (uint32_t i = 0; i < class_->regions.n_rows && i < ACTION_REGIONS_MAX; i++) {
        const struct bp_region *region = class_region(class_, i);

        s->region_sizes[i] = bench_region_size(b, region->name);
        if (region->kind != BP_RAM && region->widths)
            s->regions[s->n_regions++] = i;
    }
    for (uint32_t i = 0; i < N_ACTIONS; i++) {
        if (!has_place(s, i, b) || !is_for_class(s, rows[i].kind))
            continue;
        s->weights[rows[i].kind] = rows[i].weight;
        s->total_weight += rows[i].weight;
    }
}

/* --- drawing ---------------------------------------------------------------------------------- */
/* An address of RAM, at its edges, or beyond. */
static uint64_t some_gpa(const struct action_space *s, uint64_t r)
{
    switch (r & 7) {
    case 0:
        return BENCH_RAM_BASE + s->ram_bytes - (r >> 8 & 31);
    case 1:
        return BENCH_RAM_BASE - (r >> 8 & 31);
    case 2:
        return UINT64_MAX - (r >> 8 & 31);
    default:
        return BENCH_RAM_BASE + (r >> 8 & 0xfff);
    }
}

static uint64_t some_value(const struct action_space *s, uint64_t *seed)
{
    uint64_t r = action_random(seed);

    switch (r & 15) {
    case 0:
    case 1:
        return 0;
    case 2:
    case 3:
        return UINT64_MAX;
    case 4:
    case 5:
        return UINT64_C(1) << (r >> 8 & 63);
    case 6:
    case 7:
    case 8:
    case 9:
        return r >> 8 & 0xff;
    case 10:
        return some_gpa(s, r >> 8);
    case 11:
        return some_gpa(s, r >> 8) >> 32;
    case 12:
        return __builtin_bswap32((uint32_t)some_gpa(s, r >> 8));
    default:
        return action_random(seed);
    }
}

/* Often the place of a register, if the table lists them; most others lie low. */
static uint64_t some_offset(const struct bp_region *region, uint64_t size, uint64_t *seed)
{
    uint64_t r = action_random(seed);

    if (region->regs.n_rows && (r & 3)) {
        const char *row = (const char *)region->regs.rows +
                          (size_t)(r >> 8) % region->regs.n_rows * region->regs.stride;

        return ((const struct bp_reg *)(const void *)row)->offset;
    }
    return (r >> 8) % ((r & 4) || size < 0x100 ? size + 16 : 0x100);
}

static void make_access(const struct action_space *s, struct action *a, uint64_t *seed)
{
    const struct bp_region *region;
    uint64_t r = action_random(seed);

    a->index = s->regions[(r >> 16) % s->n_regions];
    region = class_region(s->class_, a->index);
    a->size = 1u << (r >> 8 & 3);
    for (uint32_t i = 0; i < 4 && (r & 15) && !(region->widths & a->size); i++)
        a->size = a->size == 8 ? 1 : a->size * 2; /* seldom a width that is not allowed */
    a->at = some_offset(region, s->region_sizes[a->index], seed);
    if (r & 0x70)
        a->at &= ~(uint64_t)(a->size - 1);
    a->value = some_value(s, seed);
}

static uint32_t link_of(const struct bp_class *c, const char *interface, uint64_t r)
{
    uint32_t wanted = (uint32_t)(r % count_links(c, interface));

    for (uint32_t i = 0; i < c->links.n_rows; i++) {
        if (interface && strcmp(class_link(c, i)->interface, interface) != 0)
            continue;
        if (!wanted--)
            return i;
    }
    return 0;
}

static uint32_t queue_of(const struct bp_class *c, uint64_t r)
{
    const struct bp_virtio_device_ops *ops = class_service(c, BP_VIRTIO_DEVICE_ID);

    return ops->n_queues ? (uint32_t)(r % ops->n_queues) : 0;
}

/* Lengths as drivers give them, and others. */
static uint32_t some_size(uint64_t r)
{
    static const uint32_t sizes[] = {0, 1, 8, 12, 15, 16, 17, 64, 511, 512, 513, 1024, 1526, 4096};

    return r & 1 ? sizes[(r >> 1) % (sizeof(sizes) / sizeof(sizes[0]))] : (uint32_t)(r >> 1) % 600;
}

static void make_virtio(const struct action_space *s, struct action *a, uint64_t r)
{
    const struct bp_virtio_device_ops *ops = class_service(s->class_, BP_VIRTIO_DEVICE_ID);

    a->index = queue_of(s->class_, r);
    a->size = some_size(r >> 8);
    a->room = some_size(r >> 24);
    switch (a->kind) {
    case ACTION_VIRTIO_ACTIVATE:
        a->value = r & 0x100 ? UINT64_MAX : r >> 9 & 3 ? r * UINT64_C(0x9e3779b97f4a7c15) : 0;
        break;
    case ACTION_VIRTQ_SPLIT:
        a->size = r & 1 ? 0 : 1 + (uint32_t)(r >> 1 & 63);
        break;
    case ACTION_CONFIG_READ:
    case ACTION_CONFIG_WRITE:
        a->size = 1u << (r >> 40 & 3);
        a->size = a->size > ops->config_size ? 1 : a->size;
        a->at = (r >> 42) % (ops->config_size - a->size + 1);
        break;
    default:
        break;
    }
}

static void make_outside(const struct action_space *s, struct action *a, uint64_t r)
{
    switch (a->kind) {
    case ACTION_ADVANCE:
        a->at = (r >> 8) & ((UINT64_C(1) << (r % 31)) - 1);
        break;
    case ACTION_RESET:
        a->room = r & 1 ? BP_RESET_WARM : BP_RESET_COLD;
        break;
    case ACTION_LINK_EVENT:
        a->room = 1 + (uint32_t)r % 3;
        break;
    case ACTION_CHAR_FEED:
    case ACTION_BACKEND_READ:
    case ACTION_BACKEND_WRITE:
        a->size = (uint32_t)(r & 31);
        break;
    case ACTION_NET_FEED:
    case ACTION_NET_BACKEND_WRITE:
        a->size = r & 3 ? BP_NET_FRAME_MIN + (uint32_t)(r >> 8) % 100
                        : BP_NET_FRAME_MIN + (uint32_t)(r >> 8) % 1986;
        break;
    case ACTION_CHAR_ROOM:
    case ACTION_NET_ROOM:
        a->room = r & 1 ? UINT32_MAX : (uint32_t)(r >> 8 & 31);
        break;
    case ACTION_RAM_WRITE:
        a->at = (r >> 8) % (s->ram_bytes < 0x2000 ? s->ram_bytes - 64 : 0x1000);
        a->size = 1 + (uint32_t)(r & 31);
        break;
    case ACTION_IRQCHIP_SET:
        a->index = (uint32_t)(r >> 1) % (r & 0x8000000000000000 ? 40 : 1100);
        a->room = r & 1;
        break;
    case ACTION_BLOCK_SUBMIT:
        a->index = (uint32_t)r % 7;
        a->at = (r >> 40 & 0xfff) * 512;
        a->size = (uint32_t)(r >> 8 & 15) * 512;
        a->value = BENCH_RAM_BASE + (r >> 20 & 0xffff);
        a->room = a->size && (a->index == BP_BLOCK_READ || a->index == BP_BLOCK_WRITE);
        break;
    default:
        a->room = (uint32_t)r & 1;
        a->index = (uint32_t)(r >> 8 & 255);
        break;
    }
}

static uint32_t draw_row(const struct action_space *s, uint64_t *seed)
{
    uint64_t at = action_random(seed) % s->total_weight;
    uint32_t i = 0;

    while (at >= s->weights[rows[i].kind])
        at -= s->weights[rows[i++].kind];
    return i;
}

struct action action_make(const struct action_space *s, uint64_t *seed)
{
    uint32_t row = draw_row(s, seed);
    struct action a = {.kind = rows[row].kind};
    uint64_t r = action_random(seed);

    a.value = action_random(seed);
    if (a.kind == ACTION_READ || a.kind == ACTION_WRITE)
        make_access(s, &a, seed);
    else if (a.kind >= ACTION_VIRTIO_ACTIVATE)
        make_virtio(s, &a, r);
    else
        make_outside(s, &a, r);
    if (rows[row].place == LINK)
        a.index = link_of(s->class_, rows[row].interface, r >> 32);
    return a;
}
