/* The map as text and the answers to "who owns this", from a layout typed by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <backplane/abi.h>

#include "tables/acpi_sample.h"
#include "tables/layout_sample.h"
#include "tables/map.h"
#include "tables/rows.h"

static struct err err;

static char *map_of(const struct layout *layout)
{
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    assert_non_null(f);
    assert_int_equal(map_print(layout, f, &err), BP_OK);
    assert_int_equal(fclose(f), 0);
    return text;
}

static char *who(const struct layout *layout, const char *what, int32_t status)
{
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    assert_non_null(f);
    err.text[0] = '\0';
    assert_int_equal(map_print_who(layout, what, f, &err), status);
    assert_int_equal(fclose(f), 0);
    return text;
}

static void says(const struct layout *layout, const char *what, const char *expected)
{
    char *text = who(layout, what, BP_OK);
    assert_string_equal(text, expected);
    free(text);
}

static void refuses_with(const struct layout *layout, const char *what, int32_t status,
                         const char *expected)
{
    char *text = who(layout, what, status);
    assert_string_equal(text, "");
    assert_string_equal(err.text, expected);
    free(text);
}

static size_t widest(const char *text)
{
    size_t most = 0;
    while (*text != '\0') {
        size_t n = strcspn(text, "\n");
        most = n > most ? n : most;
        text += n + (text[n] == '\n');
    }
    return most;
}

static void the_map_lists_everything_by_address_then_the_lines(void **state)
{
    static const char expected[] =
        "virt: a sample machine\n"
        "riscv64, 2 processors, 256 MiB of RAM\n"
        "\n"
        "addresses                  size  kind  owner               plugin         how\n"
        "0x00100000-0x00100fff     4 KiB  mmio  power regs          sifive-test    pinned\n"
        "0x02000000-0x0200ffff    64 KiB  mmio  timer regs          aclint         pinned\n"
        "0x0c000000-0x0fffffff    64 MiB  mmio  irqchip regs        plic           pinned\n"
        "0x10000000-0x10000fff     4 KiB  mmio  console regs        uart16550      placed\n"
        "0x80000000-0x8fffffff   256 MiB  ram   RAM\n"
        "0x90000000-0x90000fff     4 KiB  mmio  disk0 regs          virtio-blk     placed\n"
        "0x90001000-0x90001fff     4 KiB  mmio  clock regs          goldfish-rtc   placed\n"
        "\n"
        " line  trigger  owner                                      plugin         how\n"
        "    1  level    disk0 out                                  virtio-blk     placed\n"
        "   10  level    console out                                uart16550      placed\n"
        "   11  level    clock out                                  goldfish-rtc   placed\n"
        "      lines 1-63 of irqchip (plic)\n";
    struct sample s;
    (void)state;
    sample_init(&s);
    char *text = map_of(&s.layout);
    assert_string_equal(text, expected);
    free(text);
}

static void names_that_are_too_long_are_cut_and_never_reach_the_terminal_raw(void **state)
{
    struct sample s;
    (void)state;
    sample_init(&s);
    s.devices[SAMPLE_UART].name = "a-console-with-a-name-that-goes-on-and-on";
    s.devices[SAMPLE_UART].class_id = "org.example.very-long-plugin-id";
    s.devices[SAMPLE_RTC].name = "bad\033[2Jname";
    s.layout.ram[0].base = 0xffffff0000000000;
    char *text = map_of(&s.layout);
    assert_in_range(widest(text), 60, 80);
    assert_non_null(strstr(text, "a-console-with-a-name-that-goes-on-and-.."));
    assert_non_null(strstr(text, "org.example.."));
    assert_null(strchr(text, '\033'));
    assert_non_null(strstr(text, "0xffffff0000000000-0xffffff000fffffff"));
    free(text);
}

static void ports_have_a_list_of_their_own(void **state)
{
    struct sample s;
    (void)state;
    sample_init(&s);
    s.regions[SAMPLE_UART] = (struct layout_region){"regs", BP_PIO, 0x3f8, 8, true, 0};
    char *text = map_of(&s.layout);
    const char *ports = strstr(text, "\nports ");
    assert_non_null(ports);
    assert_non_null(strstr(ports, "\n0x03f8-0x03ff       8 B  port  console regs"));
    assert_in_range(widest(text), 60, 80);
    free(text);
    says(&s.layout, "port0x3fa",
         "port 0x3fa: device console (uart16550), regs 0x3f8-0x3ff, offset 0x2\n"
         "  pinned by the machine file\n  device tree: says nothing about it\n");
    says(&s.layout, "port1023",
         "port 0x3ff: device console (uart16550), regs 0x3f8-0x3ff, offset 0x7\n"
         "  pinned by the machine file\n  device tree: says nothing about it\n");
}

static void a_machine_without_controller_lists_no_lines(void **state)
{
    struct sample s;
    (void)state;
    sample_init(&s);
    s.layout.irqchip = NULL;
    char *text = map_of(&s.layout);
    assert_null(strstr(text, "trigger"));
    free(text);
    refuses_with(&s.layout, "irq1", BP_ERR_RANGE, "line 1: this machine has no interrupt lines");
}

static void an_address_has_an_owner_an_offset_and_a_table(void **state)
{
    struct sample s;
    (void)state;
    sample_init(&s);
    says(&s.layout, "0x10000004",
         "0x10000004: device console (uart16550), regs 0x10000000-0x10000fff, offset 0x4\n"
         "  placed automatically\n  device tree: /soc/serial@10000000, reg\n");
    says(&s.layout, "0x10000fff",
         "0x10000fff: device console (uart16550), regs 0x10000000-0x10000fff, offset 0xfff\n"
         "  placed automatically\n  device tree: /soc/serial@10000000, reg\n");
    says(&s.layout, "2147483648",
         "0x80000000: RAM, range 0x80000000-0x8fffffff, offset 0x0\n"
         "  device tree: /memory@80000000, reg\n");
    says(&s.layout, "0x90000000",
         "0x90000000: device disk0 (virtio-blk behind virtio-mmio), regs 0x90000000-0x90000fff, "
         "offset 0x0\n  placed automatically\n  device tree: /soc/virtio@90000000, reg\n");
}

static void a_hole_has_nobody_but_neighbours(void **state)
{
    struct sample s;
    (void)state;
    sample_init(&s);
    says(&s.layout, "0x10001000",
         "0x10001000: nobody: reads give all-ones, writes vanish\n"
         "  below: 0x10000000-0x10000fff, device console (uart16550)\n"
         "  above: 0x80000000-0x8fffffff, RAM\n");
    says(&s.layout, "0",
         "0x0: nobody: reads give all-ones, writes vanish\n"
         "  above: 0x100000-0x100fff, device power (sifive-test)\n");
    says(&s.layout, "0xa0000000",
         "0xa0000000: nobody: reads give all-ones, writes vanish\n"
         "  below: 0x90001000-0x90001fff, device clock (goldfish-rtc)\n");
}

static void a_line_has_an_owner_or_is_free_or_does_not_exist(void **state)
{
    struct sample s;
    (void)state;
    sample_init(&s);
    says(&s.layout, "irq11",
         "line 11: device clock (goldfish-rtc), out, level, placed automatically\n"
         "  device tree: /soc/rtc@90001000, interrupts\n");
    says(&s.layout, "irq12", "line 12: nobody: it is free\n");
    refuses_with(&s.layout, "irq0", BP_ERR_RANGE, "line 0: this machine has lines 1-63");
    refuses_with(&s.layout, "irq64", BP_ERR_RANGE, "line 64: this machine has lines 1-63");
}

static void what_is_no_question_is_refused(void **state)
{
    static const char *const wrong[] = {"",    "irq",   "port", "0x",      "-1",  " 1",
                                        "12z", "irq-1", "+5",   "0x1 0x2", "uart"};
    struct sample s;
    (void)state;
    sample_init(&s);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char expected[128];
        (void)snprintf(expected, sizeof(expected),
                       "\"%s\" is no address (0x10000000), line (irq10) or port (port0x3f8)",
                       wrong[i]);
        refuses_with(&s.layout, wrong[i], BP_ERR_INVALID, expected);
    }
    refuses_with(&s.layout, "0x123456789abcdef01", BP_ERR_INVALID,
                 "\"0x123456789abcdef01\" is no address (0x10000000), line (irq10) or port "
                 "(port0x3f8)");
    refuses_with(&s.layout, "0x100000000000000", BP_ERR_RANGE,
                 "0x100000000000000: guest addresses of this machine have 56 bits");
}

static void sizes_are_exact_in_the_largest_unit(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } sizes[] = {{1, "1 B"},
                 {1023, "1023 B"},
                 {1024, "1 KiB"},
                 {1025, "1025 B"},
                 {2105344, "2056 KiB"},
                 {0x40000000, "1 GiB"},
                 {1ull << 40, "1 TiB"},
                 {1ull << 63, "8388608 TiB"}};
    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        char text[32];
        assert_string_equal(rows_size(sizes[i].bytes, text), sizes[i].text);
    }
}

/* --- x86_64 ----------------------------------------------------------------------------------- */
static void who_names_the_acpi_object_and_the_e820_type(void **state)
{
    struct pc_sample pc;
    (void)state;
    pc_init(&pc);
    says(&pc.layout, "0xfed00010",
         "0xfed00010: device lamp (org.me.lamp), regs 0xfed00000-0xfed00fff, offset 0x10\n"
         "  pinned by the machine file\n"
         "  ACPI: \\_SB.D008, _CRS\n"
         "  E820: reserved\n");
    says(&pc.layout, "0xfec00000",
         "0xfec00000: device ioapic (built in), regs 0xfec00000-0xfec00fff, offset 0x0\n"
         "  fixed: every machine of this architecture has it there\n"
         "  ACPI: \\_SB.D001, _CRS\n"
         "  ACPI: MADT, I/O APIC\n"
         "  E820: reserved\n");
    says(&pc.layout, "port0x60",
         "port 0x60: device keys (i8042), regs 0x60-0x64, offset 0x0\n"
         "  pinned by the machine file\n"
         "  ACPI: \\_SB.D007.KBD, _CRS\n");
    says(&pc.layout, "irq9",
         "line 9: device power (acpi-pm), out, level, pinned by the machine file\n"
         "  ACPI: FADT, SCI_INT\n");
    says(&pc.layout, "0xf0000",
         "0xf0000: RAM, range 0x0-0x7fffffff, offset 0xf0000\n"
         "  E820: reserved\n");
    says(&pc.layout, "0x200000",
         "0x200000: RAM, range 0x0-0x7fffffff, offset 0x200000\n"
         "  E820: usable\n");
}

