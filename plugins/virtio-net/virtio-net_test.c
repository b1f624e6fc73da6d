/* virtio-net on the bench. Layouts, commands and bits are those of virtio 1.2, section 5.1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <backplane/bench.h>

#define RX 0u
#define TX 1u
#define CT 2u

#define MTU      (UINT64_C(1) << 3)
#define MAC      (UINT64_C(1) << 5)
#define MRG      (UINT64_C(1) << 15)
#define STATUS   (UINT64_C(1) << 16)
#define CTRL_VQ  (UINT64_C(1) << 17)
#define CTRL_RX  (UINT64_C(1) << 18)
#define VLAN     (UINT64_C(1) << 19)
#define RX_EXTRA (UINT64_C(1) << 20)
#define ANNOUNCE (UINT64_C(1) << 21)
#define MAC_ADDR (UINT64_C(1) << 23)
#define PLAIN    (MAC | STATUS)
#define ALL      (PLAIN | MRG | CTRL_VQ | CTRL_RX | VLAN | RX_EXTRA | ANNOUNCE | MAC_ADDR)

#define HEADER 12u

static const char *const with_mac[] = {"mac=52:54:00:12:34:56", NULL};
static const struct bench_setup plain = {.settings = with_mac, .ram_bytes = 8 << 20};
static const uint8_t own_mac[6] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};

static int setup(void **state)
{
    *state = bench_create_with(BENCH_CLASS, &plain);
    return 0;
}

static int teardown(void **state)
{
    bench_destroy(*state);
    return 0;
}

static uint8_t *make_frame(const uint8_t *to, uint32_t size)
{
    static uint8_t frame[65535 + 1];
    memset(frame, 0, sizeof(frame));
    memcpy(frame, to, 6);
    for (uint32_t i = 6; i < size; i++)
        frame[i] = (uint8_t)(i * 7 + size);
    frame[12] = 8; /* IPv4 */
    frame[13] = 0;
    return frame;
}

/* A chain to send: header of zeroes and frame. */
static uint32_t send(struct bench *b, uint32_t size)
{
    static uint8_t bytes[HEADER + 65535 + 1];
    memset(bytes, 0, HEADER);
    memcpy(bytes + HEADER, make_frame(own_mac, size < 65535 ? size : 65535), size);
    return bench_virtq_add(b, TX, bytes, HEADER + size, 0);
}

static void assert_sent(struct bench *b, uint32_t i, uint32_t size)
{
    uint32_t sent;
    const uint8_t *frame = bench_net_frame(b, "net", i, &sent);
    assert_int_equal(sent, size);
    assert_memory_equal(frame, make_frame(own_mac, size), size);
}

static void feed(struct bench *b, uint32_t size)
{
    bench_net_feed(b, "net", make_frame(own_mac, size), size);
}

/* A frame that went into one buffer, with its header. */
static void assert_received(struct bench *b, uint32_t chain, uint32_t size)
{
    static uint8_t bytes[HEADER + 65535];
    static const uint8_t header[HEADER] = {[10] = 1};
    assert_true(bench_virtq_done(b, chain));
    assert_int_equal(bench_virtq_written(b, chain), HEADER + size);
    bench_virtq_result(b, chain, 0, bytes, HEADER + size);
    assert_memory_equal(bytes, header, HEADER);
    assert_memory_equal(bytes + HEADER, make_frame(own_mac, size), size);
}

/* Sends a control request; the device's answer. */
static uint8_t control(struct bench *b, uint8_t class_, uint8_t command, const void *data,
                       uint32_t size)
{
    uint8_t bytes[1024] = {class_, command}, ack = 0xff;
    memcpy(bytes + 2, data, size);
    uint32_t chain = bench_virtq_add(b, CT, bytes, 2 + size, 1);
    bench_virtio_notify(b, CT);
    assert_true(bench_virtq_done(b, chain));
    assert_int_equal(bench_virtq_written(b, chain), 1);
    bench_virtq_result(b, chain, 0, &ack, 1);
    return ack;
}

static uint8_t control_u8(struct bench *b, uint8_t class_, uint8_t command, uint8_t value)
{
    return control(b, class_, command, &value, 1);
}

