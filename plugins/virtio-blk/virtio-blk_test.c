/* virtio-blk on the bench. Layouts, types and bits are those of virtio 1.2, section 5.2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <backplane/bench.h>

#define IN           0u
#define OUT          1u
#define FLUSH        4u
#define GET_ID       8u
#define DISCARD      11u
#define WRITE_ZEROES 13u

#define S_OK     0u
#define S_IOERR  1u
#define S_UNSUPP 2u

#define F_FLUSH      (UINT64_C(1) << 9)
#define F_CONFIG_WCE (UINT64_C(1) << 11)
#define ALL          (F_FLUSH | F_CONFIG_WCE | 0x6444)

#define DISK_BYTES 0x100000u

static const struct bench_setup writable = {
    .disk_bytes = DISK_BYTES, .disk_flags = BP_BLOCK_DISCARD, .ram_bytes = 8 << 20};
static const struct bench_setup read_only = {.disk_bytes = DISK_BYTES,
                                             .disk_flags = BP_BLOCK_READ_ONLY};

static int setup(void **state)
{
    struct bench *b = bench_create_with(BENCH_CLASS, &writable);
    uint8_t *disk = bench_disk(b, "block", NULL);
    for (uint32_t i = 0; i < DISK_BYTES; i++)
        disk[i] = (uint8_t)(i / 512 + i);
    bench_virtio_activate(b, ALL);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    bench_destroy(*state);
    return 0;
}

/* A request with `size` bytes behind the header, and `room` bytes before the status. */
static uint32_t add(struct bench *b, uint32_t type, uint64_t sector, const void *data,
                    uint32_t size, uint32_t room)
{
    static uint8_t bytes[1 << 20];
    memset(bytes, 0, 16);
    bytes[0] = (uint8_t)type;
    bytes[1] = (uint8_t)(type >> 8);
    for (uint32_t i = 0; i < 8; i++)
        bytes[8 + i] = (uint8_t)(sector >> (8 * i));
    if (size != 0)
        memcpy(bytes + 16, data, size);
    return bench_virtq_add(b, 0, bytes, 16 + size, room + 1);
}

static uint8_t status_of(struct bench *b, uint32_t chain, uint32_t room)
{
    uint8_t status = 0xff;
    assert_int_equal(bench_virtq_done(b, chain), 1);
    bench_virtq_result(b, chain, room, &status, 1);
    return status;
}

static uint8_t run(struct bench *b, uint32_t type, uint64_t sector, const void *data, uint32_t size,
                   uint32_t room)
{
    uint32_t chain = add(b, type, sector, data, size, room);
    bench_virtio_notify(b, 0);
    return status_of(b, chain, room);
}

