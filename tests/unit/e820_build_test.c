/* E820 of machines typed by hand and of random machine files, byte by byte against the layout. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>

#include "machine/machine.h"
#include "machine_classes.h"
#include "tables/acpi_sample.h"
#include "tables/e820.h"

static struct err err;

/* --- typed by hand ---------------------------------------------------------------------------- */
static char *text_of(const struct layout *layout, const struct acpi_blob *acpi)
{
    struct e820_entry *entries;
    char *text = NULL;
    size_t n, size;
    assert_int_equal(e820_build(layout, acpi, &entries, &n, &err), BP_OK);
    FILE *f = open_memstream(&text, &size);
    assert_non_null(f);
    e820_print(entries, n, f);
    assert_int_equal(fclose(f), 0);
    free(entries);
    return text;
}

static void says(const struct layout *layout, const struct acpi_blob *acpi, const char *expected)
{
    char *text = text_of(layout, acpi);
    assert_string_equal(text, expected);
    free(text);
}

static void ram_is_split_by_the_hole_and_the_tables(void **state)
{
    struct pc_sample pc;
    struct acpi_blob acpi = {.tables_gpa = 0x7fff0000, .tables_bytes = 0x3000};
    (void)state;
    pc_init(&pc);
    pc.layout.ram[1] = (struct aspace_ram){0x100000000, 0x40000000};
    pc.layout.n_ram = 2;
    says(&pc.layout, &acpi,
         "BIOS-e820: [mem 0x0000000000000000-0x000000000009fbff] usable\n"
         "BIOS-e820: [mem 0x000000000009fc00-0x00000000000fffff] reserved\n"
         "BIOS-e820: [mem 0x0000000000100000-0x000000007ffeffff] usable\n"
         "BIOS-e820: [mem 0x000000007fff0000-0x000000007fff0fff] ACPI NVS\n"
         "BIOS-e820: [mem 0x000000007fff1000-0x000000007fff2fff] ACPI data\n"
         "BIOS-e820: [mem 0x000000007fff3000-0x000000007fffffff] usable\n"
         "BIOS-e820: [mem 0x00000000b0200000-0x00000000b11fffff] reserved\n"
         "BIOS-e820: [mem 0x00000000fec00000-0x00000000fec00fff] reserved\n"
         "BIOS-e820: [mem 0x00000000fed00000-0x00000000fed00fff] reserved\n"
         "BIOS-e820: [mem 0x00000000fee00000-0x00000000feefffff] reserved\n"
         "BIOS-e820: [mem 0x0000000100000000-0x000000013fffffff] usable\n"
         "BIOS-e820: [mem 0x0000000140000000-0x0000000140001fff] reserved\n"
         "BIOS-e820: [mem 0x0000000180000000-0x00000001ffffffff] reserved\n");
}

static void little_ram_ends_before_the_hole(void **state)
{
    struct layout layout = {.arch = ARCH_X86_64, .ram = {{0, 0x80000}}, .n_ram = 1};
    (void)state;
    says(&layout, NULL,
         "BIOS-e820: [mem 0x0000000000000000-0x000000000007ffff] usable\n"
         "BIOS-e820: [mem 0x000000000009fc00-0x00000000000fffff] reserved\n");
    layout.ram[0].size = 0xa0000;
    says(&layout, NULL,
         "BIOS-e820: [mem 0x0000000000000000-0x000000000009fbff] usable\n"
         "BIOS-e820: [mem 0x000000000009fc00-0x00000000000fffff] reserved\n");
}

