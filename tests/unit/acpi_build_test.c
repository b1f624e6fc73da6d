/* The ACPI tables, looked at with offsets typed again from ACPI 6.5, chapter 5. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <backplane/abi.h>

#include "tables/acpi.h"
#include "tables/acpi_sample.h"
#include "tables/aml.h"

#define GPA 0x7fff0000u

static struct pc_sample pc;
static struct acpi_blob blob;
static struct err err;

static int begin(void **state)
{
    (void)state;
    pc_init(&pc);
    blob = (struct acpi_blob){.tables = NULL};
    return 0;
}

static int end(void **state)
{
    (void)state;
    acpi_blob_fini(&blob);
    return 0;
}

static void build(void)
{
    acpi_blob_fini(&blob);
    err.text[0] = '\0';
    if (acpi_build(&pc.layout, GPA, &blob, &err) != BP_OK)
        fail_msg("%s", err.text);
}

static void refuses(int32_t status, const char *sentence)
{
    acpi_blob_fini(&blob);
    err.text[0] = '\0';
    assert_int_equal(acpi_build(&pc.layout, GPA, &blob, &err), status);
    assert_null(blob.tables);
    if (strcmp(err.text, sentence) != 0)
        fail_msg("\nsaid:     %s\nexpected: %s", err.text, sentence);
}

static uint64_t number(const uint8_t *at, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

static const uint8_t *find(const char *signature, size_t *size)
{
    struct acpi_table table;
    size_t cursor = 0;
    while (acpi_blob_next(&blob, &cursor, &table))
        if (strcmp(table.signature, signature) == 0) {
            *size = table.size;
            return table.bytes;
        }
    return NULL;
}

static const uint8_t *table_of(const char *signature, size_t *size)
{
    const uint8_t *t = find(signature, size);
    if (t == NULL)
        fail_msg("there is no %s", signature);
    return t;
}

static void assert_bytes(const uint8_t *at, const uint8_t *expected, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (at[i] != expected[i])
            fail_msg("byte %zu is 0x%02x, not 0x%02x", i, at[i], expected[i]);
}
#define BYTES(at, ...)                                                                             \
    assert_bytes(at, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static unsigned sum(const uint8_t *bytes, size_t size)
{
    unsigned total = 0;
    for (size_t i = 0; i < size; i++)
        total += bytes[i];
    return total & 0xFF;
}

/* --- all tables ------------------------------------------------------------------------------- */
static void tables_are_aligned_whole_and_sum_to_zero(void **state)
{
    struct acpi_table t;
    size_t cursor = 0, n = 0;
    const uint8_t *before = NULL;
    (void)state;
    build();
    assert_int_equal(blob.tables_bytes % 4096, 0);
    while (acpi_blob_next(&blob, &cursor, &t)) {
        n++;
        assert_int_equal((t.bytes - blob.tables) % 64, 0);
        assert_true(t.bytes >= before);
        assert_true((size_t)(t.bytes - blob.tables) + t.size <= blob.tables_bytes);
        assert_int_equal(number(t.bytes + 4, 4), t.size);
        before = t.bytes + t.size;
        if (strcmp(t.signature, "FACS") == 0)
            continue;
        assert_int_equal(sum(t.bytes, t.size), 0);
        assert_memory_equal(t.bytes + 10, "BPLANE", 6);
        assert_memory_equal(t.bytes + 16, "BACKPLAN", 8);
    }
    assert_int_equal(n, 7);
    for (const uint8_t *p = before; p < blob.tables + blob.tables_bytes; p++)
        assert_int_equal(*p, 0);
}

static void the_root_pointer_names_the_xsdt(void **state)
{
    size_t size;
    (void)state;
    build();
    const uint8_t *r = blob.rsdp;
    assert_memory_equal(r, "RSD PTR ", 8);
    assert_int_equal(sum(r, 20), 0);
    assert_int_equal(sum(r, 36), 0);
    assert_memory_equal(r + 9, "BPLANE", 6);
    assert_int_equal(r[15], 2);
    assert_int_equal(number(r + 16, 4), 0); /* no RSDT */
    assert_int_equal(number(r + 20, 4), 36);
    assert_int_equal(number(r + 24, 8), GPA + (uint64_t)(table_of("XSDT", &size) - blob.tables));
}

