/* The device tree, read back with libfdt and compared with what the layout says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <backplane/abi.h>
#include <libfdt.h>

#include "tables/fdt.h"
#include "tables/layout_sample.h"
#include "tables/tree_sample.h"

static void nodes_stand_in_the_order_of_their_addresses(void **state)
{
    static const char *const names[] = {
        "test@100000",     "timer@2000000",   "interrupt-controller@c000000",
        "serial@10000000", "virtio@90000000", "rtc@90001000"};
    struct sample s;
    struct tree t;
    (void)state;
    sample_init(&s);
    build(&t, &s.layout, NULL);
    int at = fdt_first_subnode(t.blob, node(&t, "/soc"));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_true(at >= 0);
        assert_string_equal(fdt_get_name(t.blob, at, NULL), names[i]);
        at = fdt_next_subnode(t.blob, at);
    }
    assert_int_equal(at, -FDT_ERR_NOTFOUND);
    free(t.blob);
}

static void registers_and_interrupts_are_those_of_the_layout(void **state)
{
    struct sample s;
    struct tree t;
    (void)state;
    sample_init(&s);
    build(&t, &s.layout, NULL);
    CELLS(&t, "/soc/serial@10000000", "reg", 0, 0x10000000, 0, 0x1000);
    CELLS(&t, "/soc/serial@10000000", "interrupts", 10);
    CELLS(&t, "/soc/interrupt-controller@c000000", "reg", 0, 0xc000000, 0, 0x4000000);
    uint32_t parent = fdt_get_phandle(t.blob, node(&t, "/soc/interrupt-controller@c000000"));
    CELLS(&t, "/soc/serial@10000000", "interrupt-parent", parent);
    CELLS(&t, "/soc/virtio@90000000", "interrupts", 1);
    TEXT(&t, "/soc/virtio@90000000", "compatible", "virtio,mmio");
    TEXT(&t, "/soc/timer@2000000", "compatible", "sifive,clint0\0riscv,clint0");
    TEXT(&t, "/soc/serial@10000000", "status", "okay");
    assert_null(fdt_getprop(t.blob, node(&t, "/soc/timer@2000000"), "interrupts", NULL));
    free(t.blob);
}

static void every_processor_tells_its_isa_mmu_and_cache_blocks(void **state)
{
    struct sample s;
    struct tree t;
    (void)state;
    sample_init(&s);
    s.layout.isa = "rv64imafdc_zicbom_sstc";
    build(&t, &s.layout, NULL);
    CELLS(&t, "/cpus", "timebase-frequency", 10000000);
    TEXT(&t, "/cpus/cpu@1", "riscv,isa", "rv64imafdc_zicbom_sstc");
    TEXT(&t, "/cpus/cpu@1", "riscv,isa-base", "rv64i");
    TEXT(&t, "/cpus/cpu@1", "riscv,isa-extensions", "i\0m\0a\0f\0d\0c\0zicbom\0sstc");
    TEXT(&t, "/cpus/cpu@1", "mmu-type", "riscv,sv57");
    CELLS(&t, "/cpus/cpu@1", "reg", 1);
    CELLS(&t, "/cpus/cpu@1", "riscv,cbom-block-size", 64);
    assert_null(fdt_getprop(t.blob, node(&t, "/cpus/cpu@1"), "riscv,cboz-block-size", NULL));
    uint32_t cpu1 = fdt_get_phandle(t.blob, node(&t, "/cpus/cpu@1"));
    CELLS(&t, "/cpus/cpu-map/cluster0/core1", "cpu", cpu1);
    uint32_t l2 = fdt_get_phandle(t.blob, node(&t, "/cpus/l2-cache"));
    CELLS(&t, "/cpus/cpu@0", "next-level-cache", l2);
    CELLS(&t, "/cpus/cpu@1", "next-level-cache", l2);
    CELLS(&t, "/cpus/l2-cache", "cache-level", 2);
    free(t.blob);

    s.layout.isa = "rv64gc_svadu_svpbmt"; /* no binding knows svadu */
    s.layout.mmu_type = NULL;
    build(&t, &s.layout, NULL);
    TEXT(&t, "/cpus/cpu@0", "riscv,isa-extensions", "i\0m\0a\0f\0d\0zicsr\0zifencei\0c\0svpbmt");
    assert_null(fdt_getprop(t.blob, node(&t, "/cpus/cpu@0"), "mmu-type", NULL));
    free(t.blob);
}

