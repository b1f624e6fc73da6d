/* What only the device trees of arm64 machines have. Numbers are re-typed from the bindings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <backplane/device.h>
#include <string.h>

#include "core/platform.h"
#include "tables/tree_sample.h"

#define GIC "/soc/interrupt-controller@8000000"

static uint32_t specifier(void *ctx, uint32_t line, uint32_t trigger, uint32_t *cells)
{
    (void)ctx;
    return platform_irq_specifier(ARCH_ARM64, line, trigger, cells);
}

/* The platform's own devices and a serial port. */
struct board {
    struct platform platform;
    struct layout_region regions[4][PLATFORM_REGIONS_MAX];
    struct layout_line line;
    struct layout_device devices[4];
    struct layout layout;
};

static void add_builtin(struct board *b, size_t i)
{
    const struct platform_device *p = &b->platform.devices[i];
    for (size_t r = 0; r < p->n_regions; r++)
        b->regions[i][r] = (struct layout_region){
            p->regions[r].name, p->regions[r].kind, p->regions[r].base, p->regions[r].size, true,
            (uint32_t)r};
    b->devices[i] = (struct layout_device){.name = p->name,
                                           .class_id = "built in",
                                           .dt_name = p->dt_name,
                                           .dt_compatible = p->dt_compatible,
                                           .regions = b->regions[i],
                                           .n_regions = p->n_regions,
                                           .is_irqchip = p->is_irqchip,
                                           .is_builtin = true};
    if (p->is_irqchip)
        b->layout.irqchip = &b->devices[i];
}

static void board_init(struct board *b, uint32_t gic_version, bool has_its, uint32_t n_cpus)
{
    const struct platform_request request = {
        .arch = ARCH_ARM64, .n_cpus = n_cpus, .gic_version = gic_version, .has_its = has_its};
    memset(b, 0, sizeof(*b));
    platform_make(&request, &b->platform);
    size_t n = b->platform.n_devices;
    for (size_t i = 0; i < n; i++)
        add_builtin(b, i);
    b->regions[n][0] = (struct layout_region){"regs", BP_MMIO, 0x9000000, 0x1000, false, 0};
    b->line = (struct layout_line){"out", 7, BP_LEVEL_HIGH, false, 0};
    b->devices[n] = (struct layout_device){.name = "console",
                                           .class_id = "pl011",
                                           .dt_name = "serial",
                                           .dt_compatible = "arm,pl011\0arm,primecell\0",
                                           .regions = b->regions[n],
                                           .n_regions = 1,
                                           .lines = &b->line,
                                           .n_lines = 1};
    b->layout.arch = ARCH_ARM64;
    b->layout.name = "virt";
    b->layout.n_cpus = n_cpus;
    b->layout.ram[0] = (struct aspace_ram){0x40000000, 0x10000000};
    b->layout.n_ram = 1;
    b->layout.devices = b->devices;
    b->layout.n_devices = n + 1;
    b->layout.console = &b->devices[n];
    b->layout.gic_version = b->platform.gic_version;
    b->layout.irq_specifier = specifier;
}

static void assert_absent(const struct tree *t, const char *path, const char *name)
{
    assert_null(fdt_getprop(t->blob, node(t, path), name, NULL));
}

static void a_gicv3_has_its_redistributors_and_its_translation_service(void **state)
{
    struct board b;
    struct tree t;
    (void)state;
    board_init(&b, PLATFORM_GIC_V3, true, 4);
    build(&t, &b.layout, NULL);
    TEXT(&t, GIC, "compatible", "arm,gic-v3");
    CELLS(&t, GIC, "reg", 0, 0x8000000, 0, 0x10000, 0, 0x80a0000, 0, 0x80000);
    CELLS(&t, GIC, "#interrupt-cells", 3);
    assert_non_null(fdt_getprop(t.blob, node(&t, GIC), "interrupt-controller", NULL));
    free(t.blob);
}

static void the_translation_service_lies_in_the_controller(void **state)
{
    struct board b;
    struct tree t;
    char path[FDT_PATH_BYTES];
    (void)state;
    board_init(&b, PLATFORM_GIC_V3, true, 1);
    build(&t, &b.layout, NULL);
    assert_true(fdt_device_path(&b.layout, &b.devices[1], path));
    assert_string_equal(path, GIC "/msi-controller@8080000");
    TEXT(&t, path, "compatible", "arm,gic-v3-its");
    CELLS(&t, path, "reg", 0, 0x8080000, 0, 0x20000);
    CELLS(&t, path, "#msi-cells", 1);
    CELLS(&t, GIC, "#address-cells", 2);
    CELLS(&t, GIC, "#size-cells", 2);
    free(t.blob);
    board_init(&b, PLATFORM_GIC_V3, false, 1);
    build(&t, &b.layout, NULL);
    assert_int_equal(fdt_first_subnode(t.blob, node(&t, GIC)), -FDT_ERR_NOTFOUND);
    CELLS(&t, GIC, "#address-cells", 0);
    assert_absent(&t, GIC, "ranges");
    free(t.blob);
}

