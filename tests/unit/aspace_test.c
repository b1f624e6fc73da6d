/* The guest-physical address space: the documented vectors, every refusal, and a property test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <backplane/abi.h>

#include "core/aspace.h"

static struct aspace *make(uint64_t base, uint64_t size, uint32_t bits)
{
    struct aspace *as = NULL;
    struct err err;
    assert_int_equal(aspace_create(ARCH_RISCV64, base, size, bits, &as, &err), BP_OK);
    return as;
}

/* x86 with 5 GiB: 3 GiB low, 2 GiB from 4 GiB on. */
static struct aspace *make_split(void)
{
    struct aspace *as = NULL;
    struct err err;
    assert_int_equal(
        aspace_create_split(ARCH_X86_64, 0, 0xC0000000u, 0x100000000u, 0x80000000u, 46, &as, &err),
        BP_OK);
    return as;
}

static struct aspace_region place(struct aspace *as, const char *name, uint64_t size,
                                  uint64_t alignment, bool below_4g)
{
    struct aspace_request request = {name, size, alignment, below_4g};
    struct aspace_region region = {0};
    struct err err = {""};
    if (aspace_allocate(as, &request, &region, &err) != BP_OK)
        fail_msg("%s", err.text);
    assert_string_equal(region.name, name);
    assert_false(region.fixed);
    return region;
}

static void assert_refused(struct aspace *as, uint64_t size, uint64_t alignment, int32_t status,
                           const char *text)
{
    struct aspace_request request = {"uart.regs", size, alignment, false};
    struct aspace_region region;
    struct err err = {""};
    assert_int_equal(aspace_allocate(as, &request, &region, &err), status);
    if (strstr(err.text, text) == NULL)
        fail_msg("\"%s\" is not in: %s", text, err.text);
}

static void assert_fixed_refused(struct aspace *as, uint64_t base, uint64_t size, int32_t status,
                                 const char *text)
{
    struct err err = {""};
    assert_int_equal(aspace_register_fixed(as, "rtc.regs", base, size, &err), status);
    if (strstr(err.text, text) == NULL)
        fail_msg("\"%s\" is not in: %s", text, err.text);
}

static void dynamic_regions_start_above_ram_in_order(void **state)
{
    (void)state;
    struct aspace *as = make(0x80000000u, 0x10000000u, 56);
    struct aspace_region a = place(as, "a", 0x200, 0x1000, false);
    assert_int_equal(a.base, 0x90000000u);
    assert_int_equal(a.size, 0x1000);
    struct aspace_region b = place(as, "b", 0x3000, 0x10000, false);
    assert_int_equal(b.base, 0x90010000u);
    assert_int_equal(b.size, 0x10000);
    aspace_destroy(as);
}

static void default_alignment_is_a_page(void **state)
{
    (void)state;
    struct aspace *as = make(0x80000000u, 0x10000800u, 56);
    struct aspace_region a = place(as, "a", 1, 0, false);
    assert_int_equal(a.base, 0x90001000u);
    assert_int_equal(a.size, 0x1000);
    struct aspace_region b = place(as, "b", 0x18, 0x10, false);
    assert_int_equal(b.base, 0x90002000u);
    assert_int_equal(b.size, 0x20);
    aspace_destroy(as);
}

static void fixed_region_over_ram_is_refused(void **state)
{
    (void)state;
    struct aspace *as = make(0x80000000u, 0x10000000u, 56);
    assert_fixed_refused(as, 0x8ffff000u, 0x2000, BP_ERR_EXISTS,
                         "rtc.regs [0x8ffff000, 0x90001000) overlaps RAM [0x80000000, 0x90000000)");
    assert_fixed_refused(as, 0x7ffff000u, 0x1001, BP_ERR_EXISTS, "overlaps RAM");
    assert_fixed_refused(as, 0x7ffff000u, 0x100000000u, BP_ERR_EXISTS, "overlaps RAM");
    struct err err;
    /* Half-open ranges: touching RAM on either side is fine. */
    assert_int_equal(aspace_register_fixed(as, "a", 0x7ffff000u, 0x1000, &err), BP_OK);
    assert_int_equal(aspace_register_fixed(as, "b", 0x90000000u, 0x1000, &err), BP_OK);
    aspace_destroy(as);
}