static void an_isa_string_that_is_none_is_an_error(void **state)
{
    static const char *const wrong[] = {NULL, "", "rv32i", "rv64x", "rv64imafdc zicsr", "rv64IMA"};
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct sample s;
        struct tree t;
        sample_init(&s);
        s.layout.isa = wrong[i];
        assert_int_equal(fdt_build(&s.layout, NULL, &t.blob, &t.size, &t.err), BP_ERR_INVALID);
        assert_non_null(strstr(t.err.text, "is no riscv64 ISA string"));
    }
}

/* Numbers of the privileged architecture: external M 11, S 9, software 3, timer 7. */
static void interrupts_to_processors_name_each_in_order(void **state)
{
    struct sample s;
    struct tree t;
    (void)state;
    sample_init(&s);
    build(&t, &s.layout, NULL);
    uint32_t c0 = fdt_get_phandle(t.blob, node(&t, "/cpus/cpu@0/interrupt-controller"));
    uint32_t c1 = fdt_get_phandle(t.blob, node(&t, "/cpus/cpu@1/interrupt-controller"));
    assert_true(c0 != 0 && c1 != 0 && c0 != c1);
    CELLS(&t, "/soc/interrupt-controller@c000000", "interrupts-extended", c0, 11, c0, 9, c1, 11, c1,
          9);
    CELLS(&t, "/soc/timer@2000000", "interrupts-extended", c0, 3, c0, 7, c1, 3, c1, 7);
    free(t.blob);
}

static void chosen_carries_what_the_loader_says(void **state)
{
    const struct fdt_chosen chosen = {.bootargs = "quiet",
                                      .initrd_gpa = 0x84000000,
                                      .initrd_bytes = 0x1001,
                                      .rng_seed = (const uint8_t *)"seedseed",
                                      .rng_seed_bytes = 8,
                                      .kaslr_seed = 0x1122334455667788};
    struct sample s;
    struct tree t;
    (void)state;
    sample_init(&s);
    build(&t, &s.layout, &chosen);
    TEXT(&t, "/chosen", "bootargs", "quiet");
    TEXT(&t, "/chosen", "stdout-path", "/soc/serial@10000000");
    CELLS(&t, "/chosen", "linux,initrd-start", 0x84000000);
    CELLS(&t, "/chosen", "linux,initrd-end", 0x84001001);
    CELLS(&t, "/chosen", "kaslr-seed", 0x11223344, 0x55667788);
    assert_text(&t, "/chosen", "rng-seed", "seedseed", 8);
    free(t.blob);

    struct fdt_chosen high = chosen;
    high.initrd_gpa = 0xfffff000;
    build(&t, &s.layout, &high);
    CELLS(&t, "/chosen", "linux,initrd-start", 0, 0xfffff000);
    CELLS(&t, "/chosen", "linux,initrd-end", 1, 1);
    free(t.blob);
    build(&t, &s.layout, NULL);
    assert_null(fdt_getprop(t.blob, node(&t, "/chosen"), "bootargs", NULL));
    assert_null(fdt_getprop(t.blob, node(&t, "/chosen"), "linux,initrd-start", NULL));
    free(t.blob);
}

static void the_console_is_the_first_serial_port_whatever_its_address(void **state)
{
    struct sample s;
    struct tree t;
    (void)state;
    sample_init(&s);
    sample_device(&s, SAMPLE_RTC, "debug", "uart16550", "serial", "ns16550a\0", 0x5000, 0x1000, 5);
    build(&t, &s.layout, NULL);
    TEXT(&t, "/aliases", "serial0", "/soc/serial@10000000");
    TEXT(&t, "/aliases", "serial1", "/soc/serial@5000");
    free(t.blob);
}

static void memory_has_one_node_for_each_range(void **state)
{
    struct sample s;
    struct tree t;
    (void)state;
    sample_init(&s);
    s.layout.n_ram = 2;
    s.layout.ram[1].base = 0x100000000;
    s.layout.ram[1].size = 0x40000000;
    build(&t, &s.layout, NULL);
    CELLS(&t, "/memory@80000000", "reg", 0, 0x80000000, 0, 0x10000000);
    CELLS(&t, "/memory@100000000", "reg", 1, 0, 0, 0x40000000);
    free(t.blob);
}