/* Does a frame to this address arrive? */
static int arrives(struct bench *b, const uint8_t *to)
{
    uint32_t chain = bench_virtq_add(b, RX, NULL, 0, 2000);
    bench_virtio_notify(b, RX);
    uint32_t before = bench_virtq_done_count(b);
    bench_net_feed(b, "net", make_frame(to, 64), 64);
    (void)chain;
    return bench_virtq_done_count(b) != before;
}

static uint16_t config16(struct bench *b, uint32_t offset)
{
    uint8_t bytes[2];
    bench_virtio_config_read(b, offset, bytes, 2);
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

/* --- Set-up ----------------------------------------------------------------------------------- */

static void it_is_a_network_card_that_offers_only_what_it_does(void **state)
{
    struct bench *b = *state;
    assert_int_equal(bench_virtio_device_id(b), 1);
    assert_int_equal(bench_virtio_features(b), ALL);
}

static void the_configuration_has_address_link_and_one_pair(void **state)
{
    struct bench *b = *state;
    uint8_t mac[6];
    bench_virtio_config_read(b, 0, mac, 6);
    assert_memory_equal(mac, own_mac, 6);
    assert_int_equal(config16(b, 6), 1);
    assert_int_equal(config16(b, 8), 1);
    bench_net_up(b, "net", 0);
    assert_int_equal(config16(b, 6), 0);
    assert_int_equal(bench_virtio_config_changes(b), 1);
    bench_net_up(b, "net", 1);
    assert_int_equal(config16(b, 6), 1);
}

static void without_a_cable_the_link_is_down_and_frames_vanish(void **state)
{
    const char *const names[] = {"net", NULL};
    struct bench_setup setup = plain;
    setup.unconnected = names;
    struct bench *b = bench_create_with(BENCH_CLASS, &setup);
    (void)state;
    bench_virtio_activate(b, PLAIN);
    assert_int_equal(config16(b, 6), 0);
    uint32_t chain = send(b, 60);
    bench_virtio_notify(b, TX);
    assert_true(bench_virtq_done(b, chain));
    bench_destroy(b);
}

static void the_address_is_the_users_then_the_networks_then_the_names(void **state)
{
    struct bp_net_info info = {.flags = BP_NET_LINK_UP, .mac = {2, 1, 2, 3, 4, 5}};
    struct bench_setup setup = {.net = &info};
    uint8_t mac[6];
    (void)state;
    struct bench *b = bench_create_with(BENCH_CLASS, &setup);
    bench_virtio_config_read(b, 0, mac, 6);
    assert_memory_equal(mac, info.mac, 6);
    bench_destroy(b);
    setup.settings = with_mac;
    b = bench_create_with(BENCH_CLASS, &setup);
    bench_virtio_config_read(b, 0, mac, 6);
    assert_memory_equal(mac, own_mac, 6);
    bench_destroy(b);
    b = bench_create(BENCH_CLASS, NULL);
    bench_virtio_config_read(b, 0, mac, 6);
    assert_int_equal(mac[0], 2); /* locally administered, of one card */
    bench_destroy(b);
}

static void an_address_that_is_none_is_refused_with_its_reason(void **state)
{
    static const struct {
        const char *setting, *sentence;
    } wrong[] = {
        {"mac=52:54:00:12:34", "mac = 52:54:00:12:34: six pairs of hexadecimal digits are wanted, "
                               "as in 02:00:00:00:00:01"},
        {"mac=52:54:00:12:34:5g", "mac = 52:54:00:12:34:5g: six pairs"},
        {"mac=5:254:00:12:34:56", "six pairs"},
        {"mac=52-54-00-12-34-56", "six pairs"},
        {"mac=01:54:00:12:34:56", "its first pair must be even"},
        {"mac=00:00:00:00:00:00", "that is no address of one card"},
        {"mtu=67", "mtu = 67: 0, or 68 and more, is possible"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const char *const settings[] = {wrong[i].setting, NULL};
        struct bench_setup bad = {.settings = settings};
        struct bench *b;
        assert_true(bench_try(BENCH_CLASS, &bad, &b) < 0);
        assert_non_null(strstr(bench_error(b), wrong[i].sentence));
        bench_destroy(b);
    }
}

static void the_mtu_is_the_networks_or_a_smaller_one(void **state)
{
    const char *const smaller[] = {"mtu=1400", NULL}, *const larger[] = {"mtu=9000", NULL};
    struct bp_net_info info = {.flags = BP_NET_LINK_UP, .mtu = 1500};
    struct bench_setup setup = {.net = &info};
    (void)state;
    struct bench *b = bench_create_with(BENCH_CLASS, &setup);
    assert_int_equal(bench_virtio_features(b), ALL | MTU);
    assert_int_equal(config16(b, 10), 1500);
    bench_destroy(b);
    setup.settings = smaller;
    b = bench_create_with(BENCH_CLASS, &setup);
    assert_int_equal(config16(b, 10), 1400);
    bench_destroy(b);
    setup.settings = larger;
    assert_int_equal(bench_try(BENCH_CLASS, &setup, &b), BP_ERR_RANGE);
    assert_non_null(strstr(bench_error(b), "mtu = 9000: the network behind \"net\" carries 1500"));
    bench_destroy(b);
}

/* --- Transmission ----------------------------------------------------------------------------- */

static void a_frame_leaves_without_its_header_however_it_is_cut(void **state)
{
    static const uint32_t sizes[] = {14, 60, 1514, 65535}, splits[] = {0, 1, 7, 12, 13};
    struct bench *b = *state;
    bench_virtio_activate(b, PLAIN);
    for (size_t i = 0; i < sizeof(splits) / sizeof(splits[0]); i++) {
        for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
            if (splits[i] == 1 && sizes[k] > 2000)
                continue;
            bench_virtq_split(b, splits[i]);
            uint32_t chain = send(b, sizes[k]);
            bench_virtio_notify(b, TX);
            assert_true(bench_virtq_done(b, chain));
            assert_int_equal(bench_virtq_written(b, chain), 0);
            assert_int_equal(bench_net_sent(b, "net"), 1);
            assert_sent(b, 0, sizes[k]);
            bench_net_clear(b, "net");
        }
    }
}

static void what_is_no_frame_is_given_back_and_logged(void **state)
{
    static const uint8_t bytes[HEADER + 100] = {0}, csum[HEADER + 60] = {1},
                                        gso[HEADER + 60] = {0, 1};
    struct bench *b = *state;
    bench_virtio_activate(b, PLAIN);
    uint32_t chains[] = {
        bench_virtq_add(b, TX, NULL, 0, 0),
        bench_virtq_add(b, TX, bytes, 5, 0),
        bench_virtq_add(b, TX, bytes, HEADER, 0),
        bench_virtq_add(b, TX, bytes, HEADER + 13, 0),
        bench_virtq_add(b, TX, NULL, 0, 2000),
        send(b, 65536),
        bench_virtq_add(b, TX, csum, sizeof(csum), 0),
        bench_virtq_add(b, TX, gso, sizeof(gso), 0),
    };
    bench_virtio_notify(b, TX);
    for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++) {
        assert_true(bench_virtq_done(b, chains[i]));
        assert_int_equal(bench_virtq_written(b, chains[i]), 0);
    }
    assert_int_equal(bench_net_sent(b, "net"), 0);
    assert_int_equal(bench_log_count(b, BP_LOG_GUEST), 8);
    uint32_t good = send(b, 60);
    bench_virtio_notify(b, TX);
    assert_true(bench_virtq_done(b, good));
    assert_sent(b, 0, 60);
}

