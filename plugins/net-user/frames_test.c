/* Rings of frames, fragments and the look at what a guest sends: RFC 791, 826, 768, 9293, 8200. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <backplane/bench.h>

#include "frames.h"
#include "fuzz/net_guest.h"

static uint8_t frame[70000];

/* --- Rings ------------------------------------------------------------------------------------ */

static void frames_leave_a_ring_as_they_came_also_around_its_end(void **state)
{
    struct frame_ring ring;
    uint8_t in[600], out[600];
    uint32_t n_in = 0, n_out = 0;
    (void)state;
    assert_true(ring_open(&ring, 1024));
    for (uint32_t step = 0; step < 5000; step++) {
        uint32_t size = 14 + (n_in * 37) % 500;
        memset(in, (int)(n_in & 255), size);
        while (!ring_put(&ring, in, size)) {
            uint32_t wanted = 14 + (n_out * 37) % 500;
            assert_int_equal(ring_get(&ring, out), wanted);
            for (uint32_t i = 0; i < wanted; i++)
                assert_int_equal(out[i], n_out & 255);
            n_out++;
        }
        n_in++;
    }
    while (ring_get(&ring, out) != 0)
        n_out++;
    assert_int_equal(n_in, n_out);
    assert_int_equal(ring.used, 0);
    ring_close(&ring);
}

static void a_ring_is_full_to_the_byte(void **state)
{
    struct frame_ring ring;
    uint8_t bytes[1024] = {0};
    (void)state;
    assert_true(ring_open(&ring, 1024));
    assert_false(ring_put(&ring, bytes, 1024));
    assert_false(ring_put(&ring, bytes, 1021));
    assert_true(ring_put(&ring, bytes, 1020));
    assert_false(ring_put(&ring, bytes, 0));
    ring_clear(&ring);
    assert_int_equal(ring_get(&ring, bytes), 0);
    assert_true(ring_put(&ring, bytes, 500));
    ring_close(&ring);
}

/* --- The look --------------------------------------------------------------------------------- */

static const struct frame_limits open_limits = {.has_ipv6 = true};
static const struct frame_limits full_limits = {.has_ipv6 = true, .is_full = true};

static void assert_verdict(uint32_t size, enum frame_verdict wanted)
{
    assert_int_equal(frame_check(&open_limits, frame, size), wanted);
}

static void every_length_up_to_the_right_one_is_broken(void **state)
{
    (void)state;
    struct {
        uint32_t size, header;
    } good[] = {{make_arp(frame, 1, GATEWAY_IP), 0}, {0, 1}, {0, 2}, {0, 3}};
    for (uint32_t kind = 0; kind < 4; kind++) {
        if (kind == 1)
            good[kind].size = make_ping(frame, GATEWAY_IP, 56);
        else if (kind == 2)
            good[kind].size = make_udp(frame, GATEWAY_IP, 1, 2, "data", 4);
        else if (kind == 3)
            good[kind].size = make_tcp(frame, GATEWAY_IP, 1, 2, 3, TCP_ACK, "data", 4);
        assert_verdict(good[kind].size, FRAME_GOOD);
        assert_verdict(good[kind].size + 18, FRAME_GOOD); /* padded */
        for (uint32_t size = 0; size < good[kind].size; size++)
            assert_verdict(size, FRAME_BROKEN);
    }
}

/* Each byte that is a length, set to each value: what passes must be right. */
static void no_length_that_lies_passes(void **state)
{
    (void)state;
    for (uint32_t value = 0; value < 65536; value++) {
        uint32_t size = make_udp(frame, GATEWAY_IP, 1, 2, frame + 100, 200);
        put16(frame + 16, value); /* total length */
        assert_int_equal(frame_check(&open_limits, frame, size) == FRAME_GOOD,
                         value >= 20 + 208 && value <= size - 14);
        (void)make_udp(frame, GATEWAY_IP, 1, 2, frame + 100, 200);
        put16(frame + 38, value); /* of the datagram */
        assert_int_equal(frame_check(&open_limits, frame, size) == FRAME_GOOD,
                         value >= 8 && value <= 208);
    }
    for (uint32_t value = 0; value < 256; value++) {
        uint32_t size = make_tcp(frame, GATEWAY_IP, 1, 2, 3, TCP_ACK, frame + 100, 16);
        frame[46] = (uint8_t)value; /* data offset */
        assert_int_equal(frame_check(&open_limits, frame, size) == FRAME_GOOD,
                         value >> 4 >= 5 && value >> 4 <= 9);
        (void)make_tcp(frame, GATEWAY_IP, 1, 2, 3, TCP_ACK, frame + 100, 16);
        frame[14] = (uint8_t)value; /* version and header length */
        enum frame_verdict verdict = frame_check(&open_limits, frame, size);
        assert_true(verdict != FRAME_GOOD || (value >> 4 == 4 && (value & 15) >= 5));
    }
}

