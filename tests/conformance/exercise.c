/* What a guest and the outside world can do to any device: exhaustively and at random. */
#include "conformance.h"
#include "classcheck.h"

#include <backplane/if/power_button.h>

#include <string.h>

#define SWEEP_MAX (UINT64_C(1) << 19) /* accesses of one width before offsets are thinned out */

uint64_t random_next(uint64_t *seed) /* splitmix64 */
{
    uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static uint64_t sweep_region(struct bench *b, const struct bp_region *region, uint32_t width)
{
    static const uint64_t values[] = {0, UINT64_MAX, UINT64_C(0xaaaaaaaaaaaaaaaa),
                                      UINT64_C(0x5555555555555555), 1};
    uint64_t size = bench_region_size(b, region->name);
    uint64_t step = width;
    uint64_t n = 0;

    while (size / step > SWEEP_MAX)
        step *= 2;
    for (uint64_t offset = 0; offset + width <= size; offset += step) {
        for (uint32_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
            bench_read(b, region->name, offset, width);
            bench_write(b, region->name, offset, width, values[i]);
            n += 2;
        }
        if (offset / step % 1024 == 0)
            bench_settle(b);
    }
    return n;
}

uint64_t sweep(struct bench *b, const struct bp_class *class_)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < class_->regions.n_rows; i++) {
        const struct bp_region *region = class_region(class_, i);

        for (uint32_t width = 1; width <= 8 && region->kind != BP_RAM; width *= 2) {
            if (region->widths & width)
                n += sweep_region(b, region, width);
        }
    }
    bench_settle(b);
    return n;
}

static uint64_t interesting(uint64_t *seed)
{
    uint64_t r = random_next(seed);

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
    default:
        return random_next(seed);
    }
}

static void touch_region(struct bench *b, const struct bp_class *class_, uint64_t *seed)
{
    const struct bp_region *region;
    uint64_t r = random_next(seed);
    uint64_t offset = random_next(seed);
    uint32_t width = 1u << (r >> 8 & 3);

    if (!class_->regions.n_rows)
        return;
    region = class_region(class_, (uint32_t)(r >> 16) % class_->regions.n_rows);
    if (region->kind == BP_RAM)
        return;
    offset %= r & 1 ? bench_region_size(b, region->name) + 16 : 0x100; /* most registers lie low */
    if (r & 2)
        offset &= ~(uint64_t)(width - 1);
    if (r & 4)
        bench_read(b, region->name, offset, width);
    else
        bench_write(b, region->name, offset, width, interesting(seed));
}

static uint32_t make_frame(uint8_t *frame, uint32_t room, uint64_t *seed)
{
    uint64_t r = random_next(seed);
    uint32_t size = BP_NET_FRAME_MIN + (uint32_t)(r >> 8) % (room - BP_NET_FRAME_MIN);

    for (uint32_t i = 0; i < size; i++)
        frame[i] = r & 3 ? (uint8_t)random_next(seed) : 0xff;
    return size;
}

static void feed_frames(struct bench *b, const char *link, uint64_t *seed)
{
    uint8_t frame[2000];

    for (uint64_t n = random_next(seed) & 3; n; n--)
        bench_net_feed(b, link, frame, make_frame(frame, sizeof(frame), seed));
}

static void touch_links(struct bench *b, const struct bp_class *class_, uint64_t *seed)
{
    static const char text[] = "the quick brown fox";

    for (uint32_t i = 0; i < class_->links.n_rows; i++) {
        const struct bp_link *link = class_link(class_, i);
        uint64_t r = random_next(seed);

        if (strcmp(link->interface, BP_CHAR_ID) == 0) {
            bench_char_feed(b, link->name, text, (uint32_t)(r % sizeof(text)));
            bench_char_room(b, link->name, r & 256 ? (uint32_t)(r >> 32 & 63) : UINT32_MAX);
            bench_char_clear(b, link->name);
        } else if (strcmp(link->interface, BP_NET_ID) == 0) {
            feed_frames(b, link->name, seed);
            bench_net_room(b, link->name, r & 256 ? (uint32_t)(r >> 32 & 7) : UINT32_MAX);
            bench_net_up(b, link->name, (r & 0x600) != 0);
            bench_net_clear(b, link->name);
        } else if (strcmp(link->interface, BP_BLOCK_ID) == 0) {
            bench_disk_fail(b, link->name, (r & 15) == 0 ? BP_ERR_IO : BP_OK);
        }
        bench_link_event(b, link->name, (uint32_t)(r >> 40) % 4);
    }
}