static void the_xsdt_names_every_table_but_dsdt_and_facs(void **state)
{
    static const char *const expected[] = {"FACP", "APIC", "MCFG", "SPCR"};
    size_t size, other;
    (void)state;
    build();
    const uint8_t *x = table_of("XSDT", &size);
    assert_int_equal(x[8], 1);
    assert_int_equal(size, 36 + 4 * 8);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(number(x + 36 + 8 * i, 8),
                         GPA + (uint64_t)(table_of(expected[i], &other) - blob.tables));
}

static void the_same_machine_gives_the_same_bytes_and_size_wherever(void **state)
{
    struct acpi_blob other;
    (void)state;
    build();
    assert_int_equal(acpi_build(&pc.layout, GPA, &other, &err), BP_OK);
    assert_int_equal(other.tables_bytes, blob.tables_bytes);
    assert_memory_equal(other.tables, blob.tables, blob.tables_bytes);
    assert_memory_equal(other.rsdp, blob.rsdp, 36);
    acpi_blob_fini(&other);
    assert_int_equal(acpi_build(&pc.layout, 0, &other, NULL), BP_OK);
    assert_int_equal(other.tables_bytes, blob.tables_bytes);
    acpi_blob_fini(&other);
    assert_int_equal(acpi_build_described(&pc.layout, &other, &err), BP_OK);
    assert_int_equal(other.tables_gpa + other.tables_bytes, 0x80000000);
    acpi_blob_fini(&other);
}

/* --- FADT and FACS ---------------------------------------------------------------------------- */
static void the_facs_lies_first_on_a_page_of_its_own(void **state)
{
    size_t size;
    (void)state;
    build();
    const uint8_t *f = table_of("FACS", &size);
    assert_ptr_equal(f, blob.tables);
    assert_int_equal(size, 64);
    assert_int_equal(f[32], 2);
    for (size_t i = 8; i < ACPI_NVS_BYTES; i++)
        assert_int_equal(f[i], i == 32 ? 2 : 0);
}

static void the_fadt_describes_the_fixed_hardware(void **state)
{
    size_t size, other;
    (void)state;
    build();
    const uint8_t *f = table_of("FACP", &size);
    uint64_t dsdt = GPA + (uint64_t)(table_of("DSDT", &other) - blob.tables);
    assert_int_equal(size, 276);
    assert_int_equal(f[8], 6);
    assert_int_equal(f[131], 5);
    assert_int_equal(number(f + 36, 4), GPA);
    assert_int_equal(number(f + 40, 4), dsdt);
    assert_int_equal(number(f + 132, 8), 0);
    assert_int_equal(number(f + 140, 8), dsdt);
    assert_int_equal(number(f + 46, 2), 9); /* SCI */
    assert_int_equal(number(f + 48, 4), 0); /* always in ACPI mode */
    assert_int_equal(number(f + 56, 4), 0x600);
    assert_int_equal(number(f + 64, 4), 0x604);
    assert_int_equal(number(f + 76, 4), 0x608);
    assert_int_equal(number(f + 80, 4), 0);
    BYTES(f + 88, 4, 2, 0, 4, 0, 0, 0);
    BYTES(f + 148, 1, 32, 0, 2, 0x00, 0x06, 0, 0, 0, 0, 0, 0); /* X_PM1a_EVT_BLK */
    BYTES(f + 172, 1, 16, 0, 2, 0x04, 0x06, 0, 0, 0, 0, 0, 0); /* X_PM1a_CNT_BLK */
    BYTES(f + 208, 1, 32, 0, 3, 0x08, 0x06, 0, 0, 0, 0, 0, 0); /* X_PM_TMR_BLK */
    BYTES(f + 116, 1, 8, 0, 1, 0x10, 0x06, 0, 0, 0, 0, 0, 0);  /* RESET_REG */
    assert_int_equal(f[128], 0xA5);
    assert_true(number(f + 96, 2) > 100);  /* no C2 */
    assert_true(number(f + 98, 2) > 1000); /* no C3 */
    BYTES(f + 106, 0x0D, 0x0E, 0x32);
    /* WBINVD, C1, no fixed sleep button, no fixed RTC, 32-bit timer, reset register. */
    assert_int_equal(number(f + 112, 4), 0x1 | 0x4 | 0x20 | 0x40 | 0x100 | 0x400);
    assert_int_equal(number(f + 109, 2), 0x1 | 0x2 | 0x4); /* legacy, 8042, no VGA */
}

