/* Class checks of sdk/host/classcheck.h: one good class, and one mistake at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <backplane/if/irqchip.h>

#include "classcheck.h"

struct instance {
    const char *title;
    uint32_t level;
    uint32_t count;
};

struct parts { /* everything that a case may spoil, afresh for each */
    struct bp_class class_;
    struct bp_region regions[2];
    struct bp_reg regs[2];
    struct bp_line lines[2];
    struct bp_property properties[2];
    struct bp_link links[1];
    struct bp_service services[2];
    struct bp_field fields[2];
    const char *needs[3];
};

static const uint32_t good_ops[4] = {16};

static void range(const void *dev, uint32_t *first, uint32_t *count)
{
    (void)dev;
    *first = *count = 1;
}

static void set(void *dev, uint32_t line, uint32_t level)
{
    (void)dev, (void)line, (void)level;
}

static uint32_t specifier(const void *dev, uint32_t line, uint32_t trigger, uint32_t *cells)
{
    (void)dev, (void)line, (void)trigger, (void)cells;
    return 0;
}

static const struct bp_irqchip_ops good_chip = {sizeof(good_chip), 0, range, set, specifier};
static const struct bp_irqchip_ops deaf_chip = {sizeof(deaf_chip), 0, range, NULL, specifier};

static void build(struct parts *p)
{
    *p = (struct parts){
        .regs = {{.name = "CTRL", .offset = 0, .writable = 3}, {.name = "STAT", .offset = 4}},
        .regions = {{.name = "regs", .size = 0x100, .kind = BP_MMIO, .widths = BP_W32},
                    {.name = "ports", .size = 8, .kind = BP_PIO, .widths = BP_W8}},
        .lines = {{.name = "out", .trigger = BP_LEVEL_HIGH},
                  {.name = "tick", .trigger = BP_EDGE_RISING}},
        .properties = {BP_PROP_U32(struct instance, level, "level", "3", 0, 9, "A level."),
                       BP_PROP_STRING(struct instance, title, "title", NULL, 0, "A title.")},
        .links = {{"char", "bp.char/1", "The other end.", 0, 0}},
        .services = {{"bp.irqchip/1", &good_chip}, {"org.example.lamp/2", good_ops}},
        .fields = {BP_FIELD_U32(struct instance, level), BP_FIELD_U32(struct instance, count)},
        .needs = {"bp.cpu/1", "bp.region/1", NULL},
    };
    p->regions[0].regs = (struct bp_reg_table)BP_TABLE(p->regs);
    p->class_ = (struct bp_class){
        .struct_size = sizeof(struct bp_class),
        .id = "org.example.lamp",
        .version = "1.0",
        .summary = "A lamp",
        .instance_size = sizeof(struct instance),
        .state_version = 1,
        .needs = p->needs,
        .arch = "riscv64 arm64",
        .regions = BP_TABLE(p->regions),
        .lines = BP_TABLE(p->lines),
        .properties = BP_TABLE(p->properties),
        .links = BP_TABLE(p->links),
        .services = BP_TABLE(p->services),
        .state = BP_TABLE(p->fields),
        .dt_name = "lamp",
        .dt_compatible = "example,lamp\0example,light\0",
        .acpi_hid = "LAMP0001",
    };
}

static void a_class_without_a_mistake_passes(void **state)
{
    struct parts p;
    char why[200] = "";

    (void)state;
    build(&p);
    assert_int_equal(class_check(&p.class_, why, sizeof(why)), BP_OK);
    assert_string_equal(why, "");
}

static void the_smallest_class_passes(void **state)
{
    static const struct bp_class c = {
        .struct_size = sizeof(struct bp_class), .id = "x", .version = "1", .summary = "X"};
    char why[200] = "";

    (void)state;
    assert_int_equal(class_check(&c, why, sizeof(why)), BP_OK);
}

#define REFUSED(spoil, sentence)                                                                   \
    do {                                                                                           \
        struct parts p;                                                                            \
        char text[300] = "";                                                                       \
        build(&p);                                                                                 \
        spoil;                                                                                     \
        assert_int_equal(class_check(&p.class_, text, sizeof(text)), BP_ERR_FORMAT);               \
        assert_string_equal(text, sentence);                                                       \
    } while (0)