static void frames_wait_in_the_queue_while_the_network_takes_none(void **state)
{
    struct bench *b = *state;
    bench_virtio_activate(b, PLAIN);
    bench_net_room(b, "net", 2);
    for (uint32_t i = 0; i < 10; i++)
        send(b, 100 + i);
    bench_virtio_notify(b, TX);
    assert_int_equal(bench_net_sent(b, "net"), 2);
    assert_int_equal(bench_virtq_waiting(b, TX), 7); /* one is on its way */
    uint32_t calls = bench_net_calls(b, "net");
    bench_advance_ns(b, 1000000000);
    assert_int_equal(bench_net_calls(b, "net"), calls); /* it does not poll */
    bench_net_room(b, "net", 3);
    assert_int_equal(bench_net_sent(b, "net"), 5);
    bench_net_room(b, "net", UINT32_MAX);
    assert_int_equal(bench_net_sent(b, "net"), 10);
    for (uint32_t i = 0; i < 10; i++)
        assert_sent(b, i, 100 + i);
}

static void more_frames_than_one_go_takes_all_leave(void **state)
{
    struct bench *b = *state;
    bench_virtio_activate(b, PLAIN);
    for (uint32_t i = 0; i < 1000; i++)
        send(b, 60);
    bench_virtio_notify(b, TX);
    assert_int_equal(bench_net_sent(b, "net"), 1000);
}