static void what_nobody_is_there_for_is_ignored(void **state)
{
    static const uint16_t types[] = {0x88f8, 0x8100, 0x88cc, 0x0000, 0x05dc, 0x9000};
    const struct frame_limits without = {0};
    (void)state;
    uint32_t size = make_udp(frame, GATEWAY_IP, 1, 2, "data", 4);
    frame[23] = 50;
    assert_verdict(size, FRAME_IGNORED);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        make_ether(frame, types[i]);
        assert_verdict(60, FRAME_IGNORED);
    }
    size = make_udp(frame, GATEWAY_IP, 1, 69, "\0\1file\0octet", 13);
    assert_verdict(size, FRAME_IGNORED);
    make_ether(frame, 0x86dd);
    assert_int_equal(frame_check(&without, frame, 60), FRAME_IGNORED);
}

static void when_full_only_what_opens_nothing_passes(void **state)
{
    uint32_t size;
    (void)state;
    size = make_tcp(frame, GATEWAY_IP, 1, 2, 3, TCP_SYN, "", 0);
    assert_int_equal(frame_check(&full_limits, frame, size), FRAME_REFUSED);
    size = make_tcp(frame, GATEWAY_IP, 1, 2, 3, TCP_SYN | TCP_ACK, "", 0);
    assert_int_equal(frame_check(&full_limits, frame, size), FRAME_GOOD);
    size = make_udp(frame, GATEWAY_IP, 1, 2, "data", 4);
    assert_int_equal(frame_check(&full_limits, frame, size), FRAME_REFUSED);
    size = make_ping(frame, GATEWAY_IP, 56);
    assert_int_equal(frame_check(&full_limits, frame, size), FRAME_REFUSED);
    size = make_arp(frame, 1, GATEWAY_IP);
    assert_int_equal(frame_check(&full_limits, frame, size), FRAME_GOOD);
}

static void an_urgent_pointer_goes_and_the_checksum_stays_right(void **state)
{
    static const uint32_t pointers[] = {0, 1, 4, 1000, 0x7fff, 0x8000, 0xffff};
    (void)state;
    for (size_t i = 0; i < sizeof(pointers) / sizeof(pointers[0]); i++) {
        uint32_t size = make_tcp(frame, GATEWAY_IP, 77, 2, 3, TCP_ACK | 0x20, "data", 4);
        put16(frame + 52, pointers[i]);
        put16(frame + 50, 0);
        put16(frame + 50, transport_checksum(frame, 24));
        assert_verdict(size, FRAME_GOOD);
        frame_clear_urgent(frame);
        assert_int_equal(frame[47], TCP_ACK);
        assert_int_equal(get16(frame + 52), 0);
        assert_int_equal(transport_checksum(frame, 24), 0); /* with its own it sums up to nothing */
        assert_memory_equal(frame + 54, "data", 4);
    }
    uint32_t size = make_udp(frame, GATEWAY_IP, 1, 2, "12345678901234567890", 20);
    uint8_t before[62];
    memcpy(before, frame, size);
    frame_clear_urgent(frame);
    assert_memory_equal(frame, before, size);
}

/* --- Fragments -------------------------------------------------------------------------------- */

static uint8_t datagram[65535];

/* A fragment [offset, offset + size) of the datagram, number `id`. */
static const uint8_t *give(struct fragments *f, uint32_t id, uint32_t offset, uint32_t size,
                           bool is_last, uint64_t now_ns, uint32_t *whole)
{
    memcpy(frame + 34, datagram + offset, size);
    uint32_t bytes = make_ipv4(frame, 17, GUEST_IP, GATEWAY_IP, size);
    put16(frame + 18, id);
    put16(frame + 20, offset / 8 | (is_last ? 0 : 0x2000));
    put16(frame + 24, 0);
    put16(frame + 24, checksum(frame + 14, 20, 0));
    assert_verdict(bytes, FRAME_PART);
    *whole = bytes;
    return fragments_add(f, now_ns, frame, whole);
}

static void assert_whole(const uint8_t *packet, uint32_t size, uint32_t data)
{
    assert_non_null(packet);
    assert_int_equal(size, 34 + data);
    assert_int_equal(get16(packet + 16), 20 + data);
    assert_int_equal(get16(packet + 20), 0);
    assert_int_equal(checksum(packet + 14, 20, 0), 0);
    assert_memory_equal(packet + 6, guest_mac, 6);
    assert_memory_equal(packet + 34, datagram, data);
}

static int begin(void **state)
{
    for (uint32_t i = 0; i < sizeof(datagram); i++)
        datagram[i] = (uint8_t)(i * 13 >> 2);
    *state = fragments_create();
    return *state == NULL;
}

