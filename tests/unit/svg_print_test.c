/* The picture: that everything is in it, and that nothing in a name can break it. */
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
#include "tables/svg.h"

static char *picture_of(const struct layout *layout)
{
    struct err err;
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    assert_non_null(f);
    assert_int_equal(svg_print(layout, f, &err), BP_OK);
    assert_int_equal(fclose(f), 0);
    return text;
}

static unsigned count(const char *text, const char *part)
{
    unsigned n = 0;
    while ((text = strstr(text, part)) != NULL) {
        n++;
        text += strlen(part);
    }
    return n;
}

static void every_region_is_a_block_and_every_line_a_wire(void **state)
{
    struct sample s;
    (void)state;
    sample_init(&s);
    char *text = picture_of(&s.layout);
    assert_int_equal(count(text, "<rect class=\"mmio\""), 5);
    assert_int_equal(count(text, "<rect class=\"ram\""), 1);
    assert_int_equal(count(text, "<rect class=\"chip\""), 2); /* in the map and at the lines */
    assert_int_equal(count(text, "<path class=\"wire\""), 4); /* three lines, and to the CPUs */
    assert_non_null(strstr(text, ">0x90001000</text>"));
    assert_non_null(strstr(text, "virtio-blk behind virtio-mmio"));
    assert_non_null(strstr(text, ">10</text>"));
    assert_non_null(strstr(text, "prefers-color-scheme: dark"));
    free(text);
}

static void ports_are_blocks_below_the_addresses(void **state)
{
    struct pc_sample pc;
    (void)state;
    pc_init(&pc);
    char *text = picture_of(&pc.layout);
    const char *ports = strstr(text, ">ports</text>");
    assert_non_null(ports);
    assert_int_equal(count(text, "<rect class=\"mmio\""), 11);
    assert_int_equal(count(ports, "<rect class=\"mmio\""), 6);
    assert_int_equal(count(text, "<path class=\"wire\""), 9); /* eight lines, and to the CPUs */
    assert_int_equal(count(ports, "<circle class=\"pin\""), 2 * 5);
    assert_non_null(strstr(ports, ">0x03f8</text>"));
    assert_null(strstr(ports, ">unused</text>"));
    free(text);
}

static void names_cannot_break_out_of_the_markup(void **state)
{
    struct sample s;
    (void)state;
    sample_init(&s);
    s.devices[SAMPLE_UART].name = "<script>&\"x\"\001\377";
    s.layout.summary = "]]>--><!--";
    char *text = picture_of(&s.layout);
    assert_non_null(strstr(text, "&lt;script&gt;&amp;&quot;x&quot;??"));
    assert_non_null(strstr(text, "]]&gt;--&gt;&lt;!--"));
    assert_null(strstr(text, "<script"));
    assert_null(strstr(text, "<!--"));
    free(text);
}

static void a_machine_without_lines_has_no_controller(void **state)
{
    struct sample s;
    (void)state;
    sample_init(&s);
    s.layout.irqchip = NULL;
    s.devices[SAMPLE_PLIC].is_irqchip = false;
    char *text = picture_of(&s.layout);
    assert_int_equal(count(text, "class=\"chip\""), 0);
    assert_int_equal(count(text, "class=\"wire\""), 0);
    free(text);
}

static void a_machine_with_nothing_but_ram_at_zero_is_a_picture_too(void **state)
{
    struct sample s;
    (void)state;
    sample_init(&s);
    s.layout.n_devices = 0;
    s.layout.irqchip = NULL;
    s.layout.console = NULL;
    s.layout.ram[0] = (struct aspace_ram){0, UINT64_MAX};
    char *text = picture_of(&s.layout);
    assert_int_equal(count(text, "<rect class=\"ram\""), 1);
    assert_int_equal(count(text, "class=\"gap\""), 0);
    assert_non_null(strstr(text, "</svg>\n"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_region_is_a_block_and_every_line_a_wire),
        cmocka_unit_test(ports_are_blocks_below_the_addresses),
        cmocka_unit_test(names_cannot_break_out_of_the_markup),
        cmocka_unit_test(a_machine_without_lines_has_no_controller),
        cmocka_unit_test(a_machine_with_nothing_but_ram_at_zero_is_a_picture_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
