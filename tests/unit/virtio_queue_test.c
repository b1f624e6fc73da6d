/* Rings: what a driver may do, and what a hostile one tries (virtio 1.2 sections 2.6 and 2.7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "unit/virtio_rig.h"

static int setup(void **state)
{
    *state = rig_create();
    return 0;
}

static int teardown(void **state)
{
    rig_destroy(*state);
    return 0;
}

/* --- What works ------------------------------------------------------------------------------- */

static void a_chain_is_fetched_with_its_readable_part_first(void **state)
{
    struct rig *r = *state;
    struct bp_virtio_chain chain;
    rig_start(r, 0);
    rig_desc(r, 3, RIG_DATA, 16, DESC_NEXT, 7);
    rig_desc(r, 7, RIG_DATA + 0x100, 512, DESC_NEXT, 1);
    rig_desc(r, 1, RIG_DATA + 0x1000, 1024, DESC_NEXT | DESC_WRITE, 0);
    rig_desc(r, 0, RIG_DATA + 0x2000, 1, DESC_WRITE, 0);
    rig_avail(r, 3);
    assert_int_equal(rig_pop(r, &chain), BP_OK);
    assert_int_equal(chain.queue, 0);
    assert_int_equal(chain.readable, 528);
    assert_int_equal(chain.writable, 1025);
    assert_int_equal(chain.n_readable, 2);
    assert_int_equal(chain.n_writable, 2);
    assert_int_equal(rig_pop(r, &chain), BP_ERR_NOT_FOUND);
}

static void bytes_are_copied_across_segments(void **state)
{
    struct rig *r = *state;
    struct bp_virtio_chain chain;
    char text[8] = {0};
    rig_start(r, 0);
    memcpy(rig_at(r, RIG_DATA), "abc", 3);
    memcpy(rig_at(r, RIG_DATA + 0x100), "defg", 4);
    rig_desc(r, 0, RIG_DATA, 3, DESC_NEXT, 1);
    rig_desc(r, 1, RIG_DATA + 0x100, 4, DESC_NEXT, 2);
    rig_desc(r, 2, RIG_DATA + 0x200, 2, DESC_NEXT | DESC_WRITE, 3);
    rig_desc(r, 3, RIG_DATA + 0x300, 3, DESC_WRITE, 0);
    rig_avail(r, 0);
    assert_int_equal(rig_pop(r, &chain), BP_OK);
    assert_int_equal(virtio_read(r->v, chain.handle, 1, text, 5), BP_OK);
    assert_string_equal(text, "bcdef");
    assert_int_equal(virtio_read(r->v, chain.handle, 2, text, 6), BP_ERR_RANGE);
    assert_int_equal(virtio_read(r->v, chain.handle, 8, text, 0), BP_ERR_RANGE);
    assert_int_equal(virtio_read(r->v, chain.handle, 7, text, 0), BP_OK);
    assert_int_equal(virtio_write(r->v, chain.handle, 1, "XYZ", 3), BP_OK);
    assert_memory_equal(rig_at(r, RIG_DATA + 0x201), "X", 1);
    assert_memory_equal(rig_at(r, RIG_DATA + 0x300), "YZ", 2);
    assert_int_equal(virtio_write(r->v, chain.handle, 3, "XYZ", 3), BP_ERR_RANGE);
    assert_int_equal(virtio_write(r->v, chain.handle, UINT64_MAX, "X", 1), BP_ERR_RANGE);
}

static void segments_name_the_guest_bytes_of_a_part(void **state)
{
    struct rig *r = *state;
    struct bp_virtio_chain chain;
    struct bp_segment s[4];
    uint32_t n = 4;
    rig_start(r, 0);
    rig_desc(r, 0, RIG_DATA, 100, DESC_NEXT, 1);
    rig_desc(r, 1, RIG_DATA + 0x1000, 200, DESC_NEXT | DESC_WRITE, 2);
    rig_desc(r, 2, RIG_DATA + 0x2000, 300, DESC_WRITE, 0);
    rig_avail(r, 0);
    assert_int_equal(rig_pop(r, &chain), BP_OK);
    assert_int_equal(virtio_segments(r->v, chain.handle, 1, 150, 100, s, &n), BP_OK);
    assert_int_equal(n, 2);
    assert_int_equal(s[0].gpa, RIG_DATA + 0x1000 + 150);
    assert_int_equal(s[0].size, 50);
    assert_int_equal(s[1].gpa, RIG_DATA + 0x2000);
    assert_int_equal(s[1].size, 50);
    n = 4;
    assert_int_equal(virtio_segments(r->v, chain.handle, 0, 16, 84, s, &n), BP_OK);
    assert_int_equal(n, 1);
    assert_int_equal(s[0].gpa, RIG_DATA + 16);
    n = 1;
    assert_int_equal(virtio_segments(r->v, chain.handle, 1, 150, 100, s, &n), BP_ERR_NO_SPACE);
    n = 4;
    assert_int_equal(virtio_segments(r->v, chain.handle, 1, 0, 501, s, &n), BP_ERR_RANGE);
    assert_int_equal(virtio_segments(r->v, chain.handle, 0, 101, 0, s, &n), BP_ERR_RANGE);
}

