/* Actions of what a device is connected to: links, those who use its services, a virtio driver. */
#include "bench_actions.h"

#include <backplane/if/power_button.h>

#include <string.h>

#define FRAME_MAX 2000u /* bytes: more than an Ethernet of 1500 has */

static struct bench_link *pick_link(struct bench *b, uint32_t index)
{
    return b->class_->links.n_rows ? &b->links[index % b->class_->links.n_rows] : NULL;
}

static uint32_t frame_size(const struct bench_action *a)
{
    return BP_NET_FRAME_MIN + a->width % (FRAME_MAX - BP_NET_FRAME_MIN);
}

/* --- links ------------------------------------------------------------------------------------ */
static void feed_chars(struct action_player *p, const char *link, const struct bench_action *a)
{
    uint8_t bytes[ACTION_BYTES_MAX];
    uint32_t size = a->width % ACTION_BYTES_MAX;

    action_bytes(a, bytes, sizeof(bytes));
    if (!action_says(p, "bench_char_feed(b, \"%s\", %s, %u);", link, action_literal(p, bytes, size),
                     size))
        bench_char_feed(p->b, link, bytes, size);
}

static void feed_frame(struct action_player *p, const char *link, const struct bench_action *a)
{
    uint8_t bytes[FRAME_MAX];

    action_bytes(a, bytes, sizeof(bytes));
    if (!action_says(p, "bench_net_feed(b, \"%s\", %s, %u);", link,
                     action_literal(p, bytes, frame_size(a)), frame_size(a)))
        bench_net_feed(p->b, link, bytes, frame_size(a));
}

static void finish_request(struct action_player *p, const struct bench_link *link,
                           const struct bench_action *a)
{
    uint32_t i;

    if (!link->n_requests)
        return;
    i = (uint32_t)(a->offset % link->n_requests);
    if (!action_says(p, "bench_disk_finish(b, \"%s\", %u);", link->name, i))
        bench_disk_finish(p->b, link->name, i);
}

static void interrupt(struct action_player *p, const struct bench_action *a)
{
    if (!action_says(p, "bench_transport_interrupt(b, %u);", (uint32_t)(a->value & 3)))
        bench_transport_interrupt(p->b, (uint32_t)(a->value & 3));
}

void action_play_link(struct action_player *p, const struct bench_action *a)
{
    const struct bench_link *link = pick_link(p->b, a->index);

    if (!link)
        return;
    if (strcmp(link->interface, BP_CHAR_ID) == 0)
        feed_chars(p, link->name, a);
    else if (strcmp(link->interface, BP_NET_ID) == 0)
        feed_frame(p, link->name, a);
    else if (strcmp(link->interface, BP_BLOCK_ID) == 0)
        finish_request(p, link, a);
    else if (strcmp(link->interface, BP_VIRTIO_DEVICE_ID) == 0)
        interrupt(p, a);
}

static void char_room(struct action_player *p, const char *link, uint32_t room)
{
    if (action_says(p, "bench_char_room(b, \"%s\", %uu); bench_char_clear(b, \"%s\");", link, room,
                    link))
        return;
    bench_char_room(p->b, link, room);
    bench_char_clear(p->b, link);
}

static void net_room(struct action_player *p, const char *link, uint32_t room, uint32_t up)
{
    if (action_says(p,
                    "bench_net_room(b, \"%s\", %uu); bench_net_up(b, \"%s\", %u); "
                    "bench_net_clear(b, \"%s\");",
                    link, room, link, up, link))
        return;
    bench_net_room(p->b, link, room);
    bench_net_up(p->b, link, up);
    bench_net_clear(p->b, link);
}

static void disk_mood(struct action_player *p, const char *link, uint32_t hold, int32_t status)
{
    if (action_says(p, "bench_disk_hold(b, \"%s\", %u); bench_disk_fail(b, \"%s\", %s);", link,
                    hold, link, status ? "BP_ERR_IO" : "BP_OK"))
        return;
    bench_disk_hold(p->b, link, hold);
    bench_disk_fail(p->b, link, status);
}

void action_play_room(struct action_player *p, const struct bench_action *a)
{
    const struct bench_link *link = pick_link(p->b, a->index);
    uint32_t low = (uint32_t)(a->value & 0xff);

    if (!link)
        return;
    if (strcmp(link->interface, BP_CHAR_ID) == 0)
        char_room(p, link->name, low & 1 ? UINT32_MAX : low >> 1 & 63);
    else if (strcmp(link->interface, BP_NET_ID) == 0)
        net_room(p, link->name, low & 1 ? UINT32_MAX : low >> 1 & 7, (low & 0x60) != 0);
    else if (strcmp(link->interface, BP_BLOCK_ID) == 0)
        disk_mood(p, link->name, low & 1, (low & 6) == 6 ? BP_ERR_IO : BP_OK);
}

