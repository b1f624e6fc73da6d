/* Actions on the bench, and as text. */
#include "check/action.h"
#include "classcheck.h"

#include <backplane/if/power_button.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_MAX 4096u
#define HEAD_MAX  40u /* bytes that are not zero: a text of them can still be read */

/* The bytes that go with an action. Some are small numbers: kinds of requests, lengths. */
static void make_bytes(const struct action *a, uint8_t *bytes)
{
    uint64_t seed = a->value;
    uint64_t how = action_random(&seed);

    memset(bytes, 0, BYTES_MAX);
    for (uint32_t i = 0; i < HEAD_MAX && i < a->size; i++) {
        uint64_t r = action_random(&seed);

        bytes[i] = how & 1 ? (uint8_t)r : (uint8_t)(r & 7 ? 0 : r >> 8 & 15);
    }
    if (how & 2)
        bytes[0] = (uint8_t)(how >> 8 & 15);
    if (how & 4)
        memset(bytes, 0xff, 6); /* to all stations */
}

static const char *region_name(const struct action_space *s, const struct action *a)
{
    return class_region(s->class_, a->index)->name;
}

static const char *link_name(const struct action_space *s, const struct action *a)
{
    return class_link(s->class_, a->index)->name;
}

/* What is on its way may end: a device cannot come to rest otherwise. */
static void release(const struct action_space *s, struct bench *b)
{
    for (uint32_t i = 0; i < s->class_->links.n_rows; i++) {
        const struct bp_link *link = class_link(s->class_, i);

        if (strcmp(link->interface, BP_BLOCK_ID) == 0)
            bench_disk_hold(b, link->name, 0);
    }
    bench_worker_hold(b, 0);
}

static const char *reload(struct bench *b)
{
    uint64_t size;
    uint8_t *bytes = bench_save(b, &size);
    int32_t status = bench_load(b, bytes, size);

    free(bytes);
    return status ? bench_error(b) : NULL;
}

static void add_chain(const struct action_space *s, struct bench *b, const struct action *a)
{
    uint64_t used = bench_ram_alloc(b, 0) - BENCH_RAM_BASE;
    uint64_t wanted = ((uint64_t)a->size + a->room) * 33; /* as segments of one byte */
    uint8_t bytes[BYTES_MAX];

    if (wanted + 64 > s->ram_bytes - used)
        return;
    make_bytes(a, bytes);
    bench_virtq_add(b, a->index, bytes, a->size, a->room);
}

static void play_link(const struct action_space *s, struct bench *b, const struct action *a)
{
    const char *name = link_name(s, a);
    uint8_t bytes[BYTES_MAX];

    make_bytes(a, bytes);
    switch (a->kind) {
    case ACTION_LINK_EVENT:
        bench_link_event(b, name, a->room);
        break;
    case ACTION_CHAR_FEED:
        bench_char_feed(b, name, bytes, a->size);
        break;
    case ACTION_CHAR_ROOM:
        bench_char_room(b, name, a->room);
        bench_char_clear(b, name);
        break;
    case ACTION_NET_FEED:
        bench_net_feed(b, name, bytes, a->size);
        break;
    case ACTION_NET_ROOM:
        bench_net_room(b, name, a->room);
        bench_net_clear(b, name);
        break;
    case ACTION_NET_UP:
        bench_net_up(b, name, a->room);
        break;
    case ACTION_DISK_FAIL:
        bench_disk_fail(b, name, a->room ? BP_ERR_IO : BP_OK);
        break;
    case ACTION_DISK_HOLD:
        bench_disk_hold(b, name, a->room);
        break;
    default:
        if (bench_disk_waiting(b, name))
            bench_disk_finish(b, name, (uint32_t)a->value % bench_disk_waiting(b, name));
    }
}