/* --- Reception -------------------------------------------------------------------------------- */

static void a_frame_arrives_behind_a_header(void **state)
{
    static const uint32_t sizes[] = {14, 60, 1514};
    struct bench *b = *state;
    bench_virtio_activate(b, PLAIN);
    for (size_t i = 0; i < 3; i++) {
        bench_virtq_split(b, i == 1 ? 5 : 0);
        uint32_t chain = bench_virtq_add(b, RX, NULL, 0, 1526);
        bench_virtio_notify(b, RX);
        assert_false(bench_virtq_done(b, chain));
        feed(b, sizes[i]);
        assert_received(b, chain, sizes[i]);
    }
}

static void frames_wait_at_the_network_until_there_are_buffers(void **state)
{
    struct bench *b = *state;
    uint32_t chains[10];
    for (uint32_t i = 0; i < 5; i++)
        feed(b, 100 + i);
    assert_int_equal(bench_net_waiting(b, "net"), 5); /* no driver yet */
    bench_virtio_activate(b, PLAIN);
    for (uint32_t i = 5; i < 10; i++)
        feed(b, 100 + i);
    bench_virtio_notify(b, RX);
    assert_int_equal(bench_net_waiting(b, "net"), 9); /* one is on its way */
    for (uint32_t i = 0; i < 10; i++)
        chains[i] = bench_virtq_add(b, RX, NULL, 0, 2000);
    bench_virtio_notify(b, RX);
    for (uint32_t i = 0; i < 10; i++)
        assert_received(b, chains[i], 100 + i);
    assert_int_equal(bench_net_waiting(b, "net"), 0);
}

static void a_buffer_too_small_costs_one_frame_and_no_more(void **state)
{
    static const uint32_t sizes[] = {0, 1, 11, 12, 25, 111};
    struct bench *b = *state;
    bench_virtio_activate(b, PLAIN);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        uint32_t bad = bench_virtq_add(b, RX, "only read", 9, sizes[i]);
        bench_virtio_notify(b, RX);
        feed(b, 100);
        assert_true(bench_virtq_done(b, bad));
        assert_int_equal(bench_virtq_written(b, bad), 0);
        assert_int_equal(bench_log_count(b, BP_LOG_GUEST), i + 1);
    }
    uint32_t good = bench_virtq_add(b, RX, NULL, 0, 2000);
    bench_virtio_notify(b, RX);
    /* What a buffer without room for a header could not take has waited. */
    assert_received(b, good, 100);
}

static void merged_buffers_carry_a_frame_together(void **state)
{
    struct bench *b = *state;
    uint8_t bytes[HEADER + 300];
    bench_virtio_activate(b, PLAIN | MRG);
    uint32_t first = bench_virtq_add(b, RX, NULL, 0, 100);
    bench_virtio_notify(b, RX);
    feed(b, 300);
    assert_false(bench_virtq_done(b, first)); /* all or none */
    bench_virtq_add(b, RX, NULL, 0, 100);
    bench_virtio_notify(b, RX);
    assert_int_equal(bench_virtq_done_count(b), 0);
    bench_virtq_add(b, RX, NULL, 0, 100);
    bench_virtq_add(b, RX, NULL, 0, 100);
    bench_virtio_notify(b, RX);
    assert_int_equal(bench_virtq_done_count(b), 4);
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t size = i < 3 ? 100 : 12;
        assert_int_equal(bench_virtq_written(b, first + i), size);
        bench_virtq_result(b, first + i, 0, bytes + 100 * i, size);
    }
    assert_int_equal(bytes[10], 4);
    assert_int_equal(bytes[11], 0);
    assert_memory_equal(bytes + HEADER, make_frame(own_mac, 300), 300);
}