static void touch_services(struct bench *b, const struct bp_class *class_, uint64_t *seed)
{
    uint64_t r = random_next(seed);
    uint8_t bytes[100];
    struct bp_segment segment = {BENCH_RAM_BASE + (r >> 20 & 0xffff), (r >> 8 & 15) * 512};
    uint64_t ticket;

    if (class_service(class_, BP_IRQCHIP_ID))
        bench_irqchip_set(b, (uint32_t)(r >> 1) % 1100, r & 1);
    if (class_service(class_, BP_CHAR_ID)) {
        bench_backend_read(b, bytes, (uint32_t)(r % sizeof(bytes)));
        bench_backend_write(b, "backplane\n", (uint32_t)(r >> 8) % 11);
    }
    if (class_service(class_, BP_NET_ID)) {
        uint8_t frame[2000];

        bench_net_write(b, frame, make_frame(frame, sizeof(frame), seed));
        bench_net_read(b, NULL);
    }
    if (class_service(class_, BP_POWER_BUTTON_ID)) {
        const struct bp_power_button_ops *button = bench_service(b, BP_POWER_BUTTON_ID);

        button->press(bench_instance(b));
    }
    if (class_service(class_, BP_BLOCK_ID))
        bench_block_submit(b, (uint32_t)r % 7, (r >> 40 & 0xfff) * 512, segment.size, &segment,
                           segment.size && (r & 7) < 3 ? 1 : 0, &ticket);
}

static void touch_virtio(struct bench *b, const struct bp_class *class_, uint64_t *seed)
{
    const struct bp_virtio_device_ops *ops = class_service(class_, BP_VIRTIO_DEVICE_ID);
    uint64_t r = random_next(seed);
    uint8_t bytes[600];
    uint32_t queue;

    if (!ops || bench_virtio_device_id(b) == 0)
        return;
    for (uint32_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = r & 64 ? (uint8_t)random_next(seed) : 0;
    bytes[0] = (uint8_t)(r >> 8 & 15); /* a request type that may exist */
    queue = (uint32_t)(r >> 16) % ops->n_queues;
    if ((r & 31) == 0)
        bench_virtio_reset(b);
    if ((r & 31) <= 8)
        bench_virtio_activate(b, r & 128 ? bench_virtio_features(b) : 0);
    bench_virtq_split(b, (uint32_t)(r >> 24 & 63));
    bench_virtq_add(b, queue, bytes, (uint32_t)(r >> 32) % sizeof(bytes),
                    (uint32_t)(r >> 48) % sizeof(bytes));
    bench_virtio_notify(b, queue);
    if (ops->config_size) {
        uint32_t offset = (uint32_t)(r >> 40) % ops->config_size;

        bench_virtio_config_read(b, offset, bytes, 1);
        bench_virtio_config_write(b, offset, bytes, 1);
    }
}

void exercise(struct bench *b, const struct bp_class *class_, uint64_t seed, uint32_t steps)
{
    for (uint32_t i = 0; i < steps; i++) {
        uint64_t r = random_next(&seed);

        touch_region(b, class_, &seed);
        if ((r & 15) == 0)
            touch_links(b, class_, &seed);
        if ((r & 7) == 1)
            touch_services(b, class_, &seed);
        if ((r & 127) == 2)
            touch_virtio(b, class_, &seed);
        if ((r & 31) == 3)
            bench_advance_ns(b, r >> 44);
        if ((r & 1023) == 4)
            bench_reset(b, r >> 63 ? BP_RESET_WARM : BP_RESET_COLD);
    }
    bench_settle(b);
}