static void play_service(struct bench *b, const struct action *a)
{
    struct bp_segment segment = {a->value, a->size};
    const struct bp_power_button_ops *button;
    uint8_t bytes[BYTES_MAX];
    uint64_t ticket;

    switch (a->kind) {
    case ACTION_IRQCHIP_SET:
        bench_irqchip_set(b, a->index, a->room);
        break;
    case ACTION_APIC_EOI:
        bench_apic_eoi(b, a->index);
        break;
    case ACTION_BACKEND_READ:
        bench_backend_read(b, bytes, a->size);
        break;
    case ACTION_BACKEND_WRITE:
        make_bytes(a, bytes);
        bench_backend_write(b, bytes, a->size);
        break;
    case ACTION_NET_BACKEND_WRITE:
        make_bytes(a, bytes);
        bench_net_write(b, bytes, a->size);
        break;
    case ACTION_NET_BACKEND_READ:
        bench_net_read(b, NULL);
        break;
    case ACTION_BLOCK_SUBMIT:
        bench_block_submit(b, a->index, a->at, a->size, &segment, a->room, &ticket);
        break;
    default:
        button = bench_service(b, BP_POWER_BUTTON_ID);
        button->press(bench_instance(b));
    }
}

static void play_virtio(const struct action_space *s, struct bench *b, const struct action *a)
{
    uint8_t bytes[BYTES_MAX];

    switch (a->kind) {
    case ACTION_VIRTIO_ACTIVATE:
        bench_virtio_activate(b, bench_virtio_features(b) & a->value);
        break;
    case ACTION_VIRTIO_RESET:
        bench_virtio_reset(b);
        break;
    case ACTION_VIRTQ_SPLIT:
        bench_virtq_split(b, a->size);
        break;
    case ACTION_VIRTQ_ADD:
        add_chain(s, b, a);
        break;
    case ACTION_VIRTQ_BREAK:
        bench_virtq_break(b, a->index);
        break;
    case ACTION_VIRTIO_NOTIFY:
        bench_virtio_notify(b, a->index);
        break;
    case ACTION_CONFIG_READ:
        bench_virtio_config_read(b, (uint32_t)a->at, bytes, a->size);
        break;
    default:
        make_bytes(a, bytes);
        bench_virtio_config_write(b, (uint32_t)a->at, bytes, a->size);
    }
}

static const char *play_time(const struct action_space *s, struct bench *b, const struct action *a)
{
    uint8_t bytes[BYTES_MAX];

    switch (a->kind) {
    case ACTION_ADVANCE:
        bench_advance_ns(b, a->at);
        return NULL;
    case ACTION_RESET:
        bench_reset(b, a->room);
        return NULL;
    case ACTION_ROUND_TRIP:
        release(s, b);
        return bench_check_state_roundtrip(b) ? bench_error(b) : NULL;
    case ACTION_RELOAD:
        release(s, b);
        return reload(b);
    case ACTION_WORKER_HOLD:
        bench_worker_hold(b, a->room);
        return NULL;
    case ACTION_WORKER_STEP:
        if (bench_worker_waiting(b))
            bench_worker_step(b, (uint32_t)a->value % bench_worker_waiting(b));
        return NULL;
    case ACTION_RAM_WRITE:
        make_bytes(a, bytes);
        bench_ram_write(b, BENCH_RAM_BASE + a->at, bytes, a->size);
        return NULL;
    case ACTION_POLL:
        bench_poll(b, 0);
        return NULL;
    default:
        bench_settle(b);
        return NULL;
    }
}

const char *action_play(const struct action_space *s, struct bench *b, const struct action *a)
{
    if (a->kind == ACTION_READ)
        bench_read(b, region_name(s, a), a->at, a->size);
    else if (a->kind == ACTION_WRITE)
        bench_write(b, region_name(s, a), a->at, a->size, a->value);
    else if (a->kind >= ACTION_LINK_EVENT && a->kind <= ACTION_DISK_FINISH)
        play_link(s, b, a);
    else if (a->kind >= ACTION_IRQCHIP_SET && a->kind <= ACTION_BUTTON)
        play_service(b, a);
    else if (a->kind >= ACTION_VIRTIO_ACTIVATE)
        play_virtio(s, b, a);
    else
        return play_time(s, b, a);
    return NULL;
}

