/* Guest RAM: slots, bounds, the hole, and that pages exist only when touched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <backplane/abi.h>

#include "core/memory.h"

#define MIB     (1ull << 20)
#define GIB     (1ull << 30)
#define LOW_END 0xc0000000ull
#define HIGH    0x100000000ull

static struct aspace *as;
static struct memory memory;

static int begin_one(void **state)
{
    (void)state;
    return aspace_create(ARCH_RISCV64, 0x80000000, 16 * MIB, 56, &as, NULL) != BP_OK ||
           memory_init(&memory, as, NULL) != BP_OK;
}

/* 5 GiB as x86 has them: up to 3 GiB, and from 4 GiB on. */
static int begin_split(void **state)
{
    (void)state;
    return aspace_create_split(ARCH_X86_64, 0, 3 * GIB, HIGH, 2 * GIB, 48, &as, NULL) != BP_OK ||
           memory_init(&memory, as, NULL) != BP_OK;
}

static int end(void **state)
{
    (void)state;
    memory_fini(&memory);
    aspace_destroy(as);
    return 0;
}

static void ram_reads_as_zeroes_and_keeps_what_is_written(void **state)
{
    (void)state;
    char text[6] = "xxxxx";
    assert_int_equal(memory_read(&memory, 0x80000000, text, 5), BP_OK);
    assert_memory_equal(text, "\0\0\0\0\0", 5);
    assert_int_equal(memory_write(&memory, 0x80000ffe, "hello", 5), BP_OK);
    assert_int_equal(memory_read(&memory, 0x80000ffe, text, 5), BP_OK);
    assert_memory_equal(text, "hello", 5);
    assert_int_equal(memory_fill(&memory, 0x80000fff, 'z', 3), BP_OK);
    assert_int_equal(memory_read(&memory, 0x80000ffe, text, 5), BP_OK);
    assert_memory_equal(text, "hzzzo", 5);
}

static void access_is_all_or_nothing_at_both_ends(void **state)
{
    (void)state;
    uint64_t last = 0x80000000 + 16 * MIB - 1;
    char two[2] = {1, 2};
    assert_int_equal(memory_write(&memory, last, two, 2), BP_ERR_RANGE);
    assert_int_equal(memory_read(&memory, last, two, 1), BP_OK);
    assert_int_equal(two[0], 0);
    assert_int_equal(memory_write(&memory, 0x7fffffff, two, 2), BP_ERR_RANGE);
    assert_int_equal(memory_read(&memory, 0x80000000, two, 1), BP_OK);
    assert_int_equal(two[0], 0);
    assert_int_equal(memory_write(&memory, last + 1, two, 1), BP_ERR_RANGE);
    assert_int_equal(memory_write(&memory, 0, two, 1), BP_ERR_RANGE);
}

static void sizes_that_would_wrap_are_out_of_range(void **state)
{
    (void)state;
    char byte = 0;
    assert_int_equal(memory_read(&memory, 0x80000000, &byte, UINT64_MAX), BP_ERR_RANGE);
    assert_int_equal(memory_write(&memory, 0x80000010, &byte, UINT64_MAX - 0x8), BP_ERR_RANGE);
    assert_int_equal(memory_read(&memory, UINT64_MAX, &byte, 2), BP_ERR_RANGE);
    assert_int_equal(memory_fill(&memory, 0x80000000, 0, 16 * MIB + 1), BP_ERR_RANGE);
    assert_null(memory_at(&memory, 0x80000000, UINT64_MAX));
    assert_null(memory_at(&memory, UINT64_MAX, 1));
}

static void nothing_can_be_copied_anywhere(void **state)
{
    (void)state;
    char byte = 0;
    assert_int_equal(memory_read(&memory, 0, &byte, 0), BP_OK);
    assert_int_equal(memory_write(&memory, UINT64_MAX, &byte, 0), BP_OK);
}