static void put64(uint8_t *at, uint64_t value)
{
    for (uint32_t i = 0; i < 8; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t config(struct bench *b, uint32_t offset, uint32_t bytes)
{
    uint8_t raw[8] = {0};
    uint64_t value = 0;
    bench_virtio_config_read(b, offset, raw, bytes);
    for (uint32_t i = bytes; i-- > 0;)
        value = value << 8 | raw[i];
    return value;
}

/* --- What it says of itself ------------------------------------------------------------------- */

static void the_configuration_describes_the_disk(void **state)
{
    struct bench *b = *state;
    assert_int_equal(bench_virtio_device_id(b), 2);
    assert_int_equal(bench_virtio_features(b),
                     1u << 2 | 1u << 6 | 1u << 9 | 1u << 10 | 1u << 11 | 1u << 13 | 1u << 14);
    assert_int_equal(config(b, 0, 8), DISK_BYTES / 512);
    assert_int_equal(config(b, 12, 4), 254); /* seg_max */
    assert_int_equal(config(b, 20, 4), 512); /* blk_size */
    assert_int_equal(config(b, 24, 1), 0);   /* physical_block_exp */
    assert_int_equal(config(b, 32, 1), 1);   /* writeback */
    assert_int_equal(config(b, 36, 4), 0x400000);
    assert_int_equal(config(b, 40, 4), 16);
    assert_int_equal(config(b, 48, 4), 0x400000);
    assert_int_equal(config(b, 52, 4), 16);
    assert_int_equal(config(b, 1, 2), DISK_BYTES / 512 >> 8); /* any width, any offset */
}

static void a_read_only_disk_offers_no_writing(void **state)
{
    struct bench *b = bench_create_with(BENCH_CLASS, &read_only);
    uint8_t data[512] = {1};
    (void)state;
    assert_int_equal(bench_virtio_features(b), 1u << 2 | 1u << 5 | 1u << 6 | 1u << 10);
    bench_virtio_activate(b, 1u << 5);
    assert_int_equal(run(b, OUT, 0, data, 512, 0), S_IOERR);
    assert_int_equal(bench_disk(b, "block", NULL)[0], 0);
    assert_int_equal(run(b, IN, 0, NULL, 0, 512), S_OK);
    bench_destroy(b);
}

static void the_id_is_the_serial_number(void **state)
{
    struct bench *b = *state;
    char id[20], wanted[20] = "bench-disk";
    uint32_t chain = add(b, GET_ID, 0, NULL, 0, 20);
    bench_virtio_notify(b, 0);
    assert_int_equal(status_of(b, chain, 20), S_OK);
    bench_virtq_result(b, chain, 0, id, 20);
    assert_memory_equal(id, wanted, 20);
    assert_int_equal(run(b, GET_ID, 0, NULL, 0, 4), S_OK); /* as much as fits */
    assert_int_equal(run(b, GET_ID, 0, NULL, 0, 0), S_OK);
    assert_int_equal(run(b, GET_ID, 0, NULL, 0, 512), S_OK);
}

/* --- Reading and writing ---------------------------------------------------------------------- */

static void sectors_are_read_and_the_status_is_last(void **state)
{
    struct bench *b = *state;
    uint8_t data[1536];
    uint32_t chain = add(b, IN, 7, NULL, 0, 1536);
    bench_virtio_notify(b, 0);
    assert_int_equal(status_of(b, chain, 1536), S_OK);
    assert_int_equal(bench_virtq_written(b, chain), 1537);
    bench_virtq_result(b, chain, 0, data, 1536);
    assert_memory_equal(data, bench_disk(b, "block", NULL) + 7 * 512, 1536);
}

static void sectors_are_written(void **state)
{
    struct bench *b = *state;
    uint8_t data[1024];
    memset(data, 0xa5, sizeof(data));
    uint32_t chain = add(b, OUT, 3, data, 1024, 0);
    bench_virtio_notify(b, 0);
    assert_int_equal(status_of(b, chain, 0), S_OK);
    assert_int_equal(bench_virtq_written(b, chain), 1);
    assert_memory_equal(bench_disk(b, "block", NULL) + 3 * 512, data, 1024);
    assert_int_equal(bench_disk(b, "block", NULL)[3 * 512 - 1], (uint8_t)(2 + 3 * 512 - 1));
}

/* 2.6.4: the device makes no assumption on how a request is cut into segments. */
static void any_cut_into_segments_will_do(void **state)
{
    struct bench *b = *state;
    static const uint32_t cuts[] = {1, 3, 7, 16, 17, 511, 513, 1000};
    uint8_t data[1024], back[1024];
    for (uint32_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
        uint64_t sector = 10 * (i + 1);
        memset(data, (int)(0x80 + i), sizeof(data));
        bench_virtq_split(b, cuts[i] < 3 ? 3 : cuts[i]);
        assert_int_equal(run(b, OUT, sector, data, 1024, 0), S_OK);
        uint32_t chain = add(b, IN, sector, NULL, 0, 1024);
        bench_virtio_notify(b, 0);
        assert_int_equal(status_of(b, chain, 1024), S_OK);
        bench_virtq_result(b, chain, 0, back, 1024);
        assert_memory_equal(back, data, 1024);
    }
}

static void the_last_sector_is_there_and_the_next_is_not(void **state)
{
    struct bench *b = *state;
    uint64_t end = DISK_BYTES / 512;
    assert_int_equal(run(b, IN, end - 1, NULL, 0, 512), S_OK);
    assert_int_equal(run(b, IN, end - 1, NULL, 0, 1024), S_IOERR);
    assert_int_equal(run(b, IN, end, NULL, 0, 512), S_IOERR);
    assert_int_equal(run(b, IN, UINT64_MAX, NULL, 0, 512), S_IOERR);
    assert_int_equal(run(b, IN, UINT64_MAX / 512 + 1, NULL, 0, 512), S_IOERR);
    assert_int_equal(run(b, IN, UINT64_C(1) << 55, NULL, 0, 512), S_IOERR);
}

static void a_flush_reaches_the_backend(void **state)
{
    struct bench *b = *state;
    assert_int_equal(run(b, FLUSH, 0, NULL, 0, 0), S_OK);
    assert_int_equal(bench_disk_count(b, "block", BP_BLOCK_FLUSH), 1);
}

static void requests_end_in_any_order(void **state)
{
    struct bench *b = *state;
    uint32_t chain[3];
    bench_disk_hold(b, "block", 1);
    for (uint32_t i = 0; i < 3; i++)
        chain[i] = add(b, IN, i, NULL, 0, 512);
    bench_virtio_notify(b, 0);
    assert_int_equal(bench_disk_waiting(b, "block"), 3);
    bench_disk_finish(b, "block", 1);
    assert_int_equal(bench_virtq_done(b, chain[0]), 0);
    assert_int_equal(bench_virtq_done(b, chain[1]), 1);
    bench_disk_finish(b, "block", 1);
    assert_int_equal(bench_virtq_done(b, chain[2]), 1);
    bench_disk_finish(b, "block", 0);
    assert_int_equal(bench_virtq_done(b, chain[0]), 1);
    bench_disk_hold(b, "block", 0);
}

static void more_requests_than_places_wait_in_the_queue(void **state)
{
    struct bench *b = *state;
    bench_disk_hold(b, "block", 1);
    for (uint32_t i = 0; i < 300; i++)
        (void)add(b, IN, i, NULL, 0, 512);
    bench_virtio_notify(b, 0);
    assert_int_equal(bench_disk_waiting(b, "block"), 256);
    assert_int_equal(bench_virtq_waiting(b, 0), 44);
    bench_disk_finish(b, "block", 5);
    assert_int_equal(bench_virtq_waiting(b, 0), 43);
    bench_disk_hold(b, "block", 0);
    bench_settle(b);
    assert_int_equal(bench_virtq_done_count(b), 300);
}

static void the_device_goes_on_by_itself_after_many_short_requests(void **state)
{
    struct bench *b = *state;
    for (uint32_t i = 0; i < 1000; i++)
        (void)add(b, GET_ID, 0, NULL, 0, 20); /* ends at once: bounded in one go */
    bench_virtio_notify(b, 0);
    assert_int_equal(bench_virtq_done_count(b), 1000);
}

/* --- Write cache ------------------------------------------------------------------------------ */

static void without_flush_a_write_ends_on_stable_storage(void **state)
{
    struct bench *b = *state;
    uint8_t data[512] = {1};
    bench_virtio_reset(b);
    bench_virtio_activate(b, 0);
    bench_disk_hold(b, "block", 1);
    uint32_t chain = add(b, OUT, 0, data, 512, 0);
    bench_virtio_notify(b, 0);
    bench_disk_finish(b, "block", 0);
    assert_int_equal(bench_virtq_done(b, chain), 0);
    assert_int_equal(bench_disk_count(b, "block", BP_BLOCK_FLUSH), 1);
    bench_disk_finish(b, "block", 0);
    assert_int_equal(status_of(b, chain, 0), S_OK);
    bench_disk_hold(b, "block", 0);
    assert_int_equal(run(b, IN, 0, NULL, 0, 512), S_OK);
    assert_int_equal(bench_disk_count(b, "block", BP_BLOCK_FLUSH), 1); /* reads need none */
}

static void the_driver_turns_the_cache_off_and_on(void **state)
{
    struct bench *b = *state;
    uint8_t data[512] = {1};
    uint8_t off = 0, on = 1;
    assert_int_equal(run(b, OUT, 0, data, 512, 0), S_OK);
    assert_int_equal(bench_disk_count(b, "block", BP_BLOCK_FLUSH), 0);
    bench_virtio_config_write(b, 32, &off, 1);
    assert_int_equal(config(b, 32, 1), 0);
    assert_int_equal(run(b, OUT, 0, data, 512, 0), S_OK);
    assert_int_equal(bench_disk_count(b, "block", BP_BLOCK_FLUSH), 1);
    bench_virtio_config_write(b, 32, &on, 1);
    assert_int_equal(run(b, OUT, 0, data, 512, 0), S_OK);
    assert_int_equal(bench_disk_count(b, "block", BP_BLOCK_FLUSH), 1);
    bench_virtio_config_write(b, 0, &off, 1); /* nothing else can be written */
    assert_int_equal(config(b, 0, 8), DISK_BYTES / 512);
    assert_int_equal(bench_log_count(b, BP_LOG_GUEST), 1);
}

static void a_write_whose_flush_fails_has_failed(void **state)
{
    struct bench *b = *state;
    uint8_t data[512] = {1};
    bench_virtio_reset(b);
    bench_virtio_activate(b, 0);
    bench_disk_hold(b, "block", 1);
    uint32_t chain = add(b, OUT, 0, data, 512, 0);
    bench_virtio_notify(b, 0);
    bench_disk_finish(b, "block", 0);
    bench_disk_fail(b, "block", BP_ERR_IO);
    bench_disk_finish(b, "block", 0);
    assert_int_equal(status_of(b, chain, 0), S_IOERR);
    bench_disk_hold(b, "block", 0);
}

/* --- Discard and write zeroes ----------------------------------------------------------------- */

static void range(uint8_t *at, uint64_t sector, uint32_t n, uint32_t flags)
{
    put64(at, sector);
    put64(at + 8, (uint64_t)flags << 32 | n);
}

static void ranges_are_discarded_and_zeroed(void **state)
{
    struct bench *b = *state;
    const uint8_t *disk = bench_disk(b, "block", NULL);
    uint8_t ranges[32];
    range(ranges, 4, 2, 0);
    range(ranges + 16, 20, 1, 0);
    assert_int_equal(run(b, DISCARD, 0, ranges, 32, 0), S_OK);
    assert_int_equal(bench_disk_count(b, "block", BP_BLOCK_DISCARD_OP), 2);
    range(ranges, 30, 3, 1); /* unmap is only a permission */
    assert_int_equal(run(b, WRITE_ZEROES, 0, ranges, 16, 0), S_OK);
    assert_int_equal(bench_disk_count(b, "block", BP_BLOCK_WRITE_ZEROES), 1);
    for (uint32_t i = 0; i < 3 * 512; i++)
        assert_int_equal(disk[30 * 512 + i], 0);
    assert_int_not_equal(disk[33 * 512], 0);
    range(ranges, 30, 0, 0); /* nothing to do */
    assert_int_equal(run(b, DISCARD, 0, ranges, 16, 0), S_OK);
}

static void wrong_ranges_are_refused_with_the_right_status(void **state)
{
    struct bench *b = *state;
    uint8_t ranges[17 * 16] = {0};
    range(ranges, 0, 1, 1); /* 5.2.6.2: discard has no unmap */
    assert_int_equal(run(b, DISCARD, 0, ranges, 16, 0), S_UNSUPP);
    range(ranges, 0, 1, 2);
    assert_int_equal(run(b, WRITE_ZEROES, 0, ranges, 16, 0), S_UNSUPP);
    range(ranges, DISK_BYTES / 512, 1, 0);
    assert_int_equal(run(b, DISCARD, 0, ranges, 16, 0), S_IOERR);
    range(ranges, UINT64_MAX, 1, 0);
    assert_int_equal(run(b, DISCARD, 0, ranges, 16, 0), S_IOERR);
    range(ranges, 0, 0x400001, 0);
    assert_int_equal(run(b, DISCARD, 0, ranges, 16, 0), S_IOERR);
    range(ranges, 0, 1, 0);
    assert_int_equal(run(b, DISCARD, 0, ranges, 15, 0), S_IOERR);
    assert_int_equal(run(b, DISCARD, 0, ranges, 0, 0), S_IOERR);
    assert_int_equal(run(b, DISCARD, 0, ranges, sizeof(ranges), 0), S_IOERR);
    assert_int_equal(bench_disk_count(b, "block", BP_BLOCK_DISCARD_OP), 0);
}

static void one_wrong_range_of_several_fails_the_request_once(void **state)
{
    struct bench *b = *state;
    uint8_t ranges[32];
    range(ranges, 0, 1, 0);
    range(ranges + 16, UINT64_MAX / 512, 1, 0);
    uint32_t chain = add(b, DISCARD, 0, ranges, 32, 0);
    bench_virtio_notify(b, 0);
    assert_int_equal(status_of(b, chain, 0), S_IOERR);
    assert_int_equal(bench_virtq_done_count(b), 1);
}

/* --- Errors ----------------------------------------------------------------------------------- */

static void malformed_requests_get_an_error_and_the_device_goes_on(void **state)
{
    struct bench *b = *state;
    uint8_t data[1000] = {0};
    assert_int_equal(run(b, IN, 0, NULL, 0, 0), S_IOERR);   /* no data */
    assert_int_equal(run(b, IN, 0, NULL, 0, 511), S_IOERR); /* no whole sectors */
    assert_int_equal(run(b, OUT, 0, data, 0, 0), S_IOERR);
    assert_int_equal(run(b, OUT, 0, data, 1000, 0), S_IOERR);
    assert_int_equal(run(b, 2, 0, NULL, 0, 0), S_UNSUPP);
    assert_int_equal(run(b, 0xffff, 0, NULL, 0, 512), S_UNSUPP);
    uint32_t chain = bench_virtq_add(b, 0, data, 15, 513); /* half a header */
    bench_virtio_notify(b, 0);
    assert_int_equal(status_of(b, chain, 512), S_IOERR);
    chain = bench_virtq_add(b, 0, NULL, 0, 1); /* no header */
    bench_virtio_notify(b, 0);
    assert_int_equal(status_of(b, chain, 0), S_IOERR);
    chain = bench_virtq_add(b, 0, data, 16, 0); /* no room for a status */
    bench_virtio_notify(b, 0);
    assert_int_equal(bench_virtq_done(b, chain), 1);
    assert_int_equal(bench_virtq_written(b, chain), 0);
    assert_int_equal(run(b, IN, 0, NULL, 0, 512), S_OK);
}

static void errors_of_the_medium_reach_the_guest(void **state)
{
    struct bench *b = *state;
    static const int32_t errors[] = {BP_ERR_IO, BP_ERR_NO_SPACE, BP_ERR_RANGE, BP_ERR_PERMISSION,
                                     BP_ERR_NO_MEMORY};
    uint8_t data[512] = {1};
    for (uint32_t i = 0; i < 5; i++) {
        bench_disk_fail(b, "block", errors[i]);
        assert_int_equal(run(b, IN, 0, NULL, 0, 512), S_IOERR);
        assert_int_equal(run(b, OUT, 0, data, 512, 0), S_IOERR);
        assert_int_equal(run(b, FLUSH, 0, NULL, 0, 0), S_IOERR);
    }
    bench_disk_fail(b, "block", BP_ERR_UNSUPPORTED);
    range(data, 0, 1, 0);
    assert_int_equal(run(b, DISCARD, 0, data, 16, 0), S_UNSUPP);
    bench_disk_fail(b, "block", BP_OK);
    assert_int_equal(run(b, IN, 0, NULL, 0, 512), S_OK);
}

static void a_disk_without_discard_says_unsupported(void **state)
{
    static const struct bench_setup plain = {.disk_bytes = DISK_BYTES};
    struct bench *b = bench_create_with(BENCH_CLASS, &plain);
    uint8_t data[16];
    (void)state;
    assert_int_equal(bench_virtio_features(b) & (1u << 13 | 1u << 14), 0);
    bench_virtio_activate(b, F_FLUSH);
    range(data, 0, 1, 0);
    assert_int_equal(run(b, DISCARD, 0, data, 16, 0), S_UNSUPP);
    bench_destroy(b);
}

static void a_broken_ring_is_left_alone_until_the_reset(void **state)
{
    struct bench *b = *state;
    (void)add(b, IN, 0, NULL, 0, 512);
    bench_virtq_break(b, 0);
    bench_virtio_notify(b, 0);
    assert_int_equal(bench_virtq_done_count(b), 0);
    bench_virtio_reset(b);
    bench_virtio_activate(b, ALL);
    assert_int_equal(run(b, IN, 0, NULL, 0, 512), S_OK);
}

/* Whatever a request says, it ends, once, and nothing beyond the disk is touched. */
static void random_requests_all_end(void **state)
{
    struct bench *b = *state;
    static const uint32_t types[] = {IN, OUT, FLUSH, GET_ID, DISCARD, WRITE_ZEROES, 2, 0x80000000u};
    static const uint64_t sectors[] = {0, 1, DISK_BYTES / 512 - 1, DISK_BYTES / 512, UINT64_MAX};
    static uint8_t data[4096];
    uint64_t seed = 0x5851f42d4c957f2du;
    uint32_t n = 0;
    for (uint32_t i = 0; i < 600; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        for (uint32_t k = 0; k < 64; k++)
            data[k] = (uint8_t)(seed >> (k % 8 * 8)) & (k % 16 < 9 ? 0xff : 0x01);
        bench_virtq_split(b, (uint32_t)(seed >> 8) % 700 + 20);
        uint32_t size =
            (seed >> 20 & 1) != 0 ? (uint32_t)(seed >> 21 & 7) * 512 : (uint32_t)(seed >> 21) % 100;
        uint32_t room =
            (seed >> 40 & 1) != 0 ? (uint32_t)(seed >> 41 & 3) * 512 : (uint32_t)(seed >> 41) % 100;
        (void)add(b, types[seed >> 50 & 7], sectors[(seed >> 53) % 5], data, size, room);
        n++;
        if ((seed >> 60 & 3) == 0)
            bench_virtio_notify(b, 0);
    }
    bench_virtio_notify(b, 0);
    assert_int_equal(bench_virtq_done_count(b), n);
    bench_virtq_split(b, 0);
    assert_int_equal(run(b, IN, 0, NULL, 0, 512), S_OK);
}

/* --- Life cycle ------------------------------------------------------------------------------- */

static void answers_after_a_reset_are_dropped_and_their_places_come_back(void **state)
{
    struct bench *b = *state;
    bench_disk_hold(b, "block", 1);
    for (uint32_t i = 0; i < 256; i++)
        (void)add(b, IN, 0, NULL, 0, 512);
    bench_virtio_notify(b, 0);
    bench_virtio_reset(b);
    bench_virtio_activate(b, ALL);
    uint32_t chain = add(b, IN, 1, NULL, 0, 512);
    bench_virtio_notify(b, 0);
    assert_int_equal(bench_virtq_waiting(b, 0), 1); /* no place yet */
    bench_disk_finish(b, "block", 0);
    assert_int_equal(bench_virtq_waiting(b, 0), 0);
    bench_disk_hold(b, "block", 0);
    bench_settle(b);
    assert_int_equal(bench_virtq_done_count(b), 1);
    assert_int_equal(status_of(b, chain, 512), S_OK);
}

static void its_state_is_saved_and_loaded_byte_for_byte(void **state)
{
    struct bench *b = *state;
    uint8_t off = 0;
    uint64_t size;
    bench_virtio_config_write(b, 32, &off, 1);
    if (bench_check_state_roundtrip(b) != BP_OK)
        fail_msg("%s", bench_error(b));
    uint8_t *bytes = bench_save(b, &size);
    bench_reset(b, BP_RESET_COLD);
    assert_int_equal(config(b, 32, 1), 1);
    assert_int_equal(bench_load(b, bytes, size), BP_OK);
    assert_int_equal(config(b, 32, 1), 0);
    for (uint64_t i = 0; i < size; i++) { /* a damaged one is refused */
        bytes[i] ^= 0x55;
        assert_int_not_equal(bench_load(b, bytes, size), BP_OK);
        bytes[i] ^= 0x55;
    }
    free(bytes);
}

static void a_save_waits_for_requests_and_fetches_no_more(void **state)
{
    struct bench *b = *state;
    uint64_t size;
    uint32_t chain = add(b, IN, 0, NULL, 0, 512);
    bench_disk_hold(b, "block", 1);
    bench_virtio_notify(b, 0);
    uint32_t later = add(b, IN, 1, NULL, 0, 512);
    bench_disk_hold(b, "block", 0);
    free(bench_save(b, &size));
    assert_int_equal(bench_virtq_done(b, chain), 1);
    bench_settle(b); /* after start it looks at the queue by itself */
    assert_int_equal(bench_virtq_done(b, later), 1);
}

static void every_failure_of_set_up_has_a_sentence(void **state)
{
    (void)state;
    assert_true(bench_check_setup_failures(BENCH_CLASS, &writable) >= 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_configuration_describes_the_disk),
        cmocka_unit_test(a_read_only_disk_offers_no_writing),
        T(the_id_is_the_serial_number),
        T(sectors_are_read_and_the_status_is_last),
        T(sectors_are_written),
        T(any_cut_into_segments_will_do),
        T(the_last_sector_is_there_and_the_next_is_not),
        T(a_flush_reaches_the_backend),
        T(requests_end_in_any_order),
        T(more_requests_than_places_wait_in_the_queue),
        T(the_device_goes_on_by_itself_after_many_short_requests),
        T(without_flush_a_write_ends_on_stable_storage),
        T(the_driver_turns_the_cache_off_and_on),
        T(a_write_whose_flush_fails_has_failed),
        T(ranges_are_discarded_and_zeroed),
        T(wrong_ranges_are_refused_with_the_right_status),
        T(one_wrong_range_of_several_fails_the_request_once),
        T(malformed_requests_get_an_error_and_the_device_goes_on),
        T(errors_of_the_medium_reach_the_guest),
        cmocka_unit_test(a_disk_without_discard_says_unsupported),
        T(a_broken_ring_is_left_alone_until_the_reset),
        T(random_requests_all_end),
        T(answers_after_a_reset_are_dropped_and_their_places_come_back),
        T(its_state_is_saved_and_loaded_byte_for_byte),
        T(a_save_waits_for_requests_and_fetches_no_more),
        cmocka_unit_test(every_failure_of_set_up_has_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
