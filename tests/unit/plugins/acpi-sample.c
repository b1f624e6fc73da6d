/* A plugin that says everything that can be said of a device in ACPI: for tests/tables. */
#include <backplane/if/acpi.h>
#include <backplane/plugin.h>

/* Method (TEST) { Return (RG0B + LN0N) } with both External, as iasl -oE makes it. */
static const unsigned char terms[] = {
    0x15, 'R', 'G', '0', 'B',  0x01, 0x00, 0x15, 'L', 'N', '0', 'N', 0x01, 0x00, 0x14, 0x11,
    'T',  'E', 'S', 'T', 0x00, 0xA4, 0x72, 'R',  'G', '0', 'B', 'L', 'N',  '0',  'N',  0x00};

enum { REGS, PORTS, MANY, FRAMES, CHILD_PORTS, CONFIG };
enum { OUT, CHILD_OUT };

struct sample {
    uint32_t buses;
};

static void sample_describe_acpi(const void *dev, const struct bp_acpi_writer *w)
{
    const struct sample *s = dev;

    w->name_integer(w, "BIGN", 0x123456789abcdef0);
    w->name_integer(w, "ALLF", UINT64_MAX);
    w->name_string(w, "_STR", "with \"quotes\" and \\ signs");
    w->compatible_id(w, "PNP0A06");
    w->prop_u64(w, "clock-frequency", 1843200);
    w->prop_u64(w, "zero", 0);
    w->prop_string(w, "label", "sample");
    w->aml(w, terms, sizeof(terms));
    w->child_begin(w, "KBD", "PNP0303");
    w->child_region(w, CHILD_PORTS, 0, 2);
    w->child_line(w, CHILD_OUT);
    w->prop_u64(w, "keys", 105);
    w->child_begin(w, "LED", "LAMP0001");
    w->child_end(w);
    w->child_begin(w, "PORT", NULL);
    w->name_integer(w, "_ADR", 1);
    w->child_end(w);
    w->child_end(w);
    if (s->buses)
        w->pci_config(w, CONFIG, 0, 0, s->buses - 1);
}

static const struct bp_region regions[] = {
    [REGS] = {.name = "regs", .size = 0x1000, .kind = BP_MMIO, .widths = BP_W32},
    [PORTS] =
        {.name = "ports", .size = 8, .kind = BP_PIO, .widths = BP_W8, .flags = BP_REGION_OPTIONAL},
    [MANY] = {.name = "many",
              .size = 0x200,
              .kind = BP_PIO,
              .widths = BP_W8,
              .flags = BP_REGION_OPTIONAL},
    [FRAMES] = {.name = "frames", .size = 0x10000, .kind = BP_RAM},
    [CHILD_PORTS] =
        {.name = "child", .size = 2, .kind = BP_PIO, .widths = BP_W8, .flags = BP_REGION_OPTIONAL},
    [CONFIG] = {.name = "config",
                .size = 0x1000000,
                .align = 0x1000000,
                .kind = BP_MMIO,
                .widths = BP_W32,
                .flags = BP_REGION_BELOW_4G},
};
static const struct bp_line lines[] = {{"out", BP_LEVEL_HIGH, 0}, {"child", BP_EDGE_RISING, 0}};
static const struct bp_property properties[] = {
    BP_PROP_U32(struct sample, buses, "buses", "0", 0, 16, "Buses of the MCFG row."),
};

static const struct bp_class sample = {
    .struct_size = sizeof(struct bp_class),
    .id = "acpi-sample",
    .version = "1.0",
    .summary = "a plugin for tests",
    .instance_size = sizeof(struct sample),
    .state_version = 1,
    .regions = BP_TABLE(regions),
    .lines = BP_TABLE(lines),
    .properties = BP_TABLE(properties),
    .dt_name = "sample",
    .dt_compatible = "example,sample-2\0example,sample\0",
    .describe_acpi = sample_describe_acpi,
};
BP_PLUGIN("acpi-sample", "1.0", &sample);