static void windows_in_the_hole_and_at_the_end_of_all_are_taken(void **state)
{
    struct layout_region regions[] = {{"video", BP_RAM, 0xa0000, 0x20000, true, 0},
                                      {"rom", BP_MMIO, 0xf0000, 0x20000, true, 1},
                                      {"last", BP_MMIO, UINT64_MAX - 0xFFF, 0x1000, true, 2},
                                      {"ports", BP_PIO, 0x3f8, 8, true, 3}};
    struct layout_device device = {.name = "d", .regions = regions, .n_regions = 4};
    struct layout layout = {
        .arch = ARCH_X86_64, .ram = {{0, 0xa0000}}, .n_ram = 1, .devices = &device, .n_devices = 1};
    (void)state;
    says(&layout, NULL,
         "BIOS-e820: [mem 0x0000000000000000-0x000000000009fbff] usable\n"
         "BIOS-e820: [mem 0x000000000009fc00-0x000000000010ffff] reserved\n"
         "BIOS-e820: [mem 0xfffffffffffff000-0xffffffffffffffff] reserved\n");
}

/* --- random machines -------------------------------------------------------------------------- */
static uint64_t seed;

static uint64_t rnd(uint64_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % below;
}

static void write_machine(const char *path)
{
    static const char *const classes[] = {"uart", "window", "frames"};
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    /* From 16 MiB to 512 GiB, around each power of two. */
    uint64_t mib = (uint64_t)16 << rnd(16);
    mib += rnd(3) == 0 ? rnd(mib) : 0;
    fprintf(f, "[machine]\narch = x86_64\nmemory = %" PRIu64 "M\n", mib > 524288 ? 524288 : mib);
    size_t n = rnd(40);
    for (size_t i = 0; i < n; i++) {
        const char *class_id = classes[rnd(3)];
        fprintf(f, "[device d%zu]\nplugin = %s\n", i, class_id);
        if (strcmp(class_id, "uart") != 0)
            fprintf(f, "size = %" PRIu64 "K\n", (uint64_t)4 << rnd(12));
        if (strcmp(class_id, "uart") == 0 && rnd(3) == 0) /* below the interrupt controllers */
            fprintf(f, "mmio.regs = 0x%" PRIx64 "\n", 0xc0000000 + (i << 20) + (rnd(256) << 12));
        else if (strcmp(class_id, "frames") == 0 && rnd(3) == 0) /* above any RAM */
            fprintf(f, "mmio.frames = 0x%" PRIx64 "\n",
                    ((uint64_t)1 << 40) + (i << 32) + (rnd(2) << 12));
    }
    assert_int_equal(fclose(f), 0);
}

static struct machine *load(const char *path)
{
    struct diag diag;
    struct machine *machine = NULL;
    struct accel_limits limits[ARCH_COUNT] = {
        {.max_cpus = 16}, {.max_cpus = 16}, {.max_cpus = 16}, {.max_cpus = 16}};
    struct machine_options options = {.path = path, .limits = limits};
    diag_init(&diag);
    if (machine_load_from(&options, &fake_source, &machine, &diag) != BP_OK) {
        char *text = diag_text(&diag);
        fail_msg("seed %" PRIu64 ": %s", seed, text);
    }
    diag_fini(&diag);
    return machine;
}

static bool in_ram(const struct layout *l, uint64_t gpa)
{
    for (size_t i = 0; i < l->n_ram; i++)
        if (gpa >= l->ram[i].base && gpa - l->ram[i].base < l->ram[i].size)
            return true;
    return false;
}

static bool in_window(const struct layout *l, uint64_t gpa)
{
    for (size_t d = 0; d < l->n_devices; d++)
        for (size_t r = 0; r < l->devices[d].n_regions; r++) {
            const struct layout_region *region = &l->devices[d].regions[r];
            if (region->kind != BP_PIO && gpa >= region->base && gpa - region->base < region->size)
                return true;
        }
    return false;
}

/* What an address has to be, told without any of the code under test; 0: nothing. */
static uint32_t expected(const struct layout *l, const struct acpi_blob *acpi, uint64_t gpa)
{
    if (gpa >= 0x9fc00 && gpa < 0x100000)
        return E820_RESERVED;
    if (acpi != NULL && gpa >= acpi->tables_gpa && gpa - acpi->tables_gpa < acpi->tables_bytes)
        return gpa - acpi->tables_gpa < 4096 ? E820_NVS : E820_ACPI;
    if (in_ram(l, gpa))
        return E820_RAM;
    return in_window(l, gpa) ? E820_RESERVED : 0;
}

