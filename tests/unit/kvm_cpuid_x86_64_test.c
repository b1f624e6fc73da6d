/* What vCPUs say of themselves: topology and features, from what a kernel supports. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "accel/kvm_x86_64.h"

static struct kvm_cpuid_table table;

static void add(uint32_t function, uint32_t index, const uint32_t v[4])
{
    struct kvm_cpuid_entry2 e = {
        .function = function, .index = index, .eax = v[0], .ebx = v[1], .ecx = v[2], .edx = v[3]};
    if (function == 4 || function == 0xb || function == 0x8000001d)
        e.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
    table.entries[table.n++] = e;
}

#define ADD(function, index, ...) add(function, index, (const uint32_t[4]){__VA_ARGS__})

static void add_vendor(uint32_t max, const char *vendor)
{
    uint32_t v[4] = {max};
    memcpy(&v[1], vendor, 4);
    memcpy(&v[3], vendor + 4, 4);
    memcpy(&v[2], vendor + 8, 4);
    add(0, 0, v);
}

static void make_intel(void)
{
    memset(&table, 0, sizeof(table));
    add_vendor(0x1f, "GenuineIntel");
    ADD(1, 0, 0x806f8, 0x12345678, 0xfffaf3ff, 0x1fabfbff);
    ADD(4, 0, 0xfc004121, 0x02c0003f, 0x3f, 0); /* level 1, shared by two threads */
    ADD(4, 1, 0xfc01c163, 0x0240003f, 0x7fff, 4);
    ADD(4, 2, 0, 0, 0, 0);
    ADD(0xb, 0, 1, 2, 0x100, 77);
    ADD(0xb, 1, 7, 64, 0x201, 77);
    ADD(0x15, 0, 0, 0, 0, 0);
    ADD(0x80000000, 0, 0x80000008, 0, 0, 0);
    ADD(0x80000001, 0, 0, 0, 0x121, 0x2c100800);
    ADD(0x80000002, 0, 0, 0, 0, 0);
    ADD(0x80000003, 0, 0, 0, 0, 0);
    ADD(0x80000004, 0, 0, 0, 0, 0);
    ADD(0x80000008, 0, 0x302e, 0x200, 0, 0);
    ADD(0x40000000, 0, 0x40000001, 0x4b4d564b, 0x564b4d56, 0x4d);
    ADD(0x40000001, 0, 0x1007efb, 0, 0, 0);
}

static void make_amd(void)
{
    memset(&table, 0, sizeof(table));
    add_vendor(0xd, "AuthenticAMD");
    ADD(1, 0, 0xa10f11, 0x800, 0xfffaf3ff, 0x178bfbff);
    ADD(4, 0, 0, 0, 0, 0);
    ADD(0x80000000, 0, 0x80000021, 0, 0, 0);
    ADD(0x80000001, 0, 0xa10f11, 0, 0x4003f7, 0x2fd3fbff);
    ADD(0x80000002, 0, 0x20444d41, 0, 0, 0);
    ADD(0x80000003, 0, 0, 0, 0, 0);
    ADD(0x80000004, 0, 0, 0, 0, 0);
    ADD(0x80000008, 0, 0x3030, 0, 0x7001, 0);
    ADD(0x8000000a, 0, 1, 8, 0, 0xff);
    ADD(0x8000001d, 0, 0x4121, 0x1c0003f, 0x3f, 0);
    ADD(0x8000001d, 3, 0x3c163, 0x3c0003f, 0x7fff, 1);
    ADD(0x8000001e, 0, 99, 0x1aa, 3, 0);
    ADD(0x8000001f, 0, 1, 2, 3, 4);
}

static const struct kvm_cpuid_entry2 *find(uint32_t function, uint32_t index)
{
    const struct kvm_cpuid_entry2 *e = kvm_cpuid_find(&table, function, index);
    assert_non_null(e);
    return e;
}

static void shape(uint32_t index, uint32_t n_cpus)
{
    const struct kvm_cpuid_shape s = {
        .index = index, .n_cpus = n_cpus, .tsc_khz = 2600000, .has_deadline_timer = true};
    kvm_cpuid_shape(&table, &s);
}