static void endless_tiny_buffers_end_in_a_dropped_frame(void **state)
{
    struct bench *b = *state;
    bench_virtio_activate(b, PLAIN | MRG);
    bench_virtq_add(b, RX, NULL, 0, 12);
    for (uint32_t i = 0; i < 400; i++)
        bench_virtq_add(b, RX, NULL, 0, 1);
    bench_virtio_notify(b, RX);
    feed(b, 1514);
    assert_true(bench_log_contains(b, "does not fit into the driver's buffers"));
    assert_int_equal(bench_net_waiting(b, "net"), 0);
}

static void a_driver_that_goes_takes_its_buffers_with_it(void **state)
{
    struct bench *b = *state;
    bench_virtio_activate(b, PLAIN | MRG);
    bench_virtq_add(b, RX, NULL, 0, 100);
    bench_virtio_notify(b, RX);
    feed(b, 1000);
    bench_virtio_reset(b);
    feed(b, 60);
    bench_virtio_activate(b, PLAIN);
    uint32_t chain = bench_virtq_add(b, RX, NULL, 0, 2000);
    bench_virtio_notify(b, RX);
    assert_received(b, chain, 60);
}

static void a_broken_ring_stops_its_queue_only_until_the_reset(void **state)
{
    struct bench *b = *state;
    bench_virtio_activate(b, PLAIN);
    bench_virtq_break(b, RX);
    feed(b, 60);
    bench_virtio_notify(b, RX);
    bench_virtio_reset(b);
    bench_virtio_activate(b, PLAIN);
    uint32_t chain = send(b, 60);
    bench_virtio_notify(b, TX);
    assert_true(bench_virtq_done(b, chain));
}

/* --- Control queue ---------------------------------------------------------------------------- */

static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const uint8_t stranger[6] = {2, 9, 9, 9, 9, 9};
static const uint8_t group[6] = {1, 0, 0x5e, 0, 0, 1};

static void everything_arrives_until_the_driver_filters(void **state)
{
    struct bench *b = *state;
    bench_virtio_activate(b, ALL & ~VLAN);
    assert_true(arrives(b, stranger));
    assert_true(arrives(b, group));
    assert_int_equal(control_u8(b, 0, 0, 0), 0); /* not promiscuous */
    assert_false(arrives(b, stranger));
    assert_false(arrives(b, group));
    assert_true(arrives(b, broadcast));
    assert_true(arrives(b, own_mac));
    assert_int_equal(control_u8(b, 0, 1, 1), 0); /* ALLMULTI */
    assert_true(arrives(b, group));
    assert_false(arrives(b, stranger));
    assert_int_equal(control_u8(b, 0, 2, 1), 0); /* ALLUNI */
    assert_true(arrives(b, stranger));
    assert_int_equal(control_u8(b, 0, 3, 1), 0); /* NOMULTI */
    assert_int_equal(control_u8(b, 0, 4, 1), 0); /* NOUNI */
    assert_int_equal(control_u8(b, 0, 5, 1), 0); /* NOBCAST */
    assert_false(arrives(b, group));
    assert_false(arrives(b, own_mac));
    assert_false(arrives(b, broadcast));
    assert_int_equal(control_u8(b, 0, 6, 1), 1);
    assert_int_equal(control_u8(b, 0, 0, 1), 0);
    assert_true(arrives(b, stranger));
}

static void the_tables_let_their_addresses_through(void **state)
{
    static const uint8_t tables[] = {1, 0, 0, 0, 2, 9, 9,    9, 9, 9, /* one of one card */
                                     1, 0, 0, 0, 1, 0, 0x5e, 0, 0, 1};
    static const uint8_t none[8] = {0};
    struct bench *b = *state;
    bench_virtio_activate(b, ALL & ~VLAN);
    control_u8(b, 0, 0, 0);
    assert_int_equal(control(b, 1, 0, tables, sizeof(tables)), 0);
    assert_true(arrives(b, stranger));
    assert_true(arrives(b, group));
    assert_int_equal(control(b, 1, 0, none, sizeof(none)), 0);
    assert_false(arrives(b, stranger));
    assert_false(arrives(b, group));
}