static void split_ram_names_low_and_high_apart(void **state)
{
    (void)state;
    struct aspace *as = make_split();
    struct err err;
    assert_int_equal(aspace_ram_size(as), 0x140000000u);
    assert_int_equal(aspace_ram_end(as), 0x180000000u);
    assert_int_equal(aspace_ram_base(as), 0);
    assert_int_equal(aspace_arch(as), ARCH_X86_64);
    assert_int_equal(aspace_gpa_bits(as), 46);
    struct aspace_ram ram[2];
    assert_int_equal(aspace_ram(as, ram), 2);
    assert_int_equal(ram[1].base, ASPACE_4G);
    assert_int_equal(place(as, "a", 0x1000, 0, false).base, 0x180000000u);
    assert_int_equal(aspace_register_fixed(as, "ioapic", 0xFEC00000u, 0x1000, &err), BP_OK);
    assert_fixed_refused(as, 0x17FFFF000u, 0x2000, BP_ERR_EXISTS, "overlaps high RAM");
    assert_fixed_refused(as, 0xBFFFF000u, 0x2000, BP_ERR_EXISTS, "overlaps low RAM");
    aspace_destroy(as);
}

static void split_without_high_ram_ends_with_low_ram(void **state)
{
    (void)state;
    struct aspace *as = NULL;
    struct err err;
    assert_int_equal(aspace_create_split(ARCH_X86_64, 0, 0x10000000u, ASPACE_4G, 0, 40, &as, &err),
                     BP_OK);
    struct aspace_ram ram[2];
    assert_int_equal(aspace_ram(as, ram), 1);
    assert_int_equal(aspace_ram_end(as), 0x10000000u);
    assert_int_equal(place(as, "a", 0x1000, 0, false).base, 0x10000000u);
    aspace_destroy(as);
}