static void a_gicv2_has_a_cpu_interface_and_masks_of_processors(void **state)
{
    struct board b;
    struct tree t;
    (void)state;
    board_init(&b, PLATFORM_GIC_V2, true, 8);
    build(&t, &b.layout, NULL);
    TEXT(&t, GIC, "compatible", "arm,cortex-a15-gic");
    CELLS(&t, GIC, "reg", 0, 0x8000000, 0, 0x10000, 0, 0x8010000, 0, 0x10000);
    CELLS(&t, "/timer", "interrupts", 1, 13, 0xff08, 1, 14, 0xff08, 1, 11, 0xff08, 1, 10, 0xff08);
    free(t.blob);
    board_init(&b, PLATFORM_GIC_V2, true, 3);
    build(&t, &b.layout, NULL);
    CELLS(&t, "/timer", "interrupts", 1, 13, 0x708, 1, 14, 0x708, 1, 11, 0x708, 1, 10, 0x708);
    free(t.blob);
    board_init(&b, PLATFORM_GIC_V2, true, 9);
    assert_int_equal(fdt_build(&b.layout, NULL, &t.blob, &t.size, &t.err), BP_ERR_RANGE);
    assert_string_equal(t.err.text, "device tree: GICv2 serves at most 8 processors");
}

static void performance_counters_are_told_if_they_are_there(void **state)
{
    struct board b;
    struct tree t;
    (void)state;
    board_init(&b, PLATFORM_GIC_V3, true, 2);
    build(&t, &b.layout, NULL);
    assert_true(fdt_path_offset(t.blob, "/pmu") < 0);
    free(t.blob);
    b.layout.has_pmu = true;
    build(&t, &b.layout, NULL);
    TEXT(&t, "/pmu", "compatible", "arm,armv8-pmuv3");
    CELLS(&t, "/pmu", "interrupts", 1, 7, 4);
    free(t.blob);
    board_init(&b, PLATFORM_GIC_V2, true, 2);
    b.layout.has_pmu = true;
    build(&t, &b.layout, NULL);
    CELLS(&t, "/pmu", "interrupts", 1, 7, 0x304);
    free(t.blob);
}

static void devices_and_the_timer_interrupt_through_the_controller(void **state)
{
    struct board b;
    struct tree t;
    (void)state;
    board_init(&b, PLATFORM_GIC_V3, true, 1);
    build(&t, &b.layout, NULL);
    uint32_t gic = fdt_get_phandle(t.blob, node(&t, GIC));
    CELLS(&t, "/", "interrupt-parent", gic);
    CELLS(&t, "/soc/serial@9000000", "interrupt-parent", gic);
    CELLS(&t, "/soc/serial@9000000", "interrupts", 0, 7, 4);
    CELLS(&t, "/timer", "interrupts", 1, 13, 8, 1, 14, 8, 1, 11, 8, 1, 10, 8);
    TEXT(&t, "/timer", "compatible", "arm,armv8-timer");
    TEXT(&t, "/chosen", "stdout-path", "/soc/serial@9000000");
    TEXT(&t, "/aliases", "serial0", "/soc/serial@9000000");
    assert_non_null(fdt_getprop(t.blob, node(&t, "/soc"), "dma-coherent", NULL));
    free(t.blob);
}

/* KVM numbers them in sixteens. */
static void processors_have_the_affinity_that_they_will_find_in_themselves(void **state)
{
    struct board b;
    struct tree t;
    (void)state;
    board_init(&b, PLATFORM_GIC_V3, true, 35);
    build(&t, &b.layout, NULL);
    CELLS(&t, "/cpus/cpu@f", "reg", 0xf);
    CELLS(&t, "/cpus/cpu@100", "reg", 0x100);
    CELLS(&t, "/cpus/cpu@202", "reg", 0x202);
    assert_int_equal(fdt_path_offset(t.blob, "/cpus/cpu@203"), -FDT_ERR_NOTFOUND);
    TEXT(&t, "/cpus/cpu@202", "compatible", "arm,armv8");
    TEXT(&t, "/cpus/cpu@202", "enable-method", "psci");
    uint32_t last = fdt_get_phandle(t.blob, node(&t, "/cpus/cpu@202"));
    CELLS(&t, "/cpus/cpu-map/cluster0/core34", "cpu", last);
    TEXT(&t, "/psci", "compatible", "arm,psci-1.0\0arm,psci-0.2");
    TEXT(&t, "/psci", "method", "hvc");
    free(t.blob);
}

static void a_machine_without_the_controller_has_no_tree(void **state)
{
    struct board b;
    struct tree t;
    (void)state;
    board_init(&b, PLATFORM_GIC_V3, true, 1);
    b.layout.irqchip = NULL;
    assert_int_equal(fdt_build(&b.layout, NULL, &t.blob, &t.size, &t.err), BP_ERR_INVALID);
    assert_non_null(strstr(t.err.text, "has no interrupt controller"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gicv3_has_its_redistributors_and_its_translation_service),
        cmocka_unit_test(the_translation_service_lies_in_the_controller),
        cmocka_unit_test(a_gicv2_has_a_cpu_interface_and_masks_of_processors),
        cmocka_unit_test(performance_counters_are_told_if_they_are_there),
        cmocka_unit_test(devices_and_the_timer_interrupt_through_the_controller),
        cmocka_unit_test(processors_have_the_affinity_that_they_will_find_in_themselves),
        cmocka_unit_test(a_machine_without_the_controller_has_no_tree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