static void tables_that_lie_about_their_size_change_nothing(void **state)
{
    static const uint8_t tables[] = {1, 0, 0, 0, 2, 9, 9, 9, 9, 9, 0, 0, 0, 0};
    uint8_t wrong[sizeof(tables)];
    struct bench *b = *state;
    bench_virtio_activate(b, ALL & ~VLAN);
    control_u8(b, 0, 0, 0);
    assert_int_equal(control(b, 1, 0, tables, sizeof(tables)), 0);
    for (uint32_t size = 0; size < sizeof(tables); size++)
        assert_int_equal(control(b, 1, 0, tables, size), 1);
    for (uint32_t at = 0; at < 4; at++) {
        memcpy(wrong, tables, sizeof(wrong));
        wrong[at] = 0xff;
        assert_int_equal(control(b, 1, 0, wrong, sizeof(wrong)), 1);
        memcpy(wrong, tables, sizeof(wrong));
        wrong[10 + at] = 0xff;
        assert_int_equal(control(b, 1, 0, wrong, sizeof(wrong)), 1);
    }
    assert_true(arrives(b, stranger));
}

static void more_addresses_than_fit_let_all_of_the_kind_through(void **state)
{
    uint8_t tables[4 + 33 * 6 + 4] = {33};
    struct bench *b = *state;
    bench_virtio_activate(b, ALL & ~VLAN);
    control_u8(b, 0, 0, 0);
    assert_int_equal(control(b, 1, 0, tables, sizeof(tables)), 0);
    assert_true(arrives(b, stranger));
    assert_false(arrives(b, group));
}

static void the_driver_sets_its_address_and_a_reset_brings_the_first_back(void **state)
{
    struct bench *b = *state;
    uint8_t mac[6];
    bench_virtio_activate(b, ALL & ~VLAN);
    control_u8(b, 0, 0, 0);
    assert_int_equal(control(b, 1, 1, stranger, 6), 0);
    assert_int_equal(control(b, 1, 1, stranger, 5), 1);
    bench_virtio_config_read(b, 0, mac, 6);
    assert_memory_equal(mac, stranger, 6);
    assert_true(arrives(b, stranger));
    assert_false(arrives(b, own_mac));
    bench_virtio_reset(b);
    bench_virtio_config_read(b, 0, mac, 6);
    assert_memory_equal(mac, own_mac, 6);
}

static void only_the_drivers_vlans_arrive(void **state)
{
    static const uint8_t vlan7[2] = {7, 0}, beyond[2] = {0, 16};
    struct bench *b = *state;
    uint8_t *frame = make_frame(own_mac, 64);
    bench_virtio_activate(b, ALL);
    assert_int_equal(control(b, 2, 0, vlan7, 2), 0);
    assert_int_equal(control(b, 2, 0, beyond, 2), 1);
    for (uint32_t i = 0; i < 3; i++)
        bench_virtq_add(b, RX, NULL, 0, 2000);
    bench_virtio_notify(b, RX);
    uint32_t before = bench_virtq_done_count(b);
    memcpy(frame + 12, "\x81\x00\x20\x07", 4); /* with a priority */
    bench_net_feed(b, "net", frame, 64);
    assert_int_equal(bench_virtq_done_count(b), before + 1);
    frame[15] = 8;
    bench_net_feed(b, "net", frame, 64);
    assert_int_equal(bench_virtq_done_count(b), before + 1);
    assert_int_equal(control(b, 2, 1, vlan7, 2), 0);
    frame[15] = 7;
    bench_net_feed(b, "net", frame, 64);
    assert_int_equal(bench_virtq_done_count(b), before + 2); /* the answer's own chain */
}

static void requests_that_were_not_negotiated_or_are_unknown_are_refused(void **state)
{
    static const uint8_t data[8] = {0};
    struct bench *b = *state;
    bench_virtio_activate(b, PLAIN | CTRL_VQ);
    for (uint32_t class_ = 0; class_ < 6; class_++)
        for (uint32_t command = 0; command < 8; command++)
            for (uint32_t size = 0; size < 9; size++)
                assert_int_equal(control(b, (uint8_t)class_, (uint8_t)command, data, size), 1);
    uint32_t mute = bench_virtq_add(b, CT, "\0\0\1", 3, 0);
    uint32_t empty = bench_virtq_add(b, CT, NULL, 0, 1);
    bench_virtio_notify(b, CT);
    assert_true(bench_virtq_done(b, mute));
    assert_int_equal(bench_virtq_written(b, mute), 0);
    assert_true(bench_virtq_done(b, empty));
    assert_true(arrives(b, stranger));
}