static void what_the_driver_changes_after_the_fetch_does_not_matter(void **state)
{
    struct rig *r = *state;
    struct bp_virtio_chain chain;
    struct bp_segment s[2];
    uint32_t n = 2;
    rig_start(r, 0);
    rig_desc(r, 0, RIG_DATA, 64, DESC_WRITE, 0);
    rig_avail(r, 0);
    assert_int_equal(rig_pop(r, &chain), BP_OK);
    rig_desc(r, 0, 0, UINT32_MAX, DESC_WRITE | DESC_NEXT, 0);
    assert_int_equal(virtio_segments(r->v, chain.handle, 1, 0, 64, s, &n), BP_OK);
    assert_int_equal(n, 1);
    assert_int_equal(s[0].gpa, RIG_DATA);
    assert_int_equal(virtio_push(r->v, chain.handle, 64), BP_OK);
    assert_int_equal(virtio_status(r->v) & VIRTIO_NEEDS_RESET, 0);
}

static void a_push_fills_the_used_ring_and_interrupts(void **state)
{
    struct rig *r = *state;
    struct bp_virtio_chain chain;
    rig_start(r, 0);
    rig_desc(r, 5, RIG_DATA, 64, DESC_WRITE, 0);
    rig_avail(r, 5);
    assert_int_equal(rig_pop(r, &chain), BP_OK);
    assert_int_equal(virtio_push(r->v, chain.handle, 65), BP_ERR_RANGE);
    assert_int_equal(rig_used_idx(r), 0);
    assert_int_equal(virtio_push(r->v, chain.handle, 40), BP_OK);
    assert_int_equal(rig_used_idx(r), 1);
    assert_int_equal(rig_get(r, RIG_USED(0) + 4, 4), 5);
    assert_int_equal(rig_get(r, RIG_USED(0) + 8, 4), 40);
    assert_true(r->line);
    assert_int_equal(virtio_interrupt_status(r->v), 1);
    virtio_interrupt_ack(r->v, 1);
    assert_false(r->line);
    assert_int_equal(virtio_push(r->v, chain.handle, 0), BP_ERR_STALE);
}

static void a_driver_that_wants_no_interrupt_gets_none(void **state)
{
    struct rig *r = *state;
    struct bp_virtio_chain chain;
    rig_start(r, 0);
    rig_put(r, RIG_AVAIL(0), 1, 2); /* VIRTQ_AVAIL_F_NO_INTERRUPT */
    rig_desc(r, 0, RIG_DATA, 64, DESC_WRITE, 0);
    rig_avail(r, 0);
    assert_int_equal(rig_pop(r, &chain), BP_OK);
    assert_int_equal(virtio_push(r->v, chain.handle, 0), BP_OK);
    assert_false(r->line);
    assert_int_equal(rig_used_idx(r), 1);
}

static void the_used_event_index_says_which_push_interrupts(void **state)
{
    struct rig *r = *state;
    struct bp_virtio_chain chain;
    rig_start(r, FEATURE_EVENT_IDX);
    rig_put(r, RIG_AVAIL(0) + 4 + 2 * RIG_QUEUE_SIZE, 2, 2); /* used_event: the third entry */
    for (uint32_t i = 0; i < 4; i++) {
        rig_desc(r, i, RIG_DATA, 64, DESC_WRITE, 0);
        rig_avail(r, i);
    }
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(rig_pop(r, &chain), BP_OK);
        assert_int_equal(virtio_push(r->v, chain.handle, 0), BP_OK);
        assert_int_equal(r->line, i == 2);
        virtio_interrupt_ack(r->v, 1);
    }
}

static void the_driver_is_asked_to_notify_only_when_the_queue_is_empty(void **state)
{
    struct rig *r = *state;
    struct bp_virtio_chain chain;
    rig_start(r, 0);
    rig_desc(r, 0, RIG_DATA, 64, 0, 0);
    rig_avail(r, 0);
    assert_int_equal(rig_pop(r, &chain), BP_OK);
    assert_int_equal(rig_get(r, RIG_USED(0), 2), 1); /* VIRTQ_USED_F_NO_NOTIFY */
    assert_int_equal(rig_pop(r, &chain), BP_ERR_NOT_FOUND);
    assert_int_equal(rig_get(r, RIG_USED(0), 2), 0);
}

static void the_avail_event_index_is_the_next_chain_when_the_queue_is_empty(void **state)
{
    struct rig *r = *state;
    struct bp_virtio_chain chain;
    const uint64_t avail_event = RIG_USED(0) + 4 + 8 * RIG_QUEUE_SIZE;
    rig_start(r, FEATURE_EVENT_IDX);
    for (uint32_t i = 0; i < 3; i++) {
        rig_desc(r, i, RIG_DATA, 64, 0, 0);
        rig_avail(r, i);
    }
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(rig_pop(r, &chain), BP_OK);
    assert_int_equal(rig_get(r, avail_event, 2), 0);
    assert_int_equal(rig_pop(r, &chain), BP_ERR_NOT_FOUND);
    assert_int_equal(rig_get(r, avail_event, 2), 3);
    assert_int_equal(rig_get(r, RIG_USED(0), 2), 0); /* flags are not used then */
}