static void built_in_devices_are_fixed_in_the_map(void **state)
{
    struct pc_sample pc;
    (void)state;
    pc_init(&pc);
    char *text = map_of(&pc.layout);
    assert_non_null(strstr(text, "built in       fixed\n"));
    assert_non_null(strstr(text, "org.me.lamp    pinned\n"));
    assert_null(strstr(text, "built in       pinned"));
    assert_in_range(widest(text), 60, 80);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_map_lists_everything_by_address_then_the_lines),
        cmocka_unit_test(names_that_are_too_long_are_cut_and_never_reach_the_terminal_raw),
        cmocka_unit_test(ports_have_a_list_of_their_own),
        cmocka_unit_test(a_machine_without_controller_lists_no_lines),
        cmocka_unit_test(an_address_has_an_owner_an_offset_and_a_table),
        cmocka_unit_test(a_hole_has_nobody_but_neighbours),
        cmocka_unit_test(a_line_has_an_owner_or_is_free_or_does_not_exist),
        cmocka_unit_test(what_is_no_question_is_refused),
        cmocka_unit_test(sizes_are_exact_in_the_largest_unit),
        cmocka_unit_test(who_names_the_acpi_object_and_the_e820_type),
        cmocka_unit_test(built_in_devices_are_fixed_in_the_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