static void features_name_the_processor_and_leave_nested_virtualization_out(void **state)
{
    (void)state;
    make_intel();
    shape(5, 6);
    const struct kvm_cpuid_entry2 *e = find(1, 0);
    assert_int_equal(e->ebx >> 24, 5);            /* APIC id */
    assert_int_equal(e->ebx >> 16 & 0xff, 8);     /* ids of the package */
    assert_int_equal(e->ebx & 0xffff, 0x5678);    /* cache line and brand are the host's */
    assert_int_equal(e->ecx & (1u << 5), 0);      /* VMX */
    assert_int_equal(e->ecx & (1u << 3), 0);      /* MONITOR */
    assert_int_equal(e->ecx & (1u << 27), 0);     /* OSXSAVE follows CR4 */
    assert_int_not_equal(e->ecx & (1u << 24), 0); /* TSC deadline */
    assert_int_not_equal(e->ecx & (1u << 31), 0); /* hypervisor */
    assert_int_not_equal(e->edx & (1u << 28), 0); /* more than one id */
    make_amd();
    shape(0, 1);
    assert_int_equal(find(1, 0)->edx & (1u << 28), 0);
    assert_int_equal(find(1, 0)->ebx >> 16 & 0xff, 1);
    assert_int_equal(find(0x80000001, 0)->ecx & 6, 0); /* SVM, legacy multi-core */
    assert_int_equal(find(0x8000000a, 0)->edx, 0);
    assert_int_equal(find(0x8000001f, 0)->eax, 0);
}

static void without_a_deadline_timer_none_is_promised(void **state)
{
    (void)state;
    const struct kvm_cpuid_shape s = {.index = 0, .n_cpus = 1};
    make_intel();
    kvm_cpuid_shape(&table, &s);
    assert_int_equal(find(1, 0)->ecx & (1u << 24), 0);
    assert_int_equal(find(0x15, 0)->eax, 0); /* nor a rate that is not known */
}

/* Leaf 0xB: shift to the next level, processors at this level, number and kind of the level, id. */
static void check_levels(uint32_t function, uint32_t index, uint32_t n_cpus, uint32_t bits)
{
    const struct kvm_cpuid_entry2 *thread = find(function, 0), *core = find(function, 1);
    assert_int_equal(thread->eax, 0);
    assert_int_equal(thread->ebx, 1);
    assert_int_equal(thread->ecx, 0x100);
    assert_int_equal(thread->edx, index);
    assert_int_equal(core->eax, bits);
    assert_int_equal(core->ebx, n_cpus);
    assert_int_equal(core->ecx, 0x201);
    assert_int_equal(core->edx, index);
    assert_int_equal(find(function, 2)->ebx, 0);
    assert_int_equal(find(function, 2)->ecx, 2);
    assert_int_equal(find(function, 2)->edx, index);
}

static void x2apic_topology_is_cores_of_one_package(void **state)
{
    (void)state;
    static const struct {
        uint32_t n_cpus, bits;
    } sizes[] = {{1, 0}, {2, 1}, {3, 2}, {4, 2}, {5, 3}, {33, 6}, {64, 6}};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        for (uint32_t index = 0; index < sizes[i].n_cpus; index++) {
            make_intel();
            shape(index, sizes[i].n_cpus);
            check_levels(0xb, index, sizes[i].n_cpus, sizes[i].bits);
            check_levels(0x1f, index, sizes[i].n_cpus, sizes[i].bits);
            make_amd();
            shape(index, sizes[i].n_cpus);
            check_levels(0xb, index, sizes[i].n_cpus, sizes[i].bits);
            assert_null(kvm_cpuid_find(&table, 0x1f, 0)); /* the highest leaf is 0xd */
        }
}

static void a_low_highest_leaf_is_raised_to_the_topology(void **state)
{
    (void)state;
    memset(&table, 0, sizeof(table));
    add_vendor(7, "GenuineIntel");
    ADD(1, 0, 0, 0, 0, 0);
    shape(1, 2);
    assert_int_equal(find(0, 0)->eax, 0xb);
    check_levels(0xb, 1, 2, 1);
}

