/* Descriptor and page tables, walked as a processor does (Intel SDM volume 3, 4.5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <backplane/abi.h>

#include "core/x86_tables.h"

#define GIB       0x40000000ull
#define BASE      0x5000u
#define RAM_BYTES (4u << 20)

static uint8_t *ram;
static struct memory memory;

static int begin(void **state)
{
    (void)state;
    ram = malloc(RAM_BYTES);
    if (ram == NULL)
        return 1;
    memset(ram, 0xcc, RAM_BYTES);
    memory = (struct memory){.slots = {{0, RAM_BYTES, ram}}, .n_slots = 1};
    return 0;
}

static int end(void **state)
{
    (void)state;
    free(ram);
    return 0;
}

static uint64_t entry(uint64_t table, uint64_t index)
{
    uint64_t value;
    assert_int_equal(memory_read(&memory, table + 8 * index, &value, 8), BP_OK);
    return value;
}

#define ADDRESS  0xffffffffff000ull
#define UNMAPPED UINT64_MAX

static uint64_t walk(uint64_t cr3, uint64_t address)
{
    uint64_t table = cr3;
    for (unsigned level = 0; level < 2; level++) {
        uint64_t e = entry(table, address >> (39 - 9 * level) & 511);
        if (!(e & 1))
            return UNMAPPED;
        assert_int_equal(e & 0xfff, 3); /* present, writable, no large page */
        table = e & ADDRESS;
    }
    uint64_t e = entry(table, address >> 21 & 511);
    if (!(e & 1))
        return UNMAPPED;
    assert_int_equal(e & 0x1fffff, 0x83); /* present, writable, 2 MiB */
    return (e & ADDRESS) | (address & 0x1fffff);
}

static void every_address_is_mapped_to_itself_and_none_beyond(void **state)
{
    (void)state;
    struct accel_x86_long_mode mode;
    assert_int_equal(x86_tables_write(&memory, BASE, 0, &mode), BP_OK);
    for (uint64_t at = 0; at < 4 * GIB; at += 0x1ffff3)
        assert_int_equal(walk(mode.cr3, at), at);
    assert_int_equal(walk(mode.cr3, 4 * GIB - 1), 4 * GIB - 1);
    assert_int_equal(walk(mode.cr3, 4 * GIB), UNMAPPED);
    assert_int_equal(walk(mode.cr3, 512 * GIB), UNMAPPED);
    assert_int_equal(walk(mode.cr3, 0x800000000000), UNMAPPED);
}

static void more_than_512_gib_take_a_second_pointer_table(void **state)
{
    (void)state;
    struct accel_x86_long_mode mode;
    assert_int_equal(x86_tables_write(&memory, BASE, 513 * GIB + 1, &mode), BP_OK);
    for (uint64_t at = 0; at < 514 * GIB; at += GIB / 3)
        assert_int_equal(walk(mode.cr3, at), at);
    assert_int_equal(walk(mode.cr3, 514 * GIB), UNMAPPED);
}

/* Bits of the SDM's figures 3-8 and 3-14. */
static void the_descriptors_are_those_of_linuxs_64_bit_protocol(void **state)
{
    (void)state;
    struct accel_x86_long_mode mode;
    assert_int_equal(x86_tables_write(&memory, BASE, 0, &mode), BP_OK);
    assert_int_equal(mode.gdt_gpa, BASE);
    assert_int_equal(mode.gdt_limit, 47);
    assert_int_equal(mode.cs, 0x10);
    assert_int_equal(mode.ds, 0x18);
    assert_int_equal(entry(BASE, 0), 0);
    uint64_t code = entry(BASE, 2), data = entry(BASE, 3), task = entry(BASE, 4);
    assert_int_equal(code >> 40 & 0xff, 0x9b); /* present, ring 0, code, readable, accessed */
    assert_int_equal(code >> 52 & 0xf, 0xa);   /* 4 KiB units, 64-bit */
    assert_int_equal(data >> 40 & 0xff, 0x93); /* present, ring 0, data, writable, accessed */
    assert_int_equal(data >> 52 & 0xf, 0xc);
    assert_int_equal(data & 0xffff, 0xffff);
    assert_int_equal(data >> 48 & 0xf, 0xf);
    assert_int_equal(data >> 16 & 0xffffff, 0);
    assert_int_equal(task >> 40 & 0xff, 0x8b); /* present, busy 64-bit task */
    assert_int_equal(task & 0xffff, 103);
}

static void the_size_is_told_exactly_and_nothing_else_is_touched(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {0, 1, 4 * GIB, 4 * GIB + 1, 100 * GIB, 512 * GIB};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct accel_x86_long_mode mode, told = x86_tables_mode(BASE);
        uint64_t bytes = x86_tables_bytes(sizes[i]);
        memset(ram, 0xcc, RAM_BYTES);
        assert_int_equal(bytes % 4096, 0);
        assert_int_equal(x86_tables_write(&memory, BASE, sizes[i], &mode), BP_OK);
        assert_int_equal(mode.cr3, told.cr3);
        assert_int_equal(mode.gdt_gpa, told.gdt_gpa);
        assert_int_equal(mode.gdt_limit, told.gdt_limit);
        assert_int_equal(mode.cs, told.cs);
        assert_int_equal(mode.ds, told.ds);
        assert_int_equal(ram[BASE - 1], 0xcc);
        assert_int_not_equal(ram[BASE + bytes - 1], 0xcc);
        assert_int_equal(ram[BASE + bytes], 0xcc);
    }
    assert_int_equal(x86_tables_bytes(0), 7 * 4096); /* GDT, 3 levels, four of the last */
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    struct accel_x86_long_mode mode;
    assert_int_equal(x86_tables_write(&memory, BASE + 8, 0, &mode), BP_ERR_INVALID);
    assert_int_equal(x86_tables_write(&memory, 4 * GIB, 0, &mode), BP_ERR_INVALID);
    assert_int_equal(x86_tables_write(&memory, UINT64_MAX & ~4095ull, 0, &mode), BP_ERR_INVALID);
    assert_int_equal(x86_tables_write(&memory, BASE, UINT64_MAX, &mode), BP_ERR_INVALID);
    assert_int_equal(x86_tables_write(&memory, RAM_BYTES - 4096, 0, &mode), BP_ERR_RANGE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_address_is_mapped_to_itself_and_none_beyond),
        TEST(more_than_512_gib_take_a_second_pointer_table),
        TEST(the_descriptors_are_those_of_linuxs_64_bit_protocol),
        TEST(the_size_is_told_exactly_and_nothing_else_is_touched),
        TEST(what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