static void wrong_ram_is_refused(void **state)
{
    (void)state;
    static const struct {
        uint64_t low, low_size, high, high_size;
        uint32_t bits;
        int32_t status;
        const char *text;
    } rows[] = {
        {0x80000000u, 0, 0, 0, 56, BP_ERR_INVALID, "RAM has 0 bytes"},
        {0x80000000u, 0x80000001u, 0, 0, 32, BP_ERR_RANGE, "32 physical address bits"},
        {UINT64_MAX - 0xfff, 0x2000, 0, 0, 64, BP_ERR_RANGE, "ends beyond"},
        {0, 0x1000, 0x800, 0x1000, 40, BP_ERR_EXISTS, "does not lie above low RAM"},
        {0x10000, 0x1000, 0, 0x1000, 40, BP_ERR_EXISTS, "does not lie above low RAM"},
        {0, 0, 0x1000, 0x1000, 40, BP_ERR_INVALID, "low RAM has 0 bytes"},
        {0, 0x1000, 0x8000, UINT64_MAX, 40, BP_ERR_RANGE, "high RAM"},
        {0, 0x1000, 0, 0, 0, BP_ERR_RANGE, "1-64 are possible"},
        {0, 0x1000, 0, 0, 65, BP_ERR_RANGE, "1-64 are possible"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct aspace *as = NULL;
        struct err err = {""};
        assert_int_equal(aspace_create_split(ARCH_ARM64, rows[i].low, rows[i].low_size,
                                             rows[i].high, rows[i].high_size, rows[i].bits, &as,
                                             &err),
                         rows[i].status);
        assert_null(as);
        if (strstr(err.text, rows[i].text) == NULL)
            fail_msg("\"%s\" is not in: %s", rows[i].text, err.text);
    }
    struct aspace *as = NULL;
    assert_int_equal(aspace_create(ARCH_INVALID, 0, 0x1000, 40, &as, NULL), BP_ERR_INVALID);
}

static void wrong_requests_are_refused(void **state)
{
    (void)state;
    struct aspace *as = make(0x80000000u, 0x10000000u, 40);
    assert_refused(as, 0, 0, BP_ERR_INVALID, "uart.regs has 0 bytes");
    assert_refused(as, 1, 3, BP_ERR_INVALID, "alignment 0x3: a power of two");
    assert_refused(as, 1, 0x1800, BP_ERR_INVALID, "power of two");
    assert_refused(as, UINT64_MAX, 0, BP_ERR_NO_SPACE, "above RAM");
    assert_refused(as, 1, UINT64_C(1) << 63, BP_ERR_NO_SPACE, "40 physical address bits");
    assert_refused(as, UINT64_C(1) << 40, 0, BP_ERR_NO_SPACE, "no free");
    assert_fixed_refused(as, 0x1000, 0, BP_ERR_INVALID, "has 0 bytes");
    assert_fixed_refused(as, UINT64_C(1) << 40, 1, BP_ERR_RANGE, "40 physical address bits");
    assert_fixed_refused(as, (UINT64_C(1) << 40) - 1, 2, BP_ERR_RANGE, "ends beyond");
    assert_fixed_refused(as, UINT64_MAX, UINT64_MAX, BP_ERR_RANGE, "ends beyond");
    size_t n;
    (void)aspace_sorted(as, &n);
    assert_int_equal(n, 0);
    aspace_destroy(as);
}

static void fixed_regions_do_not_overlap_what_is_there(void **state)
{
    (void)state;
    struct aspace *as = make(0x80000000u, 0x10000000u, 56);
    struct err err;
    assert_int_equal(aspace_register_fixed(as, "plic.regs", 0xc000000, 0x4000000, &err), BP_OK);
    assert_fixed_refused(as, 0xfff0000, 0x20000, BP_ERR_EXISTS,
                         "overlaps plic.regs [0xc000000, 0x10000000)");
    assert_fixed_refused(as, 0xbfff000, 0x1001, BP_ERR_EXISTS, "overlaps plic.regs");
    assert_fixed_refused(as, 0xd000000, 1, BP_ERR_EXISTS, "overlaps plic.regs");
    assert_fixed_refused(as, 0xb000000, 0x8000000, BP_ERR_EXISTS, "overlaps plic.regs");
    (void)place(as, "disk.regs", 0x1000, 0, false);
    assert_fixed_refused(as, 0x90000800u, 0x10, BP_ERR_EXISTS, "overlaps disk.regs");
    aspace_destroy(as);
}

static void allocation_goes_around_fixed_regions(void **state)
{
    (void)state;
    struct aspace *as = make(0x80000000u, 0x10000000u, 56);
    struct err err;
    assert_int_equal(aspace_register_fixed(as, "f", 0x90001000u, 0x1000, &err), BP_OK);
    assert_int_equal(place(as, "two pages", 0x2000, 0x1000, false).base, 0x90002000u);
    assert_int_equal(place(as, "one page", 0x1000, 0x1000, false).base, 0x90000000u);
    assert_int_equal(place(as, "next", 0x1000, 0x1000, false).base, 0x90004000u);
    aspace_destroy(as);
}

static void region_across_the_last_page_of_ram_is_avoided(void **state)
{
    (void)state;
    struct aspace *as = make(0x80000000u, 0x10000800u, 56);
    struct err err;
    assert_int_equal(aspace_register_fixed(as, "f", 0x90000800u, 0x1000, &err), BP_OK);
    assert_int_equal(place(as, "a", 0x1000, 0, false).base, 0x90002000u);
    aspace_destroy(as);
}

static void regions_below_4g_come_from_the_top(void **state)
{
    (void)state;
    struct aspace *as = make_split();
    struct err err;
    assert_int_equal(place(as, "a", 0x1000, 0, true).base, 0xFFFFF000u);
    assert_int_equal(aspace_register_fixed(as, "f", 0xFFFFD000u, 0x1000, &err), BP_OK);
    assert_int_equal(place(as, "b", 0x2000, 0, true).base, 0xFFFFB000u);
    assert_int_equal(place(as, "c", 0x1000, 0, true).base, 0xFFFFE000u);
    assert_int_equal(place(as, "d", 0x10000, 0x10000, true).base, 0xFFFE0000u);
    /* What is left between low RAM and the rest. */
    struct aspace_request big = {"big", 0x40000000u, 0, true};
    struct aspace_region region;
    assert_int_equal(aspace_allocate(as, &big, &region, &err), BP_ERR_NO_SPACE);
    assert_non_null(strstr(err.text, "below 4 GiB"));
    assert_int_equal(place(as, "most", 0x3FE00000u, 0x200000, true).base, 0xC0000000u);
    aspace_destroy(as);
}

static void regions_below_4g_go_below_ram_when_ram_is_in_the_way(void **state)
{
    (void)state;
    struct aspace *as = make(0x80000000u, 0x100000000u, 56);
    assert_int_equal(place(as, "a", 0x1000, 0, true).base, 0x7FFFF000u);
    assert_int_equal(place(as, "b", 0x1000, 0, true).base, 0x7FFFE000u);
    assert_int_equal(place(as, "c", 0x1000, 0, false).base, 0x180000000u);
    aspace_destroy(as);
}

static void narrow_guest_never_gets_an_address_beyond_its_width(void **state)
{
    (void)state;
    struct aspace *as = make(0x80000000u, 0x7FFFF000u, 32);
    assert_int_equal(place(as, "last", 0x1000, 0, false).base, 0xFFFFF000u);
    assert_refused(as, 1, 0, BP_ERR_NO_SPACE, "no free");
    assert_int_equal(place(as, "low", 0x1000, 0, true).base, 0x7FFFF000u);
    aspace_destroy(as);
}

static void released_space_is_used_again(void **state)
{
    (void)state;
    struct aspace *as = make(0x80000000u, 0x10000000u, 56);
    struct err err;
    for (int i = 0; i < 4; i++)
        (void)place(as, "r", 0x1000, 0, false);
    (void)place(as, "low", 0x1000, 0, true);
    assert_int_equal(aspace_release(as, 0x90001000u, &err), BP_OK);
    assert_int_equal(aspace_release(as, 0x90001000u, &err), BP_ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "0x90001000"));
    assert_int_equal(aspace_release(as, 0x90002800u, NULL), BP_ERR_NOT_FOUND);
    assert_int_equal(place(as, "again", 0x1000, 0, false).base, 0x90001000u);
    assert_int_equal(aspace_release(as, 0xFFFFF000u, &err), BP_OK);
    assert_int_equal(place(as, "low again", 0x1000, 0, true).base, 0xFFFFF000u);
    aspace_destroy(as);
}