static void an_indirect_table_holds_a_whole_chain(void **state)
{
    struct rig *r = *state;
    struct bp_virtio_chain chain;
    rig_start(r, FEATURE_INDIRECT);
    rig_desc(r, 2, RIG_INDIRECT, 3 * 16, DESC_INDIRECT | DESC_WRITE, 9); /* WRITE is ignored */
    rig_indirect(r, 0, RIG_DATA, 16, DESC_NEXT, 2);
    rig_indirect(r, 2, RIG_DATA + 0x100, 32, DESC_NEXT | DESC_WRITE, 1);
    rig_indirect(r, 1, RIG_DATA + 0x200, 1, DESC_WRITE, 0);
    rig_avail(r, 2);
    assert_int_equal(rig_pop(r, &chain), BP_OK);
    assert_int_equal(chain.readable, 16);
    assert_int_equal(chain.writable, 33);
    assert_int_equal(virtio_push(r->v, chain.handle, 33), BP_OK);
    assert_int_equal(rig_get(r, RIG_USED(0) + 4, 4), 2);
}

static void an_indirect_table_ends_a_chain_of_direct_ones(void **state)
{
    struct rig *r = *state;
    struct bp_virtio_chain chain;
    rig_start(r, FEATURE_INDIRECT);
    rig_desc(r, 0, RIG_DATA, 16, DESC_NEXT, 1);
    rig_desc(r, 1, RIG_INDIRECT, 2 * 16, DESC_INDIRECT, 0);
    rig_indirect(r, 0, RIG_DATA + 0x100, 100, DESC_NEXT, 1);
    rig_indirect(r, 1, RIG_DATA + 0x200, 8, DESC_WRITE, 0);
    rig_avail(r, 0);
    assert_int_equal(rig_pop(r, &chain), BP_OK);
    assert_int_equal(chain.readable, 116);
    assert_int_equal(chain.writable, 8);
}

static void indexes_wrap_around_at_65536(void **state)
{
    struct rig *r = *state;
    struct bp_virtio_chain chain;
    rig_start(r, FEATURE_EVENT_IDX);
    for (uint32_t i = 0; i < RIG_QUEUE_SIZE; i++)
        rig_desc(r, i, RIG_DATA + i, 1, DESC_WRITE, 0);
    for (uint32_t i = 0; i < 70000; i++) {
        rig_avail(r, i % RIG_QUEUE_SIZE);
        assert_int_equal(rig_pop(r, &chain), BP_OK);
        assert_int_equal(virtio_push(r->v, chain.handle, 1), BP_OK);
    }
    assert_int_equal(rig_used_idx(r), 70000 % 65536);
    assert_int_equal(r->n_logs, 0);
}

static void a_queue_may_be_full_and_answers_may_come_in_any_order(void **state)
{
    struct rig *r = *state;
    struct bp_virtio_chain chain[RIG_QUEUE_SIZE];
    rig_start(r, 0);
    for (uint32_t i = 0; i < RIG_QUEUE_SIZE; i++) {
        rig_desc(r, i, RIG_DATA + i, 1, DESC_WRITE, 0);
        rig_avail(r, i);
    }
    for (uint32_t i = 0; i < RIG_QUEUE_SIZE; i++)
        assert_int_equal(rig_pop(r, &chain[i]), BP_OK);
    for (uint32_t i = RIG_QUEUE_SIZE; i-- > 0;)
        assert_int_equal(virtio_push(r->v, chain[i].handle, 1), BP_OK);
    assert_int_equal(rig_get(r, RIG_USED(0) + 4, 4), RIG_QUEUE_SIZE - 1);
    assert_int_equal(rig_used_idx(r), RIG_QUEUE_SIZE);
}

static void a_reset_makes_chains_stale_for_ever(void **state)
{
    struct rig *r = *state;
    struct bp_virtio_chain old, new;
    uint8_t byte = 0;
    rig_start(r, 0);
    rig_desc(r, 0, RIG_DATA, 64, DESC_WRITE, 0);
    rig_avail(r, 0);
    assert_int_equal(rig_pop(r, &old), BP_OK);
    virtio_set_status(r->v, 0);
    assert_int_equal(virtio_push(r->v, old.handle, 0), BP_ERR_STALE);
    memset(r->ram, 0, 0x1000);
    r->avail_idx[0] = 0;
    rig_start(r, 0);
    rig_desc(r, 0, RIG_DATA, 64, DESC_WRITE, 0);
    rig_avail(r, 0);
    assert_int_equal(rig_pop(r, &new), BP_OK);
    assert_true(old.handle != new.handle);
    assert_int_equal(virtio_write(r->v, old.handle, 0, &byte, 1), BP_ERR_STALE);
    assert_int_equal(virtio_push(r->v, old.handle, 0), BP_ERR_STALE);
    assert_int_equal(rig_used_idx(r), 0);
    assert_int_equal(virtio_push(r->v, new.handle, 1), BP_OK);
}

