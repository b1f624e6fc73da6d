/* virtio-mmio on the bench. Offsets and values are those of virtio 1.2, table 4.1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <backplane/bench.h>

static int setup(void **state)
{
    *state = bench_create(BENCH_CLASS, NULL);
    return 0;
}

static int teardown(void **state)
{
    bench_destroy(*state);
    return 0;
}

static uint32_t rd(void **state, uint64_t offset)
{
    return bench_read32(*state, "regs", offset);
}

static void wr(void **state, uint64_t offset, uint32_t value)
{
    bench_write32(*state, "regs", offset, value);
}

static void the_identity_registers_read_as_specified(void **state)
{
    bench_transport(*state)->device_id = 4;
    assert_int_equal(rd(state, 0x000), 0x74726976);
    assert_int_equal(rd(state, 0x004), 2);
    assert_int_equal(rd(state, 0x008), 4);
    assert_int_not_equal(rd(state, 0x00c), 0);
    assert_int_equal(bench_region_size(*state, "regs"), 0x200);
    for (uint64_t at = 0; at <= 0x00c; at += 4) { /* read only */
        uint32_t before = rd(state, at);
        wr(state, at, ~before);
        assert_int_equal(rd(state, at), before);
    }
}

static void features_are_read_and_written_in_halves(void **state)
{
    struct bench_transport_state *t = bench_transport(*state);
    t->device_features = UINT64_C(0x1122334455667788);
    assert_int_equal(rd(state, 0x010), 0x55667788);
    wr(state, 0x014, 1);
    assert_int_equal(rd(state, 0x010), 0x11223344);
    wr(state, 0x014, 2);
    assert_int_equal(rd(state, 0x010), 0);
    wr(state, 0x014, UINT32_MAX);
    assert_int_equal(rd(state, 0x010), 0);
    wr(state, 0x020, 0xaabbccdd);
    wr(state, 0x024, 1);
    wr(state, 0x020, 0x1);
    wr(state, 0x024, 2);
    wr(state, 0x020, 0xffffffff);
    assert_int_equal(t->driver_features, UINT64_C(0x1aabbccdd));
    wr(state, 0x024, 0);
    wr(state, 0x020, 0x5);
    assert_int_equal(t->driver_features, UINT64_C(0x100000005));
}

static void queue_registers_act_on_the_selected_queue(void **state)
{
    struct bench_transport_state *t = bench_transport(*state);
    wr(state, 0x030, 1);
    assert_int_equal(rd(state, 0x034), 256);
    wr(state, 0x038, 128);
    wr(state, 0x080, 0x80001000);
    wr(state, 0x084, 0x1);
    wr(state, 0x090, 0x80002000);
    wr(state, 0x094, 0x2);
    wr(state, 0x0a0, 0x80003000);
    wr(state, 0x0a4, 0x3);
    wr(state, 0x044, 1);
    assert_int_equal(t->queue[1][BP_VIRTQ_SIZE], 128);
    assert_int_equal(t->queue[1][BP_VIRTQ_DESC], UINT64_C(0x180001000));
    assert_int_equal(t->queue[1][BP_VIRTQ_DRIVER], UINT64_C(0x280002000));
    assert_int_equal(t->queue[1][BP_VIRTQ_DEVICE], UINT64_C(0x380003000));
    assert_int_equal(t->queue[1][BP_VIRTQ_READY], 1);
    assert_int_equal(rd(state, 0x044), 1);
    wr(state, 0x084, 0); /* a half leaves the other half alone */
    assert_int_equal(t->queue[1][BP_VIRTQ_DESC], 0x80001000);
    wr(state, 0x030, 0);
    assert_int_equal(rd(state, 0x044), 0);
    assert_int_equal(t->queue[0][BP_VIRTQ_DESC], 0);
}

static void a_queue_that_does_not_exist_has_size_0(void **state)
{
    wr(state, 0x030, 2);
    assert_int_equal(rd(state, 0x034), 0);
    assert_int_equal(rd(state, 0x044), 0);
    wr(state, 0x030, UINT32_MAX);
    assert_int_equal(rd(state, 0x034), 0);
}

static void a_notification_names_its_queue(void **state)
{
    struct bench_transport_state *t = bench_transport(*state);
    wr(state, 0x030, 0);
    wr(state, 0x050, 1);
    wr(state, 0x050, 1);
    wr(state, 0x050, 0);
    assert_int_equal(t->notified[0], 1);
    assert_int_equal(t->notified[1], 2);
}