static void owner_of_an_address_is_found(void **state)
{
    (void)state;
    struct aspace *as = make(0x80000000u, 0x10000000u, 56);
    struct err err;
    assert_int_equal(aspace_register_fixed(as, "plic.regs", 0xc000000, 0x1000, &err), BP_OK);
    assert_string_equal(aspace_find(as, 0xc000000)->name, "plic.regs");
    assert_string_equal(aspace_find(as, 0xc000fff)->name, "plic.regs");
    assert_null(aspace_find(as, 0xc001000));
    assert_null(aspace_find(as, 0xbffffff));
    assert_null(aspace_find(as, 0x80000000u));
    assert_null(aspace_find(as, UINT64_MAX));
    aspace_destroy(as);
}

static void copies_come_in_the_order_in_which_they_were_made(void **state)
{
    (void)state;
    struct aspace *as = make(0x80000000u, 0x10000000u, 56);
    struct err err;
    size_t n = 7;
    assert_null(aspace_allocations(as, &n));
    assert_int_equal(n, 0);
    assert_int_equal(aspace_register_fixed(as, "f1", 0x5000, 0x1000, &err), BP_OK);
    (void)place(as, "a1", 0x1000, 0x100000000u, false);
    assert_int_equal(aspace_register_fixed(as, "f2", 0x1000, 0x1000, &err), BP_OK);
    (void)place(as, "a2", 0x1000, 0, false);
    struct aspace_region *fixed = aspace_fixed_regions(as, &n);
    assert_int_equal(n, 2);
    assert_string_equal(fixed[0].name, "f1");
    assert_string_equal(fixed[1].name, "f2");
    assert_true(fixed[1].fixed);
    struct aspace_region *dynamic = aspace_allocations(as, &n);
    assert_int_equal(n, 2);
    assert_string_equal(dynamic[0].name, "a1");
    assert_string_equal(dynamic[1].name, "a2");
    const struct aspace_region *sorted = aspace_sorted(as, &n);
    assert_int_equal(n, 4);
    assert_string_equal(sorted[0].name, "f2");
    assert_string_equal(sorted[3].name, "a1");
    free(fixed);
    free(dynamic);
    aspace_destroy(as);
    aspace_destroy(NULL);
}

/* --- property test: whatever is asked for, in whatever order --------------------------------- */
static uint64_t rng_state;

static uint64_t rng(void)
{
    rng_state ^= rng_state << 13;
    rng_state ^= rng_state >> 7;
    rng_state ^= rng_state << 17;
    return rng_state;
}

static void assert_consistent(const struct aspace *as)
{
    size_t n;
    const struct aspace_region *r = aspace_sorted(as, &n);
    struct aspace_ram ram[2];
    size_t n_ram = aspace_ram(as, ram);
    uint64_t limit = UINT64_C(1) << aspace_gpa_bits(as);
    for (size_t i = 0; i < n; i++) {
        assert_true(r[i].size > 0 && r[i].size <= limit && r[i].base <= limit - r[i].size);
        if (i > 0)
            assert_true(r[i - 1].base + r[i - 1].size <= r[i].base);
        for (size_t k = 0; k < n_ram; k++)
            assert_true(r[i].base + r[i].size <= ram[k].base ||
                        ram[k].base + ram[k].size <= r[i].base);
    }
}