static void handles_that_never_were_are_stale(void **state)
{
    struct rig *r = *state;
    static const bp_handle wrong[] = {0, 1, UINT64_MAX, UINT64_C(1) << 32, 0x10000, 0xffff};
    uint8_t byte;
    rig_start(r, 0);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(virtio_read(r->v, wrong[i], 0, &byte, 1), BP_ERR_STALE);
        assert_int_equal(virtio_push(r->v, wrong[i], 0), BP_ERR_STALE);
    }
}

/* --- What does not work ----------------------------------------------------------------------- */

/* The next pop finds a broken ring, and from then on the device waits for its reset. */
static void expect_broken(struct rig *r, const char *text)
{
    struct bp_virtio_chain chain;
    virtio_interrupt_ack(r->v, 3);
    assert_int_equal(rig_pop(r, &chain), BP_ERR_FORMAT);
    assert_int_equal(virtio_status(r->v) & VIRTIO_NEEDS_RESET, VIRTIO_NEEDS_RESET);
    assert_int_equal(virtio_interrupt_status(r->v), 2);
    assert_true(r->line);
    if (strstr(r->log, text) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", text, r->log);
    assert_int_equal(rig_pop(r, &chain), BP_ERR_FORMAT);
    virtio_notify(r->v, 0);
    assert_int_equal(r->n_notified[0], 0);
    virtio_set_status(r->v, 0);
    assert_int_equal(virtio_status(r->v), 0);
    assert_false(r->line);
}

/* One hostile chain with head 0: direct descriptors, then those of the indirect table. */
struct hostile {
    const char *text;
    uint64_t features;
    struct {
        uint64_t gpa;
        uint32_t size, flags, next;
    } direct[3], indirect[2];
};

static const struct hostile hostile[] = {
    {"closes a loop", 0, {{RIG_DATA, 1, DESC_NEXT, 1}, {RIG_DATA, 1, DESC_NEXT, 0}}, {{0}}},
    {"closes a loop", 0, {{RIG_DATA, 1, DESC_NEXT, 0}}, {{0}}},
    {"beyond the end of its table", 0, {{RIG_DATA, 1, DESC_NEXT, RIG_QUEUE_SIZE}}, {{0}}},
    {"beyond the end of its table", 0, {{RIG_DATA, 1, DESC_NEXT, 0xffff}}, {{0}}},
    {"has no bytes", 0, {{RIG_DATA, 0, 0, 0}}, {{0}}},
    {"not RAM", 0, {{0, 1, 0, 0}}, {{0}}},
    {"not RAM", 0, {{RIG_RAM_GPA + RIG_RAM_BYTES - 1, 2, 0, 0}}, {{0}}},
    {"not RAM", 0, {{RIG_RAM_GPA - 1, 2, DESC_WRITE, 0}}, {{0}}},
    {"not RAM", 0, {{UINT64_MAX, 1, DESC_WRITE, 0}}, {{0}}},
    {"not RAM", 0, {{RIG_DATA, UINT32_MAX, DESC_WRITE, 0}}, {{0}}},
    {"readable behind a writable",
     0,
     {{RIG_DATA, 1, DESC_WRITE | DESC_NEXT, 1}, {RIG_DATA, 1, 0, 0}},
     {{0}}},
    {"was not negotiated", 0, {{RIG_INDIRECT, 16, DESC_INDIRECT, 0}}, {{RIG_DATA, 1, 0, 0}}},
    {"indirect in an indirect table",
     FEATURE_INDIRECT,
     {{RIG_INDIRECT, 16, DESC_INDIRECT, 0}},
     {{RIG_INDIRECT, 16, DESC_INDIRECT, 0}}},
    {"and has a next one",
     FEATURE_INDIRECT,
     {{RIG_INDIRECT, 16, DESC_INDIRECT | DESC_NEXT, 1}, {RIG_DATA, 1, 0, 0}},
     {{RIG_DATA, 1, 0, 0}}},
    {"wrong size", FEATURE_INDIRECT, {{RIG_INDIRECT, 0, DESC_INDIRECT, 0}}, {{0}}},
    {"wrong size", FEATURE_INDIRECT, {{RIG_INDIRECT, 17, DESC_INDIRECT, 0}}, {{0}}},
    {"wrong size", FEATURE_INDIRECT, {{RIG_INDIRECT, 1025 * 16, DESC_INDIRECT, 0}}, {{0}}},
    {"wrong size", FEATURE_INDIRECT, {{RIG_INDIRECT, 0xfffffff0, DESC_INDIRECT, 0}}, {{0}}},
    {"not in RAM", FEATURE_INDIRECT, {{UINT64_MAX - 15, 16, DESC_INDIRECT, 0}}, {{0}}},
    {"not in RAM", FEATURE_INDIRECT, {{0x1000, 32, DESC_INDIRECT, 0}}, {{0}}},
    {"indirect descriptor 1 closes a loop",
     FEATURE_INDIRECT,
     {{RIG_INDIRECT, 32, DESC_INDIRECT, 0}},
     {{RIG_DATA, 1, DESC_NEXT, 1}, {RIG_DATA, 1, DESC_NEXT, 1}}},
    {"indirect descriptor 2 is beyond",
     FEATURE_INDIRECT,
     {{RIG_INDIRECT, 32, DESC_INDIRECT, 0}},
     {{RIG_DATA, 1, DESC_NEXT, 2}, {0}}},
    {"readable behind a writable",
     FEATURE_INDIRECT,
     {{RIG_DATA, 1, DESC_WRITE | DESC_NEXT, 1}, {RIG_INDIRECT, 16, DESC_INDIRECT, 0}},
     {{RIG_DATA, 1, 0, 0}}},
};

static void every_hostile_chain_stops_the_device_until_its_reset(void **state)
{
    struct rig *r = *state;
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        const struct hostile *h = &hostile[i];
        memset(r->ram, 0, RIG_RAM_BYTES);
        r->avail_idx[0] = 0;
        rig_start(r, h->features);
        for (uint32_t k = 0; k < 3; k++)
            rig_desc(r, k, h->direct[k].gpa, h->direct[k].size, h->direct[k].flags,
                     h->direct[k].next);
        for (uint32_t k = 0; k < 2; k++)
            rig_indirect(r, k, h->indirect[k].gpa, h->indirect[k].size, h->indirect[k].flags,
                         h->indirect[k].next);
        rig_avail(r, 0);
        expect_broken(r, h->text);
    }
}