static void caches_of_the_first_levels_are_a_cores_own(void **state)
{
    (void)state;
    make_intel();
    shape(2, 4);
    assert_int_equal(find(4, 0)->eax >> 14 & 0xfff, 0);
    assert_int_equal(find(4, 0)->eax >> 26, 3);
    assert_int_equal(find(4, 0)->eax & 0x3fff, 0x121);
    assert_int_equal(find(4, 1)->eax >> 14 & 0xfff, 3);
    assert_int_equal(find(4, 2)->eax, 0);
    make_amd();
    shape(2, 4);
    assert_int_equal(find(0x8000001d, 0)->eax >> 14 & 0xfff, 0);
    assert_int_equal(find(0x8000001d, 3)->eax >> 14 & 0xfff, 3);
    assert_int_equal(find(0x8000001d, 3)->eax >> 26, 0);
    assert_int_equal(find(4, 0)->eax, 0);
}

static void amd_leaves_count_cores_and_name_this_one(void **state)
{
    (void)state;
    make_amd();
    shape(3, 6);
    assert_int_equal(find(0x80000008, 0)->ecx, 3u << 12 | 5);
    assert_int_equal(find(0x80000008, 0)->eax, 0x3030);
    assert_int_equal(find(0x8000001e, 0)->eax, 3);
    assert_int_equal(find(0x8000001e, 0)->ebx, 3);
    assert_int_equal(find(0x8000001e, 0)->ecx, 0);
    assert_int_not_equal(find(0x80000001, 0)->ecx & 2, 0);
    make_intel();
    shape(3, 6);
    assert_int_equal(find(0x80000008, 0)->ecx, 0); /* reserved there */
    assert_int_equal(find(0x80000001, 0)->ecx, 0x121);
}

static void time_counter_and_apic_timer_have_one_crystal(void **state)
{
    (void)state;
    make_intel();
    shape(0, 1);
    const struct kvm_cpuid_entry2 *e = find(0x15, 0);
    assert_int_equal(e->ecx, 1000000000);
    assert_int_equal((uint64_t)e->ecx * e->ebx / e->eax, UINT64_C(2600000000));
}

static void a_missing_brand_is_ours_and_the_hosts_stays(void **state)
{
    (void)state;
    char brand[49] = "";
    make_intel();
    shape(0, 1);
    for (uint32_t i = 0; i < 3; i++)
        memcpy(brand + 16 * i, &find(0x80000002 + i, 0)->eax, 16);
    assert_string_equal(brand, "Backplane virtual processor");
    make_amd();
    shape(0, 1);
    assert_int_equal(find(0x80000002, 0)->eax, 0x20444d41);
}

static void the_kernels_own_leaves_stay(void **state)
{
    (void)state;
    make_intel();
    shape(0, 1);
    assert_int_equal(find(0x40000000, 0)->ebx, 0x4b4d564b);
    assert_int_equal(find(0x40000001, 0)->eax, 0x1007efb);
}

static void a_full_table_stays_within_its_bounds(void **state)
{
    (void)state;
    make_intel();
    while (table.n < KVM_CPUID_MAX)
        ADD(0x90000000 + table.n, 0, 0, 0, 0, 0);
    shape(0, 4);
    assert_true(table.n <= KVM_CPUID_MAX);
    memset(&table, 0, sizeof(table));
    shape(0, 4); /* and an empty one does no harm */
    assert_int_equal(table.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(features_name_the_processor_and_leave_nested_virtualization_out),
        cmocka_unit_test(without_a_deadline_timer_none_is_promised),
        cmocka_unit_test(x2apic_topology_is_cores_of_one_package),
        cmocka_unit_test(a_low_highest_leaf_is_raised_to_the_topology),
        cmocka_unit_test(caches_of_the_first_levels_are_a_cores_own),
        cmocka_unit_test(amd_leaves_count_cores_and_name_this_one),
        cmocka_unit_test(time_counter_and_apic_timer_have_one_crystal),
        cmocka_unit_test(a_missing_brand_is_ours_and_the_hosts_stays),
        cmocka_unit_test(the_kernels_own_leaves_stay),
        cmocka_unit_test(a_full_table_stays_within_its_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
