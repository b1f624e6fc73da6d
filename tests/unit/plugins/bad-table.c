/* A plugin whose class table is wrong: a region of no size. */
#include <backplane/plugin.h>

static const struct bp_region regions[] = {{.name = "regs", .kind = BP_MMIO, .widths = BP_W32}};

static const struct bp_class bad_table = {
    .struct_size = sizeof(struct bp_class),
    .id = "bad-table",
    .version = "1.0",
    .summary = "a plugin for tests",
    .regions = BP_TABLE(regions),
};
BP_PLUGIN("bad-table", "1.0", &bad_table);