static void a_machine_without_fixed_hardware_is_hardware_reduced(void **state)
{
    size_t size;
    (void)state;
    pc.devices[PC_PM].describe_acpi = NULL;
    pc.devices[PC_RTC].describe_acpi = NULL;
    pc.devices[PC_KEYS].describe_acpi = NULL;
    build();
    const uint8_t *f = table_of("FACP", &size);
    /* WBINVD, C1, no buttons, no fixed RTC, hardware-reduced. */
    assert_int_equal(number(f + 112, 4), 0x1 | 0x4 | 0x10 | 0x20 | 0x40 | 0x100000);
    assert_int_equal(number(f + 109, 2), 0x4 | 0x20); /* no VGA, no CMOS clock */
    for (size_t i = 46; i < 92; i++)
        assert_int_equal(f[i], 0);
    for (size_t i = 148; i < 268; i++)
        assert_int_equal(f[i], 0);
    for (size_t i = 116; i < 129; i++)
        assert_int_equal(f[i], 0);
}

static void gpe_mmio_acpi(void *ctx, const struct bp_acpi_writer *w)
{
    sample_pm_acpi(ctx, w);
    w->fixed_block(w, BP_ACPI_GPE0, 0, 0x14, 8);
}

static void memory_mapped_fixed_hardware_is_only_in_the_extended_fields(void **state)
{
    size_t size;
    (void)state;
    pc.devices[PC_PM].describe_acpi = gpe_mmio_acpi;
    pc.regions[PC_PM].kind = BP_MMIO;
    pc.regions[PC_PM].base = 0x150000000;
    build();
    const uint8_t *f = table_of("FACP", &size);
    assert_int_equal(number(f + 56, 4), 0);
    assert_int_equal(number(f + 80, 4), 0);
    BYTES(f + 88, 4, 2, 0, 4, 8);
    BYTES(f + 148, 0, 32, 0, 2, 0, 0, 0, 0x50, 1, 0, 0, 0);
    BYTES(f + 220, 0, 64, 0, 1, 0x14, 0, 0, 0x50, 1, 0, 0, 0);
}

/* --- MADT ------------------------------------------------------------------------------------- */
static void the_madt_lists_processors_chip_and_overrides(void **state)
{
    size_t size;
    (void)state;
    build();
    const uint8_t *m = table_of("APIC", &size);
    assert_int_equal(m[8], 5);
    BYTES(m + 36, 0, 0, 0xe0, 0xfe, 1, 0, 0, 0); /* local APIC, PCAT_COMPAT */
    BYTES(m + 44, 0, 8, 0, 0, 1, 0, 0, 0, 0, 8, 1, 1, 1, 0, 0, 0);
    BYTES(m + 60, 1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0);
    BYTES(m + 72, 2, 10, 0, 0, 2, 0, 0, 0, 0, 0);    /* ISA 0 is line 2 */
    BYTES(m + 82, 2, 10, 0, 9, 9, 0, 0, 0, 0x0D, 0); /* SCI: level, active high */
    BYTES(m + 92, 4, 6, 0xFF, 0, 0, 1);              /* NMI on LINT1 */
    assert_int_equal(size, 98);
}

static void without_pic_pit_and_low_sci_there_is_nothing_to_override(void **state)
{
    size_t size;
    (void)state;
    pc.devices[PC_PIC].is_builtin = false;
    pc.devices[PC_PIT].is_builtin = false;
    pc.lines[PC_PM].number = 16;
    build();
    const uint8_t *m = table_of("APIC", &size);
    assert_int_equal(number(m + 40, 4), 0);
    assert_int_equal(size, 44 + 2 * 8 + 12 + 6);
    assert_int_equal(number(table_of("FACP", &size) + 46, 2), 16);
}

