/* The bus: who gets which access, and which accesses nobody gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <backplane/abi.h>
#include <backplane/device.h>

#include "core/bus.h"

#define ALL_WIDTHS (BP_W8 | BP_W16 | BP_W32 | BP_W64)

/* The last access that a device saw, and the last that nobody claimed. */
static struct {
    void *owner;
    uint32_t region, width;
    uint64_t offset, value;
    unsigned n_reads, n_writes;
} seen;

static struct {
    uint64_t address;
    uint32_t width;
    int is_write;
    bool in_a_region;
    unsigned n;
} stray;

static struct bus *bus;

static void on_stray(void *ctx, uint64_t address, uint32_t width, int is_write,
                     const struct bus_handler *handler)
{
    assert_ptr_equal(ctx, &stray);
    stray.address = address;
    stray.width = width;
    stray.is_write = is_write;
    stray.in_a_region = handler != NULL;
    stray.n++;
}

static uint64_t on_read(void *owner, uint32_t region, uint64_t offset, uint32_t width)
{
    seen.owner = owner;
    seen.region = region;
    seen.offset = offset;
    seen.width = width;
    seen.n_reads++;
    return 0x1122334455667788;
}

static void on_write(void *owner, uint32_t region, uint64_t offset, uint32_t width, uint64_t value)
{
    seen.owner = owner;
    seen.region = region;
    seen.offset = offset;
    seen.width = width;
    seen.value = value;
    seen.n_writes++;
}

static int begin(void **state)
{
    (void)state;
    memset(&seen, 0, sizeof(seen));
    memset(&stray, 0, sizeof(stray));
    return bus_create(&bus, on_stray, &stray, NULL);
}

static int end(void **state)
{
    (void)state;
    bus_destroy(bus);
    return 0;
}

static int32_t add(uint64_t base, uint64_t size, uint32_t widths, void *owner)
{
    struct bus_handler handler = {.base = base,
                                  .size = size,
                                  .widths = widths,
                                  .region = 7,
                                  .owner = owner,
                                  .read = on_read,
                                  .write = on_write};
    return bus_add(bus, &handler, NULL);
}

static void expect_stray_read(uint64_t address, uint32_t width, bool in_a_region)
{
    unsigned before = stray.n, reads = seen.n_reads;
    assert_int_equal(bus_read(bus, address, width), UINT64_MAX >> (64 - 8 * width));
    assert_int_equal(stray.n, before + 1);
    assert_int_equal(stray.address, address);
    assert_int_equal(stray.width, width);
    assert_int_equal(stray.is_write, 0);
    assert_int_equal(stray.in_a_region, in_a_region);
    assert_int_equal(seen.n_reads, reads);
}

static void expect_owner(uint64_t address, void *owner, uint64_t offset)
{
    seen.owner = NULL;
    unsigned before = stray.n;
    (void)bus_read(bus, address, 1);
    assert_int_equal(stray.n, before);
    assert_ptr_equal(seen.owner, owner);
    assert_int_equal(seen.offset, offset);
}

static void access_reaches_its_device_with_offset_region_and_width(void **state)
{
    (void)state;
    int a;
    assert_int_equal(add(0x10000000, 0x1000, ALL_WIDTHS, &a), BP_OK);
    assert_int_equal(bus_read(bus, 0x10000008, 8), 0x1122334455667788);
    assert_ptr_equal(seen.owner, &a);
    assert_int_equal(seen.region, 7);
    assert_int_equal(seen.offset, 8);
    assert_int_equal(seen.width, 8);
    bus_write(bus, 0x10000ffe, 2, 0x1234);
    assert_int_equal(seen.offset, 0xffe);
    assert_int_equal(seen.width, 2);
    assert_int_equal(seen.value, 0x1234);
    assert_int_equal(stray.n, 0);
}

static void values_are_cut_to_the_width(void **state)
{
    (void)state;
    int a;
    assert_int_equal(add(0, 0x1000, ALL_WIDTHS, &a), BP_OK);
    assert_int_equal(bus_read(bus, 0, 1), 0x88);
    assert_int_equal(bus_read(bus, 0, 2), 0x7788);
    assert_int_equal(bus_read(bus, 0, 4), 0x55667788);
    bus_write(bus, 0, 1, 0xffffffffffffff21);
    assert_int_equal(seen.value, 0x21);
    bus_write(bus, 0, 4, 0xffffffff87654321);
    assert_int_equal(seen.value, 0x87654321);
}

static void nobodys_address_reads_as_ones_and_ignores_writes(void **state)
{
    (void)state;
    expect_stray_read(0, 1, false);
    expect_stray_read(0x1000, 2, false);
    expect_stray_read(0xffffffff00000000, 4, false);
    expect_stray_read(UINT64_MAX - 7, 8, false);
    bus_write(bus, 0x2000, 4, 1);
    assert_int_equal(stray.is_write, 1);
    assert_int_equal(stray.address, 0x2000);
    assert_int_equal(seen.n_writes, 0);
}