static void where_there_are_doorbells_notifications_come_later(void **state)
{
    static const struct bench_setup with_doorbells = {.doorbells = 1};
    struct bench *b = bench_create_with(BENCH_CLASS, &with_doorbells);
    struct bench_transport_state *t = bench_transport(b);
    (void)state;
    bench_write32(b, "regs", 0x050, 1);
    assert_int_equal(t->notified[1], 0);
    bench_settle(b);
    assert_int_equal(t->notified[0], 0);
    assert_int_equal(t->notified[1], 1);
    bench_write32(b, "regs", 0x050, 7); /* no such queue: no doorbell */
    bench_settle(b);
    assert_int_equal(t->notified[1], 1);
    bench_destroy(b);
}

static void the_line_follows_the_interrupt_status(void **state)
{
    assert_int_equal(bench_line(*state, "interrupt"), 0);
    bench_transport_interrupt(*state, 3);
    assert_int_equal(bench_line(*state, "interrupt"), 1);
    assert_int_equal(rd(state, 0x060), 3);
    wr(state, 0x060, 0); /* read only */
    assert_int_equal(rd(state, 0x060), 3);
    wr(state, 0x064, 1);
    assert_int_equal(rd(state, 0x060), 2);
    assert_int_equal(bench_line(*state, "interrupt"), 1);
    wr(state, 0x064, 2);
    assert_int_equal(bench_line(*state, "interrupt"), 0);
}

static void status_goes_through_and_0_resets(void **state)
{
    struct bench_transport_state *t = bench_transport(*state);
    wr(state, 0x070, 1);
    wr(state, 0x070, 3);
    assert_int_equal(rd(state, 0x070), 3);
    uint32_t resets = t->resets;
    wr(state, 0x070, 0);
    assert_int_equal(t->resets, resets + 1);
    assert_int_equal(rd(state, 0x070), 0);
}

static void write_only_registers_read_0_and_unknown_offsets_too(void **state)
{
    static const uint32_t offsets[] = {0x014, 0x018, 0x01c, 0x020, 0x028, 0x038, 0x040, 0x050,
                                       0x064, 0x080, 0x084, 0x090, 0x0a0, 0x0a8, 0x0c0, 0x0f8};
    for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++)
        assert_int_equal(rd(state, offsets[i]), 0);
}

static void there_is_no_shared_memory(void **state)
{
    for (uint32_t id = 0; id < 3; id++) {
        wr(state, 0x0ac, id);
        for (uint64_t at = 0x0b0; at <= 0x0bc; at += 4)
            assert_int_equal(rd(state, at), 0xffffffff);
    }
}

static void the_configuration_is_reached_with_any_width(void **state)
{
    struct bench_transport_state *t = bench_transport(*state);
    for (uint8_t i = 0; i < 16; i++)
        t->config[i] = (uint8_t)(0x10 + i);
    assert_int_equal(bench_read8(*state, "regs", 0x103), 0x13);
    assert_int_equal(bench_read16(*state, "regs", 0x102), 0x1312);
    assert_int_equal(bench_read32(*state, "regs", 0x104), 0x17161514);
    assert_int_equal(bench_read64(*state, "regs", 0x108), UINT64_C(0x1f1e1d1c1b1a1918));
    bench_write8(*state, "regs", 0x100, 0xa1);
    bench_write16(*state, "regs", 0x102, 0xb2b1);
    bench_write32(*state, "regs", 0x104, 0xc4c3c2c1);
    bench_write64(*state, "regs", 0x108, UINT64_C(0xd8d7d6d5d4d3d2d1));
    static const uint8_t wanted[16] = {0xa1, 0x11, 0xb1, 0xb2, 0xc1, 0xc2, 0xc3, 0xc4,
                                       0xd1, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8};
    assert_memory_equal(t->config, wanted, sizeof(wanted));
    assert_int_equal(bench_read32(*state, "regs", 0x1fc), 0);
    t->config_generation = 77;
    assert_int_equal(rd(state, 0x0fc), 77);
}