static void more_than_4_gib_in_a_chain_is_refused(void **state)
{
    struct rig *r = *state;
    /* RAM of 4 GiB need not exist for this: nothing is copied. */
    r->memory.slots[1] = (struct memory_slot){UINT64_C(1) << 32, UINT64_C(1) << 32, r->ram};
    r->memory.n_slots = 2;
    rig_start(r, 0);
    rig_desc(r, 0, UINT64_C(1) << 32, UINT32_MAX, DESC_NEXT | DESC_WRITE, 1);
    rig_desc(r, 1, UINT64_C(1) << 32, 2, DESC_WRITE, 0);
    rig_avail(r, 0);
    expect_broken(r, "longer than 4 GiB");
}

static void a_chain_longer_than_any_queue_is_refused(void **state)
{
    struct rig *r = *state;
    rig_start(r, FEATURE_INDIRECT);
    rig_desc(r, 0, RIG_DATA, 1, DESC_NEXT, 1);
    rig_desc(r, 1, RIG_INDIRECT, 1024 * 16, DESC_INDIRECT, 0);
    for (uint32_t i = 0; i < 1024; i++)
        rig_indirect(r, i, RIG_DATA, 1, i == 1023 ? 0 : DESC_NEXT, i + 1);
    rig_avail(r, 0);
    expect_broken(r, "longer than any queue");
}

static void a_chain_of_1024_segments_is_fetched(void **state)
{
    struct rig *r = *state;
    struct bp_virtio_chain chain;
    rig_start(r, FEATURE_INDIRECT);
    rig_desc(r, 0, RIG_INDIRECT, 1024 * 16, DESC_INDIRECT, 0);
    for (uint32_t i = 0; i < 1024; i++)
        rig_indirect(r, i, RIG_DATA + i, 1, i == 1023 ? 0 : DESC_NEXT, i + 1);
    rig_avail(r, 0);
    assert_int_equal(rig_pop(r, &chain), BP_OK);
    assert_int_equal(chain.n_readable, 1024);
}

static void an_available_index_that_jumps_is_refused(void **state)
{
    struct rig *r = *state;
    rig_start(r, 0);
    rig_desc(r, 0, RIG_DATA, 1, 0, 0);
    rig_put(r, RIG_AVAIL(0) + 2, RIG_QUEUE_SIZE + 1, 2);
    expect_broken(r, "available index 17 is more than 16 ahead");
}

static void an_available_index_that_goes_back_is_refused(void **state)
{
    struct rig *r = *state;
    rig_start(r, 0);
    rig_put(r, RIG_AVAIL(0) + 2, 0xffff, 2);
    expect_broken(r, "ahead");
}

static void more_chains_than_descriptors_are_refused(void **state)
{
    struct rig *r = *state;
    struct bp_virtio_chain chain;
    rig_start(r, 0);
    for (uint32_t i = 0; i < RIG_QUEUE_SIZE; i++) {
        rig_desc(r, i, RIG_DATA, 1, DESC_WRITE, 0);
        rig_avail(r, i);
        assert_int_equal(rig_pop(r, &chain), BP_OK);
    }
    rig_avail(r, 0);
    expect_broken(r, "ahead");
}