void action_play_event(struct action_player *p, const struct bench_action *a)
{
    const struct bench_link *link = pick_link(p->b, a->index);
    uint32_t event = BP_LINK_READABLE + (uint32_t)(a->value % 3);

    if (link && !action_says(p, "bench_link_event(b, \"%s\", %u);", link->name, event))
        bench_link_event(p->b, link->name, event);
}

/* --- services --------------------------------------------------------------------------------- */
void action_play_line(struct action_player *p, const struct bench_action *a)
{
    const struct bp_irqchip_ops *ops = class_service(p->b->class_, BP_IRQCHIP_ID);
    uint32_t first = 0;
    uint32_t count = 0;
    uint32_t line;

    if (!ops)
        return;
    ops->range(p->b->dev, &first, &count);
    if (!count)
        return;
    line = first + (uint32_t)(a->offset % count);
    if (!action_says(p, "bench_irqchip_set(b, %u, %u);", line, (uint32_t)(a->value & 1)))
        bench_irqchip_set(p->b, line, (uint32_t)(a->value & 1));
}

static void use_char(struct action_player *p, const struct bench_action *a)
{
    uint8_t bytes[ACTION_BYTES_MAX];
    uint32_t size = a->width % ACTION_BYTES_MAX;

    if (a->index & 4) {
        if (!action_says(p, "bench_backend_read(b, (uint8_t[%u]){0}, %u);", size + 1, size))
            bench_backend_read(p->b, bytes, size);
        return;
    }
    action_bytes(a, bytes, sizeof(bytes));
    if (!action_says(p, "bench_backend_write(b, %s, %u);", action_literal(p, bytes, size), size))
        bench_backend_write(p->b, bytes, size);
}

static void use_net(struct action_player *p, const struct bench_action *a)
{
    uint8_t bytes[FRAME_MAX];

    if (a->index & 4) {
        if (!action_says(p, "bench_net_read(b, NULL);"))
            bench_net_read(p->b, NULL);
        return;
    }
    action_bytes(a, bytes, sizeof(bytes));
    if (!action_says(p, "bench_net_write(b, %s, %u);", action_literal(p, bytes, frame_size(a)),
                     frame_size(a)))
        bench_net_write(p->b, bytes, frame_size(a));
}

/* In two parts that do not lie next to one another. */
static void use_block_in_parts(struct action_player *p, uint32_t op, uint64_t offset,
                               const struct bp_segment parts[2])
{
    uint64_t ticket;

    if (action_says(p,
                    "bench_block_submit(b, %u, %llu, %llu, (const struct bp_segment[]){{0x%llx, "
                    "%llu}, {0x%llx, %llu}}, 2, &(uint64_t){0}); bench_settle(b);",
                    op, (unsigned long long)offset,
                    (unsigned long long)(parts[0].size + parts[1].size),
                    (unsigned long long)parts[0].gpa, (unsigned long long)parts[0].size,
                    (unsigned long long)parts[1].gpa, (unsigned long long)parts[1].size))
        return;
    bench_block_submit(p->b, op, offset, parts[0].size + parts[1].size, parts, 2, &ticket);
    bench_settle(p->b);
}

/* Mostly on the disk. */
static uint64_t pick_sector(struct bench *b, uint64_t number)
{
    struct bp_block_info info;

    if (bench_block_info(b, &info))
        return 0;
    return number % (info.capacity_bytes / 512 + 8);
}

static void use_block(struct action_player *p, const struct bench_action *a)
{
    uint32_t op = a->width % 7; /* also such that there are not */
    uint64_t offset = pick_sector(p->b, a->offset) * 512;
    uint64_t size = (a->value & 15) * 512;
    uint64_t gpa = BENCH_RAM_BASE + (a->value >> 8) % p->b->setup.ram_bytes;
    const struct bp_segment parts[2] = {{gpa, size / 4}, {BENCH_RAM_BASE, size - size / 4}};

    if (a->index & 4)
        use_block_in_parts(p, op, offset, parts);
    else if (!action_says(p, "bench_block_do(b, %u, %llu, %llu, 0x%llx);", op,
                          (unsigned long long)offset, (unsigned long long)size,
                          (unsigned long long)gpa))
        bench_block_do(p->b, op, offset, size, gpa);
}

static void press_button(struct action_player *p)
{
    const struct bp_power_button_ops *ops = bench_service(p->b, BP_POWER_BUTTON_ID);

    if (action_says(p, "((const struct bp_power_button_ops *)bench_service(b, "
                       "BP_POWER_BUTTON_ID))->press(bench_instance(b));"))
        return;
    bench_enter(p->b, "press of " BP_POWER_BUTTON_ID);
    ops->press(p->b->dev);
    bench_leave(p->b);
}