static void registers_are_32_bits_wide_and_nothing_else(void **state)
{
    struct bench_transport_state *t = bench_transport(*state);
    assert_int_equal(bench_read8(*state, "regs", 0x000), 0);
    assert_int_equal(bench_read64(*state, "regs", 0x000), 0);
    bench_write8(*state, "regs", 0x070, 1);
    bench_write16(*state, "regs", 0x070, 1);
    bench_write64(*state, "regs", 0x070, 1);
    assert_int_equal(t->status, 0);
    assert_int_equal(bench_log_count(*state, BP_LOG_GUEST), 3);
}

static void a_reset_forgets_the_selectors(void **state)
{
    wr(state, 0x030, 1);
    wr(state, 0x014, 1);
    bench_transport(*state)->queue[0][BP_VIRTQ_SIZE_MAX] = 64;
    bench_reset(*state, BP_RESET_WARM);
    bench_transport(*state)->queue[0][BP_VIRTQ_SIZE_MAX] = 64;
    bench_transport(*state)->device_features = 9;
    assert_int_equal(rd(state, 0x034), 64);
    assert_int_equal(rd(state, 0x010), 9);
}

static void its_state_is_saved_and_loaded_byte_for_byte(void **state)
{
    bench_transport(*state)->device_features = UINT64_C(7) << 32;
    wr(state, 0x014, 1);
    wr(state, 0x024, 1);
    wr(state, 0x030, 1);
    wr(state, 0x038, 16);
    bench_transport_interrupt(*state, 1);
    if (bench_check_state_roundtrip(*state) != BP_OK)
        fail_msg("%s", bench_error(*state));
    uint64_t size;
    uint8_t *bytes = bench_save(*state, &size);
    bench_reset(*state, BP_RESET_COLD);
    assert_int_equal(bench_load(*state, bytes, size), BP_OK);
    free(bytes);
    assert_int_equal(rd(state, 0x010), 7);
    assert_int_equal(bench_transport(*state)->queue[1][BP_VIRTQ_SIZE], 16);
    assert_int_equal(bench_line(*state, "interrupt"), 1);
}

static void dma_coherent_is_a_word_in_the_device_tree(void **state)
{
    assert_string_equal(bench_fdt(*state), "");
    struct bench *b = bench_create(BENCH_CLASS, (const char *const[]){"dma-coherent=yes", NULL});
    assert_non_null(strstr(bench_fdt(b), "dma-coherent;"));
    bench_destroy(b);
    assert_string_equal(BENCH_CLASS->dt_compatible, "virtio,mmio");
    assert_string_equal(BENCH_CLASS->acpi_hid, "LNRO0005");
}

static void every_failure_of_set_up_has_a_sentence(void **state)
{
    (void)state;
    assert_true(bench_check_setup_failures(BENCH_CLASS, NULL) >= 1);
}

/* Whatever is written where: defined, and the region stays as wide as it is. */
static void random_accesses_do_no_harm(void **state)
{
    uint64_t seed = 0x243f6a8885a308d3u;
    for (uint32_t i = 0; i < 20000; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        uint32_t width = 1u << (seed >> 60 & 3);
        uint64_t offset = (seed >> 20 & 0x1ff) & ~(uint64_t)(width - 1);
        if ((seed & 1) != 0)
            bench_write(*state, "regs", offset, width, seed >> 8);
        else
            (void)bench_read(*state, "regs", offset, width);
    }
    assert_int_equal(rd(state, 0x000), 0x74726976);
    assert_int_equal(bench_refused(*state), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_identity_registers_read_as_specified),
        T(features_are_read_and_written_in_halves),
        T(queue_registers_act_on_the_selected_queue),
        T(a_queue_that_does_not_exist_has_size_0),
        T(a_notification_names_its_queue),
        cmocka_unit_test(where_there_are_doorbells_notifications_come_later),
        T(the_line_follows_the_interrupt_status),
        T(status_goes_through_and_0_resets),
        T(write_only_registers_read_0_and_unknown_offsets_too),
        T(there_is_no_shared_memory),
        T(the_configuration_is_reached_with_any_width),
        T(registers_are_32_bits_wide_and_nothing_else),
        T(a_reset_forgets_the_selectors),
        T(its_state_is_saved_and_loaded_byte_for_byte),
        T(dma_coherent_is_a_word_in_the_device_tree),
        cmocka_unit_test(every_failure_of_set_up_has_a_sentence),
        T(random_accesses_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