static void a_head_beyond_the_table_is_refused(void **state)
{
    struct rig *r = *state;
    rig_start(r, 0);
    rig_avail(r, RIG_QUEUE_SIZE);
    expect_broken(r, "descriptor 16 is available, but it has 16");
}

static void a_head_that_is_still_in_use_is_refused(void **state)
{
    struct rig *r = *state;
    struct bp_virtio_chain chain;
    rig_start(r, 0);
    rig_desc(r, 4, RIG_DATA, 1, DESC_WRITE, 0);
    rig_avail(r, 4);
    assert_int_equal(rig_pop(r, &chain), BP_OK);
    rig_avail(r, 4);
    expect_broken(r, "still in use");
    assert_int_equal(virtio_push(r->v, chain.handle, 0), BP_ERR_STALE);
}

static void a_broken_device_does_not_touch_its_ring(void **state)
{
    struct rig *r = *state;
    struct bp_virtio_chain chain, other;
    rig_start(r, 0);
    rig_desc(r, 0, RIG_DATA, 1, DESC_WRITE, 0);
    rig_avail(r, 0);
    assert_int_equal(rig_pop(r, &chain), BP_OK);
    rig_avail(r, 99);
    assert_int_equal(rig_pop(r, &other), BP_ERR_FORMAT);
    assert_int_equal(virtio_push(r->v, chain.handle, 1), BP_ERR_STATE);
    assert_int_equal(virtio_push(r->v, chain.handle, 1), BP_ERR_STALE);
    assert_int_equal(rig_used_idx(r), 0);
}

/* --- Queue set-up ----------------------------------------------------------------------------- */

struct bad_queue {
    const char *text;
    uint64_t size, desc, driver, device;
};

static const struct bad_queue bad_queues[] = {
    {"size 0 is not", 0, RIG_DESC(0), RIG_AVAIL(0), RIG_USED(0)},
    {"size 3 is not", 3, RIG_DESC(0), RIG_AVAIL(0), RIG_USED(0)},
    {"size 32 is not", 32, RIG_DESC(0), RIG_AVAIL(0), RIG_USED(0)},
    {"size 4294967295 is not", UINT64_MAX, RIG_DESC(0), RIG_AVAIL(0), RIG_USED(0)},
    {"descriptor table at 0x80000008 is not aligned", 16, RIG_DESC(0) + 8, RIG_AVAIL(0),
     RIG_USED(0)},
    {"driver area at 0x80000401 is not aligned", 16, RIG_DESC(0), RIG_AVAIL(0) + 1, RIG_USED(0)},
    {"device area at 0x80000802 is not aligned", 16, RIG_DESC(0), RIG_AVAIL(0), RIG_USED(0) + 2},
    {"descriptor table, 256 bytes at 0x0, does not lie in RAM", 16, 0, RIG_AVAIL(0), RIG_USED(0)},
    {"descriptor table, 256 bytes at 0x8003ff10, does not", 16, RIG_RAM_GPA + RIG_RAM_BYTES - 240,
     RIG_AVAIL(0), RIG_USED(0)},
    {"driver area, 38 bytes at 0x8003ffdc, does not", 16, RIG_DESC(0),
     RIG_RAM_GPA + RIG_RAM_BYTES - 36, RIG_USED(0)},
    {"device area, 134 bytes at 0x8003ff7c, does not", 16, RIG_DESC(0), RIG_AVAIL(0),
     RIG_RAM_GPA + RIG_RAM_BYTES - 132},
    {"device area, 134 bytes at 0xfffffffffffffffc, does not", 16, RIG_DESC(0), RIG_AVAIL(0),
     UINT64_MAX - 3},
};

static void every_bad_queue_stays_not_ready_and_needs_a_reset(void **state)
{
    struct rig *r = *state;
    for (size_t i = 0; i < sizeof(bad_queues) / sizeof(bad_queues[0]); i++) {
        const struct bad_queue *b = &bad_queues[i];
        rig_negotiate(r, 0);
        virtio_queue_set(r->v, 0, BP_VIRTQ_SIZE, b->size);
        virtio_queue_set(r->v, 0, BP_VIRTQ_DESC, b->desc);
        virtio_queue_set(r->v, 0, BP_VIRTQ_DRIVER, b->driver);
        virtio_queue_set(r->v, 0, BP_VIRTQ_DEVICE, b->device);
        virtio_queue_set(r->v, 0, BP_VIRTQ_READY, 1);
        assert_int_equal(virtio_queue_get(r->v, 0, BP_VIRTQ_READY), 0);
        assert_int_equal(virtio_status(r->v) & VIRTIO_NEEDS_RESET, VIRTIO_NEEDS_RESET);
        assert_int_equal(virtio_interrupt_status(r->v), 0);
        if (strstr(r->log, b->text) == NULL)
            fail_msg("\"%s\" is not in \"%s\"", b->text, r->log);
        virtio_set_status(r->v, 0);
    }
}