static void mistakes_in_the_identity_are_named(void **state)
{
    static const char *const bad_ids[] = {NULL,    "",      "Lamp", "lamp!",
                                          "-lamp", "lamp-", "a b",  "../x"};
    char why[300];

    (void)state;
    assert_int_equal(class_check(NULL, why, sizeof(why)), BP_ERR_FORMAT);
    assert_string_equal(why, "the class is missing");
    for (size_t i = 0; i < sizeof(bad_ids) / sizeof(bad_ids[0]); i++)
        REFUSED(p.class_.id = bad_ids[i],
                "id: up to 63 of a-z, 0-9, '-' and '.' are wanted, such as "
                "\"org.example.sensor\"");
    REFUSED(p.class_.version = "1 0",
            "version: a word of up to 31 bytes is wanted, such as \"1.0\"");
    REFUSED(p.class_.summary = "a\nb", "summary: one line of up to 100 bytes is wanted");
    REFUSED(p.class_.flags = 6, "flags 0x6: only BP_CLASS_BACKEND is known");
    REFUSED(p.class_.state_version = 0, "state_version 0: it counts from 1 where there is state");
    REFUSED(p.class_.flags = BP_CLASS_BACKEND,
            "a backend has no regions, lines or device-tree node");
    REFUSED(p.class_.arch = "riscv64,arm64",
            "arch \"riscv64,arm64\": a list out of x86_64, arm64, riscv64 is wanted");
    REFUSED(p.needs[1] = "bp.mem", "needs: \"bp.mem\" is no interface id; one is \"bp.mem/1\"");
    REFUSED(p.needs[1] = "bp.cpu/1", "needs: \"bp.cpu/1\" is there twice");
    REFUSED(p.class_.acpi_hid = "lamp", "acpi_hid \"lamp\": 7 or 8 of A-Z and 0-9 are wanted, "
                                        "such as \"ARMH0031\"");
    REFUSED(p.class_.dt_compatible = "", "dt_compatible is empty: NULL means none");
    REFUSED(
        p.class_.instance_size = 1u << 30,
        "instance_size 1073741824: at most 67108864 bytes are allowed; allocate more in create");
}

static void an_old_struct_size_is_refused(void **state)
{
    struct parts p;
    char why[300];

    (void)state;
    build(&p);
    p.class_.struct_size = 0;
    assert_int_equal(class_check(&p.class_, why, sizeof(why)), BP_ERR_FORMAT);
    /* The first version ended with on_link: its binaries keep loading, shorter ones never were. */
    p.class_.struct_size = offsetof(struct bp_class, describe_acpi);
    assert_int_equal(class_check(&p.class_, why, sizeof(why)), BP_OK);
    p.class_.struct_size = offsetof(struct bp_class, describe_acpi) - 8;
    assert_int_equal(class_check(&p.class_, why, sizeof(why)), BP_ERR_FORMAT);
    p.class_.struct_size = sizeof(struct bp_class) + 64; /* newer than this host */
    assert_int_equal(class_check(&p.class_, why, sizeof(why)), BP_OK);
}

static void mistakes_in_regions_are_named(void **state)
{
    (void)state;
    REFUSED(p.regions[1].name = "regs", "region regs is there twice");
    REFUSED(p.regions[0].name = "Regs",
            "region 0: a name of up to 31 of a-z, 0-9, '-' and '_' is wanted");
    REFUSED(p.regions[0].kind = 9, "region regs: kind 9 is none of BP_MMIO, BP_PIO, BP_RAM");
    REFUSED(p.regions[0].size = 0, "region regs: size 0x0 is out of range");
    REFUSED(p.regions[1].size = 0x10001, "region ports: size 0x10001 is out of range");
    REFUSED(p.regions[0].align = 3, "region regs: align 0x3 is no power of two");
    REFUSED(p.regions[0].widths = 0,
            "region regs: widths 0x0: some of BP_W8, BP_W16, BP_W32, BP_W64 are wanted");
    REFUSED(p.regions[1].widths = BP_W64,
            "region ports: widths 0x8: some of BP_W8, BP_W16, BP_W32 are wanted");
    REFUSED(p.regions[0].flags = 8, "region regs: flags 0x8 are not known");
    REFUSED(p.class_.regions.stride = 8, "regions: stride 8, at least 56 is wanted: use BP_TABLE");
    REFUSED(p.class_.regions.rows = NULL, "regions: 2 rows and no table");
    REFUSED(p.regs[1].offset = 2, "region regs: register STAT: offset 0x2 is not one of a 32-bit "
                                  "register in the region");
    REFUSED(p.regs[1].offset = 0x100, "region regs: register STAT: offset 0x100 is not one of a "
                                      "32-bit register in the region");
    REFUSED(p.regs[1].offset = 0, "region regs: registers CTRL and STAT have the same offset 0x0");
    REFUSED(p.regs[0].w1c = 6, "region regs: register CTRL: bits 0x2 are both writable and cleared "
                               "by writing 1");
}