void action_play_service(struct action_player *p, const struct bench_action *a)
{
    const struct bp_class *c = p->b->class_;
    uint32_t vector = (uint32_t)(a->value & 0xff);

    if (class_service(c, BP_CHAR_ID))
        use_char(p, a);
    else if (class_service(c, BP_NET_ID))
        use_net(p, a);
    else if (class_service(c, BP_BLOCK_ID))
        use_block(p, a);
    else if (class_service(c, BP_POWER_BUTTON_ID))
        press_button(p);
    else if (class_service(c, BP_APIC_EOI_ID) && !action_says(p, "bench_apic_eoi(b, %u);", vector))
        bench_apic_eoi(p->b, vector);
}

/* --- a virtio driver -------------------------------------------------------------------------- */
static void activate(struct action_player *p, uint64_t wanted)
{
    uint64_t features = bench_virtio_features(p->b) & wanted;

    if (action_says(p, "bench_virtio_reset(b); bench_virtio_activate(b, 0x%llx);",
                    (unsigned long long)features))
        return;
    bench_virtio_reset(p->b);
    bench_virtio_activate(p->b, features);
}

static void touch_config(struct action_player *p, const struct bench_action *a, uint32_t config)
{
    uint32_t width = 1u << (a->width & 3);
    uint32_t offset;
    uint8_t bytes[8];

    if (width > config)
        return;
    offset = (uint32_t)(a->offset % (config - width + 1));
    if (action_says(p,
                    "bench_virtio_config_read(b, %u, &(uint64_t){0}, %u); "
                    "bench_virtio_config_write(b, %u, &(uint64_t){0x%llx}, %u);",
                    offset, width, offset, (unsigned long long)a->value, width))
        return;
    bench_virtio_config_read(p->b, offset, bytes, width);
    memcpy(bytes, &a->value, sizeof(bytes));
    bench_virtio_config_write(p->b, offset, bytes, width);
}

void action_play_virtio(struct action_player *p, const struct bench_action *a)
{
    const struct bp_virtio_device_ops *ops = class_service(p->b->class_, BP_VIRTIO_DEVICE_ID);
    uint32_t queue;

    if (!ops || !ops->n_queues)
        return;
    queue = a->index % (ops->n_queues < MAX_QUEUES ? ops->n_queues : MAX_QUEUES);
    switch (a->width >> 4 & 7) {
    case 0:
        if (!action_says(p, "bench_virtio_reset(b);"))
            bench_virtio_reset(p->b);
        return;
    case 1:
        if (!action_says(p, "bench_virtq_break(b, %u);", queue))
            bench_virtq_break(p->b, queue);
        return;
    case 2:
    case 3:
        touch_config(p, a, ops->config_size);
        return;
    default:
        activate(p, a->width & 1 ? a->value : UINT64_MAX);
        return;
    }
}

/* Sizes that drivers use, and their neighbours. */
static const uint16_t readable_sizes[16] = {0,  1,  4,   8,   12,   16,   17,   32,
                                            64, 99, 528, 527, 1040, 1552, 2000, 4112};
static const uint16_t writable_sizes[16] = {0,   1,   2,   4,    8,    16,   20,   24,
                                            100, 512, 513, 1025, 1526, 2048, 4097, 65};

/* Whether RAM has room for a chain in so small parts; it begins anew when it is used up. */
static int make_room(struct bench *b, uint32_t size, uint32_t split)
{
    uint64_t need = size + 32 * (uint64_t)((split ? size / split : 0) + 4);

    if (need > b->setup.ram_bytes)
        return 0;
    if (b->ram_used > b->setup.ram_bytes - need) {
        bench_virtio_reset(b);
        b->ram_used = 0;
    }
    return 1;
}

void action_play_chain(struct action_player *p, const struct bench_action *a)
{
    const struct bp_virtio_device_ops *ops = class_service(p->b->class_, BP_VIRTIO_DEVICE_ID);
    uint32_t readable = readable_sizes[a->width & 15];
    uint32_t writable = writable_sizes[a->width >> 4 & 15];
    uint32_t split = a->width >> 8 & 63;
    uint8_t bytes[4112];
    uint32_t queue;

    if (!ops || !ops->n_queues)
        return;
    queue = a->index % ops->n_queues;
    if (split && split < 16 && readable + writable > 600)
        split = 16;
    action_bytes(a, bytes, sizeof(bytes));
    if (action_says(p,
                    "bench_virtq_split(b, %u); bench_virtq_add(b, %u, %s, %u, %u); "
                    "bench_virtio_notify(b, %u);",
                    split, queue, action_literal(p, bytes, readable), readable, writable, queue))
        return;
    if (!make_room(p->b, readable + writable, split))
        return;
    bench_virtq_split(p->b, split);
    bench_virtq_add(p->b, queue, bytes, readable, writable);
    bench_virtio_notify(p->b, queue);
}