static int end(void **state)
{
    fragments_destroy(*state);
    return 0;
}

static void fragments_make_a_packet_in_any_order(void **state)
{
    static const uint32_t orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                          {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    uint32_t size;
    for (uint32_t i = 0; i < 6; i++) {
        for (uint32_t k = 0; k < 3; k++) {
            uint32_t at = orders[i][k] * 1480, part = at == 2960 ? 41 : 1480;
            const uint8_t *packet = give(*state, i, at, part, at == 2960, 0, &size);
            if (k < 2)
                assert_null(packet);
            else
                assert_whole(packet, size, 3001);
        }
    }
}

static void the_largest_packet_fits_a_frame_and_a_larger_one_is_dropped(void **state)
{
    uint32_t size, at, most = 65535 - 34;
    const uint8_t *packet = NULL;
    for (at = 0; at < most; at += 8000)
        packet =
            give(*state, 1, at, most - at < 8000 ? most - at : 8000, most - at <= 8000, 0, &size);
    assert_whole(packet, size, most);
    for (at = 0; at <= most; at += 8000)
        packet = give(*state, 2, at, most + 1 - at < 8000 ? most + 1 - at : 8000,
                      most + 1 - at <= 8000, 0, &size);
    assert_null(packet);
}

static void overlaps_and_contradictions_drop_the_packet(void **state)
{
    static const struct {
        uint32_t offset, size;
        bool is_last;
    } bad[] = {
        {0, 800, false},   {400, 800, false},  {792, 16, false}, {800, 8, true},
        {1592, 100, true}, {1608, 104, false}, {1600, 5, true},
    };
    struct fragments *f = *state;
    uint32_t size;
    for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_null(give(f, i, 0, 800, false, 0, &size));
        assert_null(give(f, i, 1600, 8, true, 0, &size));
        assert_null(give(f, i, bad[i].offset, bad[i].size, bad[i].is_last, 0, &size));
        /* What completed it before completes nothing now. */
        assert_null(give(f, i, 800, 800, false, 0, &size));
        fragments_clear(f);
    }
}

static void a_packet_waits_half_a_minute(void **state)
{
    struct fragments *f = *state;
    uint32_t size;
    const uint8_t *packet;
    assert_null(give(f, 1, 0, 800, false, 0, &size));
    assert_null(give(f, 2, 0, 800, false, 0, &size));
    packet = give(f, 1, 800, 100, true, UINT64_C(29000000000), &size);
    assert_whole(packet, size, 900);
    assert_null(give(f, 2, 800, 100, true, UINT64_C(31000000000), &size));
}

static void one_more_takes_the_place_of_the_oldest(void **state)
{
    struct fragments *f = *state;
    uint32_t size;
    for (uint32_t id = 0; id < FRAGMENTS_PACKETS + 1; id++)
        assert_null(give(f, id, 0, 800, false, id, &size));
    for (uint32_t id = 1; id < FRAGMENTS_PACKETS + 1; id++) {
        const uint8_t *packet = give(f, id, 800, 100, true, 100, &size);
        assert_whole(packet, size, 900);
    }
    assert_null(give(f, 0, 800, 100, true, 100, &size));
}

static void a_fragment_whose_header_is_damaged_counts_for_nothing(void **state)
{
    struct fragments *f = *state;
    uint32_t size;
    const uint8_t *packet;
    assert_null(give(f, 1, 800, 100, true, 0, &size));
    (void)make_ipv4(frame, 17, GUEST_IP, GATEWAY_IP, 800);
    put16(frame + 18, 1);
    put16(frame + 20, 0x2000); /* and the checksum of before */
    size = 834;
    assert_null(fragments_add(f, 0, frame, &size));
    packet = give(f, 1, 0, 800, false, 0, &size);
    assert_whole(packet, size, 900);
}

#define F(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_leave_a_ring_as_they_came_also_around_its_end),
        cmocka_unit_test(a_ring_is_full_to_the_byte),
        cmocka_unit_test(every_length_up_to_the_right_one_is_broken),
        cmocka_unit_test(no_length_that_lies_passes),
        cmocka_unit_test(what_nobody_is_there_for_is_ignored),
        cmocka_unit_test(when_full_only_what_opens_nothing_passes),
        cmocka_unit_test(an_urgent_pointer_goes_and_the_checksum_stays_right),
        F(fragments_make_a_packet_in_any_order),
        F(the_largest_packet_fits_a_frame_and_a_larger_one_is_dropped),
        F(overlaps_and_contradictions_drop_the_packet),
        F(a_packet_waits_half_a_minute),
        F(one_more_takes_the_place_of_the_oldest),
        F(a_fragment_whose_header_is_damaged_counts_for_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