static void mistakes_in_lines_links_and_services_are_named(void **state)
{
    static const uint32_t empty_ops[2] = {0};

    (void)state;
    REFUSED(p.lines[1].name = "out", "line out is there twice");
    REFUSED(p.lines[0].trigger = 2,
            "line out: trigger 2 is neither BP_EDGE_RISING nor BP_LEVEL_HIGH");
    REFUSED(p.lines[0].flags = 2, "line out: flags 0x2 are not known");
    REFUSED(p.links[0].name = "level", "link level has the name of a property");
    REFUSED(p.links[0].interface = "char",
            "link char: interface: an id such as \"bp.char/1\" is wanted");
    REFUSED(p.links[0].doc = "", "link char: doc is missing");
    REFUSED(p.services[1].ops = NULL, "service org.example.lamp/2: ops are missing");
    REFUSED(p.services[1].ops = empty_ops,
            "service org.example.lamp/2: struct_size of its ops is not set");
    REFUSED(p.services[0].ops = good_ops, "service bp.irqchip/1: struct_size 16: at least 32 is "
                                          "wanted: set it to the sizeof of its ops");
    REFUSED(p.services[0].ops = &deaf_chip,
            "service bp.irqchip/1: range, set and specifier are all needed");
    REFUSED(p.services[1].interface = "bp.x/0", "service 1: an id such as \"bp.char/1\" is wanted");
}

static void mistakes_in_properties_are_named(void **state)
{
    (void)state;
    REFUSED(p.properties[0].initial = "10", "property level: default \"10\": 0-9 are allowed");
    REFUSED(p.properties[0].flags = BP_PROPERTY_REQUIRED,
            "property level: a required one has no default");
    REFUSED(p.properties[0].doc = NULL, "property level: doc is missing");
    REFUSED(p.properties[0].type = 8, "property level: type 8 is not known");
    REFUSED(p.properties[0].name = "irq.out",
            "property 0: a name of up to 31 of a-z, 0-9, '-' and '_' is wanted");
    REFUSED(p.properties[0].name = "plugin", "property plugin: the name is the host's own");
    REFUSED(p.properties[0].offset = 16,
            "property level: offset 16: no member of 4 bytes in an instance of 16");
    REFUSED(p.properties[0].offset = 0xfffffffc,
            "property level: offset 4294967292: no member of 4 bytes in an instance of 16");
    REFUSED(p.properties[0].offset = 2,
            "property level: offset 2: no member of 4 bytes in an instance of 16");
    REFUSED(p.properties[0].min = 10, "property level: min is above max");
    REFUSED((p.properties[0].min = 1, p.properties[0].max = 0), "property level: min is above max");
    REFUSED(p.properties[0].offset = 4, "properties level and title share bytes of the instance");
    REFUSED(p.properties[0].type = BP_CHOICE, "property level: choices are missing");
    REFUSED(p.properties[1].name = "level", "property level is there twice");
}

static void mistakes_in_state_fields_are_named(void **state)
{
    (void)state;
    REFUSED(p.fields[1].name = "level", "field level is there twice");
    REFUSED(p.fields[0].type = 3, "field level: type 3 is none of 1, 2, 4, 8 bytes");
    REFUSED(p.fields[0].count = 0,
            "field level: 0 elements of 4 bytes at 8 do not lie in an instance of 16");
    REFUSED(p.fields[0].count = 0x40000001, "field level: 1073741825 elements of 4 bytes at 8 do "
                                            "not lie in an instance of 16");
    REFUSED(p.fields[0].max = UINT64_C(1) << 32, "field level: max does not fit its type");
    REFUSED(p.fields[0].offset = 4, "field level covers the pointer of property title");
    REFUSED(p.fields[1].offset = p.fields[0].offset,
            "fields level and count share bytes of the instance");
    REFUSED(p.fields[0].count = 2, "fields level and count share bytes of the instance");
    REFUSED(p.fields[0].flags = 2, "field level: flags 0x2 are not known");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_class_without_a_mistake_passes),
        cmocka_unit_test(the_smallest_class_passes),
        cmocka_unit_test(mistakes_in_the_identity_are_named),
        cmocka_unit_test(an_old_struct_size_is_refused),
        cmocka_unit_test(mistakes_in_regions_are_named),
        cmocka_unit_test(mistakes_in_lines_links_and_services_are_named),
        cmocka_unit_test(mistakes_in_properties_are_named),
        cmocka_unit_test(mistakes_in_state_fields_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