/* Linux takes ISA's lines for edges, also where _CRS says otherwise. */
static void level_lines_among_isas_are_overridden(void **state)
{
    size_t size;
    (void)state;
    pc.lines[PC_KEYS].number = 1;
    pc.lines[PC_KEYS].trigger = BP_LEVEL_HIGH;
    build();
    const uint8_t *m = table_of("APIC", &size);
    assert_int_equal(size, 98 + 10);
    BYTES(m + 92, 2, 10, 0, 1, 1, 0, 0, 0, 0x0D, 0);
    pc.lines[PC_KEYS].number = 16;
    build();
    (void)table_of("APIC", &size);
    assert_int_equal(size, 98);
}

static void processors_beyond_254_need_the_x2apic(void **state)
{
    size_t size;
    (void)state;
    pc.layout.n_cpus = 300;
    build();
    const uint8_t *m = table_of("APIC", &size);
    BYTES(m + 44 + 254 * 8, 0, 8, 254, 254, 1, 0, 0, 0);
    BYTES(m + 44 + 255 * 8, 9, 16, 0, 0, 0xFF, 0, 0, 0, 1, 0, 0, 0, 0xFF, 0, 0, 0);
    BYTES(m + 44 + 255 * 8 + 44 * 16, 9, 16, 0, 0, 0x2B, 1, 0, 0, 1, 0, 0, 0, 0x2B, 1, 0, 0);
    BYTES(m + size - 12, 0x0A, 12, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0);
}

static void a_plugin_can_be_the_interrupt_controller(void **state)
{
    size_t size;
    (void)state;
    pc.devices[PC_IOAPIC].is_builtin = false;
    pc.regions[PC_IOAPIC].base = 0xfec10000;
    build();
    BYTES(table_of("APIC", &size) + 60, 1, 12, 0, 0, 0, 0, 0xc1, 0xfe, 0, 0, 0, 0);
}

/* --- MCFG, SPCR ------------------------------------------------------------------------------- */
static void the_mcfg_counts_from_bus_0(void **state)
{
    size_t size;
    (void)state;
    build();
    const uint8_t *m = table_of("MCFG", &size);
    assert_int_equal(size, 36 + 8 + 16);
    BYTES(m + 36, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 0, 2, 17, 0, 0, 0, 0);
    pc.devices[PC_PCI].describe_acpi = NULL;
    build();
    assert_null(find("MCFG", &size));
}

static void the_spcr_is_that_of_the_console(void **state)
{
    size_t size;
    (void)state;
    build();
    const uint8_t *s = table_of("SPCR", &size);
    assert_int_equal(size, 80);
    assert_int_equal(s[8], 2);
    BYTES(s + 36, 0, 0, 0, 0, 1, 8, 0, 1, 0xf8, 3, 0, 0, 0, 0, 0, 0);
    BYTES(s + 52, 3, 4, 4, 0, 0, 0, 7, 0, 1, 0, 2, 0, 0xFF, 0xFF, 0xFF, 0xFF);
    pc.layout.console = &pc.devices[PC_LAMP];
    build();
    assert_null(find("SPCR", &size));
    pc.layout.console = NULL;
    build();
    assert_null(find("SPCR", &size));
}

static void spread_serial(void *ctx, const struct bp_acpi_writer *w)
{
    (void)ctx;
    w->serial(w, 0, 0, 0x12, 4, 0, 1500000);
}

static void a_memory_mapped_console_says_how_wide_its_registers_are(void **state)
{
    size_t size;
    (void)state;
    pc.layout.console = &pc.devices[PC_LAMP];
    pc.devices[PC_LAMP].describe_acpi = spread_serial;
    build();
    const uint8_t *s = table_of("SPCR", &size);
    BYTES(s + 36, 0x12, 0, 0, 0, 0, 32, 0, 3, 0, 0, 0xd0, 0xfe, 0, 0, 0, 0);
    BYTES(s + 52, 2, 0, 20, 0, 0, 0, 0, 0, 1); /* by the I/O APIC alone; speed as it is */
}

/* --- DSDT ------------------------------------------------------------------------------------- */
static const uint8_t *search(const uint8_t *in, size_t size, const void *what, size_t n)
{
    return memmem(in, size, what, n);
}