static void the_same_layout_gives_the_same_bytes(void **state)
{
    struct sample s;
    struct tree a;
    struct tree b;
    (void)state;
    sample_init(&s);
    build(&a, &s.layout, NULL);
    build(&b, &s.layout, NULL);
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.blob, b.blob, a.size);
    free(a.blob);
    free(b.blob);
}

static void clock_of_two(void *ctx, const struct bp_fdt_writer *w)
{
    (void)ctx;
    w->prop_clock(w, "clocks", 24000000);
}

static void clock_of_one(void *ctx, const struct bp_fdt_writer *w)
{
    (void)ctx;
    w->prop_clock(w, "clocks", 32768);
}

static void devices_that_want_the_same_frequency_share_a_clock(void **state)
{
    struct sample s;
    struct tree t;
    (void)state;
    sample_init(&s);
    s.devices[SAMPLE_UART].describe_fdt = clock_of_two;
    s.devices[SAMPLE_RTC].describe_fdt = clock_of_two;
    s.devices[SAMPLE_DISK_BUS].describe_fdt = clock_of_one;
    build(&t, &s.layout, NULL);
    uint32_t fast = fdt_get_phandle(t.blob, node(&t, "/clock-24000000"));
    uint32_t slow = fdt_get_phandle(t.blob, node(&t, "/clock-32768"));
    assert_true(fast != 0 && slow != 0 && fast != slow);
    CELLS(&t, "/soc/serial@10000000", "clocks", fast);
    CELLS(&t, "/soc/rtc@90001000", "clocks", fast);
    CELLS(&t, "/soc/virtio@90000000", "clocks", slow);
    CELLS(&t, "/clock-32768", "clock-frequency", 32768);
    free(t.blob);
}

static void a_device_without_registers_stands_under_the_root(void **state)
{
    struct sample s;
    struct tree t;
    (void)state;
    sample_init(&s);
    s.devices[SAMPLE_RTC].n_regions = 0;
    s.devices[SAMPLE_UART].regions = &s.regions[SAMPLE_UART];
    s.regions[SAMPLE_UART].kind = BP_PIO; /* ports have no place in a tree */
    build(&t, &s.layout, NULL);
    CELLS(&t, "/rtc-1", "interrupts", 11);
    assert_null(fdt_getprop(t.blob, node(&t, "/rtc-1"), "reg", NULL));
    assert_null(fdt_getprop(t.blob, node(&t, "/chosen"), "stdout-path", NULL));
    free(t.blob);
}

static void clock_of_two_frequencies(void *ctx, const struct bp_fdt_writer *w)
{
    static const uint32_t hz[] = {24000000, 32768, 24000000};
    (void)ctx;
    w->prop_clocks(w, "clocks", hz, 3);
}

static void a_device_can_have_several_clocks(void **state)
{
    struct sample s;
    struct tree t;
    (void)state;
    sample_init(&s);
    s.devices[SAMPLE_UART].describe_fdt = clock_of_two_frequencies;
    build(&t, &s.layout, NULL);
    uint32_t fast = fdt_get_phandle(t.blob, node(&t, "/clock-24000000"));
    uint32_t slow = fdt_get_phandle(t.blob, node(&t, "/clock-32768"));
    CELLS(&t, "/soc/serial@10000000", "clocks", fast, slow, fast);
    free(t.blob);
}

static void keys(void *ctx, const struct bp_fdt_writer *w)
{
    static const uint32_t pin[] = {3, 0};
    (void)ctx;
    w->prop_u32(w, "#gpio-cells", 2);
    w->root_begin(w, "keys");
    w->prop_string(w, "compatible", "gpio-keys");
    w->child_begin(w, "power");
    w->prop_self_cells(w, "gpios", pin, 2);
    w->child_end(w);
    w->child_end(w);
    w->root_begin(w, "lamps");
    w->prop_self_cells(w, "regulator", NULL, 0);
    w->child_end(w);
}