static void host_address_is_given_for_what_lies_within_one_slot(void **state)
{
    (void)state;
    uint8_t *first = memory_at(&memory, 0x80000000, 16 * MIB);
    assert_non_null(first);
    assert_int_equal((uintptr_t)first % (2 * MIB), 0);
    assert_null(memory_at(&memory, 0x80000000, 16 * MIB + 1));
    assert_ptr_equal(memory_at(&memory, 0x80000123, 1), first + 0x123);
    assert_int_equal(memory_write(&memory, 0x80000123, "A", 1), BP_OK);
    assert_int_equal(first[0x123], 'A');
}

static void cleared_ram_reads_as_zeroes(void **state)
{
    (void)state;
    char byte = 1;
    assert_int_equal(memory_fill(&memory, 0x80000000, 0xaa, 8 * MIB), BP_OK);
    memory_clear(&memory);
    assert_int_equal(memory_read(&memory, 0x80000000 + 8 * MIB - 1, &byte, 1), BP_OK);
    assert_int_equal(byte, 0);
}

/* --- Split RAM -------------------------------------------------------------------------------- */

static void hole_between_the_ranges_is_no_ram(void **state)
{
    (void)state;
    char bytes[4] = {1, 2, 3, 4};
    assert_int_equal(memory.n_slots, 2);
    assert_int_equal(memory_write(&memory, LOW_END - 1, bytes, 1), BP_OK);
    assert_int_equal(memory_write(&memory, LOW_END - 1, bytes, 2), BP_ERR_RANGE);
    assert_int_equal(memory_write(&memory, LOW_END, bytes, 1), BP_ERR_RANGE);
    assert_int_equal(memory_write(&memory, HIGH - 1, bytes, 1), BP_ERR_RANGE);
    assert_int_equal(memory_write(&memory, HIGH - 1, bytes, 2), BP_ERR_RANGE);
    assert_int_equal(memory_write(&memory, HIGH, bytes, 4), BP_OK);
    assert_int_equal(memory_write(&memory, HIGH + 2 * GIB - 1, bytes, 1), BP_OK);
    assert_int_equal(memory_write(&memory, HIGH + 2 * GIB, bytes, 1), BP_ERR_RANGE);
}

static void copy_across_the_hole_changes_nothing(void **state)
{
    (void)state;
    static uint8_t bytes[64];
    uint8_t back = 1;
    memset(bytes, 0xee, sizeof(bytes));
    assert_int_equal(memory_write(&memory, LOW_END - 32, bytes, 64), BP_ERR_RANGE);
    assert_int_equal(memory_read(&memory, LOW_END - 32, &back, 1), BP_OK);
    assert_int_equal(back, 0);
}

static void low_and_high_ram_do_not_alias(void **state)
{
    (void)state;
    uint8_t low = 0, high = 0;
    assert_int_equal(memory_write(&memory, LOW_END - 1, "L", 1), BP_OK);
    assert_int_equal(memory_write(&memory, HIGH, "H", 1), BP_OK);
    assert_int_equal(memory_read(&memory, LOW_END - 1, &low, 1), BP_OK);
    assert_int_equal(memory_read(&memory, HIGH, &high, 1), BP_OK);
    assert_int_equal(low, 'L');
    assert_int_equal(high, 'H');
    /* One host mapping behind both: they touch there, and there only. */
    assert_int_equal(memory.n_mappings, 1);
}

/* Guest RAM costs nothing before it is touched: of 5 GiB not a page is there. */
static size_t pages_present(const void *start, size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), n = 0;
    unsigned char *map = malloc(bytes / page);
    assert_non_null(map);
    assert_int_equal(mincore((void *)(uintptr_t)start, bytes, map), 0);
    for (size_t i = 0; i < bytes / page; i++)
        n += map[i] & 1;
    free(map);
    return n;
}

static void pages_exist_only_when_touched(void **state)
{
    (void)state;
    uint8_t *low = memory_at(&memory, 0, 3 * GIB);
    assert_non_null(low);
    assert_int_equal(pages_present(low, 3 * GIB), 0);
    assert_int_equal(memory_write(&memory, GIB, "x", 1), BP_OK);
    assert_in_range(pages_present(low, 3 * GIB), 1, 512);
    memory_clear(&memory);
    assert_int_equal(pages_present(low, 3 * GIB), 0);
}