/* --- text ------------------------------------------------------------------------------------- */
/* The bytes as an array of C; what is not named is zero. */
static void print_bytes(const struct action *a, char *text, size_t size)
{
    uint8_t bytes[BYTES_MAX];
    uint32_t n = a->size < HEAD_MAX ? a->size : HEAD_MAX;
    size_t used;

    if (!a->size) {
        snprintf(text, size, "\"\"");
        return;
    }
    make_bytes(a, bytes);
    while (n > 1 && !bytes[n - 1])
        n--;
    used = (size_t)snprintf(text, size, "(const uint8_t[%u]){", a->size);
    for (uint32_t i = 0; i < n; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%u", i ? ", " : "", bytes[i]);
    snprintf(text + used, size - used, "}");
}

static void print_access(const struct action_space *s, const struct action *a, char *t, size_t n)
{
    uint64_t ones = a->size == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * a->size) - 1;

    if (a->kind == ACTION_READ)
        snprintf(t, n, "bench_read%u(b, \"%s\", 0x%" PRIx64 ");", a->size * 8, region_name(s, a),
                 a->at);
    else
        snprintf(t, n, "bench_write%u(b, \"%s\", 0x%" PRIx64 ", 0x%" PRIx64 ");", a->size * 8,
                 region_name(s, a), a->at, a->value & ones);
}

static void print_link(const struct action_space *s, const struct action *a, char *t, size_t n)
{
    static const char *const events[] = {"0", "BP_LINK_READABLE", "BP_LINK_WRITABLE",
                                         "BP_LINK_CHANGED"};
    const char *name = link_name(s, a);
    char bytes[260];

    print_bytes(a, bytes, sizeof(bytes));
    switch (a->kind) {
    case ACTION_LINK_EVENT:
        snprintf(t, n, "bench_link_event(b, \"%s\", %s);", name, events[a->room & 3]);
        break;
    case ACTION_CHAR_FEED:
        snprintf(t, n, "bench_char_feed(b, \"%s\", %s, %u);", name, bytes, a->size);
        break;
    case ACTION_CHAR_ROOM:
        snprintf(t, n, "bench_char_room(b, \"%s\", %uu);", name, a->room);
        break;
    case ACTION_NET_FEED:
        snprintf(t, n, "bench_net_feed(b, \"%s\", %s, %u);", name, bytes, a->size);
        break;
    case ACTION_NET_ROOM:
        snprintf(t, n, "bench_net_room(b, \"%s\", %uu);", name, a->room);
        break;
    case ACTION_NET_UP:
        snprintf(t, n, "bench_net_up(b, \"%s\", %u);", name, a->room);
        break;
    case ACTION_DISK_FAIL:
        snprintf(t, n, "bench_disk_fail(b, \"%s\", %s);", name, a->room ? "BP_ERR_IO" : "BP_OK");
        break;
    case ACTION_DISK_HOLD:
        snprintf(t, n, "bench_disk_hold(b, \"%s\", %u);", name, a->room);
        break;
    default:
        snprintf(t, n,
                 "if (bench_disk_waiting(b, \"%s\")) bench_disk_finish(b, \"%s\", %uu %% "
                 "bench_disk_waiting(b, \"%s\"));",
                 name, name, (uint32_t)a->value, name);
    }
}

static void print_service(const struct action *a, char *t, size_t n)
{
    char bytes[260];

    print_bytes(a, bytes, sizeof(bytes));
    switch (a->kind) {
    case ACTION_IRQCHIP_SET:
        snprintf(t, n, "bench_irqchip_set(b, %u, %u);", a->index, a->room);
        break;
    case ACTION_APIC_EOI:
        snprintf(t, n, "bench_apic_eoi(b, %u);", a->index);
        break;
    case ACTION_BACKEND_READ:
        snprintf(t, n, "bench_backend_read(b, (uint8_t[32]){0}, %u);", a->size);
        break;
    case ACTION_BACKEND_WRITE:
        snprintf(t, n, "bench_backend_write(b, %s, %u);", bytes, a->size);
        break;
    case ACTION_NET_BACKEND_WRITE:
        snprintf(t, n, "bench_net_write(b, %s, %u);", bytes, a->size);
        break;
    case ACTION_NET_BACKEND_READ:
        snprintf(t, n, "bench_net_read(b, NULL);");
        break;
    case ACTION_BLOCK_SUBMIT:
        snprintf(t, n,
                 "bench_block_submit(b, %u, 0x%" PRIx64 ", %u, (const struct bp_segment[])"
                 "{{0x%" PRIx64 ", %u}}, %u, &(uint64_t){0});",
                 a->index, a->at, a->size, a->value, a->size, a->room);
        break;
    default:
        snprintf(t, n,
                 "((const struct bp_power_button_ops *)bench_service(b, BP_POWER_BUTTON_ID))"
                 "->press(bench_instance(b));");
    }
}