static void what_is_wired_to_a_device_stands_under_the_root_and_refers_to_it(void **state)
{
    struct sample s;
    struct tree t;
    (void)state;
    sample_init(&s);
    s.devices[SAMPLE_UART].describe_fdt = keys;
    s.devices[SAMPLE_RTC].describe_fdt = keys;
    build(&t, &s.layout, NULL);
    char path[64];
    static const char *const owners[] = {"/soc/serial@10000000", "/soc/rtc@90001000"};
    static const size_t positions[] = {SAMPLE_UART, SAMPLE_RTC};
    for (size_t i = 0; i < 2; i++) {
        uint32_t self = fdt_get_phandle(t.blob, node(&t, owners[i]));
        CELLS(&t, owners[i], "#gpio-cells", 2);
        assert_int_equal(fdt_first_subnode(t.blob, node(&t, owners[i])), -FDT_ERR_NOTFOUND);
        (void)snprintf(path, sizeof(path), "/keys-%zu", positions[i]);
        assert_null(fdt_getprop(t.blob, node(&t, path), "#gpio-cells", NULL));
        assert_null(fdt_getprop(t.blob, node(&t, path), "reg", NULL));
        (void)snprintf(path, sizeof(path), "/keys-%zu/power", positions[i]);
        CELLS(&t, path, "gpios", self, 3, 0);
        (void)snprintf(path, sizeof(path), "/lamps-%zu", positions[i]);
        CELLS(&t, path, "regulator", self);
    }
    free(t.blob);
}

/* --- What a plugin can do wrong -------------------------------------------------------------- */
static void wrong_name(void *c, const struct bp_fdt_writer *w)
{
    (void)c;
    w->prop_u32(w, "with space", 1);
}

static void no_name(void *c, const struct bp_fdt_writer *w)
{
    (void)c;
    w->prop_empty(w, NULL);
}

static void long_name(void *c, const struct bp_fdt_writer *w)
{
    (void)c;
    w->prop_empty(w, "a23456789012345678901234567890123");
}

static void reg_again(void *c, const struct bp_fdt_writer *w)
{
    (void)c;
    w->prop_u32(w, "reg", 1);
}

static void late_property(void *c, const struct bp_fdt_writer *w)
{
    (void)c;
    w->child_begin(w, "child");
    w->child_end(w);
    w->prop_u32(w, "late", 1);
}

static void open_child(void *c, const struct bp_fdt_writer *w)
{
    (void)c;
    w->child_begin(w, "child");
}

static void end_too_often(void *c, const struct bp_fdt_writer *w)
{
    (void)c;
    w->child_end(w);
    w->child_end(w);
}

static void child_twice(void *c, const struct bp_fdt_writer *w)
{
    (void)c;
    for (int i = 0; i < 2; i++) {
        w->child_begin(w, "child");
        w->child_end(w);
    }
}

static void wrong_child(void *c, const struct bp_fdt_writer *w)
{
    (void)c;
    w->child_begin(w, "a/b");
}

static void wrong_child_address(void *c, const struct bp_fdt_writer *w)
{
    (void)c;
    w->child_begin(w, "port@");
}

static void too_deep(void *c, const struct bp_fdt_writer *w)
{
    (void)c;
    for (int i = 0; i < 100; i++)
        w->child_begin(w, "child");
}

static void too_many_children(void *c, const struct bp_fdt_writer *w)
{
    char name[16];
    (void)c;
    for (int i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof(name), "c%d", i);
        w->child_begin(w, name);
        w->child_end(w);
    }
}

static void too_many_properties(void *c, const struct bp_fdt_writer *w)
{
    char name[16];
    (void)c;
    for (int i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof(name), "p%d", i);
        w->prop_u32(w, name, 1);
    }
}

static void too_large(void *c, const struct bp_fdt_writer *w)
{
    static uint32_t cells[5000];
    (void)c;
    w->prop_cells(w, "large", cells, 5000);
}

static void huge_count(void *c, const struct bp_fdt_writer *w)
{
    static const uint32_t one = BP_CPU_IRQ_S_SOFT;
    (void)c;
    w->prop_cpu_irqs(w, "many", &one, UINT32_MAX);
}

static void unknown_input(void *c, const struct bp_fdt_writer *w)
{
    static const uint32_t inputs[2] = {0, 77};
    (void)c;
    w->prop_cpu_irqs(w, "inputs", inputs, 2);
}