static void width_that_a_region_does_not_have_is_nobodys(void **state)
{
    (void)state;
    int a;
    assert_int_equal(add(0x1000, 0x100, BP_W32, &a), BP_OK);
    expect_stray_read(0x1000, 1, true);
    expect_stray_read(0x1000, 2, true);
    expect_stray_read(0x1000, 8, true);
    assert_int_equal(bus_read(bus, 0x1000, 4), 0x55667788);
    bus_write(bus, 0x1000, 2, 1);
    assert_int_equal(seen.n_writes, 0);
    assert_int_equal(stray.in_a_region, true);
}

static void unaligned_access_is_nobodys(void **state)
{
    (void)state;
    int a;
    assert_int_equal(add(0x1000, 0x100, ALL_WIDTHS, &a), BP_OK);
    expect_stray_read(0x1001, 2, true);
    expect_stray_read(0x1002, 4, true);
    expect_stray_read(0x1004, 8, true);
    expect_owner(0x1001, &a, 1);
}

static void access_across_the_end_of_a_region_is_nobodys(void **state)
{
    (void)state;
    int a;
    assert_int_equal(add(0x1000, 0x106, ALL_WIDTHS, &a), BP_OK);
    assert_int_equal(bus_read(bus, 0x1104, 2), 0x7788);
    expect_stray_read(0x1104, 4, true);
    expect_stray_read(0x1100, 8, true);
    expect_stray_read(0x1106, 1, false);
    expect_stray_read(0xfff, 1, false);
}

static void devices_share_a_page(void **state)
{
    (void)state;
    int owners[64];
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(add(0x5000 + 64 * ((i * 29) % 64), 32, ALL_WIDTHS, &owners[i]), BP_OK);
    for (unsigned i = 0; i < 64; i++) {
        uint64_t base = 0x5000 + 64 * ((i * 29) % 64);
        expect_owner(base, &owners[i], 0);
        expect_owner(base + 31, &owners[i], 31);
        expect_stray_read(base + 32, 1, false);
        expect_stray_read(base + 63, 1, false);
    }
}

static void region_that_begins_and_ends_within_pages_is_whole(void **state)
{
    (void)state;
    int a, b, c;
    assert_int_equal(add(0x1ff0, 0x2020, ALL_WIDTHS, &a), BP_OK);
    assert_int_equal(add(0x1000, 0xff0, ALL_WIDTHS, &b), BP_OK);
    assert_int_equal(add(0x4010, 0x10, ALL_WIDTHS, &c), BP_OK);
    expect_owner(0x1fef, &b, 0xfef);
    expect_owner(0x1ff0, &a, 0);
    expect_owner(0x2000, &a, 0x10);
    expect_owner(0x3abc, &a, 0x1acc);
    expect_owner(0x400f, &a, 0x201f);
    expect_owner(0x4010, &c, 0);
}

static void large_regions_and_small_ones_beside_them_are_found(void **state)
{
    (void)state;
    int big, small, last;
    /* 2^39 bytes are one entry of a level, what begins off its boundary is many. */
    assert_int_equal(add(0x8000000000, 0x8000000000, ALL_WIDTHS, &big), BP_OK);
    assert_int_equal(add(0x7ffffff000, 0x1000, ALL_WIDTHS, &small), BP_OK);
    assert_int_equal(add(UINT64_MAX - 0xfff, 0x1000, ALL_WIDTHS, &last), BP_OK);
    expect_owner(0x8000000000, &big, 0);
    expect_owner(0xffffffffff, &big, 0x7fffffffff);
    expect_owner(0x7fffffffff, &small, 0xfff);
    expect_owner(UINT64_MAX, &last, 0xfff);
    expect_stray_read(0x10000000000, 1, false);
    expect_stray_read(0x7fffffefff, 1, false);
}

static void whole_address_space_but_a_byte_can_be_one_region(void **state)
{
    (void)state;
    int a;
    assert_int_equal(add(0, UINT64_MAX, ALL_WIDTHS, &a), BP_OK);
    expect_owner(0, &a, 0);
    expect_owner(UINT64_MAX - 1, &a, UINT64_MAX - 1);
    expect_stray_read(UINT64_MAX, 1, false);
}