static const uint8_t *device_of(const char *name, size_t *size)
{
    size_t whole;
    const uint8_t *d = table_of("DSDT", &whole);
    for (const uint8_t *p = d + 36; (p = search(p, whole - (size_t)(p - d), name, 4)) != NULL; p++)
        if (p[-2] == 0x82 || p[-3] == 0x82 || p[-4] == 0x82) {
            *size = whole - (size_t)(p - d);
            const uint8_t *next = search(p + 4, *size - 4, "[\x82", 2);
            *size = next != NULL ? (size_t)(next - p) : *size;
            return p;
        }
    return NULL;
}

static void the_dsdt_is_terms_that_our_own_reader_takes(void **state)
{
    struct aml_term_names *names = malloc(sizeof(*names));
    struct aml again;
    size_t size;
    (void)state;
    assert_non_null(names);
    build();
    const uint8_t *d = table_of("DSDT", &size);
    assert_int_equal(d[8], 2);
    aml_init(&again);
    if (aml_terms(&again, d + 36, size - 36, names, &err) != BP_OK)
        fail_msg("%s", err.text);
    assert_int_equal(again.size, size - 36);
    assert_string_equal(names->names[names->n - 1], "_S5_");
    BYTES(d + size - 14, 0x08, '_', 'S', '5', '_', 0x12, 0x08, 4, 0x0A, 5, 0x0A, 5, 0, 0);
    aml_fini(&again);
    free(names);
}

static void devices_have_what_the_map_has(void **state)
{
    static const uint8_t uart[] = {
        0x08, '_',  'H',  'I',  'D',  0x0C, 0x41, 0xD0, 0x05, 0x01, 0x08, '_', 'U',  'I',
        'D',  0x00, 0x08, '_',  'S',  'T',  'A',  0x0A, 0x0F, 0x08, '_',  'C', 'R',  'S',
        0x11, 0x16, 0x0A, 0x13, 0x47, 1,    0xf8, 3,    0xf8, 3,    1,    8,   0x89, 6,
        0,    0x03, 1,    4,    0,    0,    0,    0x79, 0,    0x08, '_',  'D', 'S',  'D'};
    size_t size;
    (void)state;
    build();
    const uint8_t *d = device_of("D005", &size);
    assert_non_null(d);
    BYTES(d, 'D', '0', '0', '5');
    assert_bytes(d + 4, uart, sizeof(uart));
    assert_non_null(search(d, size, "clock-frequency", 16));
    assert_null(device_of("D00A", &size)); /* behind a transport */
    d = device_of("D00B", &size);
    assert_non_null(search(d, size, "\x0DPRP0001", 9));
    assert_non_null(search(d, size, "\x0Dgoogle,goldfish-rtc\0\x0Dgoogle,rtc", 32));
}

static void identifiers_are_numbered_for_each_hid(void **state)
{
    size_t size;
    (void)state;
    pc.devices[PC_LAMP].acpi_hid = "PNP0501";
    build();
    const uint8_t *d = device_of("D008", &size);
    BYTES(d + 14, 0x08, '_', 'U', 'I', 'D', 0x01);
    /* lapic, ioapic, power, keys, frames have no class of their own: PNP0C02. */
    d = device_of("D00C", &size);
    BYTES(d + 4, 0x08, '_', 'H', 'I', 'D', 0x0C, 0x41, 0xD0, 0x0C, 0x02);
    BYTES(d + 14, 0x08, '_', 'U', 'I', 'D', 0x0A, 4);
}

static void what_a_child_takes_leaves_the_parent(void **state)
{
    size_t size;
    (void)state;
    build();
    const uint8_t *d = device_of("D007", &size); /* up to its first child */
    assert_null(search(d, size, "_CRS", 4));
    d = device_of("KBD_", &size);
    assert_non_null(search(d, size,
                           "\x47\x01\x60\x00\x60\x00\x01\x01\x47\x01\x64\x00\x64\x00\x01\x01"
                           "\x89\x06\x00\x03\x01\x01\x00\x00\x00",
                           25));
    d = device_of("D004", &size); /* the SCI is the FADT's */
    assert_null(search(d, size, "\x89\x06", 2));
}