static void null_values(void *c, const struct bp_fdt_writer *w)
{
    (void)c;
    w->prop_string(w, "text", NULL);
}

static void null_cells(void *c, const struct bp_fdt_writer *w)
{
    (void)c;
    w->prop_cells(w, "cells", NULL, 3);
}

static void unended_strings(void *c, const struct bp_fdt_writer *w)
{
    (void)c;
    w->prop_strings(w, "list", "abc", 3);
}

static void many_clocks(void *c, const struct bp_fdt_writer *w)
{
    char name[16];
    (void)c;
    for (uint32_t i = 0; i < 40; i++) {
        (void)snprintf(name, sizeof(name), "clocks%u", i);
        w->prop_clock(w, name, i + 1);
    }
}

static void no_clocks(void *c, const struct bp_fdt_writer *w)
{
    (void)c;
    w->prop_clocks(w, "clocks", NULL, 1);
}

static void reference_without_cells(void *c, const struct bp_fdt_writer *w)
{
    (void)c;
    w->prop_self_cells(w, "gpios", NULL, 1);
}

static void long_reference(void *c, const struct bp_fdt_writer *w)
{
    static const uint32_t cell;
    (void)c;
    w->prop_self_cells(w, "gpios", &cell, UINT32_MAX);
}

static void root_in_a_child(void *c, const struct bp_fdt_writer *w)
{
    (void)c;
    w->child_begin(w, "child");
    w->root_begin(w, "keys");
}

static void open_root(void *c, const struct bp_fdt_writer *w)
{
    (void)c;
    w->root_begin(w, "keys");
}

static void root_twice(void *c, const struct bp_fdt_writer *w)
{
    (void)c;
    w->root_begin(w, "keys");
    w->child_end(w);
    w->root_begin(w, "keys");
    w->child_end(w);
}

static void wrong_in_the_root(void *c, const struct bp_fdt_writer *w)
{
    (void)c;
    w->root_begin(w, "keys");
    w->prop_string(w, "text", NULL);
    w->child_end(w);
}