static void overlaps_are_refused(void **state)
{
    (void)state;
    int a, b;
    assert_int_equal(add(0x2000, 0x1000, ALL_WIDTHS, &a), BP_OK);
    assert_int_equal(add(0x2fff, 1, ALL_WIDTHS, &b), BP_ERR_EXISTS);
    assert_int_equal(add(0x1fff, 2, ALL_WIDTHS, &b), BP_ERR_EXISTS);
    assert_int_equal(add(0x1000, 0x3000, ALL_WIDTHS, &b), BP_ERR_EXISTS);
    assert_int_equal(add(0x2800, 0x10, ALL_WIDTHS, &b), BP_ERR_EXISTS);
    assert_int_equal(add(0x1000, 0x1000, ALL_WIDTHS, &b), BP_OK);
    assert_int_equal(add(0x3000, 0x1000, ALL_WIDTHS, &b), BP_OK);
    expect_owner(0x2800, &a, 0x800);
}

static void empty_and_wrapping_ranges_are_refused(void **state)
{
    (void)state;
    struct err err = {{0}};
    struct bus_handler handler = {.base = 0x1000, .size = 0, .widths = BP_W8};
    assert_int_equal(bus_add(bus, &handler, &err), BP_ERR_INVALID);
    assert_string_equal(err.text, "bus: a range at 0x1000 is empty or wraps around");
    handler = (struct bus_handler){.base = UINT64_MAX, .size = 2, .widths = BP_W8};
    assert_int_equal(bus_add(bus, &handler, &err), BP_ERR_INVALID);
    handler.size = 1;
    assert_int_equal(bus_add(bus, &handler, &err), BP_OK);
}

static void region_without_functions_reads_as_ones_silently(void **state)
{
    (void)state;
    struct bus_handler handler = {.base = 0x1000, .size = 0x10, .widths = BP_W32};
    assert_int_equal(bus_add(bus, &handler, NULL), BP_OK);
    assert_int_equal(bus_read(bus, 0x1000, 4), 0xffffffff);
    bus_write(bus, 0x1000, 4, 1);
    assert_int_equal(stray.n, 0);
}

/* Against the plainest thing that does the same: every address near a border of 5 and 500 ranges.
 */
struct range {
    uint64_t base, size;
};

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static const struct range *find(const struct range *ranges, unsigned n, uint64_t address)
{
    for (unsigned i = 0; i < n; i++)
        if (address - ranges[i].base < ranges[i].size)
            return &ranges[i];
    return NULL;
}

static void expect_same(struct range *ranges, unsigned n, uint64_t address)
{
    const struct range *range = find(ranges, n, address);
    if (range == NULL)
        expect_stray_read(address, 1, false);
    else
        expect_owner(address, (void *)(uintptr_t)range, address - range->base);
}

static void fill_and_compare(unsigned n)
{
    static struct range ranges[500];
    uint64_t seed = 77 + n;
    for (unsigned i = 0; i < n;) {
        uint64_t size = 1 + next_random(&seed) % (1ull << (next_random(&seed) % 20));
        uint64_t base = next_random(&seed) % (1ull << 32);
        struct range *range = &ranges[i];
        int32_t status = add(base, size, ALL_WIDTHS, range);
        if (status == BP_OK)
            ranges[i++] = (struct range){base, size};
        else
            assert_int_equal(status, BP_ERR_EXISTS);
    }
    for (unsigned i = 0; i < n; i++) {
        expect_same(ranges, n, ranges[i].base);
        expect_same(ranges, n, ranges[i].base - 1);
        expect_same(ranges, n, ranges[i].base + ranges[i].size - 1);
        expect_same(ranges, n, ranges[i].base + ranges[i].size);
        expect_same(ranges, n, ranges[i].base + next_random(&seed) % ranges[i].size);
        expect_same(ranges, n, next_random(&seed) % (1ull << 33));
    }
}

static void five_devices_are_found_as_a_plain_search_finds_them(void **state)
{
    (void)state;
    fill_and_compare(5);
}

static void five_hundred_devices_are_found_as_a_plain_search_finds_them(void **state)
{
    (void)state;
    fill_and_compare(500);
}

static void destroying_nothing_is_harmless(void **state)
{
    (void)state;
    bus_destroy(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(access_reaches_its_device_with_offset_region_and_width),
        TEST(values_are_cut_to_the_width),
        TEST(nobodys_address_reads_as_ones_and_ignores_writes),
        TEST(width_that_a_region_does_not_have_is_nobodys),
        TEST(unaligned_access_is_nobodys),
        TEST(access_across_the_end_of_a_region_is_nobodys),
        TEST(devices_share_a_page),
        TEST(region_that_begins_and_ends_within_pages_is_whole),
        TEST(large_regions_and_small_ones_beside_them_are_found),
        TEST(whole_address_space_but_a_byte_can_be_one_region),
        TEST(overlaps_are_refused),
        TEST(empty_and_wrapping_ranges_are_refused),
        TEST(region_without_functions_reads_as_ones_silently),
        TEST(five_devices_are_found_as_a_plain_search_finds_them),
        TEST(five_hundred_devices_are_found_as_a_plain_search_finds_them),
        TEST(destroying_nothing_is_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