static void print_virtio(const struct action *a, char *t, size_t n)
{
    char bytes[260];

    print_bytes(a, bytes, sizeof(bytes));
    switch (a->kind) {
    case ACTION_VIRTIO_ACTIVATE:
        snprintf(t, n,
                 "bench_virtio_activate(b, bench_virtio_features(b) & UINT64_C(0x%" PRIx64 "));",
                 a->value);
        break;
    case ACTION_VIRTIO_RESET:
        snprintf(t, n, "bench_virtio_reset(b);");
        break;
    case ACTION_VIRTQ_SPLIT:
        snprintf(t, n, "bench_virtq_split(b, %u);", a->size);
        break;
    case ACTION_VIRTQ_ADD:
        snprintf(t, n, "bench_virtq_add(b, %u, %s, %u, %u);", a->index, bytes, a->size, a->room);
        break;
    case ACTION_VIRTQ_BREAK:
        snprintf(t, n, "bench_virtq_break(b, %u);", a->index);
        break;
    case ACTION_VIRTIO_NOTIFY:
        snprintf(t, n, "bench_virtio_notify(b, %u);", a->index);
        break;
    case ACTION_CONFIG_READ:
        snprintf(t, n, "bench_virtio_config_read(b, %u, (uint8_t[8]){0}, %u);", (uint32_t)a->at,
                 a->size);
        break;
    default:
        snprintf(t, n, "bench_virtio_config_write(b, %u, %s, %u);", (uint32_t)a->at, bytes,
                 a->size);
    }
}

static void print_time(const struct action *a, char *t, size_t n)
{
    char bytes[260];

    switch (a->kind) {
    case ACTION_ADVANCE:
        snprintf(t, n, "bench_advance_ns(b, %" PRIu64 ");", a->at);
        break;
    case ACTION_RESET:
        snprintf(t, n, "bench_reset(b, %s);",
                 a->room == BP_RESET_WARM ? "BP_RESET_WARM" : "BP_RESET_COLD");
        break;
    case ACTION_ROUND_TRIP:
        snprintf(t, n, "assert(bench_check_state_roundtrip(b) == BP_OK);");
        break;
    case ACTION_RELOAD:
        snprintf(t, n,
                 "bytes = bench_save(b, &size); assert(bench_load(b, bytes, size) == BP_OK);");
        break;
    case ACTION_WORKER_HOLD:
        snprintf(t, n, "bench_worker_hold(b, %u);", a->room);
        break;
    case ACTION_WORKER_STEP:
        snprintf(
            t, n,
            "if (bench_worker_waiting(b)) bench_worker_step(b, %uu %% bench_worker_waiting(b));",
            (uint32_t)a->value);
        break;
    case ACTION_RAM_WRITE:
        print_bytes(a, bytes, sizeof(bytes));
        snprintf(t, n, "bench_ram_write(b, BENCH_RAM_BASE + 0x%" PRIx64 ", %s, %u);", a->at, bytes,
                 a->size);
        break;
    case ACTION_POLL:
        snprintf(t, n, "bench_poll(b, 0);");
        break;
    default:
        snprintf(t, n, "bench_settle(b);");
    }
}

void action_print(const struct action_space *s, const struct action *a, char *text, size_t size)
{
    if (a->kind == ACTION_READ || a->kind == ACTION_WRITE)
        print_access(s, a, text, size);
    else if (a->kind >= ACTION_LINK_EVENT && a->kind <= ACTION_DISK_FINISH)
        print_link(s, a, text, size);
    else if (a->kind >= ACTION_IRQCHIP_SET && a->kind <= ACTION_BUTTON)
        print_service(a, text, size);
    else if (a->kind >= ACTION_VIRTIO_ACTIVATE)
        print_virtio(a, text, size);
    else
        print_time(a, text, size);
}