static void terms_stand_behind_the_names_of_resources_and_replace_sta(void **state)
{
    /* The class has two regions and two lines; the first of each is there. */
    static const uint8_t named[] = {0x08, 'R', 'G',  '0',  'B',  0x0C, 0,   0,    0xd0, 0xfe,
                                    0x08, 'R', 'G',  '0',  'S',  0x0B, 0,   0x10, 0x08, 'R',
                                    'G',  '1', 'B',  0x00, 0x08, 'R',  'G', '1',  'S',  0x00,
                                    0x08, 'L', 'N',  '0',  'N',  0x0A, 20,  0x08, 'L',  'N',
                                    '1',  'N', 0xFF, 0x5B, 0x80, 'L',  'M', 'P',  'R'};
    size_t size;
    (void)state;
    build();
    const uint8_t *d = device_of("D008", &size);
    assert_non_null(search(d, size, named, sizeof(named)));
    const uint8_t *sta = search(d, size, "_STA", 4);
    assert_int_equal(sta[-2], 0x14); /* the method; no name before it */
    assert_null(search(sta + 4, size - (size_t)(sta + 4 - d), "\x08_STA", 5));
}

static void paths_say_where_devices_and_their_parts_are(void **state)
{
    char path[ACPI_PATH_BYTES];
    char where[ACPI_WHERE_BYTES];
    (void)state;
    assert_true(acpi_device_path(&pc.layout, &pc.devices[PC_UART], path));
    assert_string_equal(path, "\\_SB.D005");
    assert_false(acpi_device_path(&pc.layout, &pc.devices[PC_DISK], path));
    assert_true(acpi_where(&pc.layout, &pc.devices[PC_UART], false, 0, where));
    assert_string_equal(where, "\\_SB.D005, _CRS");
    assert_true(acpi_where(&pc.layout, &pc.devices[PC_KEYS], true, 0, where));
    assert_string_equal(where, "\\_SB.D007.KBD, _CRS");
    assert_true(acpi_where(&pc.layout, &pc.devices[PC_PM], true, 0, where));
    assert_string_equal(where, "FADT, SCI_INT");
    assert_false(acpi_where(&pc.layout, &pc.devices[PC_DISK], false, 0, where));
    pc.layout.arch = ARCH_RISCV64;
    assert_false(acpi_device_path(&pc.layout, &pc.devices[PC_UART], path));
}

static void thousands_of_devices_have_names_of_their_own(void **state)
{
    enum { N = 5000 };
    struct layout_device *devices = calloc(N, sizeof(*devices));
    struct layout_region *regions = calloc(N, sizeof(*regions));
    char path[ACPI_PATH_BYTES];
    size_t size;
    (void)state;
    assert_non_null(devices);
    assert_non_null(regions);
    for (size_t i = 0; i < N; i++) {
        regions[i] =
            (struct layout_region){"regs", BP_MMIO, 0x200000000 + i * 0x1000, 0x1000, 0, 0};
        devices[i] = (struct layout_device){.name = "many",
                                            .class_id = "many",
                                            .acpi_hid = "LNRO0005",
                                            .regions = &regions[i],
                                            .n_regions = 1,
                                            .n_region_rows = 1};
    }
    pc.layout.devices = devices;
    pc.layout.n_devices = N;
    pc.layout.console = NULL;
    pc.layout.irqchip = NULL;
    build();
    assert_true(acpi_device_path(&pc.layout, &devices[4095], path));
    assert_string_equal(path, "\\_SB.DFFF");
    assert_true(acpi_device_path(&pc.layout, &devices[4096], path));
    assert_string_equal(path, "\\_SB.E000");
    const uint8_t *d = table_of("DSDT", &size);
    assert_non_null(search(d, size, "E387\x08_HID", 9));
    free(devices);
    free(regions);
}

/* --- what cannot be made ---------------------------------------------------------------------- */
static void what_was_not_placed_is_not_described(void **state)
{
    size_t size;
    (void)state;
    pc.devices[PC_PM].n_regions = 0;
    pc.devices[PC_PM].n_lines = 0;
    build();
    assert_int_equal(number(table_of("FACP", &size) + 112, 4) & 0x100000, 0x100000);
    assert_null(search(table_of("DSDT", &size), size, "_S5_", 4));
}

static void fixed_hardware_needs_its_interrupt_and_both_blocks(void **state)
{
    (void)state;
    pc.devices[PC_PM].n_lines = 0;
    refuses(BP_ERR_INVALID, "device power (acpi-pm): ACPI's fixed hardware needs an interrupt: "
                            "connect the line of the SCI");
}