/* --- State ------------------------------------------------------------------------------------ */

static void state_survives_with_frames_on_their_way(void **state)
{
    static const uint8_t vlan7[2] = {7, 0};
    struct bench *b = *state;
    bench_virtio_activate(b, ALL);
    control_u8(b, 0, 0, 0);
    control(b, 2, 0, vlan7, 2);
    control(b, 1, 1, stranger, 6);
    control_u8(b, 0, 2, 1);
    bench_net_room(b, "net", 0);
    send(b, 333);
    bench_virtio_notify(b, TX);
    uint32_t small = bench_virtq_add(b, RX, NULL, 0, 100);
    bench_virtio_notify(b, RX);
    feed(b, 444);
    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
    assert_true(bench_virtq_done(b, small)); /* no buffer is out while the state is saved */
    assert_int_equal(bench_virtq_written(b, small), 0);
    uint32_t chain = bench_virtq_add(b, RX, NULL, 0, 2000);
    bench_virtio_notify(b, RX);
    assert_received(b, chain, 444);
    bench_net_room(b, "net", 1);
    assert_sent(b, 0, 333);
}

static void after_a_load_the_driver_is_asked_to_announce_itself(void **state)
{
    struct bench *b = *state;
    uint64_t size;
    bench_virtio_activate(b, ALL);
    uint8_t *bytes = bench_save(b, &size);
    assert_int_equal(config16(b, 6), 1);
    assert_int_equal(bench_load(b, bytes, size), BP_OK);
    free(bytes);
    assert_int_equal(config16(b, 6), 3);
    bench_virtio_activate(b, ALL);
    assert_int_equal(control(b, 3, 0, "", 0), 0);
    assert_int_equal(config16(b, 6), 1);
    assert_int_equal(control(b, 3, 1, "", 0), 1);
}

static void set_up_can_fail_anywhere(void **state)
{
    (void)state;
    assert_true(bench_check_setup_failures(BENCH_CLASS, &plain) > 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_is_a_network_card_that_offers_only_what_it_does),
        TEST(the_configuration_has_address_link_and_one_pair),
        cmocka_unit_test(without_a_cable_the_link_is_down_and_frames_vanish),
        cmocka_unit_test(the_address_is_the_users_then_the_networks_then_the_names),
        cmocka_unit_test(an_address_that_is_none_is_refused_with_its_reason),
        cmocka_unit_test(the_mtu_is_the_networks_or_a_smaller_one),
        TEST(a_frame_leaves_without_its_header_however_it_is_cut),
        TEST(what_is_no_frame_is_given_back_and_logged),
        TEST(frames_wait_in_the_queue_while_the_network_takes_none),
        TEST(more_frames_than_one_go_takes_all_leave),
        TEST(a_frame_arrives_behind_a_header),
        TEST(frames_wait_at_the_network_until_there_are_buffers),
        TEST(a_buffer_too_small_costs_one_frame_and_no_more),
        TEST(merged_buffers_carry_a_frame_together),
        TEST(endless_tiny_buffers_end_in_a_dropped_frame),
        TEST(a_driver_that_goes_takes_its_buffers_with_it),
        TEST(a_broken_ring_stops_its_queue_only_until_the_reset),
        TEST(everything_arrives_until_the_driver_filters),
        TEST(the_tables_let_their_addresses_through),
        TEST(tables_that_lie_about_their_size_change_nothing),
        TEST(more_addresses_than_fit_let_all_of_the_kind_through),
        TEST(the_driver_sets_its_address_and_a_reset_brings_the_first_back),
        TEST(only_the_drivers_vlans_arrive),
        TEST(requests_that_were_not_negotiated_or_are_unknown_are_refused),
        TEST(state_survives_with_frames_on_their_way),
        TEST(after_a_load_the_driver_is_asked_to_announce_itself),
        cmocka_unit_test(set_up_can_fail_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