static void fields_of_a_ready_queue_are_frozen(void **state)
{
    struct rig *r = *state;
    static const uint32_t fields[] = {BP_VIRTQ_SIZE, BP_VIRTQ_DESC, BP_VIRTQ_DRIVER,
                                      BP_VIRTQ_DEVICE};
    rig_negotiate(r, 0);
    rig_enable_queue(r, 0);
    for (uint32_t i = 0; i < 4; i++) {
        uint64_t before = virtio_queue_get(r->v, 0, fields[i]);
        virtio_queue_set(r->v, 0, fields[i], 8);
        assert_int_equal(virtio_queue_get(r->v, 0, fields[i]), before);
    }
    virtio_queue_set(r->v, 0, BP_VIRTQ_READY, 0); /* before DRIVER_OK it may be thought over */
    virtio_queue_set(r->v, 0, BP_VIRTQ_SIZE, 8);
    assert_int_equal(virtio_queue_get(r->v, 0, BP_VIRTQ_SIZE), 8);
}

static void after_driver_ok_no_queue_can_be_set_up(void **state)
{
    struct rig *r = *state;
    rig_start(r, 0);
    rig_enable_queue(r, 1);
    assert_int_equal(virtio_queue_get(r->v, 1, BP_VIRTQ_DESC), 0);
    assert_int_equal(virtio_queue_get(r->v, 1, BP_VIRTQ_READY), 0);
    assert_int_equal(virtio_status(r->v), 15);
}

static void a_live_queue_that_is_stopped_stays_stopped_until_the_reset(void **state)
{
    struct rig *r = *state;
    struct bp_virtio_chain chain;
    rig_start(r, 0);
    rig_desc(r, 0, RIG_DATA, 1, DESC_WRITE, 0);
    rig_avail(r, 0);
    assert_int_equal(rig_pop(r, &chain), BP_OK);
    virtio_queue_set(r->v, 0, BP_VIRTQ_READY, 0);
    assert_int_equal(virtio_queue_get(r->v, 0, BP_VIRTQ_READY), 0);
    assert_int_equal(virtio_push(r->v, chain.handle, 1), BP_ERR_STALE);
    assert_int_equal(rig_used_idx(r), 0);
    virtio_queue_set(r->v, 0, BP_VIRTQ_READY, 1);
    assert_int_equal(virtio_queue_get(r->v, 0, BP_VIRTQ_READY), 0);
    assert_int_equal(rig_pop(r, &chain), BP_ERR_STATE);
    virtio_set_status(r->v, 0);
    memset(r->ram, 0, 0x1000);
    rig_start(r, 0);
    assert_int_equal(virtio_queue_get(r->v, 0, BP_VIRTQ_READY), 1);
}

static void a_queue_that_does_not_exist_reads_zero(void **state)
{
    struct rig *r = *state;
    struct bp_virtio_chain chain = {.struct_size = sizeof(chain)};
    rig_start(r, 0);
    for (uint32_t field = 0; field < 10; field++)
        assert_int_equal(virtio_queue_get(r->v, RIG_QUEUES, field), 0);
    virtio_queue_set(r->v, RIG_QUEUES, BP_VIRTQ_READY, 1);
    virtio_queue_set(r->v, UINT32_MAX, BP_VIRTQ_SIZE, 1);
    virtio_notify(r->v, UINT32_MAX);
    assert_int_equal(virtio_pop(r->v, RIG_QUEUES, &chain), BP_ERR_STATE);
    assert_int_equal(virtio_pop(r->v, 1, &chain), BP_ERR_STATE); /* exists, is not ready */
}

static void a_smaller_queue_uses_the_smaller_rings(void **state)
{
    struct rig *r = *state;
    struct bp_virtio_chain chain;
    r->queue_size = 2;
    rig_start(r, FEATURE_EVENT_IDX);
    for (uint32_t i = 0; i < 7; i++) {
        rig_desc(r, i % 2, RIG_DATA, 1, DESC_WRITE, 0);
        rig_avail(r, i % 2);
        assert_int_equal(rig_pop(r, &chain), BP_OK);
        assert_int_equal(virtio_push(r->v, chain.handle, 1), BP_OK);
    }
    assert_int_equal(rig_pop(r, &chain), BP_ERR_NOT_FOUND);
    assert_int_equal(rig_get(r, RIG_USED(0) + 4 + 8 * 2, 2), 7); /* avail_event */
}

/* --- Several at once -------------------------------------------------------------------------- */

/* `n` chains of 16 writable bytes each, fetched; `used` ends them with 1, 2, 3 ... bytes. */
static void fetch(struct rig *r, struct bp_virtio_used *used, uint32_t n)
{
    struct bp_virtio_chain chain;
    for (uint32_t i = 0; i < n; i++) {
        rig_desc(r, i, RIG_DATA + 16 * i, 16, DESC_WRITE, 0);
        rig_avail(r, i);
        assert_int_equal(rig_pop(r, &chain), BP_OK);
        used[i] = (struct bp_virtio_used){.chain = chain.handle, .written = i + 1};
    }
}