static void event_only(void *ctx, const struct bp_acpi_writer *w)
{
    (void)ctx;
    w->fixed_block(w, BP_ACPI_PM1A_EVENT, 0, 0, 4);
}

static void event_registers_without_control_are_refused(void **state)
{
    (void)state;
    pc.devices[PC_PM].describe_acpi = event_only;
    refuses(BP_ERR_INVALID,
            "device power (acpi-pm): ACPI's fixed hardware needs both the PM1a event and the PM1a "
            "control registers: place the region that holds the control registers");
}

static void other_architectures_and_places_are_refused(void **state)
{
    (void)state;
    assert_int_equal(acpi_build(&pc.layout, 0x100, &blob, &err), BP_ERR_INVALID);
    assert_string_equal(err.text, "ACPI tables: 0x100 is no multiple of 4096 below 4 GiB");
    assert_int_equal(acpi_build(&pc.layout, 0x100000000, &blob, &err), BP_ERR_INVALID);
    assert_int_equal(acpi_build(&pc.layout, 0xFFFFF000, &blob, &err), BP_ERR_NO_SPACE);
    pc.layout.n_ram = 0;
    assert_int_equal(acpi_build_described(&pc.layout, &blob, &err), BP_ERR_NO_SPACE);
    pc.layout.n_cpus = 4097;
    refuses(BP_ERR_UNSUPPORTED, "ACPI tables: 4097 processors are too many (limit 4096)");
    pc.layout.arch = ARCH_RISCV64;
    refuses(BP_ERR_UNSUPPORTED,
            "ACPI tables: none are made for riscv64 machines: they have a device tree (--dts)");
}

static void classes_with_wrong_identifiers_are_named(void **state)
{
    (void)state;
    pc.devices[PC_LAMP].acpi_hid = "LAMPZZZZ";
    refuses(
        BP_ERR_INVALID,
        "device lamp (org.me.lamp): acpi_hid \"LAMPZZZZ\" is no ACPI id: three letters, or four "
        "letters and digits, then four hexadecimal digits, as PNP0501 or ACPI0007; this is a "
        "mistake in the plugin");
    pc_init(&pc);
    pc.devices[PC_CLOCK].dt_compatible = "a\nb\0";
    refuses(BP_ERR_INVALID,
            "device ticks (goldfish-rtc): dt_compatible: 1-16 strings of printable ASCII are "
            "wanted; this is a mistake in the plugin");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tables_are_aligned_whole_and_sum_to_zero),
        TEST(the_root_pointer_names_the_xsdt),
        TEST(the_xsdt_names_every_table_but_dsdt_and_facs),
        TEST(the_same_machine_gives_the_same_bytes_and_size_wherever),
        TEST(the_facs_lies_first_on_a_page_of_its_own),
        TEST(the_fadt_describes_the_fixed_hardware),
        TEST(a_machine_without_fixed_hardware_is_hardware_reduced),
        TEST(memory_mapped_fixed_hardware_is_only_in_the_extended_fields),
        TEST(the_madt_lists_processors_chip_and_overrides),
        TEST(without_pic_pit_and_low_sci_there_is_nothing_to_override),
        TEST(level_lines_among_isas_are_overridden),
        TEST(processors_beyond_254_need_the_x2apic),
        TEST(a_plugin_can_be_the_interrupt_controller),
        TEST(the_mcfg_counts_from_bus_0),
        TEST(the_spcr_is_that_of_the_console),
        TEST(a_memory_mapped_console_says_how_wide_its_registers_are),
        TEST(the_dsdt_is_terms_that_our_own_reader_takes),
        TEST(devices_have_what_the_map_has),
        TEST(identifiers_are_numbered_for_each_hid),
        TEST(what_a_child_takes_leaves_the_parent),
        TEST(terms_stand_behind_the_names_of_resources_and_replace_sta),
        TEST(paths_say_where_devices_and_their_parts_are),
        TEST(thousands_of_devices_have_names_of_their_own),
        TEST(what_was_not_placed_is_not_described),
        TEST(fixed_hardware_needs_its_interrupt_and_both_blocks),
        TEST(event_registers_without_control_are_refused),
        TEST(other_architectures_and_places_are_refused),
        TEST(classes_with_wrong_identifiers_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
