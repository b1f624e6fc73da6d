/* A plugin with nothing wrong but its texts, which mean something to roff, JSON, INI and terminals.
 */
#include <backplane/plugin.h>

struct strange {
    const char *quoted;
    const char *path;
    uint64_t room;
    uint64_t wide;
    uint32_t on;
    uint32_t mode;
    uint32_t count;
};

static const struct bp_property properties[] = {
    {.name = "quoted",
     .doc =
         ".so /etc/passwd\n.TH \\fBtwo\\fR lines\n'br \"quoted\" \\n(xx \\ `a' ^ ~ \x1b[31mred\x07",
     .initial = "a ; b # c \"d\" $e \\f",
     .min = 2,
     .max = 40,
     .type = BP_STRING,
     .offset = offsetof(struct strange, quoted)},
    BP_PROP_PATH_REQUIRED(struct strange, path, "path", "\xc3\x89t\xc3\xa9 \xe2\x82\xac \xff end."),
    BP_PROP_SIZE(struct strange, room, "room", "64K", 4096, UINT64_C(1) << 40, "Room."),
    BP_PROP_U64(struct strange, wide, "wide", NULL, 5, UINT64_MAX, "A number without default."),
    BP_PROP_BOOL(struct strange, on, "on", NULL, "A switch without default."),
    BP_PROP_CHOICE(struct strange, mode, "mode", NULL, "first|second", "A choice without default."),
    BP_PROP_U32(struct strange, count, "count", "0x10", 0, 0, "A number without limits."),
};

static const struct bp_region regions[] = {
    {.name = "regs", .size = 0x10, .align = 0x10, .kind = BP_MMIO, .widths = BP_W32},
    {.name = "big", .size = 0x200000, .align = 0x200000, .kind = BP_RAM},
    {.name = "ports",
     .size = 8,
     .align = 8,
     .kind = BP_PIO,
     .widths = BP_W8,
     .flags = BP_REGION_OPTIONAL},
};

static const struct bp_line lines[] = {
    {.name = "first", .trigger = BP_LEVEL_HIGH},
    {.name = "second", .trigger = BP_EDGE_RISING, .flags = BP_LINE_OPTIONAL},
};

static const struct bp_class strange = {
    .struct_size = sizeof(struct bp_class),
    .id = "org.example.strange",
    .version = "1.0",
    .summary = ".TH \\fBstrange\\fR 'texts' \"here\" \xe2\x82\xac, which is all that it has",
    .instance_size = sizeof(struct strange),
    .regions = BP_TABLE(regions),
    .lines = BP_TABLE(lines),
    .properties = BP_TABLE(properties),
};
BP_PLUGIN("org.example.strange", "1.0", &strange);