/* --- Slots that devices bring ----------------------------------------------------------------- */

static void added_slot_is_ram_of_its_own(void **state)
{
    (void)state;
    size_t slot = 99;
    char byte = 1;
    assert_int_equal(memory_add(&memory, 0x90000000, 64 * 1024, &slot, NULL), BP_OK);
    assert_int_equal(slot, 1);
    assert_int_equal(memory_read(&memory, 0x90000000, &byte, 1), BP_OK);
    assert_int_equal(byte, 0);
    assert_int_equal(memory_write(&memory, 0x9000ffff, "x", 1), BP_OK);
    assert_int_equal(memory_write(&memory, 0x90010000, "x", 1), BP_ERR_RANGE);
}

static void slots_that_touch_are_crossed_and_others_are_not(void **state)
{
    (void)state;
    size_t slot;
    char bytes[4] = {0};
    assert_int_equal(memory_add(&memory, 0x80000000 + 16 * MIB, 4096, &slot, NULL), BP_OK);
    assert_int_equal(memory_write(&memory, 0x80000000 + 16 * MIB - 2, "abcd", 4), BP_OK);
    assert_int_equal(memory_read(&memory, 0x80000000 + 16 * MIB - 2, bytes, 4), BP_OK);
    assert_memory_equal(bytes, "abcd", 4);
    assert_null(memory_at(&memory, 0x80000000 + 16 * MIB - 2, 4));
    assert_int_equal(memory_add(&memory, 0x80000000 + 16 * MIB + 8192, 4096, &slot, NULL), BP_OK);
    assert_int_equal(memory_write(&memory, 0x80000000 + 16 * MIB + 4094, "abcd", 4), BP_ERR_RANGE);
}

static void there_is_an_end_of_slots(void **state)
{
    (void)state;
    size_t slot;
    for (size_t i = 1; i < MEMORY_SLOTS_MAX; i++)
        assert_int_equal(memory_add(&memory, 0x90000000 + i * MIB, 4096, &slot, NULL), BP_OK);
    struct err err = {{0}};
    assert_true(memory_add(&memory, 0xf0000000, 4096, &slot, &err) < 0);
    assert_string_equal(err.text, "memory: more than 32 regions of RAM");
    assert_int_equal(memory_write(&memory, 0x90000000 + 31 * MIB, "x", 1), BP_OK);
}

static void more_than_the_host_can_map_is_a_clear_error(void **state)
{
    (void)state;
    struct aspace *huge = NULL;
    struct memory none;
    struct err err = {{0}};
    const char *begin = "memory: cannot reserve 34359738368 MiB of guest RAM: ";
    assert_int_equal(aspace_create(ARCH_RISCV64, 0x80000000, 1ull << 55, 56, &huge, &err), BP_OK);
    assert_int_equal(memory_init(&none, huge, &err), BP_ERR_NO_MEMORY);
    assert_memory_equal(err.text, begin, strlen(begin));
    memory_fini(&none);
    aspace_destroy(huge);
}

#define ONE(name)   cmocka_unit_test_setup_teardown(name, begin_one, end)
#define SPLIT(name) cmocka_unit_test_setup_teardown(name, begin_split, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ONE(ram_reads_as_zeroes_and_keeps_what_is_written),
        ONE(access_is_all_or_nothing_at_both_ends),
        ONE(sizes_that_would_wrap_are_out_of_range),
        ONE(nothing_can_be_copied_anywhere),
        ONE(host_address_is_given_for_what_lies_within_one_slot),
        ONE(cleared_ram_reads_as_zeroes),
        SPLIT(hole_between_the_ranges_is_no_ram),
        SPLIT(copy_across_the_hole_changes_nothing),
        SPLIT(low_and_high_ram_do_not_alias),
        SPLIT(pages_exist_only_when_touched),
        ONE(added_slot_is_ram_of_its_own),
        ONE(slots_that_touch_are_crossed_and_others_are_not),
        ONE(there_is_an_end_of_slots),
        ONE(more_than_the_host_can_map_is_a_clear_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