static void chains_that_end_together_are_seen_together_and_interrupt_once(void **state)
{
    struct rig *r = *state;
    struct bp_virtio_used used[3];
    rig_start(r, 0);
    fetch(r, used, 3);
    assert_int_equal(virtio_push_many(r->v, used, 0), BP_OK);
    assert_int_equal(rig_used_idx(r), 0);
    assert_int_equal(virtio_push_many(r->v, used, 3), BP_OK);
    assert_int_equal(rig_used_idx(r), 3);
    assert_int_equal(r->raises, 1);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(rig_get(r, RIG_USED(0) + 4 + 8 * i, 4), i);
        assert_int_equal(rig_get(r, RIG_USED(0) + 8 + 8 * i, 4), i + 1);
        assert_int_equal(virtio_push(r->v, used[i].chain, 0), BP_ERR_STALE);
    }
}

static void an_event_index_among_chains_that_end_together_interrupts(void **state)
{
    struct rig *r = *state;
    struct bp_virtio_used used[4];
    uint64_t used_event = RIG_AVAIL(0) + 4 + 2 * RIG_QUEUE_SIZE;
    rig_start(r, FEATURE_EVENT_IDX);
    for (uint32_t event = 0; event < 12; event++) {
        uint32_t begin = rig_used_idx(r);
        rig_put(r, used_event, event, 2);
        fetch(r, used, 4);
        assert_int_equal(virtio_push_many(r->v, used, 4), BP_OK);
        assert_int_equal(virtio_interrupt_status(r->v), event >= begin && event < begin + 4);
        virtio_interrupt_ack(r->v, 1);
    }
}

static void one_wrong_chain_and_none_of_them_ends(void **state)
{
    struct rig *r = *state;
    struct bp_virtio_used used[3];
    rig_start(r, 0);
    fetch(r, used, 3);
    struct bp_virtio_used wrong[3];
    memcpy(wrong, used, sizeof(wrong));
    wrong[2] = wrong[0]; /* twice */
    assert_int_equal(virtio_push_many(r->v, wrong, 3), BP_ERR_STALE);
    memcpy(wrong, used, sizeof(wrong));
    wrong[1].chain ^= UINT64_C(1) << 32; /* of another time */
    assert_int_equal(virtio_push_many(r->v, wrong, 3), BP_ERR_STALE);
    memcpy(wrong, used, sizeof(wrong));
    wrong[2].written = 17;
    assert_int_equal(virtio_push_many(r->v, wrong, 3), BP_ERR_RANGE);
    assert_int_equal(rig_used_idx(r), 0);
    assert_int_equal(r->raises, 0);
    assert_int_equal(virtio_push_many(r->v, used, 3), BP_OK);
    assert_int_equal(rig_used_idx(r), 3);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_chain_is_fetched_with_its_readable_part_first),
        T(bytes_are_copied_across_segments),
        T(segments_name_the_guest_bytes_of_a_part),
        T(what_the_driver_changes_after_the_fetch_does_not_matter),
        T(a_push_fills_the_used_ring_and_interrupts),
        T(a_driver_that_wants_no_interrupt_gets_none),
        T(the_used_event_index_says_which_push_interrupts),
        T(the_driver_is_asked_to_notify_only_when_the_queue_is_empty),
        T(the_avail_event_index_is_the_next_chain_when_the_queue_is_empty),
        T(an_indirect_table_holds_a_whole_chain),
        T(an_indirect_table_ends_a_chain_of_direct_ones),
        T(indexes_wrap_around_at_65536),
        T(a_queue_may_be_full_and_answers_may_come_in_any_order),
        T(a_reset_makes_chains_stale_for_ever),
        T(handles_that_never_were_are_stale),
        T(every_hostile_chain_stops_the_device_until_its_reset),
        T(more_than_4_gib_in_a_chain_is_refused),
        T(a_chain_longer_than_any_queue_is_refused),
        T(a_chain_of_1024_segments_is_fetched),
        T(an_available_index_that_jumps_is_refused),
        T(an_available_index_that_goes_back_is_refused),
        T(more_chains_than_descriptors_are_refused),
        T(a_head_beyond_the_table_is_refused),
        T(a_head_that_is_still_in_use_is_refused),
        T(a_broken_device_does_not_touch_its_ring),
        T(every_bad_queue_stays_not_ready_and_needs_a_reset),
        T(fields_of_a_ready_queue_are_frozen),
        T(after_driver_ok_no_queue_can_be_set_up),
        T(a_live_queue_that_is_stopped_stays_stopped_until_the_reset),
        T(a_queue_that_does_not_exist_reads_zero),
        T(a_smaller_queue_uses_the_smaller_rings),
        T(chains_that_end_together_are_seen_together_and_interrupt_once),
        T(an_event_index_among_chains_that_end_together_interrupts),
        T(one_wrong_chain_and_none_of_them_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