/* Independent of the code under test: the end of some region in the way, or 0 when it is free. */
static uint64_t blocker_end(const struct aspace *as, uint64_t base, uint64_t size)
{
    size_t n;
    const struct aspace_region *r = aspace_sorted(as, &n);
    for (size_t i = 0; i < n; i++) {
        if (base < r[i].base + r[i].size && r[i].base < base + size)
            return r[i].base + r[i].size;
    }
    return 0;
}

static void allocate_at_random(struct aspace *as)
{
    uint64_t alignment = UINT64_C(1) << (rng() % 18);
    uint64_t size = 1 + rng() % (UINT64_C(1) << (rng() % 20));
    struct aspace_request request = {"r", size, alignment, rng() % 3 == 0};
    uint64_t rounded = (size + alignment - 1) / alignment * alignment;
    uint64_t first = (aspace_ram_end(as) + 4095) / 4096 * 4096;
    first = (first + alignment - 1) / alignment * alignment;
    uint64_t expected = first;
    for (uint64_t end; (end = blocker_end(as, expected, rounded)) != 0;)
        expected = (end + alignment - 1) / alignment * alignment;
    struct aspace_region region;
    struct err err;
    int32_t status = aspace_allocate(as, &request, &region, &err);
    if (status == BP_ERR_NO_SPACE)
        return;
    assert_int_equal(status, BP_OK);
    assert_int_equal(region.base % alignment, 0);
    assert_int_equal(region.size, rounded);
    if (request.below_4g)
        assert_true(region.base + region.size <= ASPACE_4G);
    else
        assert_int_equal(region.base, expected); /* the lowest fit, no other */
}

static void one_random_step(struct aspace *as)
{
    size_t n;
    const struct aspace_region *sorted = aspace_sorted(as, &n);
    switch (rng() % 8) {
    case 0: {
        uint64_t base = rng() % (UINT64_C(1) << (1 + rng() % 36));
        uint64_t size = 1 + rng() % (UINT64_C(1) << (rng() % 24));
        (void)aspace_register_fixed(as, "f", base, size, NULL);
        break;
    }
    case 1:
        if (n > 0)
            assert_int_equal(aspace_release(as, sorted[rng() % n].base, NULL), BP_OK);
        break;
    case 2: {
        uint64_t base = aspace_ram_end(as) + rng() % 0x80000;
        (void)aspace_register_fixed(as, "f", base, 1 + rng() % 0x3000, NULL);
        break;
    }
    default:
        allocate_at_random(as);
    }
}

static void random_use_never_overlaps_and_stays_inside(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        rng_state = seed * UINT64_C(0x9e3779b97f4a7c15);
        struct aspace *as = NULL;
        struct err err;
        uint64_t low = 0x1000 * (1 + rng() % 0xc0000), high = 1 + rng() % 0x40000000u;
        uint32_t bits = 33 + (uint32_t)(rng() % 20);
        int32_t status =
            seed % 2 ? aspace_create_split(ARCH_X86_64, 0, low, ASPACE_4G, high, bits, &as, &err)
                     : aspace_create(ARCH_RISCV64, 0x80000000u, high, bits, &as, &err);
        assert_int_equal(status, BP_OK);
        for (int step = 0; step < 150; step++) {
            one_random_step(as);
            assert_consistent(as);
        }
        aspace_destroy(as);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dynamic_regions_start_above_ram_in_order),
        cmocka_unit_test(default_alignment_is_a_page),
        cmocka_unit_test(fixed_region_over_ram_is_refused),
        cmocka_unit_test(split_ram_names_low_and_high_apart),
        cmocka_unit_test(split_without_high_ram_ends_with_low_ram),
        cmocka_unit_test(wrong_ram_is_refused),
        cmocka_unit_test(wrong_requests_are_refused),
        cmocka_unit_test(fixed_regions_do_not_overlap_what_is_there),
        cmocka_unit_test(allocation_goes_around_fixed_regions),
        cmocka_unit_test(region_across_the_last_page_of_ram_is_avoided),
        cmocka_unit_test(regions_below_4g_come_from_the_top),
        cmocka_unit_test(regions_below_4g_go_below_ram_when_ram_is_in_the_way),
        cmocka_unit_test(narrow_guest_never_gets_an_address_beyond_its_width),
        cmocka_unit_test(released_space_is_used_again),
        cmocka_unit_test(owner_of_an_address_is_found),
        cmocka_unit_test(copies_come_in_the_order_in_which_they_were_made),
        cmocka_unit_test(random_use_never_overlaps_and_stays_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