static void mistakes_of_a_plugin_are_errors_with_the_devices_name(void **state)
{
    static const struct {
        void (*describe)(void *ctx, const struct bp_fdt_writer *w);
        const char *text;
    } mistakes[] = {
        {wrong_name, "\"with space\" is no property name"},
        {no_name, "\"\" is no property name"},
        {long_name, "is no property name"},
        {reg_again, "property reg is there already"},
        {late_property, "property late comes after a child node"},
        {open_child, "1 child nodes are not ended"},
        {end_too_often, "child_end without child_begin"},
        {child_twice, "child node child is there already"},
        {wrong_child, "\"a/b\" is no node name"},
        {wrong_child_address, "\"port@\" is no node name"},
        {too_deep, "child node child is one too many (limits: 64 in a node, 3 deep)"},
        {too_many_children, "child node c64 is one too many"},
        {too_many_properties, "is one too many for a node (limit 64)"},
        {too_large, "property large has 20000 bytes (limit 16384)"},
        {huge_count, "property many has"},
        {unknown_input, "property inputs: 77 is no interrupt input of a processor"},
        {null_values, "property text has no string"},
        {null_cells, "property cells has no cells"},
        {unended_strings, "property list is no list of NUL-ended strings"},
        {many_clocks, "property clocks32 wants a clock of yet another frequency (limit 32"},
        {no_clocks, "property clocks has 0 clocks (1-32 are possible)"},
        {reference_without_cells, "property gpios has no cells"},
        {long_reference, "property gpios has 17179869184 bytes (limit 16384)"},
        {root_in_a_child, "root_begin within a node"},
        {open_root, "1 child nodes are not ended"},
        {root_twice, "child node keys is there already"},
        {wrong_in_the_root, "property text has no string"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        struct sample s;
        struct tree t;
        sample_init(&s);
        s.devices[SAMPLE_RTC].describe_fdt = mistakes[i].describe;
        assert_int_equal(fdt_build(&s.layout, NULL, &t.blob, &t.size, &t.err), BP_ERR_INVALID);
        const char *start = "device clock (goldfish-rtc): describe_fdt: ";
        if (strncmp(t.err.text, start, strlen(start)) != 0 ||
            strstr(t.err.text, mistakes[i].text) == NULL)
            fail_msg("\"%s\" should contain \"%s\"", t.err.text, mistakes[i].text);
        assert_non_null(strstr(t.err.text, "; this is a mistake in the plugin"));
    }
}

static uint32_t no_cells(void *ctx, uint32_t line, uint32_t trigger, uint32_t *cells)
{
    (void)ctx;
    (void)line;
    (void)trigger;
    (void)cells;
    return 0;
}

static void a_specifier_without_cells_is_the_controllers_mistake(void **state)
{
    struct sample s;
    struct tree t;
    (void)state;
    sample_init(&s);
    s.layout.irq_specifier = no_cells;
    assert_int_equal(fdt_build(&s.layout, NULL, &t.blob, &t.size, &t.err), BP_ERR_INVALID);
    assert_non_null(strstr(t.err.text, "device irqchip (plic): gives 0 cells for line 10 of device "
                                       "console"));
}

static void without_a_controller_nodes_have_no_interrupts(void **state)
{
    struct sample s;
    struct tree t;
    (void)state;
    sample_init(&s);
    s.layout.irqchip = NULL;
    s.layout.irq_specifier = NULL;
    build(&t, &s.layout, NULL);
    assert_null(fdt_getprop(t.blob, node(&t, "/soc/serial@10000000"), "interrupts", NULL));
    free(t.blob);
}

static void a_wrong_node_name_and_a_foreign_architecture_are_refused(void **state)
{
    struct sample s;
    struct tree t;
    (void)state;
    sample_init(&s);
    s.devices[SAMPLE_RTC].dt_name = "9 lives";
    assert_int_equal(fdt_build(&s.layout, NULL, &t.blob, &t.size, &t.err), BP_ERR_INVALID);
    assert_non_null(strstr(t.err.text, "device clock (goldfish-rtc): dt_name \"9 lives\""));
    sample_init(&s);
    s.layout.arch = ARCH_ARM64;
    assert_int_equal(fdt_build(&s.layout, NULL, &t.blob, &t.size, &t.err), BP_ERR_UNSUPPORTED);
    assert_non_null(strstr(t.err.text, "device irqchip (plic) is the interrupt controller, and on "
                                       "arm64 that is the accelerator's: remove it"));
    sample_init(&s);
    s.layout.arch = ARCH_X86_64;
    assert_int_equal(fdt_build(&s.layout, NULL, &t.blob, &t.size, &t.err), BP_ERR_UNSUPPORTED);
    assert_non_null(strstr(t.err.text, "x86_64 machines have none, they have ACPI"));
}

static void large_property(void *c, const struct bp_fdt_writer *w)
{
    static uint32_t cells[4000];
    (void)c;
    w->prop_cells(w, "large", cells, 4000);
}

/* Machines of this size are possible; trees above 2 MiB are not. */
static void many_devices_give_a_tree_or_a_clear_error(void **state)
{
    enum { N = 500 };
    static struct layout_device devices[N];
    static struct layout_region regions[N];
    static struct layout_line lines[N];
    struct sample s;
    struct tree t;
    (void)state;
    sample_init(&s);
    for (size_t i = 0; i < N; i++) {
        regions[i] = (struct layout_region){.name = "regs",
                                            .kind = BP_MMIO,
                                            .base = 0x1000000000 + (N - i) * 0x1000,
                                            .size = 0x1000};
        lines[i] = (struct layout_line){"out", (uint32_t)i + 1, BP_LEVEL_HIGH, false, 0};
        devices[i] = s.devices[SAMPLE_DISK_BUS];
        devices[i].regions = &regions[i];
        devices[i].lines = &lines[i];
    }
    devices[0] = s.devices[SAMPLE_PLIC];
    s.layout.devices = devices;
    s.layout.n_devices = N;
    s.layout.console = NULL;
    s.layout.irqchip = &devices[0];
    build(&t, &s.layout, NULL);
    CELLS(&t, "/soc/virtio@1000001000", "reg", 0x10, 0x1000, 0, 0x1000);
    CELLS(&t, "/soc/virtio@1000001000", "interrupts", N);
    free(t.blob);
    for (size_t i = 1; i < N; i++)
        devices[i].describe_fdt = large_property;
    assert_int_equal(fdt_build(&s.layout, NULL, &t.blob, &t.size, &t.err), BP_ERR_NO_SPACE);
    assert_non_null(strstr(t.err.text, "larger than 2097152 bytes"));
}

/* --- Source ---------------------------------------------------------------------------------- */
static char *dts_of(const void *blob, size_t size, int32_t *status, struct err *err)
{
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    assert_non_null(f);
    *status = fdt_print_dts(blob, size, f, err);
    assert_int_equal(fclose(f), 0);
    return text;
}

static void source_names_what_it_refers_to(void **state)
{
    static const char *const parts[] = {
        "/dts-v1/;\n\n/ {\n\t#address-cells = <0x2>;\n",
        "\t\tbootargs = \"a \\\"b\\\" \\\\c\";\n",
        "\t\trng-seed = [00 01 02];\n",
        "\tinterrupt_controller_c000000: interrupt-controller@c000000 {\n",
        "\t\t\tinterrupt-parent = <&interrupt_controller_c000000>;\n",
        "interrupts-extended = <&cpu_0_interrupt_controller 0x3>, <&cpu_0_interrupt_cont",
        "roller 0x7>, <&cpu_1_interrupt_controller 0x3>, <&cpu_1_interrupt_controller 0x7>;\n",
        "\t\t\t\tregmap = <&test_100000>;\n",
        "compatible = \"sifive,clint0\", \"riscv,clint0\";\n",
        "\t\tinterrupt-controller;\n",
    };
    const struct fdt_chosen chosen = {
        .bootargs = "a \"b\" \\c", .rng_seed = (const uint8_t *)"\0\1\2", .rng_seed_bytes = 3};
    struct sample s;
    struct tree t;
    (void)state;
    sample_init(&s);
    build(&t, &s.layout, &chosen);
    int32_t status;
    char *text = dts_of(t.blob, t.size, &status, &t.err);
    assert_int_equal(status, BP_OK);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (strstr(text, parts[i]) == NULL)
            fail_msg("\"%s\" is not in the source:\n%s", parts[i], text);
    free(text);
    free(t.blob);
}

static void a_blob_cut_anywhere_is_refused(void **state)
{
    struct sample s;
    struct tree t;
    (void)state;
    sample_init(&s);
    build(&t, &s.layout, NULL);
    for (size_t n = 0; n < t.size; n += n < 64 ? 1 : 97) {
        void *part = malloc(n + 1); /* its own, so that a read beyond it is found */
        assert_non_null(part);
        memcpy(part, t.blob, n);
        int32_t status;
        char *text = dts_of(part, n, &status, &t.err);
        assert_int_equal(status, BP_ERR_FORMAT);
        free(text);
        free(part);
    }
    free(t.blob);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_stand_in_the_order_of_their_addresses),
        cmocka_unit_test(registers_and_interrupts_are_those_of_the_layout),
        cmocka_unit_test(every_processor_tells_its_isa_mmu_and_cache_blocks),
        cmocka_unit_test(an_isa_string_that_is_none_is_an_error),
        cmocka_unit_test(interrupts_to_processors_name_each_in_order),
        cmocka_unit_test(chosen_carries_what_the_loader_says),
        cmocka_unit_test(the_console_is_the_first_serial_port_whatever_its_address),
        cmocka_unit_test(memory_has_one_node_for_each_range),
        cmocka_unit_test(the_same_layout_gives_the_same_bytes),
        cmocka_unit_test(devices_that_want_the_same_frequency_share_a_clock),
        cmocka_unit_test(a_device_without_registers_stands_under_the_root),
        cmocka_unit_test(a_device_can_have_several_clocks),
        cmocka_unit_test(what_is_wired_to_a_device_stands_under_the_root_and_refers_to_it),
        cmocka_unit_test(mistakes_of_a_plugin_are_errors_with_the_devices_name),
        cmocka_unit_test(a_specifier_without_cells_is_the_controllers_mistake),
        cmocka_unit_test(without_a_controller_nodes_have_no_interrupts),
        cmocka_unit_test(a_wrong_node_name_and_a_foreign_architecture_are_refused),
        cmocka_unit_test(many_devices_give_a_tree_or_a_clear_error),
        cmocka_unit_test(source_names_what_it_refers_to),
        cmocka_unit_test(a_blob_cut_anywhere_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