static uint32_t type_at(const struct e820_entry *e, size_t n, uint64_t gpa)
{
    for (size_t i = 0; i < n; i++)
        if (gpa >= e[i].base && gpa - e[i].base < e[i].size)
            return e[i].type;
    return 0;
}

/* The type only changes where something begins or ends: looking at both sides of each such place
 * looks at every byte. */
static void check_place(const struct layout *l, const struct acpi_blob *acpi,
                        const struct e820_entry *e, size_t n, uint64_t gpa)
{
    for (int side = 0; side < 2; side++) {
        uint64_t at = gpa - (uint64_t)side;
        if (type_at(e, n, at) != expected(l, acpi, at))
            fail_msg("0x%" PRIx64 " is %u, not %u", at, type_at(e, n, at), expected(l, acpi, at));
    }
}

static void check(const struct layout *l, const struct acpi_blob *acpi)
{
    struct e820_entry *e;
    size_t n;
    assert_int_equal(e820_build(l, acpi, &e, &n, &err), BP_OK);
    for (size_t i = 0; i < n; i++) {
        assert_true(e[i].size > 0);
        assert_in_range(e[i].type, E820_RAM, E820_NVS);
        if (i > 0) { /* sorted, disjoint, joined */
            assert_true(e[i].base >= e[i - 1].base + e[i - 1].size);
            assert_true(e[i].base > e[i - 1].base + e[i - 1].size || e[i].type != e[i - 1].type);
        }
        check_place(l, acpi, e, n, e[i].base);
        check_place(l, acpi, e, n, e[i].base + e[i].size);
    }
    for (size_t i = 0; i < l->n_ram; i++) {
        check_place(l, acpi, e, n, l->ram[i].base);
        check_place(l, acpi, e, n, l->ram[i].base + l->ram[i].size);
    }
    for (size_t d = 0; d < l->n_devices; d++)
        for (size_t r = 0; r < l->devices[d].n_regions; r++) {
            const struct layout_region *region = &l->devices[d].regions[r];
            if (region->kind == BP_PIO)
                continue;
            check_place(l, acpi, e, n, region->base);
            check_place(l, acpi, e, n, region->base + region->size);
        }
    static const uint64_t edges[] = {0, 0x9fc00, 0xa0000, 0x100000, 0xc0000000, 0x100000000};
    for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++)
        check_place(l, acpi, e, n, edges[i]);
    free(e);
}

static void every_byte_of_random_machines_is_what_the_map_says(void **state)
{
    char path[] = "/tmp/bp-e820-XXXXXX";
    uint64_t most = 0;
    size_t split = 0;
    (void)state;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    for (uint64_t round = 0; round < 300; round++) {
        seed = round;
        write_machine(path);
        struct machine *m = load(path);
        struct acpi_blob acpi;
        uint64_t ram = 0;
        assert_int_equal(acpi_build_described(&m->layout, &acpi, &err), BP_OK);
        check(&m->layout, NULL);
        check(&m->layout, &acpi);
        /* And in the middle of RAM, with any number of pages. */
        struct acpi_blob moved = {.tables_gpa = (16 + rnd(200)) << 16,
                                  .tables_bytes = (2 + rnd(10)) << 12};
        check(&m->layout, &moved);
        for (size_t i = 0; i < m->layout.n_ram; i++)
            ram += m->layout.ram[i].size;
        most = ram > most ? ram : most;
        split += m->layout.n_ram == 2;
        acpi_blob_fini(&acpi);
        machine_destroy(m);
    }
    (void)unlink(path);
    assert_true(most >= (uint64_t)256 << 30 && split > 50); /* or the test looks at little */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ram_is_split_by_the_hole_and_the_tables),
        cmocka_unit_test(little_ram_ends_before_the_hole),
        cmocka_unit_test(windows_in_the_hole_and_at_the_end_of_all_are_taken),
        cmocka_unit_test(every_byte_of_random_machines_is_what_the_map_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
